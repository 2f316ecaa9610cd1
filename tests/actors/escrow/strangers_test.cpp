// What other nodes ask of escrows does not fill the device of the book.
#include <doctest/doctest.h>

#include "actors/escrow/api.hpp"
#include "actors/escrow/escrows_actor.hpp"
#include "messages/store.capnp.h"
#include "tests/runtime/net/net_cluster.hpp"

using namespace troupe;
using namespace troupe::escrow;
using base::Code;

namespace {

constexpr std::size_t kBook = 0, kGuest = 1;

/// The escrows of a node whose device has so much room, and another node.
struct Escrows {
  Escrows() {
    auto& home = cluster[kBook];
    home.node.start("store", test::script([this](test::Scripted&, runtime::Handlers& on) {
                      on.ask<store::wire::Usage, store::wire::Used>([this](auto, auto reply) {
                        reply.send([this](store::wire::Used::Builder out) { out.setFreeBytes(free); });
                      });
                    }));
    auto settings = std::make_shared<EscrowSettings>();
    settings->pool = home.pool;
    settings->book = {.kind = durable::Place::Kind::self};
    home.node.start("escrow", [settings] { return std::make_unique<EscrowsActor>(settings); });
    cluster.stage.run_for(std::chrono::seconds(1));
  }
  /// Whether it is refused because there is no room, once the device was looked at. All of it is nonsense.
  template <class Q, class A>
  bool no_room(std::size_t from) {
    Code how{};
    for (int i = 0; i < 2; ++i)
      cluster.inside(
          from,
          [&](test::Scripted& self) {
            const auto escrows =
                from == kBook ? self.node().find(kPath) : self.node().remote(cluster[kBook].id(), kPath);
            self.ask<Q, A>(
                escrows, self.now() + std::chrono::seconds(1), [](typename Q::Builder) {},
                [&](const runtime::Answer<A>& answer) { how = answer.ok() ? Code{} : answer.error().code; });
          },
          std::chrono::seconds(2));
    return how == Code::no_space;
  }

  std::uint64_t free = durable::Room::kLeft;
  test::NetCluster cluster{2};
};

}  // namespace

TEST_CASE("escrow: strangers begin nothing on a device that is nearly full, and what they have begun can end") {
  Escrows escrows;
  CHECK_FALSE(escrows.no_room<wire::OpenEscrow, wire::EscrowIs>(kGuest));
  escrows.free = durable::Room::kLeft - 1;
  CHECK(escrows.no_room<wire::OpenEscrow, wire::EscrowIs>(kGuest));
  CHECK_FALSE(escrows.no_room<wire::TakeAct, wire::ActTaken>(kGuest));
  CHECK_FALSE(escrows.no_room<wire::TakeTaskAct, wire::TaskEscrowIs>(kGuest));
  escrows.free = durable::Room::kLeftByBegun - 1;
  CHECK(escrows.no_room<wire::TakeAct, wire::ActTaken>(kGuest));
  CHECK_FALSE(escrows.no_room<wire::OpenEscrow, wire::EscrowIs>(kBook));
}
