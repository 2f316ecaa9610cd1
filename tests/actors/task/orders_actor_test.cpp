#include "actors/task/orders_actor.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <functional>

#include "actors/escrow/codec.hpp"
#include "actors/task/attempt_actor.hpp"
#include "actors/task/settlement.hpp"
#include "messages/codec.hpp"
#include "messages/reputation.capnp.h"
#include "messages/runtime.capnp.h"
#include "runtime/store/store_actor.hpp"
#include "tests/actors/registry/nodes.hpp"
#include "tests/actors/task/orders.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"

using namespace troupe;
using namespace troupe::task;
using namespace std::chrono_literals;
using registry::TestNode;

namespace {

/// `/orders` of a node that takes no tasks itself and knows two workers or more, each of another owner, which say what
/// a test wants.
struct OrdersFixture : test::ActorFixture {
  OrdersFixture() {
    settings.identity = std::make_shared<const crypto::Identity>(crypto::Identity::make(ports.world().chance, 0));
    settings.slots = sandbox::Cores{0};
    settings.require_verified = false;
    settings.kept_bytes = 4u << 20;
    settings.each_node_alone = true;
    settings.registry = "/list";
    start("list", [this](test::Scripted&, runtime::Handlers& on) {
      on.stream<registry::wire::ListNodes, registry::wire::NodeRows>(
          [this](registry::wire::ListNodes::Reader, runtime::Sink<registry::wire::NodeRows> to) {
            to.push([this](registry::wire::NodeRows::Builder out) {
              auto rows = out.initRows(known + size32(others));
              for (unsigned i = 0; i < known; ++i) {
                registry::Registration told = workers[i].registration();
                if (!settings.each_node_alone)
                  told.at = *base::Endpoint::parse("10.0." + std::to_string(sites[i]) + ".1:1");
                told.capabilities = {{"arch", "x86_64"},
                                     {"cpu", cores},
                                     {"disk", std::uint64_t{8} << 30},
                                     {"memory", std::uint64_t{8} << 30},
                                     {"tasks", "any"}};
                if (price) {
                  told.price = *price;
                  registry::put(told.capabilities, {std::string(kBookCapability), name_of(wallet::BookId{})});
                }
                rows[i].setRegistration(data_of(*sign(told, workers[i].identity->key())));
                rows[i].setHeartbeat(data_of(workers[i].signed_beat(registry::kBeginMs, loads[i])));
                rows[i].setStatus(registry::wire::Status::HEALTHY);
                rows[i].setVerifiedUntilMs(UINT64_MAX);
              }
              for (unsigned i = 0; i < others.size(); ++i) {
                rows[known + i].setRegistration(data_of(others[i].registration));
                rows[known + i].setHeartbeat(data_of(others[i].beat));
                rows[known + i].setStatus(registry::wire::Status::HEALTHY);
                rows[known + i].setVerifiedUntilMs(others_verified ? UINT64_MAX : 0);
              }
            });
            to.end();
          });
    });
    start("reputation", [this](test::Scripted&, runtime::Handlers& on) {
      on.ask<reputation::wire::ListScores, reputation::wire::Scores>(
          [](auto, runtime::Reply<reputation::wire::Scores> reply) { reply.send([](auto) {}); });
      on.ask<reputation::wire::Observe, reputation::wire::Reported>(
          [this](reputation::wire::Observe::Reader told, auto reply) {
            observed.push_back(text_of(told.getEvent()));
            reply.done();
          });
    });
    for (std::size_t i = 0; i < workers.size(); ++i)
      there[i] = start("there" + std::to_string(i), [this, i](test::Scripted&, runtime::Handlers& on) {
        on.stream<wire::RunAttempt, wire::AttemptItem>(
            [this, i](wire::RunAttempt::Reader, runtime::Sink<wire::AttemptItem> to) {
              Asked& one = asked.emplace_back(i, std::move(to));
              one.to.on_cancel([&one] { one.cancelled = true; });
            });
      });
    node.remotes_at = [this](const base::Contact& contact, const std::string&) {
      const auto at =
          std::ranges::find_if(workers, [&](const TestNode& one) { return one.identity->public_key() == contact.key; });
      return there[static_cast<std::size_t>(at - workers.begin())];
    };
    node.start("store", [] { return std::make_unique<store::StoreActor>("store"); });
    begin();
  }
  void begin() {
    orders = node.start("orders", [this] { return std::make_unique<OrdersActor>(settings); });
    stage.run_for(2s);
  }
  /// Nodes of which each lacks memory.
  void list_others(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      crypto::Seed seed;
      seed.bytes[2] = static_cast<std::uint8_t>(i), seed.bytes[3] = static_cast<std::uint8_t>(1 + (i >> 8));
      TestNode one(0);
      one.identity = crypto::Identity::from(crypto::SecretKey(seed), 0, 0);
      registry::Registration told = one.registration();
      told.capabilities = {{"cpu", std::uint64_t{2}}, {"tasks", "any"}};
      others.push_back({*sign(told, one.identity->key()), one.signed_beat()});
    }
  }
  void submit_more(std::size_t count) {
    inside([&](test::Scripted& self) {
      for (std::size_t i = 0; i < count; ++i)
        self.ask<wire::SubmitTask, wire::TaskSubmitted>(
            orders, self.now() + 5s, [&](wire::SubmitTask::Builder to) { to.setOrder(data_of(encode(small_order()))); },
            [](runtime::Answer<wire::TaskSubmitted> answer) { REQUIRE(answer.ok()); });
    });
  }
  /// Of one that waits.
  std::string reason() {
    std::string out;
    inside([&](test::Scripted& self) {
      self.ask<wire::ListTasks, wire::TaskRows>(
          orders, self.now() + 5s, [](auto) {},
          [&](runtime::Answer<wire::TaskRows> answer) {
            REQUIRE(answer.ok());
            for (const auto row : answer.value().getRows())
              if (row.getReason().size() > 0) out = text_of(row.getReason());
          });
    });
    stage.run_for(1s);
    return out;
  }

