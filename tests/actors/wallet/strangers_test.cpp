// What other nodes order of a book fills neither its device nor its time.
#include <doctest/doctest.h>

#include <cstring>

#include "actors/wallet/book_actor.hpp"
#include "actors/wallet/words.hpp"
#include "messages/common.capnp.h"
#include "messages/store.capnp.h"
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
constexpr const char* kKind = "test";  // of accounts that are kept

base::Bytes kept_id(std::uint64_t number) {
  base::Bytes id(32);
  std::memcpy(id.data(), &number, sizeof number);
  return id;
}
Address kept_account(std::uint64_t number) { return account_of(kKind, kept_id(number)); }

/// A node with a book, another node, and a key that has money.
struct Bank {
  explicit Bank(std::uint32_t strangers_per_second = 1'024, std::size_t proposals_max = 16'384) {
    auto& home = cluster[kBank];
    home.node.start("store", [this] {
      return std::make_unique<store::StoreActor>("store", store::StoreOptions{},
                                                 store::StoreTold{.health = &health, .mend = {}});
    });
    const WalletSettings settings{.links = home.pool,
                                  .identity = home.pool->setup().identity,
                                  .book = {.kind = durable::Place::Kind::self},
                                  .proposals_max = proposals_max,
                                  .strangers_per_second = strangers_per_second,
                                  .health = &health};
    begin = [this, settings] {
      wallet = cluster[kBank].node.start("wallet", [settings] { return std::make_unique<WalletActor>(settings); });
    };
    begin();
    cluster.stage.run_for(60s);  // the store has made its ballast
    REQUIRE_FALSE(ask<wire::GetBook, wire::BookIs>(
        kBank, [](wire::GetBook::Builder) {},
        [this](wire::BookIs::Reader is) { book = *BookId::from(bytes_of(is.getBook())); }));
    issue(test_address(1));
  }
  ~Bank() {
    untaken.clear();
    wallet = keeper = {};
  }
  void issue(const Address& to, std::uint64_t units = 100) { REQUIRE_FALSE(try_issue(to, to.hex(), units)); }
  std::optional<Error> try_issue(const Address& to, const std::string& request, std::uint64_t units = 100) {
    return ask<wire::Issue, wire::Posted>(kBank, [&](wire::Issue::Builder out) {
      out.setTo(data_of(to.view()));
      out.setAmount(units);
      out.setRequest(request);
    });
  }
  /// The book is opened again, by the same node.
  void reopen() {
    test::ActorFixture::kill(std::exchange(wallet, {}));
    cluster.stage.run_for(1s);
    begin();
    cluster.stage.run_for(1s);
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
  /// A unit each to accounts that are new: as many as a transfer may pay.
  std::optional<Error> begin_accounts(std::size_t from, std::uint64_t number) {
    Transfer transfer{book, test_address(3), {number}, {}, ""};
    while (transfer.credits.size() < kCreditsMax) {
      Address fresh;
      fresh.bytes[0] = static_cast<std::uint8_t>(++accounts_begun);
      fresh.bytes[1] = static_cast<std::uint8_t>(accounts_begun >> 8);
      transfer.credits.push_back({fresh, Amount::of(1)});
    }
    return ask<wire::PostTransfer, wire::Posted>(
        from, [&](wire::PostTransfer::Builder out) { write(out.initTransfer(), transfer, test_key(3)); });
  }
  /// A unit of an account of two keys, one of which signs. It lives for ten minutes.
  std::optional<Error> propose(std::size_t from, std::uint8_t account, std::uint64_t number) {
    const Policy policy = joint(account);
    const Transfer transfer{book, policy.address(), {number}, {{test_address(2), Amount::of(1)}}, ""};
    const auto now = unix_ms(cluster[kBank].ports.world().clock.wall());
    return ask<wire::Propose, wire::ProposalIs>(from, [&](wire::Propose::Builder out) {
      write(out.initTransfer(), transfer, policy, std::vector{approval(test_key(account), encode(transfer))});
      out.setExpires(static_cast<std::uint64_t>((now + UnixMs(10min)).count()));
    });
  }
  static Policy joint(std::uint8_t account) {
    return Policy::of_signers(2, {test_address(account), test_address(99)}).value();
  }
  std::size_t proposals_of(std::uint8_t account) {
    std::size_t out = 0;
    REQUIRE_FALSE(ask<wire::ListProposals, wire::Proposals>(
        kBank, [&](wire::ListProposals::Builder to) { to.setAddress(data_of(joint(account).address().view())); },
        [&](wire::Proposals::Reader are) { out = are.getRows().size(); }));
    return out;
  }
  /// Accounts 0 to `count` - 1 that `/keeper` keeps.
  void keep(std::uint64_t count) {
    if (!keeper)
      keeper = cluster[kBank].node.start(
          "keeper", test::script([this](test::Scripted&, runtime::Handlers& on) {
            on.ask<wire::Credited, messages::wire::Nothing>([this](wire::Credited::Reader, auto reply) {
              ++told;
              if (takes) return reply.done();
              untaken.push_back(std::move(reply));
            });
          }));
    std::uint64_t done = 0;
    cluster.inside(
        kBank,
        [&](test::Scripted& self) {
          for (std::uint64_t i = 0; i < count; ++i)
            self.ask<wire::Follow, messages::wire::Nothing>(
                self.node().find(kPath), self.now() + 30s,
                [&](wire::Follow::Builder out) {
                  out.setKind(kKind);
                  out.setId(data_of(kept_id(i)));
                  out.setPath("/keeper");
                },
                [&](const runtime::Answer<messages::wire::Nothing>& answer) { done += answer.ok() ? 1 : 0; });
        },
        5s);
    REQUIRE(done == count);
  }
  /// From one of the kept accounts, by its keeper.
  std::optional<Error> pay_from(std::uint64_t account, std::uint64_t number, const std::vector<Credit>& credits) {
    const Transfer transfer{book, kept_account(account), {number}, credits, ""};
    return ask<wire::PayFrom, wire::Posted>(kBank, [&](wire::PayFrom::Builder out) {
      out.setTransfer(data_of(encode(transfer)));
      out.setKind(kKind);
      out.setId(data_of(kept_id(account)));
    });
  }
  using Untold = rows::Untold;
  /// A row of the book, behind its back.
  void put(const base::Bytes& key, const base::Bytes& value) {
    bool done = false;
    cluster.inside(kBank, [&](test::Scripted& self) {
      self.ask<store::wire::Commit, messages::wire::Nothing>(
          self.node().find("/store"), self.now() + 30s,
          [&](store::wire::Commit::Builder out) {
            auto row = out.initRows(1)[0];
            row.setKeyspace("wallet");
            row.setKey(data_of(key));
            row.initValue().setPut(data_of(value));
          },
          [&](const runtime::Answer<messages::wire::Nothing>& answer) { done = answer.ok(); });
    });
    REQUIRE(done);
  }
  struct Paid {
    std::size_t posted = 0;
    std::vector<Error> refused{};
  };
  /// As many orders at once, each of a unit for 64 kept accounts: those behind the ones of the order before, of `kept`.
  Paid pay_kept(std::size_t from, std::size_t orders, std::uint64_t first, std::uint64_t kept, std::size_t each = 64) {
    Paid out;
    std::uint64_t at = 0;
    cluster.inside(
        from,
        [&](test::Scripted& self) {
          for (std::size_t i = 0; i < orders; ++i) {
            Transfer transfer{book, test_address(3), {first + i}, {}, ""};
            while (transfer.credits.size() < each)
              transfer.credits.push_back({kept_account(at++ % kept), Amount::of(1)});
            self.ask<wire::PostTransfer, wire::Posted>(
                wallet_from(self, from), self.now() + 30s,
                [&](wire::PostTransfer::Builder to) { write(to.initTransfer(), transfer, test_key(3)); },
                [&](const runtime::Answer<wire::Posted>& answer) {
                  if (answer.ok()) ++out.posted;
                  else out.refused.push_back(answer.error());
                });
          }
        },
        orders < 100 ? base::Duration(500ms) : base::Duration(20s));
    REQUIRE(out.posted + out.refused.size() == orders);
    return out;
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
  std::function<void()> begin;
  runtime::Handle wallet, keeper;
  std::size_t told = 0;  // credits
  bool takes = true;     // otherwise they are not answered
  std::vector<runtime::Reply<messages::wire::Nothing>> untaken;
  test::NetCluster cluster{2};
  BookId book;
  std::uint32_t accounts_begun = 0;
};

}  // namespace

// A node that asked for thousands at once filled the mailbox of the store: the book's own commit came back, and the
// book read itself again.
TEST_CASE("wallet strangers: no more postings are read for other nodes at once than the store has room for") {
  Bank bank;
  constexpr std::uint32_t kPage = 256;
  for (std::uint32_t i = 0; i < kPage; ++i)
    REQUIRE_FALSE(bank.try_issue(test_address(2), "posting " + std::to_string(i), 1));
  const auto list = [&](std::size_t from, std::size_t times) {
    std::size_t answered = 0, refused = 0;
    bank.cluster.inside(from, [&](test::Scripted& self) {
      for (std::size_t i = 0; i < times; ++i)
        self.ask<wire::ListPostings, wire::Postings>(
            bank.wallet_from(self, from), self.now() + 30s,
            [](wire::ListPostings::Builder out) { out.setLimit(kPage); },
            [&](runtime::Answer<wire::Postings> answer) {
              if (answer.ok()) ++answered;
              else if (answer.error().code == Code::overloaded) ++refused;
            });
    });
    bank.cluster.stage.run_for(10s);
    CHECK(answered + refused == times);
    return answered;
  };
  CHECK(list(kStranger, 24) <= BookActor::kReadAtOnce / kPage);
  CHECK(list(kStranger, 1) == 1);
  CHECK(list(kBank, 24) == 24);
}

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

TEST_CASE("wallet: proposals from elsewhere have shares of their places, and the book's own node has the rest") {
  constexpr std::size_t kAll = 64;
  Bank bank(1'024, kAll);
  for (std::uint8_t account = 10; account < 14; ++account) bank.issue(Bank::joint(account).address());
  std::uint64_t number = 0;
  while (number < kAll && !bank.propose(kStranger, 10, number + 1)) ++number;
  CHECK(number == kAll / 2);
  const auto refused = bank.propose(kStranger, 11, 1);  // another account, asked from the same place
  REQUIRE(refused);
  CHECK(refused->code == Code::overloaded);
  CHECK(refused->message.find("of those who ask from there") != std::string::npos);
  CHECK_FALSE(bank.propose(kStranger, 10, 1));  // one that is there
  CHECK_FALSE(bank.propose(kBank, 12, 1));
  CHECK(bank.proposals_of(10) == kAll / 2);

  bank.cluster.stage.run_for(10min);
  // The same again is another row: it is not erased with those that have expired, by the same commit.
  CHECK_FALSE(bank.propose(kStranger, 10, 1));
  CHECK(bank.proposals_of(10) == 1);
  CHECK_FALSE(bank.propose(kStranger, 11, 1));
  bank.reopen();
  CHECK(bank.proposals_of(10) == 1);
  CHECK(bank.proposals_of(11) == 1);
}

TEST_CASE("wallet: accounts that other nodes begin have a rate, for a book keeps each of them for ever") {
  Bank bank;
  bank.issue(test_address(3), 10'000);
  std::uint64_t number = 0;
  while (number < 20 && !bank.begin_accounts(kStranger, number + 1)) ++number;
  CHECK(number >= 8);  // half of the burst
  CHECK(number < 20);
  const auto refused = bank.begin_accounts(kStranger, number + 1);
  REQUIRE(refused);
  CHECK(refused->code == Code::overloaded);
  CHECK(refused->message.find("accounts that are new") != std::string::npos);
  CHECK_FALSE(bank.begin_accounts(kBank, number + 1));
  CHECK_FALSE(bank.send(kBank, 1));
  CHECK_FALSE(bank.send(kStranger, 2));  // to one that is there
  bank.cluster.stage.run_for(60s);
  CHECK_FALSE(bank.begin_accounts(kStranger, number + 2));
}

TEST_CASE("wallet: credits of kept accounts that other nodes order have a rate, for each costs its keeper a commit") {
  Bank bank;
  bank.issue(test_address(3), 100'000);
  bank.keep(64);
  const auto paid = bank.pay_kept(kStranger, 20, 1, 64);
  CHECK(paid.posted >= 1);
  CHECK(paid.posted <= BookActor::kKept.burst / 64);
  for (const Error& why : paid.refused) {
    CHECK(why.code == Code::overloaded);
    CHECK(why.message.find("pay escrows and airdrops") != std::string::npos);
    CHECK(why.retry_after > 0ms);
  }
  CHECK(bank.told == 64 * paid.posted);
  CHECK(bank.pay_kept(kStranger, 1, 1, 64).posted == 1);  // what was posted is answered again, and told once
  CHECK(bank.told == 64 * paid.posted);
  CHECK(bank.pay_kept(kBank, 20, paid.posted + 1, 64).posted == 20);
  CHECK_FALSE(bank.send(kStranger, 1));  // to an account of a key
  bank.cluster.stage.run_for(30s);
  CHECK(bank.pay_kept(kStranger, 1, paid.posted + 21, 64).posted == 1);
}

TEST_CASE("wallet: few keepers are told of credits at once, and then the others") {
  constexpr std::size_t kAll = 2 * BookActor::kToldAtOnce;
  Bank bank;
  bank.issue(test_address(3), 100'000);
  bank.keep(kAll);
  bank.takes = false;
  CHECK(bank.pay_kept(kBank, kAll / 64, 1, kAll).posted == kAll / 64);
  CHECK(bank.untaken.size() == BookActor::kToldAtOnce);
  SUBCASE("when they have answered") {
    bank.takes = true;
    for (auto& one : std::exchange(bank.untaken, {})) one.done();
  }
  SUBCASE("when they are not there") {
    bank.takes = true;
    bank.told = 0;
    bank.untaken.clear();
  }
  SUBCASE("when the book was opened again") {
    bank.takes = true;
    bank.told = 0;
    bank.reopen();
  }
  bank.cluster.stage.run_for(60s);
  CHECK(bank.told == kAll);
}

TEST_CASE("wallet: while too many credits are untold other nodes pay no kept account, and the book's own node does") {
  Bank bank;
  bank.issue(test_address(3), 100'000);
  bank.keep(64);
  bank.takes = false;
  constexpr std::size_t kOrders = BookActor::kUntoldMax / 64;
  CHECK(bank.pay_kept(kBank, kOrders, 1, 64).posted == kOrders);
  const auto paid = bank.pay_kept(kStranger, 1, kOrders + 1, 64, 1);
  REQUIRE(paid.refused.size() == 1);
  CHECK(paid.refused[0].code == Code::overloaded);
  CHECK(paid.refused[0].message.find("16,384 payments") != std::string::npos);
  CHECK_FALSE(bank.send(kStranger, 1));
  CHECK(bank.pay_kept(kBank, 1, kOrders + 1, 64, 1).posted == 1);
}

TEST_CASE("wallet: what one kept account pays another stays there, for their keepers would give it back for ever") {
  Bank bank;
  bank.issue(test_address(3), 100);
  bank.keep(2);
  CHECK(bank.pay_kept(kStranger, 1, 1, 2, 2).posted == 1);
  CHECK(bank.told == 2);
  CHECK_FALSE(bank.pay_from(0, 1, {{kept_account(1), Amount::of(1)}}));
  bank.cluster.stage.run_for(60s);
  CHECK(bank.told == 2);

  // One that an older version has noted.
  Bank::Untold noted{{kKind, *base::Digest::from(kept_id(1)), "/keeper"}, 1'000, {}, kept_account(0), Amount::of(1)};
  bank.put(rows::credit_key(1'000, 0), rows::encode(noted));
  noted.from = test_address(3);
  bank.put(rows::credit_key(1'001, 0), rows::encode(noted));
  bank.reopen();
  bank.cluster.stage.run_for(60s);
  CHECK(bank.told == 3);
}

TEST_CASE("wallet: nothing is issued to a kept account, for its keeper could not give it back") {
  Bank bank;
  CHECK_FALSE(bank.try_issue(kept_account(0), "before it is kept"));
  bank.keep(1);
  CHECK_FALSE(bank.try_issue(kept_account(0), "before it is kept"));  // the same again
  const auto refused = bank.try_issue(kept_account(0), "since");
  REQUIRE(refused);
  CHECK(refused->code == Code::refused);
  CHECK(refused->message.find("issue it to an account of a key") != std::string::npos);
  CHECK(bank.told == 0);
  CHECK_FALSE(bank.pay_from(0, 1, {{test_address(5), Amount::of(100)}}));
}

TEST_CASE(
    "wallet: a transfer that the last signature of a proposal orders has the rate of others, and waits as it was") {
  Bank bank;
  bank.issue(test_address(3), 100'000);
  const Policy policy = Bank::joint(10);
  bank.issue(policy.address());
  bank.keep(64);
  Transfer transfer{bank.book, policy.address(), {1}, {}, ""};
  while (transfer.credits.size() < kCreditsMax)
    transfer.credits.push_back({kept_account(transfer.credits.size()), Amount::of(1)});
  const auto now = unix_ms(bank.cluster[kBank].ports.world().clock.wall());
  REQUIRE_FALSE(bank.ask<wire::Propose, wire::ProposalIs>(kBank, [&](wire::Propose::Builder out) {
    write(out.initTransfer(), transfer, policy, std::vector{approval(test_key(10), encode(transfer))});
    out.setExpires(static_cast<std::uint64_t>((now + UnixMs(10min)).count()));
  }));
  const auto sign = [&] {
    return bank.ask<wire::SignProposal, wire::ProposalIs>(kStranger, [&](wire::SignProposal::Builder out) {
      out.setId(data_of(id_of(transfer).view()));
      write(out.initApproval(), approval(test_key(99), encode(transfer)));
    });
  };
  const auto paid = bank.pay_kept(kStranger, 20, 1, 64);
  CHECK(paid.posted < 20);
  const auto refused = sign();
  REQUIRE(refused);
  CHECK(refused->code == Code::overloaded);
  CHECK(bank.proposals_of(10) == 1);
  CHECK(bank.told == 64 * paid.posted);
  bank.cluster.stage.run_for(30s);
  CHECK_FALSE(sign());
  bank.cluster.stage.run_for(5s);
  CHECK(bank.told == 64 * paid.posted + 64);
}
