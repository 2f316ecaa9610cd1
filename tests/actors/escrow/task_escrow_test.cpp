// Escrows of tasks: several providers, one answer.
#include "actors/escrow/logic/task_escrow.hpp"

#include <map>
#include <random>

#include "runtime/crypto/hash.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::escrow;
using wallet::Address;
using wallet::Amount;
using wallet::UnixMs;

namespace {

Address task_party(std::uint8_t number) { return {crypto::sha256(base::Bytes{number}).bytes}; }
TaskAnswer task_answer(std::uint8_t number) { return {crypto::sha256(base::Bytes{9, number}).bytes}; }
const Address kSubmitter = task_party(1), kTaskFund = task_party(2);
constexpr UnixMs kTaskNow{1'000'000}, kTaskDue{2'000'000};

TaskAgreement task_agreement(std::uint8_t quorum) {
  return {.book = {crypto::sha256(base::Bytes{7}).bytes}, .buyer = kSubmitter, .fund = kTaskFund, .quorum = quorum};
}
Engage engaged_as(std::uint64_t token, std::uint64_t price) {
  return {
      .token = token,
      .provider = task_party(static_cast<std::uint8_t>(10 + token)),
      .pay_to = task_party(static_cast<std::uint8_t>(10 + token)),
      .price = Amount::of(price),
      .due = kTaskDue,
      .deposit = {
          crypto::sha256(base::Bytes{5, static_cast<std::uint8_t>(token), static_cast<std::uint8_t>(price)}).bytes}};
}

/// An escrow, with what it has paid.
struct EscrowedTask {
  explicit EscrowedTask(std::uint8_t quorum) : it(task_agreement(quorum)) {}
  bool act(const Address& by, decltype(TaskAct::what) what, UnixMs now = kTaskNow) {
    const bool ok = it.take({id_of(it.agreement()), by, std::move(what)}, {1, 2}, now).ok();
    pay();
    return ok;
  }
  bool engage(std::uint64_t token, std::uint64_t price) {
    const bool ok = act(kSubmitter, engaged_as(token, price)) && it.deposited(token);
    if (ok) in += price;
    return ok;
  }
  bool hand_in(std::uint64_t token, std::uint8_t number) {
    return act(engaged_as(token, 1).provider, HandIn{token, task_answer(number)});
  }
  bool tick(UnixMs now) {
    const bool changed = it.tick(now);
    pay();
    return changed;
  }
  void pay() {
    it.check();
    const auto again = TaskEscrow::decode(it.encode());
    REQUIRE(again);
    CHECK(*again == it);
    while (it.payment()) {
      const wallet::Transfer transfer = *it.payment();
      REQUIRE(wallet::total_of(transfer).ok());
      for (const auto& credit : transfer.credits) paid[credit.to] += credit.amount.units();
      it.paid(id_of(transfer));
    }
  }
  std::uint64_t out() const {
    std::uint64_t sum = 0;
    for (const auto& [to, amount] : paid) sum += amount;
    return sum;
  }
  TaskEscrow it;
  std::map<Address, std::uint64_t> paid;
  std::uint64_t in = 0;
};

}  // namespace

TEST_CASE("a provider is paid nineteen parts in twenty once its answer is in and the submitter has settled") {
  EscrowedTask one(1);
  REQUIRE(one.engage(1, 100));
  CHECK(one.it.state() == "running");
  CHECK(one.hand_in(1, 1));
  CHECK_FALSE(one.it.opened());
  CHECK(one.act(kSubmitter, Settle{{1}}));
  CHECK(one.it.over());
  CHECK(one.paid[engaged_as(1, 1).pay_to] == 95);
  CHECK(one.paid[kTaskFund] == 5);
  CHECK(one.it.find(1)->state == ProviderState::paid);
}

