// What airdrops pay and give back, where the book puts it off.
#include <doctest/doctest.h>

#include "actors/airdrop/airdrop_actor.hpp"
#include "actors/airdrop/api.hpp"
#include "messages/codec.hpp"
#include "messages/store.capnp.h"
#include "tests/actors/wallet/keys.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"

using namespace troupe;
using namespace troupe::airdrop;
using namespace std::chrono_literals;
using base::Bytes;
using base::Code;

namespace {

/// An airdrop of one recipient as its rows have it, with a store and a book that a test looks into.
struct OneAirdrop : test::ActorFixture {
  OneAirdrop() {
    Terms blank;
    blank.owner = wallet::test_address(1);
    blank.pool = Amount::of(100);
    const std::vector<Recipient> list{{wallet::test_address(100), 1}};
    const Terms terms = make_terms(blank, list).value();
    id = id_of(terms);
    const wallet::Transfer deposit{{}, terms.owner, {1}, {{account_of(id), terms.pool}}, ""};
    const Bytes bytes = wallet::encode(deposit);
    all[rows::key('t', id)] = rows::encode(rows::Founding{terms,
                                                          wallet::approval(wallet::test_key(1), encode(terms)),
                                                          {bytes,
                                                           wallet::Policy::of_key(wallet::test_key(1).public_key()),
                                                           {wallet::approval(wallet::test_key(1), bytes)}}});
    all[rows::numbered_key('p', id, 0)] = encode(pages_of(list)[0]);
    airdrop = {.state = State::paying, .owner = terms.owner, .pool = terms.pool, .recipients = 1};
    airdrop.pages = 1;
    airdrop.weights = 1;
  }
  void begin() {
    Bytes head(8);
    base::append(head, airdrop.encode());
    all[rows::key('h', id)] = head;
    start("store", [this](test::Scripted&, runtime::Handlers& on) { serve(on); });
    start("wallet", [this](test::Scripted&, runtime::Handlers& on) {
      on.ask<wallet::wire::PayFrom, wallet::wire::Posted>([this](auto, auto reply) {
        ++asked;
        if (!pays) return reply.refuse({Code::overloaded, "later", 5s});
        reply.send([](auto) {});
      });
      on.ask<wallet::wire::Follow, messages::wire::Nothing>([](auto, auto reply) { reply.done(); });
      on.ask<wallet::wire::PostTransfer, wallet::wire::Posted>([this](auto, auto reply) {
        ++asked;
        reply.refuse(*deposit_refusal);
      });
    });
    // As in a node, whose root starts the domains: their paths follow from that.
    start("node", {}, [this](test::Scripted& root) {
      root.spawn("airdrop", test::script({}, [this](test::Scripted& self) {
                   self.spawn(
                       "list", test::script([this](test::Scripted&, runtime::Handlers& on) {
                         on.tell<wire::Unfinished>([this](wire::Unfinished::Reader told) { sleeps = told.getOver(); });
                       }));
                 }));
    });
    const AirdropActor::Setup setup{{.links = nullptr}, {.kind = durable::Place::Kind::self}, 0, id};
    one = node.start("one", [setup] { return std::make_unique<AirdropActor>(setup); });
  }
  void serve(runtime::Handlers& on) {
    on.ask<store::wire::Get, store::wire::Found>([this](store::wire::Get::Reader ask, auto reply) {
      const auto at = all.find(Bytes(ask.getKey().begin(), ask.getKey().end()));
      if (at == all.end()) return reply.refuse({Code::not_found, "there is no row"});
      reply.send([&](store::wire::Found::Builder out) { out.setValue(data_of(at->second)); });
    });
    on.ask<store::wire::Scan, store::wire::Slice>([this](store::wire::Scan::Reader ask, auto reply) {
      std::vector<std::pair<Bytes, Bytes>> found;
      const Bytes prefix(ask.getPrefix().begin(), ask.getPrefix().end());
      for (const auto& [key, value] : all)
        if (key.size() >= prefix.size() && std::ranges::equal(prefix, base::ByteView(key).first(prefix.size())))
          found.emplace_back(key, value);
      reply.send([&](store::wire::Slice::Builder out) {
        auto list = out.initRows(size32(found));
        for (unsigned i = 0; i < list.size(); ++i) {
          list[i].setKey(data_of(found[i].first));
          list[i].setValue(data_of(found[i].second));
        }
      });
    });
    on.ask<store::wire::Commit, messages::wire::Nothing>([this](store::wire::Commit::Reader ask, auto reply) {
      for (const auto row : ask.getRows()) {
        const Bytes key(row.getKey().begin(), row.getKey().end());
        if (row.getValue().isPut()) all[key] = Bytes(row.getValue().getPut().begin(), row.getValue().getPut().end());
        else all.erase(key);
      }
      reply.done();
    });
  }
  State state_kept() const {
    return Airdrop::decode(base::ByteView(all.at(rows::key('h', id))).subspan(8)).value().state;
  }

