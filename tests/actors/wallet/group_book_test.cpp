// The book of a group: each of its commits is a transaction that the group takes.
#include <doctest/doctest.h>

#include <cstring>

#include "actors/raft/api.hpp"
#include "actors/raft/logic/kv/command.hpp"
#include "actors/wallet/book_actor.hpp"
#include "actors/wallet/codec.hpp"
#include "messages/codec.hpp"
#include "messages/raft.capnp.h"
#include "tests/actors/wallet/keys.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"

using namespace troupe;
using namespace troupe::wallet;
using namespace std::chrono_literals;
using base::Bytes;

namespace {

/// A book, and a group of one member that keeps what is committed and notes how large it was.
struct GroupBook : test::ActorFixture {
  GroupBook() {
    // As in a node, whose root starts the domains: their paths follow from that.
    start("node", {}, [this](test::Scripted& root) {
      root.spawn("raft", test::script({}, [this](test::Scripted& raft) {
                   raft.spawn("group", test::script([this](test::Scripted&, runtime::Handlers& on) { serve(on); }));
                 }));
    });
    stage.settle();
    const BookActor::Setup setup{
        .settings = {.links = nullptr, .identity = nullptr, .book = place, .own_daily = {}}, .place = place, .term = 1};
    book = node.start("book", [setup] { return std::make_unique<BookActor>(setup); });
    stage.run_for(1s);
    ask<wire::GetBook, wire::BookIs>([](wire::GetBook::Builder) {},
                                     [this](wire::BookIs::Reader is) { id = *BookId::from(bytes_of(is.getBook())); });
    settle();
  }
  ~GroupBook() { book = {}; }

  void serve(runtime::Handlers& on) {
    on.ask<raft::wire::GetKey, raft::wire::GotKey>([this](raft::wire::GetKey::Reader question, auto reply) {
      const auto at = rows.find(bytes(question.getKey()));
      reply.send([&](raft::wire::GotKey::Builder out) {
        out.setFound(at != rows.end());
        if (at != rows.end()) out.setValue(data_of(at->second));
      });
    });
    on.ask<raft::wire::RangeKeys, raft::wire::KeyRows>([](auto, auto reply) {  // the book begins with no rows
      reply.send([](raft::wire::KeyRows::Builder) {});
    });
    on.ask<raft::wire::Execute, raft::wire::Executed>([this](raft::wire::Execute::Reader question, auto reply) {
      const auto txn = question.getWhat().getTxn();
      std::size_t size = 0;
      for (const auto one : txn.getOperations()) {
        size += one.getKey().size() + (one.isPut() ? one.getPut().size() : 0);
        if (one.isPut()) rows[bytes(one.getKey())] = bytes(one.getPut());
        else rows.erase(bytes(one.getKey()));
      }
      operations_max = std::max<std::size_t>(operations_max, txn.getOperations().size() + txn.getConditions().size());
      bytes_max = std::max(bytes_max, size);
      if (held) return waiting.push_back(std::move(reply));
      done(reply);
    });
  }
  static void done(runtime::Reply<raft::wire::Executed>& reply) {
    reply.send([](raft::wire::Executed::Builder out) { out.setOutcome(raft::wire::Outcome::DONE); });
  }
  static Bytes bytes(capnp::Data::Reader from) { return Bytes(from.begin(), from.end()); }

  template <class Q, class A>
  void ask(std::function<void(typename Q::Builder)> fill, std::function<void(typename A::Reader)> take = {}) {
    ++asked;
    inside([&](test::Scripted& self) {
      self.ask<Q, A>(book, self.now() + 60s, fill, [this, take](runtime::Answer<A> answer) {
        if (answer.ok()) ++answered;
        else why = answer.error().message;
        if (answer.ok() && take) take(answer.value());
      });
    });
  }
  /// All that was asked has been answered well.
  void settle() { settle_in(5s); }
  void settle_in(base::Duration span) {
    stage.run_for(span);
    CAPTURE(why);
    CHECK(answered == asked);
  }
  void issue(const Address& to, std::uint64_t units) {
    ask<wire::Issue, wire::Posted>([&](wire::Issue::Builder out) {
      out.setTo(data_of(to.view()));
      out.setAmount(units);
      out.setRequest(to.hex());
    });
  }
  /// What is asked meanwhile is in the queue of the book together.
  void together(std::function<void()> asks) {
    held = true;
    issue(test_address(9), 1);
    asks();
    operations_max = bytes_max = 0;
    held = false;
    for (auto& one : std::exchange(waiting, {})) done(one);
    settle();
  }
  static Address fresh(std::uint64_t number) {
    Address out;
    std::memcpy(out.bytes.data(), &number, sizeof number);
    out.bytes[31] = 7;
    return out;
  }