TEST_CASE("who has handed in waits for others for 30 days after its own time, however many are engaged") {
  EscrowedTask one(1);
  REQUIRE(one.engage(1, 100));
  CHECK(one.hand_in(1, 1));
  constexpr UnixMs kLast = kTaskDue + kDueMax;
  std::uint64_t token = 2;
  const auto engage = [&](UnixMs due, UnixMs now) {
    Engage more = engaged_as(token, 1);
    more.due = due;
    const bool taken = one.act(kSubmitter, more, now) && one.it.deposited(token);
    if (taken) ++token;
    return taken;
  };
  CHECK(engage(kTaskDue, kTaskDue - UnixMs(1)));
  CHECK_FALSE(engage(kLast + UnixMs(1), kTaskDue + UnixMs(1)));
  CHECK(engage(kLast, kTaskDue));
  one.tick(kLast);
  CHECK_FALSE(engage(kLast + UnixMs(1), kLast));
  CHECK_FALSE(one.it.opened());
  CHECK(one.tick(kLast + UnixMs(1)));
  CHECK(one.it.find(1)->state == ProviderState::paid);
}

TEST_CASE("an answer that is accepted before it has come is paid when it comes") {
  EscrowedTask one(1);
  REQUIRE(one.engage(1, 100));
  CHECK(one.act(kSubmitter, Settle{{1}}));
  CHECK_FALSE(one.it.opened());
  CHECK(one.hand_in(1, 1));
  CHECK(one.it.over());
  CHECK(one.out() == 100);
}

TEST_CASE("those with the quorum are paid, the price of the others goes back") {
  EscrowedTask one(2);
  for (std::uint64_t token : {1, 2, 3}) REQUIRE(one.engage(token, 100 + token));
  CHECK(one.hand_in(1, 1));
  CHECK(one.hand_in(2, 2));
  CHECK(one.act(kSubmitter, Settle{}));
  CHECK_FALSE(one.it.opened());
  CHECK(one.hand_in(3, 1));
  CHECK(one.it.over());
  CHECK(one.paid[kSubmitter] == 102);
  CHECK(one.it.find(2)->state == ProviderState::wrong);
  CHECK(one.paid[kTaskFund] == 10);  // of 204
  CHECK(one.out() == one.in);
}

TEST_CASE("without a quorum each that has answered in time is paid: a puppet that disagrees makes no work free") {
  EscrowedTask one(2);
  REQUIRE(one.engage(1, 100));
  REQUIRE(one.engage(2, 1));
  CHECK(one.hand_in(1, 1));
  SUBCASE("it hands in another answer") {
    CHECK(one.hand_in(2, 2));
    CHECK(one.act(kSubmitter, Settle{}));
    CHECK(one.paid[kSubmitter] == 0);
  }
  SUBCASE("and has it accepted") {
    CHECK(one.hand_in(2, 2));
    CHECK(one.act(kSubmitter, Settle{{2}}));
    CHECK(one.paid[kSubmitter] == 0);
  }
  SUBCASE("it is silent") {
    CHECK(one.act(kSubmitter, Settle{}));
    CHECK(one.tick(kTaskDue + UnixMs(1)));
    CHECK(one.paid[kSubmitter] == 1);
  }
  SUBCASE("it resigns") {
    CHECK(one.act(engaged_as(2, 1).provider, Resign{2}));
    CHECK(one.act(kSubmitter, Settle{}));
    CHECK(one.paid[kSubmitter] == 1);
  }
  CHECK(one.it.over());
  CHECK(one.it.find(1)->state == ProviderState::paid);
  CHECK(one.paid[engaged_as(1, 1).pay_to] == 95);
  CHECK(one.out() == one.in);
}

TEST_CASE("a submitter that is gone does not keep a provider from its money") {
  EscrowedTask one(1);
  REQUIRE(one.engage(1, 100));
  CHECK(one.hand_in(1, 1));
  CHECK_FALSE(one.tick(kTaskDue));
  CHECK(one.it.deadline() == kTaskDue);
  CHECK(one.tick(kTaskDue + UnixMs(1)));
  CHECK(one.it.over());
  CHECK(one.out() == 100);
  CHECK(one.paid[kSubmitter] == 0);
}

