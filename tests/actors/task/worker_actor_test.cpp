#include "actors/task/worker_actor.hpp"

#include <doctest/doctest.h>

#include "actors/task/logic/spot.hpp"
#include "messages/codec.hpp"
#include "messages/files.capnp.h"
#include "tests/actors/task/orders.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"
#include "tests/runtime/actor/foreign_actor.hpp"

using namespace troupe;
using namespace troupe::task;
using namespace std::chrono_literals;

namespace {

/// `/task` of a node of many cores whose files never come, so that attempts stay once they have begun; unless `come`.
/// Each escrow is of `paid`, and has engaged this node for it.
struct WorkerFixture : test::ActorFixture {
  WorkerFixture() {
    settings.identity = std::shared_ptr<const crypto::Identity>(&submitter(), [](const crypto::Identity*) {});
    settings.work_bits = 0;
    settings.slots = sandbox::Cores{100'000};
    settings.memory_bytes = std::uint64_t{1} << 40;
    settings.inputs_bytes = 1u << 20;
    settings.require_verified = false;
    settings.each_node_alone = true;
    start("files", [this](test::Scripted&, runtime::Handlers& on) {
      on.stream<files::wire::GetFile, files::wire::GetItem>(
          [this](files::wire::GetFile::Reader, runtime::Sink<files::wire::GetItem> to) {
            if (refuse) return to.fail(*refuse);
            if (!come) return unanswered.push_back(std::move(to));
            to.push([](files::wire::GetItem::Builder out) { out.initStart().setFileBytes(0); });
            to.end();
          });
    });
    start("escrow", [this](test::Scripted&, runtime::Handlers& on) {
      on.ask<escrow::wire::GetTaskEscrow, escrow::wire::TaskEscrowIs>(
          [this](auto, runtime::Reply<escrow::wire::TaskEscrowIs> reply) {
            reply.send([this](escrow::wire::TaskEscrowIs::Builder out) {
              out.setAgreement(data_of(escrow::encode(agreement())));
              auto one = out.initProviders(1)[0];
              const wallet::Address own = wallet::address_of(submitter().public_key());
              one.setToken(1);
              one.setProvider(data_of(own.view()));
              one.setPayTo(data_of(own.view()));
              one.setDue(due);
              one.setState(std::string(escrow::name(escrow::ProviderState::engaged)));
            });
          });
      on.ask<escrow::wire::TakeTaskAct, escrow::wire::TaskEscrowIs>(
          [this](escrow::wire::TakeTaskAct::Reader take, runtime::Reply<escrow::wire::TaskEscrowIs> reply) {
            const auto act = escrow::decode_task_act(bytes_of(take.getAct().getAct()));
            REQUIRE(act);
            resigned += std::holds_alternative<escrow::Resign>(act->what);
            handed_in += std::holds_alternative<escrow::HandIn>(act->what);
            reply.send([](auto) {});
          });
    });
    node.start("node", test::script({}, [this](test::Scripted& self) {
                 worker = self.spawn("task", [this] { return std::make_unique<WorkerActor>(settings); });
               }));
    stage.run_for(2s);
  }

  void run(const Order& order) {
    inside([&](test::Scripted& self) {
      attempts.push_back(self.subscribe<wire::RunAttempt, wire::AttemptItem>(
          worker, 1h,
          [&](wire::RunAttempt::Builder out) {
            out.setOrder(data_of(sign(order, submitter().key())));
            out.setToken(1);
          },
          [](wire::AttemptItem::Reader) {},
          [](const base::Outcome<void>& end) { CHECK_MESSAGE(end.ok(), end.error().message); }));
    });
  }

  escrow::TaskAgreement agreement() const { return agreement_of({}, {}, {}, id_of(paid), paid); }
  /// An attempt of `paid` whose answer is due then, from now, and whose submitter grants one window; its end, once it
  /// has come, goes to `over`.
  void run_paid(base::Duration until_due) {
    due = base::unix_milliseconds(ports.world().clock.wall() + until_due);
    inside([&](test::Scripted& self) {
      attempts.push_back(self.subscribe<wire::RunAttempt, wire::AttemptItem>(
          worker, 24h,
          [&](wire::RunAttempt::Builder out) {
            out.setOrder(data_of(sign(paid, submitter().key())));
            out.setToken(1);
            out.setEscrow(data_of(escrow::id_of(agreement()).view()));
          },
          [](wire::AttemptItem::Reader) {}, [this](const base::Outcome<void>& how) { over = how; }));
      attempts.back().pause();
    });
    stage.run_for(1s);
  }

  sim::Programs programs;
  bool come = false;
  std::optional<base::Error> refuse;
  Order paid = small_order();
  std::uint64_t due = 0;
  std::size_t resigned = 0, handed_in = 0;
  std::optional<base::Outcome<void>> over;
  TaskSettings settings;
  runtime::Handle worker;
  std::vector<runtime::Subscription> attempts;
  std::vector<runtime::Sink<files::wire::GetItem>> unanswered;
};

/// Another node that submits, and gives up its last order in the end: an attempt ends before the worker.
struct Passerby {
  explicit Passerby(WorkerFixture& its_worker)
      : it(its_worker),
        stranger(other_node(1)),
        from(it, stranger.id(), messages::Role::peer, base::Endpoint::parse("198.51.100.7:4000")) {}
  ~Passerby() {
    give_up();
    it.stage.run_for(1s);
  }

