#include "actors/task/earnings.hpp"

#include <doctest/doctest.h>

#include <set>

#include "messages/codec.hpp"
#include "tests/actors/task/orders.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"

using namespace troupe;
using namespace troupe::task;
using namespace std::chrono_literals;

namespace {

class Earner final : public runtime::Actor {
 public:
  static constexpr const char* kName = "earner";
  static constexpr std::size_t kActs = 300;
  void receive(runtime::Handlers& on) override { earnings_.receive<Refresh, Hand>(on); }
  void start() override {
    for (std::size_t i = 0; i < kActs; ++i) {
      escrow::TaskEscrowId id{};
      id.bytes[0] = static_cast<std::uint8_t>(i), id.bytes[1] = static_cast<std::uint8_t>(i >> 8);
      earnings_.hand_in(id, 1, Answer{});
    }
  }

 private:
  struct Refresh {};
  struct Hand {};
  Earnings earnings_{*this, std::shared_ptr<const crypto::Identity>(&submitter(), [](const crypto::Identity*) {}),
                     "/list"};
};

}  // namespace

TEST_CASE("earnings: few acts ask the book at a time, in turns, until it has answered each") {
  test::ActorFixture f;
  using Reply = runtime::Reply<escrow::wire::TaskEscrowIs>;
  std::vector<Reply> open;
  std::set<std::string> asked;
  bool answers = false;
  f.start(std::string(escrow::kPath).substr(1), [&](test::Scripted&, runtime::Handlers& on) {
    on.ask<escrow::wire::TakeTaskAct, escrow::wire::TaskEscrowIs>(
        [&](escrow::wire::TakeTaskAct::Reader act, Reply reply) {
          asked.insert(std::string(base::as_text(bytes_of(act.getAct().getAct()))));
          if (answers) return reply.send([](auto) {});
          open.push_back(std::move(reply));
        });
  });
  f.node.start("earner", [] { return std::make_unique<Earner>(); });
  f.stage.run_for(5s);
  CHECK(open.size() == Earnings::kAskingMax);
  f.stage.run_for(60s);
  CHECK(asked.size() == Earner::kActs);  // also those behind some that get no answer
  answers = true;
  f.stage.run_for(30s);
  open.clear();
  asked.clear();
  f.stage.run_for(60s);
  CHECK(asked.empty());
}
