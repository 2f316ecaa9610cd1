// An escrow whose rows cannot be read.
#include <doctest/doctest.h>

#include "actors/escrow/escrow_actor.hpp"
#include "messages/codec.hpp"
#include "messages/store.capnp.h"
#include "tests/runtime/actor/actor_fixture.hpp"

using namespace troupe;
using namespace std::chrono_literals;
using base::Code;

TEST_CASE("escrow: a question that arrives while a damaged escrow is read is refused with the reason") {
  test::ActorFixture fixture;
  std::vector<runtime::Reply<store::wire::Found>> reading;
  fixture.start("store", [&](test::Scripted&, runtime::Handlers& on) {
    on.ask<store::wire::Get, store::wire::Found>(
        [&](store::wire::Get::Reader, auto reply) { reading.push_back(std::move(reply)); });
  });
  escrow::EscrowActor::Setup setup{.settings = std::make_shared<escrow::EscrowSettings>(),
                                   .place = {durable::Place::Kind::self}};
  setup.correction = std::make_shared<std::atomic<std::int64_t>>(0);
  setup.watchers = std::make_shared<std::atomic<std::uint32_t>>(0);
  runtime::Handle one = fixture.node.start("one", [setup] { return std::make_unique<escrow::EscrowActor>(setup); });
  fixture.stage.settle();
  REQUIRE(reading.size() == 1);

  std::vector<base::Error> refused;
  const auto ask = [&] {
    fixture.inside([&](test::Scripted& self) {
      self.ask<escrow::wire::GetEscrow, escrow::wire::EscrowIs>(
          one, self.now() + 30s, [](escrow::wire::GetEscrow::Builder) {},
          [&](const runtime::Answer<escrow::wire::EscrowIs>& answer) {
            REQUIRE_FALSE(answer.ok());
            refused.push_back(answer.error());
          });
    });
  };
  ask();
  CHECK(refused.empty());
  reading.front().refuse({Code::corrupt, "store/db/000003.log: the file is missing"});
  reading.clear();
  fixture.stage.settle();
  CHECK(refused.size() == 1);
  ask();  // it is not read again yet
  CHECK(refused.size() == 2);
  for (const base::Error& why : refused) {
    CHECK(why.code == Code::corrupt);
    CHECK(why.message == "store/db/000003.log: the file is missing");
  }
  test::ActorFixture::kill(std::exchange(one, {}));
}