  void ask(Order order, std::uint16_t number) {
    order.submitter = stranger.public_key();
    order.submitter_nonce = stranger.nonce();
    order.nonce.bytes[0] = static_cast<std::uint8_t>(number >> 8);
    order.nonce.bytes[1] = static_cast<std::uint8_t>(number);
    from.ask(it.worker, runtime::Envelope::build<wire::RunAttempt>({.signal = runtime::Signal::open},
                                                                   [&](wire::RunAttempt::Builder out) {
                                                                     out.setOrder(data_of(sign(order, stranger.key())));
                                                                     out.setToken(1);
                                                                   }));
  }
  void give_up() { from.follow(it.worker, runtime::Envelope::bare({.signal = runtime::Signal::cancel})); }

  WorkerFixture& it;
  crypto::Identity stranger;
  test::ForeignActor from;
};

}  // namespace

// Programs of a node that is not root passed 600,000 descriptors at one moment: no sandbox could be ordered any more.
TEST_CASE("task worker: programs of others are as many as cannot use up what may be passed between sockets") {
  CHECK(TaskSettings::pids_of_others({.pids = 32'768}) == 4'096);
  CHECK(TaskSettings::pids_of_others({.pids = 32'768, .passed = 20'000}) == 39);
  CHECK(TaskSettings::pids_of_others({.pids = 32'768, .passed = 1 << 30}) == 4'096);
}

TEST_CASE("task worker: those that leave many files cannot use up the node's descriptors: attempts wait for them") {
  WorkerFixture it;
  Order order = small_order();
  order.limits.cpu.thousandths = 10;
  for (std::size_t i = 0; i < 64; ++i) order.outputs.push_back("out" + std::to_string(10 + i));
  for (std::uint8_t i = 0; i < 20; ++i) {
    order.nonce.bytes[0] = i;
    it.run(order);
  }
  it.stage.run_for(2s);
  constexpr std::uint32_t kEach = 64 + 2;
  CHECK(it.settings.counters->running.load() == WorkerActor::kDescriptorsMax / kEach);
  it.attempts.pop_back();
  it.attempts.erase(it.attempts.begin());
  it.stage.run_for(2s);
  CHECK(it.settings.counters->running.load() == WorkerActor::kDescriptorsMax / kEach);
  it.attempts.clear();
  it.stage.run_for(2s);
  CHECK(it.settings.counters->running.load() == 0);
}

TEST_CASE("task worker: what an attempt said last waits for its reader, and not for long") {
  WorkerFixture it;
  std::optional<base::Outcome<void>> end;
  runtime::Subscription attempt;
  it.inside([&](test::Scripted& self) {
    attempt = self.subscribe<wire::RunAttempt, wire::AttemptItem>(
        it.worker, 24h,
        [&](wire::RunAttempt::Builder out) {
          out.setOrder(data_of(sign(small_order(), submitter().key())));
          out.setToken(1);
        },
        [](wire::AttemptItem::Reader) {}, [&](const base::Outcome<void>& how) { end = how; });
    attempt.pause();
  });
  it.stage.run_for(90s);  // more signs of life than its reader has given credit for
  for (auto& one : it.unanswered) one.fail({base::Code::not_found, "there is no such content"});
  bool late = false;
  SUBCASE("in time") { it.stage.run_for(60s); }
  SUBCASE("late") {
    late = true;
    it.stage.run_for(WorkerActor::kDrainMax + 60s);
  }
  it.inside([&](test::Scripted&) { attempt.resume(); });
  it.stage.run_for(5s);
  REQUIRE(end.has_value());
  REQUIRE_FALSE(end->ok());
  INFO(end->error().message);
  CHECK(end->error().message.ends_with("there is no such content") != late);
}

TEST_CASE("task worker: cores are free once a program has ended, while its submitter takes what that has left") {
  WorkerFixture it;
  it.come = true;
  it.programs.add("/task/program", [](const sim::Run& run) -> sim::Script {
    if (run.spec.outputs.empty()) return {sim::Hang{}};
    return {sim::Leave{"out", base::Bytes(std::size_t{32} << 20)}};
  });
  it.ports.processes().use(it.programs);
  Order order = small_order();
  order.limits.cpu.thousandths = 100'000;  // all of them
  order.outputs = {"out"};
  it.run(order);
  it.inside([&](test::Scripted&) { it.attempts.front().pause(); });
  order.outputs.clear();
  it.run(order);
  it.stage.run_for(5s);
  CHECK(it.settings.counters->running.load() == 2);
  it.attempts.clear();
  it.stage.run_for(5s);
  CHECK(it.settings.counters->running.load() == 0);
}

TEST_CASE("task worker: what other nodes say of a submitter keeps it from no proof of this node, and from tasks") {
  WorkerFixture it;
  const crypto::Identity stranger = other_node(1);
  test::ForeignActor from(it, stranger.id(), messages::Role::peer, base::Endpoint::parse("198.51.100.7:4000"));
  const auto ask = [&](Order order) {
    order.submitter = stranger.public_key();
    order.submitter_nonce = stranger.nonce();
    const auto before = it.settings.counters->attempts.load();
    from.ask(it.worker, runtime::Envelope::build<wire::RunAttempt>({.signal = runtime::Signal::open},
                                                                   [&](wire::RunAttempt::Builder out) {
                                                                     out.setOrder(data_of(sign(order, stranger.key())));
                                                                     out.setToken(1);
                                                                   }));
    it.stage.run_for(1s);
    const bool begins = it.settings.counters->attempts.load() > before;
    from.follow(it.worker, runtime::Envelope::bare({.signal = runtime::Signal::cancel}));
    it.stage.run_for(1s);
    return begins;
  };
  CHECK(ask(small_order()));
  it.inside([&](test::Scripted& self) {
    self.tell<wire::WarnedOf>(it.worker, [&](wire::WarnedOf::Builder out) {
      out.setSubmitter(data_of(stranger.id().view()));
      out.setCall("ptrace");
      out.setUnixMs(base::unix_milliseconds(it.ports.world().clock.wall()));
    });
  });
  Order other = small_order();
  other.nonce.bytes[0] = 2;
  CHECK_FALSE(ask(other));
  CHECK(ask(order_of(Spot{})));

  it.inside([&](test::Scripted& self) {
    self.tell<wire::AttemptMalicious>(it.worker, [&](wire::AttemptMalicious::Builder out) {
      out.setTask(data_of(TaskId{}.view()));
      out.setToken(1);
      out.setSubmitter(data_of(stranger.id().view()));
      out.setTripwire("ptrace");
    });
  });
  Spot later;
  later.seed.bytes[0] = 1;
  CHECK_FALSE(ask(order_of(later)));
}

TEST_CASE("task worker: a node that gives up what it has begun begins no more than a rate; own tasks begin at once") {
  WorkerFixture it;
  Passerby others(it);
  Order order = small_order();
  order.limits.cpu.thousandths = 10;
  constexpr std::uint16_t kMany = 400;
  const auto begun = [&] { return it.settings.counters->attempts.load(); };
  for (std::uint16_t i = 0; i < kMany; ++i) {
    others.ask(order, i);
    others.give_up();
  }
  CHECK(begun() >= WorkerActor::kStarts.burst / 2);
  CHECK(begun() <= WorkerActor::kStarts.burst);
  CHECK(it.settings.counters->running.load() == 0);

  const auto before = begun();
  others.ask(order, kMany);
  CHECK(begun() == before);
  it.run(small_order());
  it.stage.run_for(1ms);
  CHECK(begun() == before + 1);
  it.stage.run_for(3s);
  CHECK(begun() == before + 2);
}

// What a cancelled program still held counted no more, and it can make its end take 25 minutes: others began on top.
TEST_CASE("task worker: what a program that was given up still has counts until it has ended") {
  WorkerFixture it;
  it.come = true;
  it.programs.add("/task/program", [](const sim::Run&) -> sim::Script { return {sim::Linger{1min}, sim::Hang{}}; });
  it.ports.processes().use(it.programs);
  Order order = small_order();
  order.limits.memory_bytes = it.settings.memory_bytes / 2;
  {
    Passerby others(it);
    others.ask(order, 1);
    it.stage.run_for(5s);
    CHECK(it.settings.counters->running.load() == 1);
    others.give_up();
    others.ask(order, 2);
    it.stage.run_for(50s);
    CHECK(it.settings.counters->attempts.load() == 1);
    it.stage.run_for(15s);
    CHECK(it.settings.counters->attempts.load() == 2);
  }
  it.stage.run_for(2min);
}

// Each dip of the memory ended the newest programs, the worker began the next ones at once, and those ended next.
TEST_CASE("task worker: where the machine had no memory left tasks of others go elsewhere, and own ones begin") {
  WorkerFixture it;
  it.come = true;
  it.programs.add("/task/program", [](const sim::Run& run) -> sim::Script {
    if (run.spec.outputs.empty()) return {sim::Work{10s, 10s}, sim::Spare{}};
    return {sim::Hang{}};
  });
  it.ports.processes().use(it.programs);
  Passerby others(it);
  Order order = small_order();
  order.limits.cpu.thousandths = 100'000;  // all of them
  const auto& counters = *it.settings.counters;
  others.ask(order, 1);
  others.ask(order, 2);
  it.stage.run_for(9s);
  CHECK(counters.attempts.load() == 1);
  CHECK(counters.running.load() == 1);
  it.stage.run_for(5s);
  CHECK(counters.attempts.load() == 1);  // the other one is gone
  CHECK(counters.running.load() == 0);
  others.ask(order, 3);
  CHECK(counters.turned_away.load() == 1);
  Order own = small_order();
  own.outputs = {"out"};
  it.run(own);
  it.stage.run_for(5s);
  CHECK(counters.running.load() == 1);
  it.stage.run_for(AttemptActor::kShortFor);
  order.outputs = {"out"};
  others.ask(order, 4);
  it.stage.run_for(5s);
  CHECK(counters.running.load() == 2);
  it.attempts.clear();
}

// A stranger could have its inputs refused, and with that all tasks of others at a worker.
TEST_CASE("task worker: what is overloaded before a program runs says nothing of the machine: others go on waiting") {
  WorkerFixture it;
  it.refuse = base::Error{base::Code::overloaded, "too many inputs are in use", 10s};
  Passerby others(it);
  Order order = small_order();
  order.limits.cpu.thousandths = 100'000;
  others.ask(order, 1);
  it.refuse.reset();
  others.ask(order, 2);
  it.stage.run_for(5s);
  CHECK(it.settings.counters->attempts.load() == 2);
  CHECK(it.settings.counters->running.load() == 1);
  CHECK(it.settings.counters->turned_away.load() == 0);
}

TEST_CASE("task worker: one that is paid begins only where its escrow waits for its time and five minutes from then") {
  WorkerFixture it;
  SUBCASE("when it comes") {
    it.run_paid(it.paid.limits.time + Earnings::kDueMargin - 1ms);
    CHECK(it.settings.counters->attempts.load() == 0);
    CHECK(it.settings.counters->turned_away.load() == 1);
    REQUIRE(it.over);
    CHECK(it.over->error().message.starts_with("the escrow waits for less time"));
  }
  SUBCASE("when it has waited for cores") {
    Order all = small_order();
    all.nonce.bytes[0] = 1;
    all.limits.cpu.thousandths = 100'000;
    it.run(all);
    it.run_paid(it.paid.limits.time + Earnings::kDueMargin + 1min);
    CHECK_FALSE(it.over);
    it.stage.run_for(1min);
    CHECK(it.settings.counters->attempts.load() == 1);
    REQUIRE(it.over);
    CHECK(it.over->error().message.starts_with("it has waited so long"));
    it.stage.run_for(5s);
    CHECK(it.resigned == 1);
  }
  SUBCASE("in time") {
    it.run_paid(it.paid.limits.time + Earnings::kDueMargin + 1s);
    CHECK(it.settings.counters->attempts.load() == 1);
  }
}

TEST_CASE("task worker: one that is paid and was spared owes nothing") {
  WorkerFixture it;
  it.come = true;
  it.programs.add("/task/program", [](const sim::Run&) -> sim::Script { return {sim::Work{1s, 1s}, sim::Spare{}}; });
  it.ports.processes().use(it.programs);
  it.run_paid(it.paid.limits.time + Earnings::kDueMargin + 1min);
  it.stage.run_for(5s);
  CHECK(it.handed_in == 0);
  CHECK(it.resigned == 1);
  REQUIRE(it.over);
  CHECK_FALSE(it.over->ok());
}

TEST_CASE("task worker: one that is paid is handed in before it is due, while its submitter takes a window at a time") {
  WorkerFixture it;
  it.come = true;
  it.programs.add("/task/program", [](const sim::Run&) -> sim::Script {
    return {sim::Leave{"out", base::Bytes(std::size_t{64} << 20)}};
  });
  it.ports.processes().use(it.programs);
  it.paid.limits.time = 1min;
  it.paid.outputs = {"out"};
  it.run_paid(it.paid.limits.time + Earnings::kDueMargin + 1s);
  for (int minutes = 0; minutes < 5; ++minutes) {
    CHECK(it.handed_in == 0);
    it.stage.run_for(1min);
    it.inside([&](test::Scripted&) {
      it.attempts.back().resume();
      it.attempts.back().pause();
    });
  }
  it.stage.run_for(5s);
  CHECK(it.handed_in == 1);
  CHECK(it.settings.counters->running.load() == 1);  // the rest goes on to its submitter
  CHECK_FALSE(it.over);
}