TEST_CASE("who is silent or resigns is not paid, and a later attempt may be") {
  EscrowedTask one(1);
  REQUIRE(one.engage(1, 100));
  REQUIRE(one.engage(2, 100));
  CHECK(one.act(engaged_as(2, 1).provider, Resign{2}));
  CHECK(one.paid[kSubmitter] == 100);
  CHECK_FALSE(one.hand_in(2, 1));
  CHECK(one.tick(kTaskDue + UnixMs(1)));
  CHECK(one.paid[kSubmitter] == 200);
  CHECK_FALSE(one.it.opened());  // nothing was handed in
  CHECK_FALSE(one.hand_in(1, 1));
  Engage later = engaged_as(3, 7);
  later.due = kTaskDue + kTaskDue;
  CHECK(one.act(kSubmitter, later, kTaskDue));
  CHECK(one.it.deposited(3));
  CHECK(one.hand_in(3, 1));
  CHECK(one.act(kSubmitter, Settle{}));
  CHECK(one.it.over());
}

TEST_CASE("an escrow in which nothing is left ends after a day") {
  EscrowedTask one(1);
  REQUIRE(one.engage(1, 100));
  CHECK(one.tick(kTaskDue + UnixMs(1)));
  CHECK(one.it.deadline() == kTaskDue + kAbandonedAfter);
  CHECK_FALSE(one.tick(kTaskDue + kAbandonedAfter));
  CHECK(one.tick(kTaskDue + kAbandonedAfter + UnixMs(1)));
  CHECK(one.it.over());
  CHECK(one.paid[kSubmitter] == 100);
}

TEST_CASE("a deposit that the ledger refuses leaves nothing") {
  EscrowedTask one(1);
  CHECK(one.act(kSubmitter, engaged_as(1, 100)));
  CHECK_FALSE(one.hand_in(1, 1));
  CHECK(one.it.deposit_refused(1));
  CHECK_FALSE(one.it.deposited(1));
  CHECK(one.it.find(1) == nullptr);
  CHECK(one.act(kSubmitter, Settle{}));
  CHECK(one.it.over());
  CHECK_FALSE(one.act(kSubmitter, engaged_as(2, 100)));
}

TEST_CASE(
    "a deposit whose end is not known keeps no other provider from being paid, and goes back when it comes late") {
  EscrowedTask one(1);
  REQUIRE(one.engage(1, 100));
  CHECK(one.hand_in(1, 1));
  CHECK(one.act(kSubmitter, engaged_as(2, 50)));
  CHECK(one.act(kSubmitter, Settle{}));
  CHECK(one.it.deadline() == kTaskDue);
  CHECK(one.tick(kTaskDue + UnixMs(1)));
  CHECK(one.paid[engaged_as(1, 1).pay_to] == 95);
  CHECK(one.it.opened());
  CHECK_FALSE(one.it.over());  // it may come yet
  CHECK_FALSE(one.hand_in(2, 1));
  SUBCASE("it comes") {
    CHECK(one.it.deposited(2));
    CHECK_FALSE(one.it.deposited(2));
    REQUIRE(one.it.payment());
    CHECK(one.it.payment()->credits == std::vector<wallet::Credit>{{kSubmitter, Amount::of(50)}});
    one.it.paid(id_of(*one.it.payment()));
  }
  SUBCASE("it is refused") { CHECK(one.it.deposit_refused(2)); }
  one.it.check();
  CHECK(one.it.over());
}

