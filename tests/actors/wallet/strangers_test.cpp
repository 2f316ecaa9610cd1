// What other nodes order of a book fills neither its device nor its time.
#include <doctest/doctest.h>

#include <cstring>

#include "actors/wallet/book_actor.hpp"
#include "actors/wallet/codec.hpp"
#include "messages/codec.hpp"
#include "messages/common.capnp.h"
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
  /// The first transfer of such an account, with one signature.
  Transfer propose_to(std::uint8_t account, std::vector<Credit> credits) {
    const Policy policy = joint(account);
    Transfer transfer{book, policy.address(), {1}, std::move(credits), ""};
    const auto now = unix_ms(cluster[kBank].ports.world().clock.wall());
    REQUIRE_FALSE(ask<wire::Propose, wire::ProposalIs>(kBank, [&](wire::Propose::Builder out) {
      write(out.initTransfer(), transfer, policy, std::vector{approval(test_key(account), encode(transfer))});
      out.setExpires(static_cast<std::uint64_t>((now + UnixMs(10min)).count()));
    }));
    return transfer;
  }
  /// Its last signature.
  std::optional<Error> sign(std::size_t from, const Transfer& transfer) {
    return ask<wire::SignProposal, wire::ProposalIs>(from, [&](wire::SignProposal::Builder out) {
      out.setId(data_of(id_of(transfer).view()));
      write(out.initApproval(), approval(test_key(99), encode(transfer)));
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
  /// As many deposits at once, each of a unit for 64 kept accounts: those after the ones of the deposit before.
  void pay_kept(std::size_t deposits) {
    std::size_t posted = 0;
    std::uint64_t at = 0;
    cluster.inside(
        kBank,
        [&](test::Scripted& self) {
          for (std::size_t i = 0; i < deposits; ++i) {
            Transfer transfer{book, test_address(3), {i + 1}, {}, ""};
            while (transfer.credits.size() < kCreditsMax)
              transfer.credits.push_back({kept_account(at++), Amount::of(1)});
            self.ask<wire::PostTransfer, wire::Posted>(
                self.node().find(kPath), self.now() + 30s,
                [&](wire::PostTransfer::Builder to) {
                  write(to.initTransfer(), transfer, test_key(3));
                  to.setToNoKey(true);
                },
                [&](const runtime::Answer<wire::Posted>& answer) { posted += answer.ok() ? 1 : 0; });
          }
        },
        500ms);
    REQUIRE(posted == deposits);
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
  CHECK(refused->message.find("128 MiB reserved for its own node") != std::string::npos);
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
  CHECK(refused->message.find("from this caller's network") != std::string::npos);
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
  CHECK(refused->message.find("new accounts") != std::string::npos);
  CHECK_FALSE(bank.begin_accounts(kBank, number + 1));
  CHECK_FALSE(bank.send(kBank, 1));
  CHECK_FALSE(bank.send(kStranger, 2));  // to one that is there
  bank.cluster.stage.run_for(60s);
  CHECK_FALSE(bank.begin_accounts(kStranger, number + 2));
}

TEST_CASE("wallet: few keepers are told of credits at once, and then the others") {
  constexpr std::size_t kAll = 2 * BookActor::kToldAtOnce;
  Bank bank;
  bank.issue(test_address(3), 100'000);
  bank.keep(kAll);
  bank.takes = false;
  bank.pay_kept(kAll / kCreditsMax);
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

TEST_CASE("wallet: a kept account is credited only by what its node's own actors post") {
  Bank bank;
  bank.issue(test_address(3), 100'000);
  bank.keep(2);
  const auto pay = [&](std::size_t from, bool deposit) {
    const Transfer transfer{bank.book, test_address(3), {1}, {{kept_account(0), Amount::of(1)}}, ""};
    return bank.ask<wire::PostTransfer, wire::Posted>(from, [&](wire::PostTransfer::Builder out) {
      write(out.initTransfer(), transfer, test_key(3));
      out.setToNoKey(deposit);
    });
  };
  for (const std::size_t from : {kBank, kStranger}) {
    const auto refused = pay(from, false);
    REQUIRE(refused);
    CHECK(refused->code == Code::refused);
    CHECK(refused->message.find("accepts only its own deposits") != std::string::npos);
  }
  const auto claimed = pay(kStranger, true);
  REQUIRE(claimed);
  CHECK(claimed->code == Code::unavailable);
  CHECK(bank.told == 0);

  CHECK_FALSE(pay(kBank, true));
  CHECK_FALSE(pay(kStranger, false));  // what was posted is answered again
  bank.cluster.stage.run_for(5s);
  CHECK(bank.told == 1);

  // A payment of another part is posted: refused, it would be sent forever.
  CHECK_FALSE(bank.pay_from(0, 1, {{kept_account(1), Amount::of(1)}}));
  bank.cluster.stage.run_for(60s);
  CHECK(bank.told == 1);
}

TEST_CASE("wallet: the fund cannot pay a kept account") {
  Bank bank;
  bank.keep(1);
  const Address fund = account_of("fund", bank.book.view());
  bank.issue(fund);
  const Transfer transfer{bank.book, fund, {1}, {{kept_account(0), Amount::of(1)}}, ""};
  const auto refused = bank.ask<wire::PayFrom, wire::Posted>(kBank, [&](wire::PayFrom::Builder out) {
    out.setTransfer(data_of(encode(transfer)));
    out.setKind("fund");
    out.setId(data_of(bank.book.view()));
  });
  REQUIRE(refused);
  CHECK(refused->code == Code::refused);
}

TEST_CASE("wallet: the last signature of a proposal orders no payment to a kept account") {
  Bank bank;
  bank.issue(Bank::joint(10).address());
  bank.keep(1);
  const Transfer transfer = bank.propose_to(10, {{kept_account(0), Amount::of(1)}});
  const auto refused = bank.sign(kBank, transfer);
  REQUIRE(refused);
  CHECK(refused->code == Code::refused);
  CHECK(bank.proposals_of(10) == 1);  // as it was
  CHECK(bank.told == 0);
}

TEST_CASE("wallet: a kept account is not credited by the issuance") {
  Bank bank;
  CHECK_FALSE(bank.try_issue(kept_account(0), "before it is kept"));
  bank.keep(1);
  CHECK_FALSE(bank.try_issue(kept_account(0), "before it is kept"));  // the same again
  const auto refused = bank.try_issue(kept_account(0), "since");
  REQUIRE(refused);
  CHECK(refused->code == Code::refused);
  CHECK(refused->message.find("accepts only its own deposits") != std::string::npos);
  CHECK(bank.told == 0);
  CHECK_FALSE(bank.pay_from(0, 1, {{test_address(5), Amount::of(100)}}));
}

TEST_CASE("wallet: the last signature of a proposal has the rate of what it orders") {
  Bank bank;
  bank.issue(test_address(3), 10'000);
  bank.issue(Bank::joint(10).address());
  std::vector<Credit> credits;
  while (credits.size() < kCreditsMax) {
    Address fresh;
    fresh.bytes[2] = static_cast<std::uint8_t>(credits.size() + 1);
    credits.push_back({fresh, Amount::of(1)});
  }
  const Transfer transfer = bank.propose_to(10, std::move(credits));
  std::uint64_t number = 0;
  while (number < 20 && !bank.begin_accounts(kStranger, number + 1)) ++number;
  CHECK(number < 20);
  const auto refused = bank.sign(kStranger, transfer);
  REQUIRE(refused);
  CHECK(refused->code == Code::overloaded);
  CHECK(bank.proposals_of(10) == 1);  // as it was
  bank.cluster.stage.run_for(60s);
  CHECK_FALSE(bank.sign(kStranger, transfer));
}
