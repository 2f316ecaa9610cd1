#include "tests/actors/fund/funds.hpp"

using namespace troupe;
using namespace troupe::fund;

TEST_CASE("fund: a proposal is paid once, by the signature that reaches the threshold") {
  TestFund it;
  const Content bread = payment(100);
  REQUIRE_FALSE(it.propose(bread));
  CHECK_FALSE(it.propose(bread));
  CHECK(it.fund.proposals().size() == 1);
  REQUIRE_FALSE(it.sign(bread, kAnna));
  CHECK_FALSE(it.fund.bound());

  SUBCASE("two different signers") {
    CHECK_FALSE(it.sign(bread, kAnna));
    CHECK_FALSE(it.fund.bound());
    REQUIRE_FALSE(it.sign(bread, kCleo));
    REQUIRE(it.fund.bound());
    const wallet::Transfer transfer = *it.fund.bound();
    CHECK(transfer.from == account_of(test_book()));
    CHECK(transfer.credits == std::vector<wallet::Credit>{{kStranger, Amount::of(100)}});
    CHECK(transfer.memo == "food " + id_of(test_book(), bread).hex());
    CHECK(it.sign(bread, kBert) == FundError::decided);
    CHECK_FALSE(it.sign(bread, kCleo));
    CHECK(it.fund.bound() == transfer);
    it.post();
    CHECK(it.sign(bread, kBert) == FundError::unknown);
    REQUIRE(it.ended(bread) != nullptr);
    CHECK(it.ended(bread)->state == State::paid);
    CHECK(it.ended(bread)->transfer == wallet::id_of(transfer));
    CHECK(it.fund.allocations().at("food") == Allocation{Amount::of(100), 1});
    it.fund.posted(wallet::id_of(transfer), kBegin);
    CHECK(it.fund.take_changes().entries.empty());
  }
  SUBCASE("a stranger neither signs nor proposes") {
    CHECK(it.sign(bread, kStranger) == FundError::not_signer);
    CHECK(it.propose(payment(1, 2), kBegin, kStranger) == FundError::not_signer);
    CHECK(it.open(bread)->signed_by == std::vector{kAnna});
  }
  SUBCASE("what the ledger refuses has ended, and its number is free") {
    REQUIRE_FALSE(it.sign(bread, kBert));
    const auto number = it.fund.bound()->number;
    it.fund.refused(wallet::id_of(*it.fund.bound()), "the account has less than that", kBegin);
    it.keep();
    CHECK(it.ended(bread)->state == State::refused);
    CHECK(it.ended(bread)->why == "the account has less than that");
    CHECK(it.fund.allocations().empty());
    const Content cheaper = payment(10, 2);
    REQUIRE_FALSE(it.propose(cheaper));
    REQUIRE_FALSE(it.sign(cheaper, kAnna));
    REQUIRE_FALSE(it.sign(cheaper, kBert));
    CHECK(it.fund.bound()->number == number);
  }
}

TEST_CASE("fund: payments go to the ledger one at a time, in the order of their approval") {
  TestFund it(1);
  const Content first = payment(1, 1), second = payment(2, 2, "rent");
  for (const Content& one : {first, second}) REQUIRE_FALSE(it.propose(one));
  REQUIRE_FALSE(it.sign(second, kAnna));
  REQUIRE_FALSE(it.sign(first, kBert));
  CHECK(it.fund.bound()->credits[0].amount == Amount::of(2));
  CHECK(it.fund.bound()->number.value == 1);
  it.post();
  CHECK(it.fund.bound()->credits[0].amount == Amount::of(1));
  CHECK(it.fund.bound()->number.value == 2);
  it.post();
  CHECK_FALSE(it.fund.bound());
  CHECK(it.fund.allocations().size() == 2);
}