TEST_CASE("an act is taken from its party alone, and once") {
  EscrowedTask one(1);
  CHECK_FALSE(one.act(task_party(3), engaged_as(1, 100)));
  REQUIRE(one.engage(1, 100));
  CHECK(one.act(kSubmitter, engaged_as(1, 100)));        // the same again
  CHECK_FALSE(one.act(kSubmitter, engaged_as(1, 101)));  // another one with that token
  CHECK_FALSE(one.act(kSubmitter, HandIn{1, task_answer(1)}));
  CHECK_FALSE(one.act(engaged_as(2, 1).provider, Resign{1}));
  CHECK_FALSE(one.act(engaged_as(1, 1).provider, Settle{{1}}));
  CHECK(one.hand_in(1, 1));
  CHECK(one.hand_in(1, 1));
  CHECK_FALSE(one.hand_in(1, 2));
  CHECK_FALSE(one.act(engaged_as(1, 1).provider, Resign{1}));
}

TEST_CASE("what no ledger could pay, and times that are none, are refused") {
  EscrowedTask one(1);
  Engage what = engaged_as(1, 100);
  what.pay_to = account_of(id_of(task_agreement(1)));
  CHECK_FALSE(one.act(kSubmitter, what));
  what.pay_to = wallet::issuance_of(task_agreement(1).book);
  CHECK_FALSE(one.act(kSubmitter, what));
  CHECK_FALSE(one.act(kSubmitter, engaged_as(1, 0)));
  for (const UnixMs due : {UnixMs(0), kTaskNow, kTaskNow + kDueMax + UnixMs(1), UnixMs::max()}) {
    what = engaged_as(1, 100);
    what.due = due;
    CHECK_FALSE(one.act(kSubmitter, what));
  }
  REQUIRE(one.engage(1, Amount::kMax));
  CHECK_FALSE(one.engage(2, 1));
  EscrowedTask many(1);
  for (std::uint64_t token = 1; token <= kProvidersMax; ++token) REQUIRE(many.engage(token, 1));
  CHECK_FALSE(many.engage(kProvidersMax + 1, 1));
  // Who is gone leaves its place, up to a limit.
  for (std::uint64_t token = kProvidersMax + 1; token <= kEngagedMax; ++token) {
    CHECK(many.act(engaged_as(token - 1, 1).provider, Resign{token - 1}));
    REQUIRE(many.engage(token, 1));
  }
  CHECK(many.act(engaged_as(kEngagedMax, 1).provider, Resign{kEngagedMax}));
  CHECK_FALSE(many.engage(kEngagedMax + 1, 1));
}

TEST_CASE("deposits that are under way, also beyond their time, are as many as are kept") {
  EscrowedTask one(1);
  const base::Bytes large(kDepositsBytesMax / 2);
  const auto engage = [&](std::uint64_t token) {
    return one.it.take({id_of(one.it.agreement()), kSubmitter, engaged_as(token, 1)}, large, kTaskNow);
  };
  CHECK(engage(1).ok());
  CHECK(engage(2).ok());
  CHECK(engage(3).error() == TaskEscrowError::busy);
  CHECK(one.it.tick(kTaskDue + UnixMs(1)));
  CHECK_FALSE(one.it.opened());
  CHECK(engage(3).error() == TaskEscrowError::busy);
  CHECK(one.it.deposited(1));
  CHECK(engage(3).ok());
}

TEST_CASE("a deposit engages one provider") {
  EscrowedTask one(1);
  REQUIRE(one.engage(1, 100));
  Engage again = engaged_as(2, 100);
  again.deposit = engaged_as(1, 100).deposit;
  CHECK_FALSE(one.act(kSubmitter, again));
  CHECK(one.act(engaged_as(1, 1).provider, Resign{1}));
  CHECK_FALSE(one.act(kSubmitter, again));
}

TEST_CASE("a submitter that has not engaged enough providers for its quorum pays those that have answered") {
  EscrowedTask one(2);
  REQUIRE(one.engage(1, 100));
  CHECK(one.hand_in(1, 1));
  CHECK(one.act(kSubmitter, Settle{}));
  CHECK(one.paid[engaged_as(1, 1).pay_to] == 95);
}