  const durable::Place place{.kind = durable::Place::Kind::group, .group = "group"};
  std::map<Bytes, Bytes> rows;
  bool held = false;
  std::vector<runtime::Reply<raft::wire::Executed>> waiting;
  std::size_t operations_max = 0, bytes_max = 0;  // of a transaction
  std::size_t asked = 0, answered = 0;
  std::string why;
  runtime::Handle book;
  BookId id;
};

}  // namespace

TEST_CASE("wallet: a commit of a group's book counts accounts that it begins to keep as rows") {
  GroupBook it;
  it.issue(test_address(1), 100'000);
  it.settle();
  it.together([&] {
    for (std::uint64_t i = 0; i < 300; ++i)
      it.ask<wire::Follow, messages::wire::Nothing>([&](wire::Follow::Builder out) {
        Bytes id(32);
        std::memcpy(id.data(), &i, sizeof i);
        out.setKind("test");
        out.setId(data_of(id));
        out.setPath("/keeper");
      });
    for (std::uint64_t number = 1, next = 0; number <= 8; ++number) {
      Transfer transfer{it.id, test_address(1), {number}, {}, ""};
      while (transfer.credits.size() < kCreditsMax)
        transfer.credits.push_back({GroupBook::fresh(next++), Amount::of(1)});
      it.ask<wire::PostTransfer, wire::Posted>(
          [&](wire::PostTransfer::Builder out) { write(out.initTransfer(), transfer, test_key(1)); });
    }
  });
  CHECK(it.operations_max > 600);
  CHECK(it.operations_max <= raft::kv::kOperationsMax);
}

TEST_CASE("wallet: a commit of a group's book counts the bytes of the proposals in it") {
  constexpr std::uint8_t kAccounts = 8;
  GroupBook it;
  std::vector<Address> signers;
  for (std::uint8_t i = 1; i <= kSignersMax; ++i) signers.push_back(test_address(i));
  std::vector<Policy> accounts;
  for (std::uint8_t i = 0; i < kAccounts; ++i) {
    accounts.push_back(Policy::of_signers(2 + i, signers).value());
    it.issue(accounts.back().address(), 1'000);
  }
  it.settle();
  it.together([&] {
    for (const Policy& account : accounts)
      for (std::uint64_t number = 1; number <= kProposalsMax; ++number) {
        Transfer transfer{it.id, account.address(), {number}, {}, std::string(kMemoBytesMax, 'm')};
        while (transfer.credits.size() < kCreditsMax)
          transfer.credits.push_back({GroupBook::fresh(transfer.credits.size()), Amount::of(1)});
        const auto key = test_key(static_cast<std::uint8_t>(1 + number % kSignersMax));
        it.ask<wire::Propose, wire::ProposalIs>([&](wire::Propose::Builder out) {
          write(out.initTransfer(), transfer, account, std::vector{approval(key, encode(transfer))});
          const auto now = unix_ms(it.ports.world().clock.wall());
          out.setExpires(static_cast<std::uint64_t>((now + UnixMs(10min)).count()));
        });
      }
  });
  CHECK(it.bytes_max > durable::Storage::kCommitBytesMax);
  CHECK(it.bytes_max < durable::Storage::kCommitBytesMax + (256u << 10));
}

// All of them were answered, and an answer larger than its kind may be ended the book.
TEST_CASE("wallet: of proposals that can be paid no more as many are told as fit, behind those that can") {
  constexpr std::uint64_t kTimes = 6;
  GroupBook it;
  std::vector<Address> signers;
  for (std::uint8_t i = 1; i <= kSignersMax; ++i) signers.push_back(test_address(i));
  const Policy account = Policy::of_signers(2, signers).value();
  it.issue(account.address(), 1'000'000);
  it.settle();
  std::uint64_t next = 0;
  const auto transfer_of = [&](std::uint64_t number) {
    Transfer out{it.id, account.address(), {number}, {}, std::string(kMemoBytesMax, 'm')};
    while (out.credits.size() < kCreditsMax) out.credits.push_back({GroupBook::fresh(next++), Amount::of(1)});
    return out;
  };
  const auto propose = [&](std::uint64_t number, std::uint8_t by) {
    const Transfer transfer = transfer_of(number);
    it.ask<wire::Propose, wire::ProposalIs>([&](wire::Propose::Builder out) {
      write(out.initTransfer(), transfer, account, std::vector{approval(test_key(by), encode(transfer))});
      const auto now = unix_ms(it.ports.world().clock.wall());
      out.setExpires(static_cast<std::uint64_t>((now + UnixMs(24h)).count()));
    });
  };
  for (std::uint64_t number = 1; number <= kTimes; ++number) {
    for (std::size_t i = 0; i < kProposalsMax; ++i) propose(number, static_cast<std::uint8_t>(1 + i % kSignersMax));
    Transfer paid{it.id, account.address(), {number}, {{test_address(1), Amount::of(1)}}, ""};
    it.ask<wire::PostTransfer, wire::Posted>([&](wire::PostTransfer::Builder out) {
      write(out.initTransfer(), paid, account,
            std::vector{approval(test_key(1), encode(paid)), approval(test_key(2), encode(paid))});
    });
    it.settle();
  }
  propose(kTimes + 1, 1);
  std::vector<std::uint64_t> told;
  it.ask<wire::ListProposals, wire::Proposals>(
      [&](wire::ListProposals::Builder out) { out.setAddress(data_of(account.address().view())); },
      [&](wire::Proposals::Reader all) {
        for (const auto row : all.getRows())
          told.push_back(decode_transfer(bytes_of(row.getTransfer().getTransfer()))->number.value);
      });
  it.settle();
  REQUIRE(told.size() == kProposalsMax);
  CHECK(told.front() == kTimes + 1);
}

TEST_CASE("wallet: accounts that the payments of airdrops begin have a rate, and escrows have another one") {
  constexpr std::uint64_t kOrders = BookActor::kBegun.burst / kCreditsMax;
  GroupBook it;
  const Bytes id(32);
  for (const char* kind : {"airdrop", "escrow"}) it.issue(account_of(kind, id), 100'000);
  it.settle();
  std::uint64_t next = 0;
  const auto pay = [&](const char* kind, std::uint64_t number) {
    Transfer transfer{it.id, account_of(kind, id), {number}, {}, ""};
    while (transfer.credits.size() < kCreditsMax) transfer.credits.push_back({GroupBook::fresh(next++), Amount::of(1)});
    it.ask<wire::PayFrom, wire::Posted>([&](wire::PayFrom::Builder out) {
      out.setTransfer(data_of(encode(transfer)));
      out.setKind(kind);
      out.setId(data_of(id));
    });
  };
  for (std::uint64_t number = 1; number <= kOrders; ++number) pay("airdrop", number);
  it.settle_in(10ms);
  pay("airdrop", kOrders + 1);
  --it.asked;
  it.settle_in(10ms);
  CHECK(it.why.find("'airdrop' have reached the limit of payments to new accounts") != std::string::npos);
  pay("escrow", 1);
  it.settle_in(1s);
  pay("airdrop", kOrders + 1);
  next = 0;
  pay("airdrop", 1);  // posted before
  it.settle_in(10ms);
}

TEST_CASE("wallet: a payment that begins many accounts has its turn, however many others begin meanwhile") {
  constexpr std::uint64_t kOrders = BookActor::kBegun.burst / kCreditsMax;
  GroupBook it;
  const Bytes small(32), large(32, 1);
  for (const Bytes& id : {small, large}) it.issue(account_of("airdrop", id), 100'000);
  it.settle();
  std::uint64_t next = 0, number = 0;
  const auto pay = [&](const Bytes& id, std::uint64_t nth, std::size_t credits) {
    Transfer transfer{it.id, account_of("airdrop", id), {nth}, {}, ""};
    while (transfer.credits.size() < credits) transfer.credits.push_back({GroupBook::fresh(next++), Amount::of(1)});
    bool posted = false;
    it.ask<wire::PayFrom, wire::Posted>(
        [&](wire::PayFrom::Builder out) {
          out.setTransfer(data_of(encode(transfer)));
          out.setKind("airdrop");
          out.setId(data_of(id));
        },
        [&](wire::Posted::Reader) { posted = true; });
    it.stage.run_for(10ms);
    return posted;
  };
  while (pay(small, number + 1, kCreditsMax)) ++number;
  REQUIRE(number >= kOrders);
  std::size_t small_paid = 0;
  bool large_paid = false;
  for (int i = 0; i < 500; ++i) {  // five seconds
    if (pay(small, number + 1, 1)) ++number, ++small_paid;
    if (i % 100 == 0 && !large_paid) large_paid = pay(large, 1, kCreditsMax);
  }
  CHECK(large_paid);
  CHECK(small_paid > 100);
}