  AirdropId id;
  runtime::Handle one;
  Airdrop airdrop;
  std::map<Bytes, Bytes> all;
  bool pays = false, sleeps = false;
  std::optional<base::Error> deposit_refusal;
  std::size_t asked = 0;
};

}  // namespace

TEST_CASE("airdrop: a payment that the book puts off is sent again when it says, and later each time") {
  OneAirdrop it;
  it.begin();
  it.stage.run_for(18s);
  CHECK(it.asked == 4);  // each five seconds
  it.stage.run_for(5min);
  CHECK(it.asked >= 4 + 5);
  CHECK(it.asked <= 4 + 12);  // each half a minute
  CHECK(it.state_kept() == State::paying);
  it.pays = true;
  it.stage.run_for(30s);
  CHECK(it.state_kept() == State::paid);
  CHECK(it.sleeps);
}

TEST_CASE("airdrop: a deposit that the book refuses for good is not sent again, and its rows go") {
  OneAirdrop it;
  it.airdrop = {.state = State::depositing, .owner = it.airdrop.owner, .pool = it.airdrop.pool, .recipients = 1};
  SUBCASE("the book finds it malformed") { it.deposit_refusal = {Code::malformed, "it breaks its format"}; }
  SUBCASE("the book refuses it") { it.deposit_refusal = {Code::refused, "the account has less"}; }
  it.begin();
  it.stage.run_for(5min);
  CHECK(it.asked == 1);
  CHECK_FALSE(it.all.contains(rows::key('t', it.id)));
}

TEST_CASE("airdrop: a deposit that the book puts off is sent again") {
  OneAirdrop it;
  it.airdrop = {.state = State::depositing, .owner = it.airdrop.owner, .pool = it.airdrop.pool, .recipients = 1};
  it.deposit_refusal = {Code::overloaded, "later", 5s};
  it.begin();
  it.stage.run_for(18s);
  CHECK(it.asked == 4);  // every five seconds
  CHECK(it.all.contains(rows::key('t', it.id)));
}

TEST_CASE("airdrop: who waits for payments that do not come has no place for long, and asks again") {
  OneAirdrop it;
  it.begin();
  std::vector<std::string> told;
  const auto run = [&] {
    it.inside([&](test::Scripted& self) {
      self.ask<wire::RunAirdrop, wire::AirdropStep>(
          it.one, self.now() + 5min, [&](wire::RunAirdrop::Builder out) { out.setId(data_of(it.id.view())); },
          [&](runtime::Answer<wire::AirdropStep> answer) {
            REQUIRE(answer.ok());
            told.push_back(text_of(answer.value().getState()));
          });
    });
  };
  run();
  it.stage.run_for(10s);
  run();
  CHECK(told.empty());
  it.stage.run_for(15s);
  CHECK(told == std::vector<std::string>{"paying"});
  it.stage.run_for(10s);
  CHECK(told.size() == 2);
  it.pays = true;
  run();
  it.stage.run_for(1min);
  CHECK(told.back() == "paid");
}