TEST_CASE("what was accepted is paid when it was due, though it never came") {
  EscrowedTask one(1);
  REQUIRE(one.engage(1, 100));
  CHECK(one.act(kSubmitter, Settle{{1}}));
  CHECK(one.tick(kTaskDue + UnixMs(1)));
  CHECK(one.paid[kSubmitter] == 0);
  CHECK(one.it.over());
}

TEST_CASE("whatever happens in any order, what was paid in is paid out, and each attempt at most once") {
  for (unsigned seed = 0; seed < 3'000; ++seed) {
    std::mt19937 chance(seed);
    const auto draw = [&](unsigned below) { return chance() % below; };
    EscrowedTask one(static_cast<std::uint8_t>(1 + draw(3)));
    UnixMs now = kTaskNow;
    std::map<std::uint64_t, std::uint64_t> begun;
    for (unsigned step = 0; step < 30; ++step) {
      const std::uint64_t token = 1 + draw(4);
      switch (draw(8)) {
        case 0:
        case 1: {
          Engage what = engaged_as(token, 1 + draw(100));
          what.due = now + UnixMs(1 + draw(2'000));
          if (one.it.find(token) == nullptr && one.act(kSubmitter, what, now)) begun[token] = what.price.units();
          break;
        }
        case 2:
          if (one.it.deposited(token)) one.in += begun.at(token);
          break;
        case 3: one.it.deposit_refused(token); break;
        case 4: one.hand_in(token, static_cast<std::uint8_t>(draw(2))); break;
        case 5: one.act(engaged_as(token, 1).provider, Resign{token}); break;
        case 6:
          if (draw(6) == 0) one.act(kSubmitter, draw(2) == 0 ? Settle{} : Settle{{token}});
          break;
        case 7:
          now += UnixMs(draw(500));
          one.tick(now);
          break;
      }
      one.pay();
      CHECK(one.out() + one.it.held().units() == one.in);
      CHECK(one.paid[kTaskFund] == one.it.released().units() / 20);
    }
    for (std::uint64_t token = 1; token <= 4; ++token) one.it.deposit_refused(token);
    one.act(kSubmitter, Settle{}, now);
    one.tick(now + UnixMs(3'000));
    CHECK(one.it.over());
    CHECK(one.out() == one.in);
    std::uint64_t earned = 0;
    for (const Provider& provider : one.it.providers()) {
      CHECK_FALSE(provider.awaited());
      if (provider.state == ProviderState::paid) earned += provider.engaged.price.units();
    }
    CHECK(one.it.released().units() == earned);
  }
}

TEST_CASE("acts and agreements have one encoding") {
  const TaskAgreement made = task_agreement(2);
  CHECK(decode_task_agreement(encode(made)) == made);
  const std::vector<decltype(TaskAct::what)> all{engaged_as(1, 5), HandIn{3, task_answer(1)}, Resign{7},
                                                 Settle{{1, 9}}};
  for (const auto& what : all) {
    const TaskAct act{id_of(made), kSubmitter, what};
    const base::Bytes bytes = encode(act);
    const auto back = decode_task_act(bytes);
    REQUIRE(back);
    CHECK(encode(*back) == bytes);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      base::Bytes other(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(i));
      CHECK_FALSE(decode_task_act(other));
      other = bytes;
      other[i] ^= 0x81;
      if (const auto read = decode_task_act(other)) CHECK(encode(*read) == other);
    }
  }
  base::Bytes stored = TaskEscrow(made).encode();
  for (std::size_t i = 0; i < stored.size(); ++i) {
    base::Bytes other = stored;
    other[i] ^= 0x41;
    if (const auto read = TaskEscrow::decode(other)) CHECK(read->encode() == other);
    other.resize(i);
    CHECK_FALSE(TaskEscrow::decode(other));
  }
  CHECK_FALSE(decode_task_act(encode(TaskAct{{}, {}, Settle{{9, 1}}})));
}
