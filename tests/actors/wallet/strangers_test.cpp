// What other nodes order of a book fills neither its device nor its time.
#include <doctest/doctest.h>

#include "actors/wallet/wallet_actor.hpp"
#include "actors/wallet/words.hpp"
#include "messages/words.hpp"
#include "runtime/store/store_actor.hpp"
#include "tests/actors/wallet/keys.hpp"
#include "tests/runtime/net/net_cluster.hpp"

using namespace troupe;
using namespace troupe::wallet;
using namespace std::chrono_literals;
using base::Code;
using base::Error;

namespace {

constexpr std::size_t kBank = 0, kStranger = 1;

/// A node with a book, another node, and a key that has money.
struct Bank {
  explicit Bank(std::uint32_t strangers_per_second = 1'024) {
    auto& home = cluster[kBank];
    home.node.start("store", [this] {
      return std::make_unique<store::StoreActor>("store", store::StoreOptions{},
                                                 store::StoreTold{.health = &health, .mend = {}});
    });
    const WalletSettings settings{.pool = home.pool,
                                  .book = {.kind = durable::Place::Kind::self},
                                  .strangers_per_second = strangers_per_second,
                                  .health = &health};
    home.node.start("wallet", [settings] { return std::make_unique<WalletActor>(settings); });
    cluster.stage.run_for(60s);  // the store has made its ballast
    REQUIRE_FALSE(ask<wire::GetBook, wire::BookIs>(
        kBank, [](wire::GetBook::Builder) {},
        [this](wire::BookIs::Reader is) { book = *BookId::from(bytes_of(is.getBook())); }));
    REQUIRE_FALSE(ask<wire::Issue, wire::Posted>(kBank, [](wire::Issue::Builder out) {
      out.setTo(data_of(test_address(1).view()));
      out.setAmount(100);
      out.setRequest("first");
    }));
  }

  template <class Q, class A>
  std::optional<Error> ask(std::size_t from, std::function<void(typename Q::Builder)> fill,
                           std::function<void(typename A::Reader)> take = {}) {
    std::optional<Error> error;
    bool over = false;
    cluster.inside(from, [&](test::Scripted& self) {
      self.ask<Q, A>(wallet_from(self, from), self.now() + 30s, fill, [&](runtime::Answer<A> answer) {
        over = true;
        if (!answer.ok()) error = answer.error();
        else if (take) take(answer.value());
      });
    });
    REQUIRE(cluster.stage.run_until([&] { return over; }, 60s));
    return error;
  }
  runtime::Handle wallet_from(test::Scripted& self, std::size_t from) {
    return from == kBank ? self.node().find(kPath) : self.node().remote(cluster[kBank].id(), kPath);
  }
  /// A unit, with that number.
  std::optional<Error> send(std::size_t from, std::uint64_t number) {
    const Transfer transfer{book, test_address(1), {number}, {{test_address(2), Amount::of(1)}}, ""};
    return ask<wire::PostTransfer, wire::Posted>(
        from, [&](wire::PostTransfer::Builder out) { write(out.initTransfer(), transfer, test_key(1)); });
  }
  /// Of as many orders at once, all of which the book would refuse for another reason.
  std::size_t turned_away(std::size_t from, std::size_t orders) {
    std::size_t answered = 0, refused = 0;
    cluster.inside(from, [&](test::Scripted& self) {
      for (std::size_t i = 0; i < orders; ++i)
        self.ask<wire::SignProposal, wire::ProposalIs>(
            wallet_from(self, from), self.now() + 30s, [](wire::SignProposal::Builder) {},
            [&](const runtime::Answer<wire::ProposalIs>& answer) {
              ++answered;
              REQUIRE_FALSE(answer.ok());
              const bool rate = answer.error().message.find("wallet.transfers_of_others") != std::string::npos;
              refused += rate && answer.error().code == Code::overloaded ? 1 : 0;
            });
    });
    CHECK(answered == orders);
    return refused;
  }
  void free(std::uint64_t bytes) {
    auto& disk = cluster[kBank].disk;
    disk.set_capacity(disk.used_bytes() + bytes);
    cluster.stage.run_for(2 * durable::Room::kLookEvery);
  }

  observe::Health health;
  test::NetCluster cluster{2};
  BookId book;
};

}  // namespace

TEST_CASE("wallet: what other nodes order leaves a part of the device free, and the book goes on for its own node") {
  Bank bank;
  CHECK_FALSE(bank.send(kStranger, 1));
  bank.free(100u << 20);                 // above the reserve of the store
  CHECK_FALSE(bank.send(kStranger, 2));  // the look at the device before tells of more
  const auto refused = bank.send(kStranger, 3);
  REQUIRE(refused);
  CHECK(refused->code == Code::no_space);
  CHECK(refused->message.find("128 MiB kept for the book's own node") != std::string::npos);
  CHECK_FALSE(bank.send(kBank, 3));
  CHECK_FALSE(bank.ask<wire::GetBook, wire::BookIs>(kStranger, [](wire::GetBook::Builder) {}));
  CHECK(bank.health.reasons().empty());

  bank.free(sim::kDiskBytes / 2);
  CHECK(bank.send(kStranger, 4));
  CHECK_FALSE(bank.send(kStranger, 4));
}

TEST_CASE("wallet: what other nodes order together has a rate, and what the book's own node orders has none") {
  Bank bank(kStrangersMin);
  CHECK(bank.turned_away(kStranger, 2 * kStrangersMin) > 0);  // less than a burst: the last of it are reserved
  CHECK(bank.turned_away(kBank, 4 * kStrangersMin) == 0);
  bank.cluster.stage.run_for(2s);
  CHECK_FALSE(bank.send(kStranger, 1));
}
