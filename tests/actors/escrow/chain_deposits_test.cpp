// Deposits of escrows whose book is a chain, while they wait for a block.
#include "actors/chain/logic/book_transfer.hpp"
#include "actors/escrow/api.hpp"
#include "actors/escrow/deposit_waiting.hpp"
#include "actors/escrow/task_escrows_actor.hpp"
#include "messages/store.capnp.h"
#include "tests/actors/escrow/bookkeeper.hpp"
#include "tests/runtime/net/net_cluster.hpp"

using namespace troupe;
using namespace troupe::escrow;
using namespace std::chrono_literals;
using base::Code;
namespace money_wire = troupe::wallet::wire;

namespace {

constexpr std::size_t kAsked = kDepositWaitingMax + 4;
using Heard = std::shared_ptr<std::optional<Code>>;  // what an answer was; Code{}: it was fine

std::size_t count(const std::vector<Heard>& all, Code how) {
  return static_cast<std::size_t>(std::ranges::count_if(all, [&](const Heard& one) { return *one == how; }));
}

template <class Q, class A, class Fill>
Heard asked(test::Scripted& self, const runtime::Handle& of, base::Instant due, Fill fill) {
  auto heard = std::make_shared<std::optional<Code>>();
  self.ask<Q, A>(of, due, fill,
                 [heard](runtime::Answer<A> answer) { *heard = answer.ok() ? Code{} : answer.error().code; });
  return heard;
}

/// A provider is engaged for a unit; its deposit is a transfer of that number.
void write_engage(wire::TakeTaskAct::Builder out, const Person& by, const TaskAgreement& agreement,
                  const Address& pay_to, UnixMs due, const wallet::Transfer& deposit,
                  const std::vector<wallet::Approval>& on_chain) {
  const TaskAct act{id_of(agreement), by.address(),
                    Engage{1, pay_to, pay_to, Amount::of(1), due, wallet::id_of(deposit)}};
  const base::Bytes bytes = encode(act);
  const auto signs = by.sign(bytes), pays = by.sign(wallet::encode(deposit));
  escrow::write(out.initAct(), bytes, by.policy, std::span(&signs, 1));
  out.setAgreement(data_of(encode(agreement)));
  wallet::write(out.initDeposit(), deposit, by.policy, std::span(&pays, 1), on_chain);
}

TaskAgreement task_of(const wallet::BookId& book, const Person& buyer) {
  return {.book = book, .buyer = buyer.address(), .fund = wallet::account_of("fund", book.view())};
}

/// A node with a chain, and two people who have money there.
struct OnChain {
  OnChain() : book(0, Bookkeeper::OnChain{{buyer.address(), provider.address()}, 100'000'000}) { see(buyer.address()); }
  /// Where an account stands on the chain.
  Address see(const Address& address, bool of_no_key = false) {
    Address out;
    REQUIRE_FALSE(book.ask<money_wire::GetAccount, money_wire::AccountIs>(
        wallet::kPath,
        [&](money_wire::GetAccount::Builder ask) {
          ask.setAddress(data_of(address.view()));
          ask.setOfNoKey(of_no_key);
        },
        [&](money_wire::AccountIs::Reader is) {
          id = *wallet::BookId::from(bytes_of(is.getBook()));
          chain = *chain::ChainId::from(bytes_of(is.getChain().getChain()));
          height = is.getChain().getHeight();
          out = *Address::from(bytes_of(is.getChain().getAddress()));
        }));
    return out;
  }
  struct Paid {
    wallet::Transfer transfer;
    std::vector<wallet::Approval> on_chain;
  };
  /// The first transfer of the account.
  Paid pay(const Person& by, const Address& to, std::uint64_t amount) {
    const Address there = see(to, true);
    const chain::BookTerms terms{{height + chain::kBookHeights}, Amount::of(20'000)};
    Paid out{{id, by.address(), {1}, {{to, Amount::of(amount)}}, chain::memo_with("", terms)}, {}};
    const auto transaction =
        chain::transaction_of(out.transfer, chain, by.policy, [&](const Address&) { return there; });
    REQUIRE(transaction);
    out.on_chain.push_back(by.sign(signed_bytes(transaction->content, chain::Fork{})));
    return out;
  }
  std::optional<base::Error> act(Person& by, What what) {
    const Act act{escrow, by.address(), ++by.acts, std::move(what)};
    const base::Bytes bytes = encode(act);
    return book.ask<wire::TakeAct, wire::ActTaken>(
        kPath,
        [&](wire::TakeAct::Builder out) {
          const auto approval = by.sign(bytes);
          escrow::write(out.initAct(), bytes, by.policy, std::span(&approval, 1));
        },
        [](wire::ActTaken::Reader) {});
  }
  /// As the root passes it on while the device is nearly full.
  base::Code act_when_tight(Person& by, What what) {
    const base::Bytes bytes = encode(Act{escrow, by.address(), ++by.acts, std::move(what)});
    Heard heard;
    book.inside([&](test::Scripted& self) {
      heard = asked<wire::ActAt, wire::ActTaken>(
          self, self.node().find(kPath + ("/" + escrow.hex())), self.now() + 10s, [&](wire::ActAt::Builder out) {
            const auto approval = by.sign(bytes);
            escrow::write(out.initTake().initAct(), bytes, by.policy, std::span(&approval, 1));
            out.setTight(true);
          });
    });
    book.run_for(2s);
    REQUIRE(*heard);
    return **heard;
  }
  void open() {
    Agreement agreement{.book = id,
                        .buyer = buyer.address(),
                        .provider = provider.address(),
                        .fund = wallet::account_of("fund", id.view()),
                        .price = Amount::of(100)};
    agreement.terms.start = agreement.terms.deliver = {Due::Kind::after, std::chrono::hours(24)};
    escrow = id_of(agreement);
    const base::Bytes bytes = encode(Act{escrow, buyer.address(), ++buyer.acts, Sign{commitment_of({})}});
    REQUIRE_FALSE(book.ask<wire::OpenEscrow, wire::EscrowIs>(
        kPath,
        [&](wire::OpenEscrow::Builder out) {
          out.setAgreement(data_of(encode(agreement)));
          const auto approval = buyer.sign(bytes);
          escrow::write(out.initSign(), bytes, buyer.policy, std::span(&approval, 1));
        },
        [](wire::EscrowIs::Reader) {}));
    REQUIRE_FALSE(act(provider, Sign{commitment_of({})}));
  }

  Person buyer{"buyer"}, provider{"provider"};
  Bookkeeper book;
  wallet::BookId id;
  chain::ChainId chain;
  std::uint64_t height = 0;
  EscrowId escrow;
};

/// The escrows of a node whose book, a chain, does not answer deposits before it is let, and another node.
struct Silent {
  static constexpr std::size_t kBook = 0, kGuest = 1;
  static constexpr base::Duration kSoon = 10ms;  // before an escrow sleeps, which this store would forget
  Silent() {
    auto& home = cluster[kBook];
    home.node.start("store", test::script([](test::Scripted&, runtime::Handlers& on) {
                      on.ask<store::wire::Usage, store::wire::Used>([](auto, auto reply) {
                        reply.send([](store::wire::Used::Builder out) { out.setFreeBytes(durable::Room::kLeft); });
                      });
                      on.ask<store::wire::Get, store::wire::Found>([](auto, auto reply) {
                        reply.refuse({Code::not_found, "there is no row"});
                      });
                      on.ask<store::wire::Scan, store::wire::Slice>(
                          [](auto, auto reply) { reply.send([](store::wire::Slice::Builder) {}); });
                      on.ask<store::wire::Commit, messages::wire::Nothing>([](auto, auto reply) { reply.done(); });
                    }));
    home.node.start("wallet", test::script([this](test::Scripted& self, runtime::Handlers& on) {
                      on.ask<money_wire::GetAccount, money_wire::AccountIs>([this](auto, auto reply) {
                        reply.send([&](money_wire::AccountIs::Builder out) {
                          out.setBook(data_of(wallet::BookId{}.view()));
                          out.initAccount().setSince(since);
                          out.initChain().setAddress(data_of(Address{}.view()));
                        });
                      });
                      on.ask<money_wire::Follow, messages::wire::Nothing>(
                          [this](auto, auto reply) { following.push_back(std::move(reply)); });
                      on.ask<money_wire::PostTransfer, money_wire::Posted>([this, &self](auto, auto reply) {
                        askers.push_back(self.caller().node);
                        posting.push_back(std::move(reply));
                      });
                    }));
    auto settings = std::make_shared<EscrowSettings>();
    settings->links = home.pool;
    settings->book = *durable::Place::parse("chain");
    home.node.start("escrow", [settings] { return std::make_unique<EscrowsActor>(settings); });
    cluster.stage.run_for(1s);
  }
  std::vector<Heard> engage(std::size_t times, base::Instant due = base::Instant::max()) {
    std::vector<Heard> out;
    const TaskAgreement agreement = task_of({}, buyer);
    const UnixMs until = wallet::unix_ms(cluster[kBook].ports.world().clock.wall()) + std::chrono::hours(1);
    const wallet::Transfer deposit{{}, buyer.address(), {1}, {{account_of(id_of(agreement)), Amount::of(1)}}, ""};
    cluster.inside(
        kGuest,
        [&](test::Scripted& self) {
          const auto escrows = self.node().remote(cluster[kBook].id(), kPath);
          for (std::size_t i = 0; i < times; ++i)
            out.push_back(
                asked<wire::TakeTaskAct, wire::TaskEscrowIs>(self, escrows, due, [&](wire::TakeTaskAct::Builder act) {
                  write_engage(act, buyer, agreement, Person("provider").address(), until, deposit, {});
                }));
        },
        2s);
    return out;
  }

  static Agreement agreement(const Person& buyer) {
    Agreement out{.buyer = buyer.address(),
                  .provider = Person("provider").address(),
                  .fund = wallet::account_of("fund", wallet::BookId{}.view()),
                  .price = Amount::of(100)};
    out.terms.start = out.terms.deliver = {Due::Kind::after, 24h};
    return out;
  }
  Heard open() {
    Heard out;
    const Agreement made = agreement(buyer);
    const base::Bytes bytes = encode(Act{id_of(made), buyer.address(), 1, Sign{commitment_of({})}});
    cluster.inside(
        kBook,
        [&](test::Scripted& self) {
          out = asked<wire::OpenEscrow, wire::EscrowIs>(
              self, self.node().find(kPath), base::Instant::max(), [&](wire::OpenEscrow::Builder ask) {
                ask.setAgreement(data_of(encode(made)));
                const auto approval = buyer.sign(bytes);
                escrow::write(ask.initSign(), bytes, buyer.policy, std::span(&approval, 1));
              });
        },
        kSoon);
    return out;
  }
  /// As the book tells it of a payment to the account of that escrow.
  Heard credit() {
    Heard out;
    cluster.inside(
        kBook,
        [&](test::Scripted& self) {
          out = asked<money_wire::Credited, messages::wire::Nothing>(
              self, self.node().find(kPath), base::Instant::max(), [&](money_wire::Credited::Builder ask) {
                ask.setKind("escrow");
                ask.setId(data_of(id_of(agreement(buyer)).view()));
                ask.setSequence(7);
                ask.setTransfer(data_of(wallet::TransferId{}.view()));
                ask.setFrom(data_of(buyer.address().view()));
                ask.setAmount(1);
              });
        },
        kSoon);
    return out;
  }

  const Person buyer{"buyer"};
  std::uint64_t since = 0;                                         // that each account has money, as the book says
  std::vector<runtime::Reply<messages::wire::Nothing>> following;  // leaves Follow unanswered until then
  std::vector<std::optional<base::NodeId>> askers;
  std::vector<runtime::Reply<money_wire::Posted>> posting;
  test::NetCluster cluster{2};
};

}  // namespace

// Offers without end filled the device, and then no delivery was taken.
TEST_CASE("escrow: on a device that is nearly full only acts are taken with which an escrow goes on") {
  OnChain trade;
  trade.open();
  const Extend longer{Extended::start, {Due::Kind::after, std::chrono::hours(48)}};
  CHECK(trade.act_when_tight(trade.buyer, longer) == base::Code::no_space);
  CHECK_FALSE(trade.act(trade.buyer, longer));
  CHECK(trade.act_when_tight(trade.buyer, Fund{{}, Amount::of(100)}) == base::Code::malformed);  // it has no deposit
  CHECK(trade.act_when_tight(trade.buyer, Cancel{}) == Code{});
}

TEST_CASE("escrow deposits: of those who repeat the act while its deposit waits for a block the last 16 are told") {
  OnChain it;
  it.open();
  const OnChain::Paid deposit = it.pay(it.buyer, account_of(it.escrow), 100);
  const base::Bytes bytes = encode(
      Act{it.escrow, it.buyer.address(), ++it.buyer.acts, Fund{wallet::id_of(deposit.transfer), Amount::of(100)}});
  std::vector<Heard> heard;
  it.book.inside([&](test::Scripted& self) {
    for (std::size_t i = 0; i < kAsked; ++i)
      heard.push_back(asked<wire::TakeAct, wire::ActTaken>(
          self, self.node().find(kPath), self.now() + 60s, [&](wire::TakeAct::Builder out) {
            const auto signs = it.buyer.sign(bytes), pays = it.buyer.sign(wallet::encode(deposit.transfer));
            escrow::write(out.initAct(), bytes, it.buyer.policy, std::span(&signs, 1));
            wallet::write(out.initDeposit(), deposit.transfer, it.buyer.policy, std::span(&pays, 1), deposit.on_chain);
          }));
  });
  it.book.run_for(30s);
  CHECK(count(heard, Code{}) == kDepositWaitingMax);
  CHECK(count(heard, Code::overloaded) == kAsked - kDepositWaitingMax);
  CHECK(*heard.front() == Code::overloaded);
}

TEST_CASE("task escrow deposits: of those who repeat an engagement while its deposit waits the last 16 are told") {
  Silent it;
  const auto heard = it.engage(kAsked);
  CHECK(it.posting.size() == 1);
  CHECK(count(heard, Code::overloaded) == kAsked - kDepositWaitingMax);
  for (auto& one : std::exchange(it.posting, {})) one.send([](money_wire::Posted::Builder) {});
  it.cluster.stage.run_for(1s);
  CHECK(count(heard, Code{}) == kDepositWaitingMax);
}

TEST_CASE("task escrow deposits: who names no deadline is answered, though the deposit waits") {
  Silent it;
  const auto heard = it.engage(1);
  CHECK(count(heard, Code::timeout) == 0);
  it.cluster.stage.run_for(2min);
  CHECK(count(heard, Code::timeout) == 1);
  it.posting.clear();
}

TEST_CASE("task escrow deposits: the book of a chain sees who has asked for a deposit, and has shares for it") {
  Silent it;
  (void)it.engage(1);
  REQUIRE(it.askers.size() == 1);
  CHECK(it.askers[0] == it.cluster[Silent::kGuest].id());
  it.posting.clear();  // and again, as it is tried again
  it.cluster.stage.run_for(5s);
  REQUIRE(it.askers.size() > 1);
  CHECK(it.askers.back() == it.cluster[Silent::kGuest].id());
  it.posting.clear();
}

TEST_CASE("task escrow deposits: a provider is not paid to where the escrow itself stands on the chain") {
  OnChain it;
  const TaskAgreement agreement = task_of(it.id, it.buyer);
  const Address own = it.see(account_of(id_of(agreement)), true);
  const OnChain::Paid deposit = it.pay(it.buyer, account_of(id_of(agreement)), 1);
  const UnixMs due = it.book.time() + std::chrono::hours(1);
  const auto engage = [&](const Address& pay_to) {
    return it.book.ask<wire::TakeTaskAct, wire::TaskEscrowIs>(
        kPath,
        [&](wire::TakeTaskAct::Builder out) {
          write_engage(out, it.buyer, agreement, pay_to, due, deposit.transfer, deposit.on_chain);
        },
        [](wire::TaskEscrowIs::Reader) {});
  };
  const auto refused = engage(own);
  REQUIRE(refused);
  CHECK(refused->code == Code::refused);
  CHECK_FALSE(engage(it.provider.address()));
}

TEST_CASE("escrow credits: a credit that no act announced is answered") {
  Silent it;
  SUBCASE("to an escrow that never was") {}
  SUBCASE("to an escrow that is proposed") {
    const Heard opened = it.open();
    REQUIRE(it.following.size() == 1);
    CHECK(*it.credit() == Code{});
    for (auto& one : std::exchange(it.following, {})) one.done();
    it.cluster.stage.run_for(Silent::kSoon);
    CHECK(*opened == Code{});
  }
  CHECK(*it.credit() == Code{});
}

TEST_CASE("escrow credits: an escrow whose account was paid before is refused, and its account is not followed") {
  Silent it;
  it.since = 1;
  CHECK(*it.open() == Code::refused);
  CHECK(it.following.empty());
}
