// A book whose rows cannot be read.
#include <doctest/doctest.h>

#include "actors/wallet/book_actor.hpp"
#include "actors/wallet/codec.hpp"
#include "messages/codec.hpp"
#include "messages/store.capnp.h"
#include "tests/actors/wallet/keys.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"

using namespace troupe;
using namespace troupe::wallet;
using namespace std::chrono_literals;
using base::Code;
using base::Error;

TEST_CASE("wallet book: a question that arrives while a damaged book opens is refused with the reason") {
  test::ActorFixture fixture;
  std::vector<runtime::Reply<store::wire::Found>> reading;
  fixture.start("store", [&](test::Scripted&, runtime::Handlers& on) {
    on.ask<store::wire::Get, store::wire::Found>(
        [&](store::wire::Get::Reader, auto reply) { reading.push_back(std::move(reply)); });
  });
  const auto damaged = std::make_shared<std::optional<Error>>();
  const durable::Place here{durable::Place::Kind::self};
  const BookActor::Setup setup{.settings = {.links = nullptr, .identity = nullptr, .book = here, .own_daily = {}},
                               .place = here,
                               .damaged = damaged};
  runtime::Handle book = fixture.node.start("book", [setup] { return std::make_unique<BookActor>(setup); });
  fixture.stage.settle();
  REQUIRE(reading.size() == 1);

  std::vector<Error> refused;
  const auto note = [&](const auto& answer) {
    REQUIRE_FALSE(answer.ok());
    refused.push_back(answer.error());
  };
  const auto ask_all = [&] {
    fixture.inside([&](test::Scripted& self) {
      const Transfer transfer{{}, test_address(1), {1}, {{test_address(2), Amount::of(1)}}, ""};
      self.ask<wire::PostTransfer, wire::Posted>(
          book, self.now() + 30s,
          [&](wire::PostTransfer::Builder out) { write(out.initTransfer(), transfer, test_key(1)); }, note);
      self.ask<wire::GetBook, wire::BookIs>(
          book, self.now() + 30s, [](wire::GetBook::Builder) {}, note);
      self.ask<wire::CheckBook, wire::BookChecked>(
          book, self.now() + 30s, [](wire::CheckBook::Builder) {}, note);
    });
  };
  ask_all();
  CHECK(refused.empty());
  reading.front().refuse({Code::corrupt, "store/db/000003.log: the file is missing"});
  reading.clear();
  fixture.stage.settle();
  CHECK(damaged->has_value());
  CHECK(refused.size() == 3);
  ask_all();
  CHECK(refused.size() == 6);
  for (const Error& why : refused) {
    CHECK(why.code == Code::corrupt);
    CHECK(why.message == "store/db/000003.log: the file is missing");
  }
  test::ActorFixture::kill(std::exchange(book, {}));
}