TEST_CASE("fund: a proposal expires at its time, but not between approval and payment") {
  TestFund it;
  const Content bread = payment(100), milk = payment(50, 2);
  REQUIRE_FALSE(it.propose(bread));
  REQUIRE_FALSE(it.propose(milk));
  REQUIRE_FALSE(it.sign(bread, kAnna));
  REQUIRE_FALSE(it.sign(milk, kAnna, kBegin + kHour - UnixMs(1)));
  REQUIRE_FALSE(it.sign(milk, kBert, kBegin + kHour - UnixMs(1)));
  CHECK(it.sign(bread, kBert, kBegin + kHour) == FundError::expired);
  it.fund.expire(kBegin + kHour - UnixMs(1));
  CHECK(it.fund.proposals().size() == 2);
  it.fund.expire(kBegin + kHour);
  it.keep();
  CHECK(it.ended(bread)->state == State::expired);
  CHECK(it.open(milk)->state == State::approved);
  it.post(kBegin + 2 * kHour);
  CHECK(it.ended(milk)->state == State::paid);

  SUBCASE("its life has limits, at both ends") {
    Content odd = payment(1, 3);
    for (const Expiry bad : {Expiry{false, kLifeMin - UnixMs(1)}, Expiry{false, kLifeMax + UnixMs(1)},
                             Expiry{true, kBegin}, Expiry{true, kBegin + 2 * kLifeMax}}) {
      odd.expiry = bad;
      CHECK(it.propose(odd) == FundError::life);
    }
    odd.expiry = {false, kLifeMax};
    CHECK_FALSE(it.propose(odd));
  }
  SUBCASE("a clock that went back changes nothing") {
    const Content late = payment(1, 4);
    REQUIRE_FALSE(it.propose(late, kBegin));
    CHECK(it.open(late)->proposed == kBegin + 2 * kHour);
  }
}

TEST_CASE("fund: the daily cap refuses a signature, and the next day takes it") {
  TestFund it(1);
  it.cap = Amount::of(100);
  Content most = payment(99, 1), two = payment(2, 2), one = payment(1, 3);
  for (Content* content : {&most, &two, &one}) {
    content->expiry.value = 3 * kDays;
    REQUIRE_FALSE(it.propose(*content));
  }
  REQUIRE_FALSE(it.sign(most, kAnna));
  CHECK(it.sign(two, kAnna) == FundError::cap);
  CHECK(it.open(two)->signed_by.empty());
  CHECK_FALSE(it.sign(one, kAnna));
  CHECK(it.fund.spent_on(kBegin) == Amount::of(100));

  SUBCASE("the day after") {
    CHECK(it.sign(two, kAnna, kBegin + kDays - UnixMs(1)) == FundError::cap);
    CHECK_FALSE(it.sign(two, kAnna, kBegin + kDays));
    CHECK(it.fund.spent_on(kBegin + kDays) == Amount::of(2));
  }
  SUBCASE("what the ledger has refused on that day counts no more") {
    it.fund.refused(wallet::id_of(*it.fund.bound()), "funds", kBegin);
    it.keep();
    CHECK_FALSE(it.sign(two, kAnna));
    CHECK(it.fund.spent_on(kBegin) == Amount::of(3));
  }
}

TEST_CASE("fund: signers change by the same rule, and signatures of those who left are gone") {
  TestFund it;
  const Content bread = payment(100), change = signers(2, {kAnna, kStranger});
  REQUIRE_FALSE(it.propose(bread));
  REQUIRE_FALSE(it.sign(bread, kBert));
  REQUIRE_FALSE(it.propose(change));
  REQUIRE_FALSE(it.sign(change, kAnna));
  CHECK(it.fund.signers().has(kBert));
  REQUIRE_FALSE(it.sign(change, kCleo));
  CHECK(it.fund.signers() == *make_signers(2, {kStranger, kAnna}));
  CHECK(it.ended(change)->state == State::done);
  CHECK(it.open(bread)->signed_by.empty());
  CHECK(it.sign(bread, kBert) == FundError::not_signer);
  REQUIRE_FALSE(it.sign(bread, kStranger));
  CHECK_FALSE(it.fund.bound());
  REQUIRE_FALSE(it.sign(bread, kAnna));
  CHECK(it.fund.bound());

  SUBCASE("a lower threshold counts at the next signature, also of one who has signed") {
    const Content milk = payment(5, 2), alone = signers(1, {kAnna}, 101);
    REQUIRE_FALSE(it.propose(milk));
    REQUIRE_FALSE(it.sign(milk, kAnna));
    REQUIRE_FALSE(it.propose(alone));
    REQUIRE_FALSE(it.sign(alone, kAnna));
    REQUIRE_FALSE(it.sign(alone, kStranger));
    CHECK(it.open(milk)->state == State::open);
    REQUIRE_FALSE(it.sign(milk, kAnna));
    CHECK(it.open(milk)->state == State::approved);
  }
  SUBCASE("a fund has 1 to 16 signers, and a threshold that they can reach") {
    std::vector<Address> many;
    for (std::uint8_t i = 0; i < 17; ++i) many.push_back(person(i));
    CHECK_FALSE(make_signers(1, {}));
    CHECK_FALSE(make_signers(1, many));
    CHECK_FALSE(make_signers(0, {kAnna}));
    CHECK_FALSE(make_signers(2, {kAnna, kAnna}));
    many.pop_back();
    CHECK(make_signers(16, many));
  }
}

