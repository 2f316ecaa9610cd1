#include "actors/task/attempt_actor.hpp"

#include <doctest/doctest.h>

#include "messages/words.hpp"
#include "tests/actors/task/orders.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"

using namespace troupe;
using namespace troupe::task;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kPieces = 512;

/// An attempt whose program leaves kPieces pieces, and a submitter that grants a window each `pause`.
struct AttemptFixture : test::ActorFixture {
  explicit AttemptFixture(base::Duration pause) {
    programs.add("/task/program", [](const sim::Run&) -> sim::Script {
      return {sim::Leave{"out", base::Bytes(kPieces * kPieceBytes)}};
    });
    ports.processes().use(programs);
    settings.identity = std::shared_ptr<const crypto::Identity>(&submitter(), [](const crypto::Identity*) {});
    const auto task = test::script(
        [this](test::Scripted&, runtime::Handlers& on) {
          on.tell<wire::AttemptAnswered>([this](wire::AttemptAnswered::Reader) { ++answered; });
        },
        [this](test::Scripted& self) {
          self.spawn("inputs", test::script([this](test::Scripted&, runtime::Handlers& on) {
                       on.stream<wire::UseInput, wire::InputAt>(
                           [this](wire::UseInput::Reader, runtime::Sink<wire::InputAt> user) {
                             user.push([](wire::InputAt::Builder out) { out.setPath("/program"); });
                             inputs.push_back(std::move(user));
                           });
                     }));
          Order order = small_order();
          order.outputs = {"out"};
          const auto what = std::make_shared<const AttemptActor::What>(
              AttemptActor::What{.order = order, .paid_by = escrow::TaskEscrowId{}});
          attempt = self.spawn("attempt", [this, what] { return std::make_unique<AttemptActor>(settings, what); });
        });
    start("node", {}, [task](test::Scripted& self) { self.spawn("task", task); });
    stage.run_for(1s);
    start(
        "submitter",
        [this, pause](test::Scripted& self, runtime::Handlers& on) {
          on.timer<Take>([this, &self, pause] {
            stream.resume();
            self.after<Take>(pause);
          });
        },
        [this, pause](test::Scripted& self) {
          stream = self.subscribe<wire::StartAttempt, wire::AttemptItem>(
              attempt, base::Duration::max(), [](wire::StartAttempt::Builder) {},
              [this](wire::AttemptItem::Reader item) {
                if (!item.isOutput()) return;
                bytes += item.getOutput().getBytes().size();
                stream.pause();
              },
              [this](const base::Outcome<void>& how) { end = how; });
          self.after<Take>(pause);
        });
  }

  struct Take {};
  sim::Programs programs;
  TaskSettings settings;
  runtime::Handle attempt;
  std::vector<runtime::Sink<wire::InputAt>> inputs;
  runtime::Subscription stream;
  std::size_t bytes = 0, answered = 0;
  std::optional<base::Outcome<void>> end;
};

}  // namespace

TEST_CASE("task attempt: a submitter on a slow line gets all outputs, however long that takes") {
  AttemptFixture it(30s);
  it.stage.run_for(1h);
  REQUIRE(it.end);
  CHECK_MESSAGE(it.end->ok(), it.end->error().message);
  CHECK(it.bytes == kPieces * kPieceBytes);
  CHECK(it.answered == 1);
}

TEST_CASE("task attempt: a submitter that takes a window each four minutes does not keep it, and owes for it") {
  AttemptFixture it(4min);
  it.stage.run_for(20min);
  REQUIRE(it.end);
  REQUIRE_FALSE(it.end->ok());
  CHECK(it.end->error().code == base::Code::unavailable);
  CHECK(it.answered == 1);
}
