// What other nodes ask of airdrops leaves places for those of the book's own node.
#include <doctest/doctest.h>

#include "actors/airdrop/airdrops_actor.hpp"
#include "actors/airdrop/list_actor.hpp"
#include "actors/escrow/api.hpp"
#include "actors/wallet/codec.hpp"
#include "messages/codec.hpp"
#include "messages/common.capnp.h"
#include "messages/escrow.capnp.h"
#include "runtime/store/store_actor.hpp"
#include "tests/actors/wallet/keys.hpp"
#include "tests/runtime/net/net_cluster.hpp"

using namespace troupe;
using namespace troupe::airdrop;
using namespace std::chrono_literals;
using base::Code;
using wallet::test_address;
using wallet::test_key;

namespace {

constexpr std::size_t kBook = 0, kGuest = 1, kAll = 16;

/// The airdrops of a node whose ledger does not answer, so that those that are created wait for their pools.
struct Airdrops {
  explicit Airdrops(bool on_chain = false) {
    auto& home = cluster[kBook];
    home.node.start("store", [this] {
      return std::make_unique<store::StoreActor>("store", store::StoreOptions{},
                                                 store::StoreTold{.health = &health, .mend = {}});
    });
    home.node.start("escrow", test::script([](test::Scripted&, runtime::Handlers& on) {
                      on.ask<escrow::wire::GetTerms, escrow::wire::TermsAre>(
                          [kept = std::vector<runtime::Reply<escrow::wire::TermsAre>>()](auto, auto reply) mutable {
                            kept.push_back(std::move(reply));
                          });
                    }));
    const AirdropSettings settings{
        .links = home.pool, .book = {.kind = durable::Place::Kind::self, .chain = on_chain}, .unfinished_max = kAll};
    home.node.start("airdrop", [settings] { return std::make_unique<AirdropsActor>(settings); });
    cluster.stage.run_for(60s);  // the store has made its ballast
  }
  /// How many were begun. None of them ends here: the list is at another path than in a node.
  std::size_t begun() {
    std::size_t out = 0;
    cluster[kBook].node.registry().walk([&](const runtime::Listing& one) {
      out += std::string(one.path).find("list/") != std::string::npos ? 1 : 0;
      return true;
    });
    return out;
  }

  /// Nothing while it waits for its pool.
  std::optional<base::Error> create(std::size_t from, std::uint8_t owner) {
    Terms blank;
    blank.owner = test_address(owner);
    blank.pool = Amount::of(1);
    const Terms terms = make_terms(blank, std::vector<Recipient>{{test_address(100), 1}}).value();
    const wallet::Transfer deposit{{}, terms.owner, {1}, {{account_of(id_of(terms)), terms.pool}}, ""};
    std::optional<base::Error> refused;
    cluster.inside(
        from,
        [&](test::Scripted& self) {
          self.ask<wire::CreateAirdrop, wire::AirdropIs>(
              from == kBook ? self.node().find(kPath) : self.node().remote(cluster[kBook].id(), kPath), self.now() + 1s,
              [&](wire::CreateAirdrop::Builder out) {
                out.setTerms(data_of(encode(terms)));
                wallet::write(out.initBy(), wallet::approval(test_key(owner), encode(terms)));
                wallet::write(out.initDeposit(), deposit, test_key(owner));
              },
              [&](const runtime::Answer<wire::AirdropIs>& answer) {
                REQUIRE_FALSE(answer.ok());
                if (answer.error().code != Code::timeout) refused = answer.error();
              });
        },
        2s);
    return refused;
  }

  observe::Health health;
  test::NetCluster cluster{2};
};

}  // namespace

TEST_CASE("airdrop: those of accounts that ask from one place have a share of all that have not ended") {
  Airdrops airdrops;
  std::uint8_t owner = 1;
  while (owner < kAll && !airdrops.create(kGuest, owner)) ++owner;
  CHECK(owner == 1 + kAll / 2);
  const auto refused = airdrops.create(kGuest, owner);
  REQUIRE(refused);
  CHECK(refused->code == Code::refused);
  CHECK(refused->message.find("from this caller's network") != std::string::npos);
  CHECK_FALSE(airdrops.create(kGuest, 1));  // one that is there
  CHECK_FALSE(airdrops.create(kBook, owner));
}

TEST_CASE("airdrop: on a chain, where its node pays the fees, other nodes begin none") {
  Airdrops airdrops(true);
  const auto refused = airdrops.create(kGuest, 1);
  REQUIRE(refused);
  CHECK(refused->code == Code::refused);
  CHECK(refused->message.find("create it at your own node") != std::string::npos);
  CHECK_FALSE(airdrops.create(kBook, 1));
}

TEST_CASE("airdrop: a credit begins no airdrop") {
  Airdrops airdrops;
  bool answered = false;
  airdrops.cluster.inside(kBook, [&](test::Scripted& self) {
    self.ask<wallet::wire::Credited, messages::wire::Nothing>(
        self.node().find(kPath), self.now() + 5s,
        [](wallet::wire::Credited::Builder out) {
          const AirdropId id{};
          out.setKind(std::string(kAccountKind));
          out.setId(data_of(id.view()));
        },
        [&](const runtime::Answer<messages::wire::Nothing>& answer) { answered = answer.ok(); });
  });
  CHECK(answered);
  CHECK(airdrops.begun() == 0);
}
