// The health of a node says whether the ledger answers that it keeps elsewhere.
#include <doctest/doctest.h>

#include "actors/wallet/wallet_actor.hpp"
#include "messages/store.capnp.h"
#include "runtime/store/store_actor.hpp"
#include "tests/runtime/net/net_cluster.hpp"

using namespace troupe;
using namespace troupe::wallet;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kKeeper = 0, kAsker = 1;

struct Reach {
  Reach() {
    for (auto& health : healths) {
      const std::size_t node = &health == &healths[kKeeper] ? kKeeper : kAsker;
      cluster[node].node.start("store", [&health] {
        return std::make_unique<store::StoreActor>("store", store::StoreOptions{},
                                                   store::StoreTold{.health = &health, .mend = {}});
      });
    }
  }
  void start(std::size_t node, const durable::Place& book) {
    const WalletSettings settings{.links = cluster[node].pool,
                                  .identity = cluster[node].pool->setup().identity,
                                  .book = book,
                                  .health = &healths[node]};
    cluster[node].node.start("wallet", [settings] { return std::make_unique<WalletActor>(settings); });
  }
  std::string says() {
    std::string out;
    for (const auto& reason : healths[kAsker].reasons())
      if (reason.source == kLedgerHealth) out = reason.text;
    return out;
  }

  test::NetCluster cluster{2};
  std::array<observe::Health, 2> healths;
};

}  // namespace

TEST_CASE("wallet health: a ledger that does not answer is a reason, until it answers") {
  Reach reach;
  reach.start(kAsker, {.kind = durable::Place::Kind::node, .node = reach.cluster[kKeeper].id()});
  reach.cluster.stage.run_for(15s);
  CHECK(reach.says() == "");
  reach.cluster.stage.run_for(45s);
  CHECK_MESSAGE(reach.says().starts_with("the ledger at " + reach.cluster[kKeeper].id().hex() +
                                         " (ledger.book) has not answered for 20 s or more: "),
                reach.says());
  reach.start(kKeeper, {.kind = durable::Place::Kind::self});
  reach.cluster.stage.run_for(20s);
  CHECK(reach.says() == "");
}

TEST_CASE("wallet health: a group that this node cannot reach is named") {
  Reach reach;
  reach.start(kAsker, {.kind = durable::Place::Kind::group, .group = "main"});
  reach.cluster.stage.run_for(60s);
  CHECK_MESSAGE(reach.says().starts_with("the ledger at group:main (ledger.book) has not answered"), reach.says());
}
