#include "actors/task/attempt_actor.hpp"

#include <doctest/doctest.h>

#include "messages/codec.hpp"
#include "tests/actors/task/orders.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"

using namespace troupe;
using namespace troupe::task;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kPieces = 512;

struct Given {
  sandbox::Limits limits{};
  base::Duration until_due = 100h;
  sim::Script script{sim::Leave{"out", base::Bytes(kPieces* kPieceBytes)}};
  bool inputs_come = true;
};
/// An attempt whose program leaves kPieces pieces, and a submitter that grants a window each `pause`: of another node,
/// unless it is `own`.
struct AttemptFixture : test::ActorFixture {
  enum class Of : std::uint8_t { own, stranger };
  explicit AttemptFixture(base::Duration pause, Of of, const Given& given = {}) {
    programs.add("/task/program", [script = given.script](const sim::Run&) { return script; });
    ports.processes().use(programs);
    settings.identity = std::shared_ptr<const crypto::Identity>(&submitter(), [](const crypto::Identity*) {});
    const auto task = test::script(
        [this](test::Scripted&, runtime::Handlers& on) {
          on.tell<wire::AttemptAnswered>([this](wire::AttemptAnswered::Reader) { ++answered; });
        },
        [this, of, given](test::Scripted& self) {
          self.spawn("inputs", test::script([this, given](test::Scripted&, runtime::Handlers& on) {
                       on.stream<wire::UseInput, wire::InputAt>(
                           [this, given](wire::UseInput::Reader, runtime::Sink<wire::InputAt> user) {
                             inputs.push_back(std::move(user));
                             if (given.inputs_come) come();
                           });
                     }));
          Order order = small_order();
          order.outputs = {"out"};
          order.limits = given.limits;
          const auto what = std::make_shared<const AttemptActor::What>(
              AttemptActor::What{.order = order,
                                 .submitter = of == Of::own ? settings.self() : base::NodeId{},
                                 .paid_by = escrow::TaskEscrowId{},
                                 .due = wallet::UnixMs(base::unix_milliseconds(wall() + given.until_due))});
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
                if (item.isEnded()) limit = item.getEnded().getLimit();
                began = began || item.isBegan();
                lacks = lacks || item.isLacksInput();
                if (item.isOutput()) bytes += item.getOutput().getBytes().size();
                if (item.isOutput() || item.isPrinted()) stream.pause();
              },
              [this](const base::Outcome<void>& how) { end = how; });
          self.after<Take>(pause);
        });
  }

  base::WallTime wall() { return ports.world().clock.wall(); }
  void come() {
    for (auto& one : inputs) one.push([](wire::InputAt::Builder out) { out.setPath("/program"); });
  }

  struct Take {};
  sim::Programs programs;
  TaskSettings settings;
  runtime::Handle attempt;
  std::vector<runtime::Sink<wire::InputAt>> inputs;
  runtime::Subscription stream;
  std::size_t bytes = 0, answered = 0;
  std::uint8_t limit = 0;
  bool began = false, lacks = false;
  std::optional<base::Outcome<void>> end;
};

using Of = AttemptFixture::Of;

}  // namespace

TEST_CASE("task attempt: this node gets all outputs, however long that takes; others get them on a slow line") {
  bool own = false;
  SUBCASE("this node") { own = true; }
  SUBCASE("another one") {}
  AttemptFixture it(own ? 30s : 2s, own ? Of::own : Of::stranger);
  it.stage.run_for(1h);
  REQUIRE(it.end);
  CHECK_MESSAGE(it.end->ok(), it.end->error().message);
  CHECK(it.bytes == kPieces * kPieceBytes);
  CHECK(it.answered == 1);
}

TEST_CASE("task attempt: an input that does not come is not the fault of the node") {
  base::Code code{}, told{};
  bool lacks = true;
  SUBCASE("no node has answered") { code = base::Code::timeout, told = base::Code::unavailable; }
  SUBCASE("each node lacks it") { code = told = base::Code::not_found; }
  SUBCASE("but a disk that is full is") { code = told = base::Code::no_space, lacks = false; }
  AttemptFixture it(1s, Of::stranger, {.inputs_come = false});
  it.stage.run_for(1s);
  REQUIRE(it.inputs.size() == 1);
  it.inside([&](test::Scripted&) { it.inputs[0].fail({code, "it did not come"}); });
  it.stage.run_for(2s);
  CHECK(it.lacks == lacks);
  REQUIRE(it.end);
  REQUIRE_FALSE(it.end->ok());
  CHECK(it.end->error().code == told);
}