  State state() {
    std::optional<State> out;
    inside([&](test::Scripted& self) {
      self.ask<wire::ListTasks, wire::TaskRows>(
          orders, self.now() + 5s, [](auto) {},
          [&](runtime::Answer<wire::TaskRows> answer) {
            REQUIRE(answer.ok());
            REQUIRE(answer.value().getRows().size() == 1);
            out = static_cast<State>(answer.value().getRows()[0].getState());
          });
    });
    stage.run_for(1s);
    return out.value();
  }
  TaskId submit(std::vector<std::string> outputs = {}) {
    Order order = small_order();
    order.limits.output_bytes = 1u << 20;
    order.outputs = std::move(outputs);
    TaskId out;
    inside([&](test::Scripted& self) {
      self.ask<wire::SubmitTask, wire::TaskSubmitted>(
          orders, self.now() + 5s, [&](wire::SubmitTask::Builder to) { to.setOrder(data_of(encode(order))); },
          [&](runtime::Answer<wire::TaskSubmitted> answer) {
            REQUIRE_MESSAGE(answer.ok(), answer.error().message);
            out = *TaskId::from(bytes_of(answer.value().getId()));
          });
    });
    stage.run_for(1s);
    return out;
  }
  /// A wallet that pays, and an escrow that engages those that it `takes`.
  void keep_book(const std::function<bool(const wallet::Address&)>& takes) {
    const auto own = [](test::Scripted&, runtime::Handlers& on) {
      on.ask<wallet::wire::Spend, wallet::wire::Spending>(
          [](wallet::wire::Spend::Reader spend, runtime::Reply<wallet::wire::Spending> reply) {
            wallet::Transfer transfer;
            transfer.number.value = 1;
            transfer.credits.push_back(
                {*wallet::Address::from(bytes_of(spend.getTo())), wallet::Amount::of(spend.getAmount())});
            const base::Bytes bytes = wallet::encode(transfer);
            reply.send([&](wallet::wire::Spending::Builder out) { out.initTransfer().setTransfer(data_of(bytes)); });
          });
      on.tell<wallet::wire::Spent>([](auto) {});
    };
    start("node", {}, [own](test::Scripted& self) {
      self.spawn("wallet", test::script({}, [own](test::Scripted& wallet) { wallet.spawn("own", test::script(own)); }));
    });
    start("escrow", [takes](test::Scripted&, runtime::Handlers& on) {
      on.ask<escrow::wire::GetTerms, escrow::wire::TermsAre>([](auto, runtime::Reply<escrow::wire::TermsAre> reply) {
        reply.send([](escrow::wire::TermsAre::Builder out) {
          out.setBook(data_of(wallet::BookId{}.view()));
          out.setFund(data_of(wallet::Address{}.view()));
        });
      });
      on.ask<escrow::wire::TakeTaskAct, escrow::wire::TaskEscrowIs>(
          [takes](escrow::wire::TakeTaskAct::Reader take, runtime::Reply<escrow::wire::TaskEscrowIs> reply) {
            const auto act = escrow::decode_task_act(bytes_of(take.getAct().getAct()));
            const auto* const engage = act ? std::get_if<escrow::Engage>(&act->what) : nullptr;
            if (engage != nullptr && !takes(engage->provider))
              return reply.refuse({base::Code::refused, "no payment reaches that account"});
            reply.send([](escrow::wire::TaskEscrowIs::Builder) {});
          });
    });
  }
  void submit_paid() {
    Order order = small_order();
    order.price_max = 1'000;
    order.payment = Payment::escrow;
    inside([&](test::Scripted& self) {
      self.ask<wire::SubmitTask, wire::TaskSubmitted>(
          orders, self.now() + 5s, [&](wire::SubmitTask::Builder to) { to.setOrder(data_of(encode(order))); },
          [](runtime::Answer<wire::TaskSubmitted> answer) { REQUIRE_MESSAGE(answer.ok(), answer.error().message); });
    });
  }
  /// Four nodes want a price, and each is `engaged` that is to be.
  void submit_where_all_are_paid(std::size_t& engaged) {
    kill(orders);
    price = 1;
    known = 4;
    keep_book([&](const wallet::Address&) { return ++engaged > 0; });
    begin();
    submit_paid();
    stage.run_for(1s);
  }
  /// Each second for that long.
  void let_wait(std::size_t attempt, int seconds) {
    for (int i = 0; i < seconds && !asked[attempt].cancelled; ++i) {
      asked[attempt].to.push([](wire::AttemptItem::Builder out) { out.setWaits(); });
      stage.run_for(1s);
    }
  }
  /// For how long an attempt may go on once it has begun.
  static base::Duration most() {
    const Order order = small_order();
    const base::Duration handed = AttemptActor::handed_within(AttemptActor::left_bytes_max(order));
    return order.limits.time + handed + OrdersActor::kEndsMargin;
  }
  /// As it says each second, for that long.
  void use(std::size_t attempt, base::Duration length) {
    for (base::Duration used = 0s; used < length && !asked[attempt].cancelled; used += 1s) {
      asked[attempt].to.push([](wire::AttemptItem::Builder out) { out.initUses(); });
      stage.run_for(1s);
    }
  }
  void refuse(std::size_t attempt, base::Code code = base::Code::overloaded) {
    asked[attempt].to.fail({code, "it is busy", {}});
    stage.run_for(1s);
  }
  void print(std::size_t attempt, const std::string& bytes) {
    asked[attempt].to.push([&](wire::AttemptItem::Builder out) {
      auto printed = out.initPrinted();
      printed.setStream(wire::TaskStream::STANDARD);
      printed.setBytes(data_of(base::as_bytes(bytes)));
    });
  }
  /// Some 960 KB.
  void flood(std::size_t attempt) {
    for (int i = 0; i < 16 && !asked[attempt].cancelled; ++i) {
      print(attempt, std::string(60'000, 'z'));
      stage.run_for(20ms);
    }
  }
  void hand(std::size_t attempt, std::uint16_t output, const std::string& bytes) {
    asked[attempt].to.push([&](wire::AttemptItem::Builder out) {
      auto piece = out.initOutput();
      piece.setIndex(output);
      piece.setBytes(data_of(base::as_bytes(bytes)));
    });
    stage.run_for(1s);
  }
  void end(std::size_t attempt) {
    asked[attempt].to.push([](wire::AttemptItem::Builder out) { out.initEnded().getHow().setExited(0); });
    asked[attempt].to.end();
    stage.run_for(1s);
  }
  struct Text {
    std::string bytes;
    std::size_t pieces = 0;
  };
  Text read(const TaskId& id) {
    Text out;
    runtime::Subscription held;
    inside([&](test::Scripted& self) {
      held = self.subscribe<wire::ReadTask, wire::TaskText>(
          orders, 10s, [&](wire::ReadTask::Builder to) { to.setId(data_of(id.view())); },
          [&](wire::TaskText::Reader text) {
            out.bytes += base::as_text(bytes_of(text.getBytes()));
            ++out.pieces;
          },
          [](const base::Outcome<void>& end) { CHECK(end.ok()); });
    });
    stage.run_for(2s);
    return out;
  }

  struct Asked {
    std::size_t worker;
    runtime::Sink<wire::AttemptItem> to;
    bool cancelled = false;
    Asked(std::size_t which, runtime::Sink<wire::AttemptItem> sink) : worker(which), to(std::move(sink)) {}
  };
  TaskSettings settings;
  std::array<TestNode, 4> workers{TestNode(1), TestNode(2), TestNode(3), TestNode(4)};
  unsigned known = 2;                             // of them
  std::array<std::uint8_t, 4> sites{1, 2, 3, 4};  // unless nodes are simulated
  std::array<std::uint32_t, 4> loads{100, 100, 100, 100};
  std::array<runtime::Handle, 4> there;
  struct Other {
    base::Bytes registration, beat;
  };
  std::vector<Other> others;
  bool others_verified = false;
  std::uint64_t cores = 2;
  std::optional<std::uint64_t> price;
  std::deque<Asked> asked;
  std::vector<std::string> observed;  // of them
  runtime::Handle orders;
};

}  // namespace

TEST_CASE("orders: a task that waits at a node goes to another one that is free, and back only after twice that time") {
  OrdersFixture f;
  f.submit();
  REQUIRE(f.asked.size() == 1);
  f.let_wait(0, 25);
  CHECK(f.asked.size() == 1);
  f.let_wait(0, 10);
  REQUIRE(f.asked.size() == 2);
  CHECK(f.asked[0].cancelled);
  CHECK(f.asked[1].worker != f.asked[0].worker);
  f.let_wait(1, 55);
  CHECK(f.asked.size() == 2);
  f.let_wait(1, 10);
  REQUIRE(f.asked.size() == 3);
  CHECK(f.asked[2].worker == f.asked[0].worker);
}

// Three ids took turns for as long as they liked: the first was free again before the last had refused.
TEST_CASE("orders: many ids of one site that do not take a task hold it no longer than one of them") {
  OrdersFixture f;
  f.kill(f.orders);
  f.settings.each_node_alone = false;
  f.known = 4;
  f.sites = {1, 1, 1, 2};
  f.loads = {0, 0, 0, 1'000};
  f.begin();
  f.submit();
  REQUIRE(f.asked.size() == 1);
  CHECK(f.asked[0].worker != 3);
  f.stage.run_for(8s);
  f.refuse(0);
  REQUIRE(f.asked.size() == 2);
  CHECK(f.asked[1].worker == 3);

  SUBCASE("a node of another site that is busy has its turn again, before the last of them") {
    f.refuse(1);
    for (std::size_t i : {2, 3}) {
      REQUIRE(f.asked.size() == i + 1);
      CHECK(f.asked[i].worker != 3);
      f.stage.run_for(8s);
      f.refuse(i);
    }
    REQUIRE(f.asked.size() == 5);
    CHECK(f.asked[4].worker == 3);
  }
}

TEST_CASE("orders: each refusal in a row leaves a node alone for twice the time, until it has taken a task") {
  OrdersFixture f;
  f.kill(f.orders);
  f.known = 1;
  f.begin();
  f.submit();
  f.refuse(0);
  f.stage.run_for(11s);
  REQUIRE(f.asked.size() == 2);
  f.refuse(1);
  f.stage.run_for(17s);
  CHECK(f.asked.size() == 2);
  f.stage.run_for(4s);
  REQUIRE(f.asked.size() == 3);
  f.asked[2].to.push([](wire::AttemptItem::Builder out) { out.setBegan(); });
  f.end(2);
  f.stage.run_for(40s);
  f.submit();
  REQUIRE(f.asked.size() == 4);
  f.refuse(3);
  f.stage.run_for(11s);
  CHECK(f.asked.size() == 5);
}

TEST_CASE("orders: a task whose input no node has leaves its node to other tasks, and is tried less and less") {
  OrdersFixture f;
  f.kill(f.orders);
  f.known = 1;
  f.begin();
  const auto lack = [&](std::size_t attempt) {
    f.asked[attempt].to.push([](wire::AttemptItem::Builder out) { out.setLacksInput(); });
    f.refuse(attempt, base::Code::unavailable);
  };
  f.submit();
  for (std::size_t tries = 0; tries < 3; ++tries) {
    REQUIRE(f.asked.size() == tries + 1);
    lack(tries);
    if (tries < 2) f.stage.run_for(1s * (1 << tries));
  }
  CHECK(f.reason().find("a node did not take it: it is busy") != std::string::npos);

  f.submit();
  REQUIRE(f.asked.size() == 4);  // at once
  f.asked[3].to.push([](wire::AttemptItem::Builder out) { out.setBegan(); });
  f.end(3);
  f.stage.run_for(2s);
  CHECK(f.asked.size() == 5);  // the first task again
}

// A worker whose room for inputs was used up by others let a task wait until then: three of them ended it.
TEST_CASE("orders: a node that lets a task wait, and does not take it then, has made no attempt") {
  OrdersFixture f;
  const auto waits_and = [&](std::size_t attempt, base::Code code) {
    f.let_wait(attempt, 3);
    f.refuse(attempt, code);
  };
  SUBCASE("the next one has it, and that one is left alone") {
    f.submit();
    REQUIRE(f.asked.size() == 1);
    waits_and(0, base::Code::no_space);
    REQUIRE(f.asked.size() == 2);
    CHECK(f.asked[1].worker != f.asked[0].worker);
    waits_and(1, base::Code::overloaded);
    CHECK(f.asked.size() == 2);
    CHECK(f.state() == State::queued);
  }
  SUBCASE("a task that none takes ends all the same, by its time to begin") {
    f.submit();
    std::size_t heard = 0;
    for (const auto end = f.stage.now() + 61min; f.stage.now() < end; f.stage.run_for(1s))
      if (heard < f.asked.size()) waits_and(heard++, base::Code::no_space);
    CHECK(heard > small_order().retries + 1u);
    CHECK(heard < 50);
    CHECK(f.state() == State::expired);
  }
  SUBCASE("of nodes that are paid no more are engaged") {
    std::size_t engaged = 0;
    f.submit_where_all_are_paid(engaged);
    waits_and(0, base::Code::no_space);
    REQUIRE(f.asked.size() == 2);
    waits_and(1, base::Code::no_space);
    f.stage.run_for(8s);
    CHECK(engaged == 2);
    CHECK(f.asked.size() == 2);
    f.stage.run_for(3s);
    CHECK(engaged == 3);
  }
  SUBCASE("what is the fault of the order is an attempt") {
    f.submit();
    for (std::size_t i = 0; i < small_order().retries + 1u; ++i) {
      REQUIRE(f.asked.size() == i + 1);
      waits_and(i, i % 2 == 0 ? base::Code::malformed : base::Code::not_found);
      f.stage.run_for(5s);
    }
    CHECK(f.state() == State::failed);
  }
}

// Each row that was saved put the tick off: who ended an attempt every half a second kept all else from going on.
TEST_CASE("orders: what happens again and again keeps no task that waits where it is") {
  OrdersFixture f;
  f.kill(f.orders);
  f.cores = 64;
  f.known = 4;
  f.begin();
  f.submit();
  REQUIRE(f.asked.size() == 1);
  for (int i = 0; i < 90 && !f.asked[0].cancelled; ++i) {
    f.asked[0].to.push([](wire::AttemptItem::Builder out) { out.setWaits(); });
    f.submit_more(1);
    f.stage.run_for(400ms);
  }
  CHECK(f.asked[0].cancelled);
}

TEST_CASE("orders: a task that runs stays where it is") {
  OrdersFixture f;
  f.submit();
  f.asked[0].to.push([](wire::AttemptItem::Builder out) { out.setBegan(); });
  f.let_wait(0, 100);
  CHECK(f.asked.size() == 1);
  CHECK_FALSE(f.asked[0].cancelled);
}

// It held a task for twice its time and two hours more.
TEST_CASE("orders: an attempt that does not come to an end, whatever its node says, is lost once it is late") {
  OrdersFixture f;
  CHECK(f.most() < small_order().limits.time + 30min);
  f.submit();
  REQUIRE(f.asked.size() == 1);
  f.let_wait(0, 20);  // which does not count
  f.asked[0].to.push([](wire::AttemptItem::Builder out) { out.setBegan(); });
  f.use(0, f.most() - 5s);
  CHECK_FALSE(f.asked[0].cancelled);
  CHECK(f.observed.empty());
  f.use(0, 10s);
  CHECK(f.asked[0].cancelled);
  CHECK(f.observed == std::vector<std::string>{"task_timeout"});
  f.stage.run_for(2s);
  REQUIRE(f.asked.size() == 2);
  CHECK(f.asked[1].worker != f.asked[0].worker);

  // Its node is left alone for a while.
  f.submit();
  REQUIRE(f.asked.size() == 3);
  CHECK(f.asked[2].worker == f.asked[1].worker);
}

TEST_CASE("orders: what runs where the machine has no memory left goes elsewhere, and its node has not failed") {
  OrdersFixture f;
  f.submit();
  REQUIRE(f.asked.size() == 1);
  f.asked[0].to.push([](wire::AttemptItem::Builder out) { out.setBegan(); });
  f.stage.run_for(1s);
  f.refuse(0, base::Code::overloaded);
  f.stage.run_for(3s);
  REQUIRE(f.asked.size() == 2);
  CHECK(f.asked[1].worker != f.asked[0].worker);
  CHECK(f.observed.empty());
}

TEST_CASE("orders: an attempt is not late for the time in which this node itself takes nothing of it") {
  OrdersFixture f;
  f.kill(f.orders);
  f.settings.lease = 5min;
  f.begin();
  f.submit();
  REQUIRE(f.asked.size() == 1);
  f.asked[0].to.push([](wire::AttemptItem::Builder out) { out.setBegan(); });
  f.use(0, f.most() - 20s);
  f.inside([&](test::Scripted& self) {
    self.tell<runtime::wire::Hold>(self.node().find("/store"), [](auto out) { out.setMilliseconds(40'000); });
  });
  for (int i = 0; i < 64; ++i, f.stage.run_for(1ms)) f.print(0, "x");
  f.stage.run_for(41s);
  CHECK_FALSE(f.asked[0].cancelled);
  f.use(0, 15s);
  CHECK_FALSE(f.asked[0].cancelled);
  f.use(0, 10s);
  CHECK(f.asked[0].cancelled);
}

TEST_CASE("orders: what is printed in small pieces takes few rows, and all of it is there in order") {
  OrdersFixture f;
  const TaskId id = f.submit();
  std::string all;
  for (int i = 0; i < 4'000; ++i) {
    const std::string piece(1, static_cast<char>('a' + i % 26));
    f.print(0, piece);
    all += piece;
    if (i % 16 == 0) f.stage.run_for(5ms);
  }
  f.print(0, std::string(60'000, 'z'));
  all.append(60'000, 'z');
  f.end(0);
  const auto text = f.read(id);
  CHECK(text.bytes == all);
  CHECK(text.pieces <= OrdersActor::kSmallTexts + 100);
  CHECK(text.pieces > 100);
}

TEST_CASE("orders: a node that hands an output in many short pieces is given up, because each piece takes a row") {
  OrdersFixture f;
  f.submit({"first", "second"});
  const std::string full(kPieceBytes, 'x');
  f.hand(0, 0, full);
  f.hand(0, 0, full);
  f.hand(0, 0, "end");
  f.hand(0, 1, "all of the second");
  CHECK_FALSE(f.asked[0].cancelled);
  f.hand(0, 1, "and more of it");
  CHECK(f.asked[0].cancelled);
}

TEST_CASE("orders: what many nodes cost that fit no task is bounded between two ticks, and the next goes on") {
  OrdersFixture f;
  f.kill(f.orders);
  f.cores = 64;
  f.list_others(1'000);
  SUBCASE("verified ones are looked at for each task: some are placed at each tick, and in the end all") {
    f.others_verified = true;
    f.begin();
    constexpr std::size_t kEach = OrdersActor::kLooksMax / 1'000, kAll = 250;  // 260 is what two nodes get ahead
    f.submit();
    f.stage.run_for(1s);
    f.submit_more(kAll);
    f.stage.run_for(OrdersActor::kTickPeriod / 2);
    CHECK(f.asked.size() > 10);
    CHECK(f.asked.size() <= 1 + 2 * kEach);
    f.stage.run_for(12 * OrdersActor::kTickPeriod);
    CHECK(f.asked.size() == 1 + kAll);
  }
  SUBCASE("ones that are not verified are not looked at for each, and are told of") {
    f.settings.require_verified = true;
    f.begin();
    f.submit_more(300);
    f.stage.run_for(5s);
    CHECK(f.asked.size() == 260);
    CHECK(f.reason() == "1 take no tasks, 1000 are not verified");
  }
}

// Of a node that names an account which no payment reaches: it was chosen again and again until the task expired.
TEST_CASE("orders: a node that cannot be paid keeps a task from no other") {
  OrdersFixture f;
  f.price = 1;
  std::vector<wallet::Address> refused;
  f.keep_book([&](const wallet::Address& provider) {
    const bool refuses = refused.empty() || refused.front() == provider;
    if (refuses) refused.push_back(provider);
    return !refuses;
  });
  f.submit_paid();
  f.stage.run_for(15s);
  CHECK(refused.size() == 1);
  CHECK(f.asked.size() == 1);
}

TEST_CASE("orders: nodes that are engaged and do not take a task do not fill its escrow within seconds") {
  OrdersFixture f;
  std::size_t engaged = 0;
  f.submit_where_all_are_paid(engaged);
  f.refuse(0);
  REQUIRE(f.asked.size() == 2);
  f.refuse(1);
  f.stage.run_for(8s);
  CHECK(engaged == 2);
  f.stage.run_for(3s);
  CHECK(engaged == 3);
  f.refuse(2);
  f.stage.run_for(18s);
  CHECK(engaged == 3);
  f.stage.run_for(3s);
  CHECK(engaged == 4);
}

TEST_CASE("orders: a node that prints much makes room itself, and others keep what they were told to be done") {
  OrdersFixture f;  // which keeps 4 MiB
  f.kill(f.orders);
  f.settings.lease = 5min;
  f.begin();
  const auto of = [&](std::size_t worker) {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < f.asked.size(); ++i)
      if (f.asked[i].worker == worker) out.push_back(i);
    return out;
  };
  std::vector<TaskId> ids;
  for (int i = 0; i < 11; ++i) ids.push_back(f.submit());
  REQUIRE(f.asked.size() == 11);
  const std::size_t honest = of(0).size() > 5 ? 0 : 1, floods = 1 - honest;  // who has six, and who has five
  const std::size_t last = of(honest).back();
  for (const std::size_t i : of(honest)) {
    if (i == last) break;
    f.print(i, std::string(50'000, 'x'));
    f.end(i);
  }
  const auto attempts = of(floods);
  REQUIRE(attempts.size() == 5);

  SUBCASE("what it prints while it runs") {
    for (const std::size_t i : attempts) f.flood(i);
    CHECK_FALSE(f.asked[attempts[0]].cancelled);
    CHECK(f.asked[attempts[4]].cancelled);
    f.print(last, std::string(50'000, 'x'));
    f.end(last);
    CHECK(f.read(ids[last]).bytes.size() == 50'000);
  }
  SUBCASE("what it has printed and ended") {
    for (const std::size_t i : attempts) {
      f.flood(i);
      f.end(i);
    }
    CHECK(f.read(ids[attempts[4]]).bytes.size() == 960'000);
    f.kill(f.orders);
    f.begin();  // what is kept still counts, and for its node
    f.submit();
    f.submit();
    for (const std::size_t i : {f.asked.size() - 2, f.asked.size() - 1}) {
      f.flood(i);
      f.end(i);
    }
  }
  SUBCASE("what was lost takes no room") {
    for (const std::size_t i : attempts) {
      f.asked[i].to.push([](wire::AttemptItem::Builder out) { out.setBegan(); });
      f.flood(i);
      f.asked[i].to.fail({base::Code::internal, "it fell over", {}});
      f.stage.run_for(1s);
    }
    f.flood(last);
    f.end(last);
    CHECK(f.read(ids[last]).bytes.size() == 960'000);
  }
  for (const std::size_t i : of(honest))
    if (i < last) CHECK(f.read(ids[i]).bytes.size() == 50'000);
}
