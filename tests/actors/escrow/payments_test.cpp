// What escrows pay, where the book puts it off.
#include <doctest/doctest.h>

#include "actors/escrow/api.hpp"
#include "actors/escrow/task_escrow_actor.hpp"
#include "messages/codec.hpp"
#include "messages/store.capnp.h"
#include "runtime/crypto/hash.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::escrow;
using namespace std::chrono_literals;
using base::Bytes;
using base::Code;

namespace {

Address payee(std::uint8_t number) { return {crypto::sha256(Bytes{number}).bytes}; }

/// All is handed in and settled: the provider is to be paid.
TaskEscrow to_pay() {
  constexpr UnixMs kNow{1'000'000}, kDue{2'000'000};
  TaskEscrow out({.buyer = payee(1), .fund = payee(2), .quorum = 1});
  const auto act = [&](const Address& by, decltype(TaskAct::what) what) {
    REQUIRE(out.take({id_of(out.agreement()), by, std::move(what)}, {1, 2}, kNow).ok());
  };
  act(payee(1), Engage{.token = 1,
                       .provider = payee(3),
                       .pay_to = payee(3),
                       .price = Amount::of(100),
                       .due = kDue,
                       .deposit = {crypto::sha256(Bytes{5}).bytes}});
  REQUIRE(out.deposited(1));
  act(payee(3), HandIn{1, {crypto::sha256(Bytes{9}).bytes}});
  act(payee(1), Settle{{1}});
  REQUIRE(out.payment());
  return out;
}

}  // namespace

TEST_CASE("task escrow: a payment that the book puts off is sent again when it says, and later each time") {
  test::ActorFixture fixture;
  const TaskEscrow begun = to_pay();
  const TaskEscrowId id = id_of(begun.agreement());
  Bytes row(8);
  base::append(row, begun.encode());
  std::size_t asked = 0;
  bool pays = false, paid = false;
  fixture.start("store", [&](test::Scripted&, runtime::Handlers& on) {
    on.ask<store::wire::Get, store::wire::Found>([&](store::wire::Get::Reader ask, auto reply) {
      if (ask.getKey()[0] != 'h') return reply.refuse({Code::not_found, "there is no row"});
      reply.send([&](store::wire::Found::Builder out) { out.setValue(data_of(row)); });
    });
    on.ask<store::wire::Commit, messages::wire::Nothing>([&](auto, auto reply) {
      paid = true;
      reply.done();
    });
  });
  fixture.start("wallet", [&](test::Scripted&, runtime::Handlers& on) {
    on.ask<wallet::wire::PayFrom, wallet::wire::Posted>([&](auto, auto reply) {
      ++asked;
      if (!pays) return reply.refuse({Code::overloaded, "later", 5s});
      reply.send([](auto) {});
    });
  });
  fixture.start("escrow", {});
  const TaskEscrowSetup setup{std::make_shared<EscrowSettings>(), {.kind = durable::Place::Kind::self}, 0};
  fixture.node.start("one", [&] { return std::make_unique<TaskEscrowActor>(setup, id); });
  fixture.stage.run_for(18s);
  CHECK(asked == 4);  // each five seconds
  fixture.stage.run_for(5min);
  CHECK(asked >= 4 + 5);
  CHECK(asked <= 4 + 12);  // each half a minute
  CHECK_FALSE(paid);
  pays = true;
  fixture.stage.run_for(30s);
  CHECK(paid);
}