TEST_CASE("fund: each signer has a part of the proposals that may be open, so that none blocks the others") {
  TestFund it;
  constexpr std::uint8_t kPart = kOpenMax / 3;
  for (std::uint8_t i = 1; i <= kPart; ++i) REQUIRE_FALSE(it.propose(payment(1, i)));
  CHECK(it.propose(payment(1, 200)) == FundError::part);
  CHECK_FALSE(it.propose(payment(1, 1)));  // one that is there
  CHECK_FALSE(it.propose(payment(1, 200), kBegin, kBert));
  CHECK_FALSE(it.sign(payment(1, 1), kBert));
  CHECK_FALSE(it.sign(payment(1, 1), kCleo));
  it.post();
  CHECK_FALSE(it.propose(payment(1, 201)));
  CHECK(it.propose(payment(1, 202)) == FundError::part);
  CHECK_FALSE(it.propose(payment(1, 202), kBegin + kHour));  // the late ones do not count
}

TEST_CASE("fund: 64 proposals are open at most, and one request is one proposal") {
  TestFund it;
  CHECK_FALSE(it.propose(signers(1, {kAnna})));
  CHECK_FALSE(it.sign(signers(1, {kAnna}), kAnna));
  CHECK_FALSE(it.sign(signers(1, {kAnna}), kBert));
  it.all.ended.clear();
  for (std::uint8_t i = 1; i <= kOpenMax; ++i) REQUIRE_FALSE(it.propose(payment(1, i)));
  CHECK(it.propose(payment(1, 200)) == FundError::full);
  CHECK(it.propose(payment(2, 3)) == FundError::request);
  // The late ones make room.
  CHECK_FALSE(it.propose(payment(1, 200), kBegin + kHour));
  CHECK(it.all.ended.size() == kOpenMax);
  Content own = payment(1, 201);
  std::get<Payment>(own.what).to = account_of(test_book());
  CHECK(it.propose(own) == FundError::itself);
}

TEST_CASE("fund: 256 categories at most") {
  TestFund it(1);
  for (std::size_t i = 0; i < kCategoriesMax; ++i) {
    Content one = payment(1, 1, "c-" + std::to_string(i));
    one.nonce.bytes[0] = static_cast<std::uint8_t>(i);
    REQUIRE_FALSE(it.propose(one));
    REQUIRE_FALSE(it.sign(one, kAnna));
    it.post();
  }
  CHECK(it.propose(payment(1, 77, "one-more")) == FundError::categories);
  CHECK_FALSE(it.propose(payment(1, 78, "c-0")));
}

TEST_CASE("fund: its log makes the same fund again, and nothing in it can be changed unseen") {
  TestFund it;
  const Content bread = payment(100), change = signers(1, {kAnna, kBert}), milk = payment(7, 3);
  REQUIRE_FALSE(it.propose(bread));
  REQUIRE_FALSE(it.sign(bread, kAnna));
  REQUIRE_FALSE(it.sign(bread, kBert));
  it.post();
  REQUIRE_FALSE(it.propose(change));
  REQUIRE_FALSE(it.sign(change, kAnna));
  REQUIRE_FALSE(it.sign(change, kBert));
  REQUIRE_FALSE(it.propose(milk));
  it.fund.expire(kBegin + kHour);
  it.keep();
  REQUIRE(it.all.entries.size() == 12);

  Fund again(test_book());
  for (const Entry& entry : it.all.entries) REQUIRE(again.replay(entry));
  CHECK(again == it.fund);
  CHECK(again.hash() == hash_of(it.all.entries.back()));

  for (std::size_t i = 0; i + 1 < it.all.entries.size(); ++i) {
    Fund other(test_book());
    bool held = true;
    for (std::size_t j = 0; j < it.all.entries.size() && held; ++j) {
      Entry entry = it.all.entries[j];
      if (i == j) entry.time += UnixMs(1);
      held = other.replay(entry);
    }
    CHECK_FALSE(held);
  }
  CHECK_FALSE(again.replay(it.all.entries.front()));
}