TEST_CASE("task attempt: a submitter that takes a window each four minutes does not keep it, and owes for it") {
  AttemptFixture it(4min, Of::own);
  it.stage.run_for(20min);
  REQUIRE(it.end);
  REQUIRE_FALSE(it.end->ok());
  CHECK(it.end->error().code == base::Code::unavailable);
  CHECK(it.answered == 1);
}

TEST_CASE("task attempt: what a program of another node has left is not held for it by a trickle") {
  AttemptFixture it(60s, Of::stranger);
  it.stage.run_for(AttemptActor::kTakenWithin);
  CHECK_FALSE(it.end);
  it.stage.run_for(std::chrono::seconds(kPieces * kPieceBytes / AttemptActor::kHandedPerSecond) + 10s);
  REQUIRE(it.end);
  REQUIRE_FALSE(it.end->ok());
  CHECK(it.end->error().code == base::Code::unavailable);
  CHECK(it.bytes < kPieces * kPieceBytes);
  CHECK(it.answered == 1);
}

TEST_CASE("task attempt: a file with holes is longer than the memory in which it lies, and is not handed over") {
  sandbox::Limits limits;
  limits.memory_bytes = 1u << 20;
  limits.disk_bytes = sandbox::kBytesMax;
  AttemptFixture it(100ms, Of::stranger, {.limits = limits});
  it.stage.run_for(1min);
  REQUIRE(it.end);
  CHECK(it.end->ok());
  CHECK(it.bytes <= limits.memory_bytes);
  CHECK(it.limit == 1 + static_cast<std::uint8_t>(sandbox::Limit::disk));
}

TEST_CASE("task attempt: one that is paid is answered a minute before it is due, and goes on to who takes it slowly") {
  AttemptFixture it(30s, Of::own, {.limits = {.time = 1min}, .until_due = 3min});
  it.stage.run_for(1min + 55s);
  CHECK(it.answered == 0);
  it.stage.run_for(7s);
  CHECK(it.answered == 1);
  CHECK_FALSE(it.end);
  it.stage.run_for(1h);
  REQUIRE(it.end);
  CHECK_MESSAGE(it.end->ok(), it.end->error().message);
  CHECK(it.bytes == kPieces * kPieceBytes);
  CHECK(it.answered == 1);
}

TEST_CASE("task attempt: a program that has not ended a minute before its answer is due is ended, and answered") {
  const sim::Print much{.bytes = base::Bytes(std::size_t{32} << 20)};
  AttemptFixture it(1h, Of::own,
                    {.limits = {.time = 1min, .output_bytes = 1u << 30}, .until_due = 150s, .script = {much}});
  it.stage.run_for(85s);
  CHECK(it.ports.processes().running() == 1);  // its time is up, and what it has printed is not taken
  CHECK(it.answered == 0);
  it.stage.run_for(7s);
  CHECK(it.ports.processes().running() == 0);
  CHECK(it.answered == 1);
}

TEST_CASE("task attempt: one that is paid is not started so late that its answer could not be handed in") {
  AttemptFixture it(1s, Of::own,
                    {.limits = {.time = 1min}, .until_due = 3min, .script = {sim::Hang{}}, .inputs_come = false});
  it.stage.run_for(59s + 500ms);
  it.inside([&](test::Scripted&) { it.come(); });
  it.stage.run_for(100ms);
  CHECK(it.ports.processes().running() == 0);
  it.stage.run_for(2s);
  REQUIRE(it.end);
  REQUIRE_FALSE(it.end->ok());
  CHECK(it.end->error().code == base::Code::refused);
  CHECK(it.answered == 0);
}

TEST_CASE("task attempt: one that was started is owed for, also by a submitter that has not read that it began") {
  AttemptFixture it(1h, Of::own, {.script = {sim::Hang{}}, .inputs_come = false});
  it.stage.run_for(1s);
  it.inside([&](test::Scripted&) { it.stream.pause(); });
  it.stage.run_for(90s);  // more signs of life than it has given credit for
  it.inside([&](test::Scripted&) { it.come(); });
  it.stage.run_for(1s);
  CHECK(it.ports.processes().running() == 1);
  CHECK_FALSE(it.began);
  it.inside([&](test::Scripted&) { it.stream.cancel(); });
  it.stage.run_for(1s);
  CHECK(it.answered == 1);
}
