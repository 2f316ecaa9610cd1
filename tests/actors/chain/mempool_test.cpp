#include "actors/chain/logic/mempool.hpp"

#include <rapidcheck.h>

#include "actors/chain/logic/machine.hpp"
#include "tests/actors/chain/chains.hpp"

using namespace troupe;
using namespace troupe::chain;

namespace {

constexpr Gas kBlockGas{1'000'000};
constexpr std::uint64_t kGas = 908;  // what a transfer to one needs, without a reference

struct Offer {
  std::uint8_t from = 1;
  std::uint64_t nonce = 0;
  std::uint64_t tip = 0;
  std::uint64_t fee_max = 2'000;
  std::uint64_t gas = 0;  ///< 0: what it needs
  std::uint64_t last_height = 100;
  std::uint8_t payer = 0;
  std::string reference{};
  std::uint64_t amount = 1;
};

Approved approved(const Offer& offer) {
  Transaction content{{},
                      test_address(offer.from),
                      {offer.nonce},
                      {offer.last_height},
                      {offer.gas},
                      Amount::of(offer.fee_max),
                      Amount::of(offer.tip),
                      Transfer{{pay(200, offer.amount)}, offer.reference},
                      {}};
  if (offer.payer != 0) content.fee_payer = test_address(offer.payer);
  if (offer.gas == 0) content = with_gas(std::move(content), offer.from, offer.payer);
  auto out = Approved::verify(sign(content, {}, offer.from, offer.payer), {}, {});
  REQUIRE(out.ok());
  return std::move(out).value();
}

/// Of one that pays its own fees.
Standing own(Nonce next, std::uint64_t balance) { return {next, Amount::of(balance), Amount::of(balance)}; }

const Standing kRich = own({0}, 1'000'000'000);

std::optional<MempoolError> add(Mempool& pool, const Offer& offer, const Standing& standing = kRich,
                                Lane lane = Lane::payments) {
  const auto count = pool.count(), bytes = pool.bytes();
  const auto foretold = pool.would_add(approved(offer), standing, Height{10}, kBlockGas);
  CHECK(pool.count() == count);
  const auto added = pool.add(approved(offer), lane, standing, Height{10}, kBlockGas);
  CHECK(foretold.ok() == added.ok());
  if (!foretold.ok() && !added.ok()) CHECK(foretold.error() == added.error());
  if (added.ok()) return std::nullopt;
  CHECK(pool.count() == count);
  CHECK(pool.bytes() == bytes);
  return added.error();
}

using Taken = std::vector<std::pair<int, int>>;  // sender and nonce

Taken taken(const Picked& picked) {
  Taken out;
  for (const Approved& one : picked.transactions) {
    std::uint8_t from = 1;
    while (test_address(from) != one.content().from) ++from;
    out.emplace_back(from, one.content().nonce.value);
  }
  return out;
}

Taken pick(const Mempool& pool, std::uint64_t gas = kBlockGas.value, std::uint64_t base_fee = 1) {
  return taken(pool.pick({gas}, 1 << 20, {base_fee}, Height{11}));
}

/// The rule of a full pool, for transactions that differ in their tips alone.
struct PoolList {
  struct One {
    std::uint8_t from;
    std::uint64_t nonce, tip, arrival;
    Offer offer() const { return {.from = from, .nonce = nonce, .tip = tip}; }
  };
  using Worth = std::tuple<bool, std::uint64_t, std::int64_t>;  // ungapped, then the least tip, the latest arrival

  Worth worth(const One& one) const {
    std::uint64_t expected = next.at(one.from);
    bool ungapped = true;
    std::pair least{one.tip, -static_cast<std::int64_t>(one.arrival)};
    std::map<std::uint64_t, One> before;
    for (const One& other : all)
      if (other.from == one.from && other.nonce < one.nonce) before.emplace(other.nonce, other);
    for (const auto& [nonce, other] : before) {
      ungapped = ungapped && nonce == expected++;
      least = std::min(least, std::pair{other.tip, -static_cast<std::int64_t>(other.arrival)});
    }
    return {ungapped && one.nonce == expected, least.first, least.second};
  }

  bool add(const One& one, std::size_t room) {
    for (One& other : all) {
      if (other.from != one.from || other.nonce != one.nonce) continue;
      if (one.tip <= other.tip) return false;
      other = one;
      return true;
    }
    if (all.size() == room) {
      const auto rank = [&](const One& other) {
        return std::pair(worth(other), -static_cast<std::int64_t>(other.nonce));
      };
      const auto worst = std::ranges::min_element(all, {}, rank);
      if (worth(*worst) >= worth(one)) return false;
      all.erase(worst);
    }
    all.push_back(one);
    return true;
  }

  std::vector<One> all{};
  std::map<std::uint8_t, std::uint64_t> next{{1, 0}, {2, 0}, {3, 0}, {4, 0}};
};

}  // namespace

TEST_CASE("chain mempool: a small transfer needs the gas that these tests count with") {
  CHECK(approved({}).gas_needed().value == kGas);
}

TEST_CASE("chain mempool: the best tip comes first, and each sender in order of nonce") {
  Mempool pool;
  CHECK_FALSE(add(pool, {.from = 1, .nonce = 0, .tip = 1}));
  CHECK_FALSE(add(pool, {.from = 1, .nonce = 1, .tip = 100}));
  CHECK_FALSE(add(pool, {.from = 2, .nonce = 0, .tip = 50}));
  CHECK_FALSE(add(pool, {.from = 3, .nonce = 0, .tip = 50, .payer = 9}));
  CHECK_FALSE(add(pool, {.from = 4, .nonce = 0, .tip = 1, .fee_max = 3'000}));
  CHECK(pick(pool) == Taken{{2, 0}, {3, 0}, {4, 0}, {1, 0}, {1, 1}});
  CHECK(pick(pool, 2 * kGas) == Taken{{2, 0}, {4, 0}});  // the third needs more than is left
}

TEST_CASE("chain mempool: a walk in parts comes by all that wait, once, by sender and nonce") {
  Mempool pool;
  for (std::uint8_t from = 1; from <= 3; ++from)
    for (std::uint64_t nonce = 0; nonce < 5; ++nonce) REQUIRE(!add(pool, {.from = from, .nonce = nonce}));
  const auto all = pool.some({}, 100);
  REQUIRE(all.size() == 15);
  std::vector<const Approved*> walked;
  Mempool::Cursor at;
  for (auto part = pool.some(at, 4); !part.empty(); part = pool.some(at, 4)) {
    walked.insert(walked.end(), part.begin(), part.end());
    at = {part.back()->content().from, {part.back()->content().nonce.value + 1}};
  }
  CHECK(walked == all);
}

TEST_CASE(
    "chain mempool: what stands behind no missing nonce is taken once to be told, also when a block brings that") {
  Mempool pool;
  const auto ready = [&] { return pool.take_ready(test_address(1)).size(); };
  REQUIRE(!add(pool, {.from = 1, .nonce = 2}));
  REQUIRE(!add(pool, {.from = 1, .nonce = 4}));
  CHECK(ready() == 0);
  REQUIRE(!add(pool, {.from = 1, .nonce = 0}));
  CHECK(ready() == 1);
  CHECK(ready() == 0);
  pool.settle(test_address(1), {2}, Amount::of(1'000'000));
  CHECK(ready() == 1);
  REQUIRE(!add(pool, {.from = 1, .nonce = 3}));
  CHECK(ready() == 2);
  REQUIRE(!add(pool, {.from = 1, .nonce = 3, .tip = 5, .fee_max = 3'000}));
  CHECK(ready() == 1);  // another one in its place
  CHECK(pool.take_ready(test_address(7)).empty());
}

TEST_CASE("chain mempool: nothing is picked across a gap, or that would not pay the base fee") {
  Mempool pool;
  CHECK_FALSE(add(pool, {.from = 1, .nonce = 1}));
  CHECK_FALSE(add(pool, {.from = 2, .nonce = 0, .fee_max = 2'000}));
  CHECK_FALSE(add(pool, {.from = 2, .nonce = 1, .fee_max = 9'000}));
  CHECK(pick(pool) == Taken{{2, 0}, {2, 1}});
  CHECK(pick(pool, kBlockGas.value, 3).empty());  // 2,000 is not enough, and nonce 1 waits for it
  CHECK_FALSE(add(pool, {.from = 1, .nonce = 0}));
  CHECK(pick(pool).size() == 4);
  CHECK(pool.next_free(test_address(1), {0}) == Nonce{2});
  pool.settle(test_address(2), {1}, kRich.balance);
  CHECK(pick(pool, kBlockGas.value, 3) == Taken{{2, 1}});
}

TEST_CASE("chain mempool: what cannot be in a block is refused, and says why") {
  Mempool pool;
  CHECK_FALSE(add(pool, {.nonce = 5}, own({5}, 10'000)));
  CHECK(add(pool, {.nonce = 5}, own({5}, 10'000)) == MempoolError::known);
  CHECK(add(pool, {.nonce = 4}, own({5}, 10'000)) == MempoolError::past);
  CHECK(add(pool, {.nonce = 5 + kSenderMax}, own({5}, 10'000)) == MempoolError::ahead);
  CHECK(add(pool, {.nonce = ~std::uint64_t{0}}, own({5}, 10'000)) == MempoolError::ahead);
  CHECK(add(pool, {.nonce = 6, .last_height = 10}, own({5}, 10'000)) == MempoolError::expired);
  CHECK(add(pool, {.nonce = 6, .gas = kGas - 1}, own({5}, 10'000)) == MempoolError::gas);
  CHECK(add(pool, {.nonce = 6, .gas = kGas + 1}, own({5}, 10'000)) == MempoolError::gas);
  CHECK(pool.add(approved({.from = 3}), kRich, Height{10}, Gas{kGas - 1}).error() == MempoolError::gas);
  CHECK(pool.add(approved({.from = 2}), kRich, Height{10}, Gas{kGas}).ok());
  CHECK(add(pool, {.nonce = 6, .fee_max = 8'001}, own({5}, 10'000)) == MempoolError::funds);
  CHECK_FALSE(add(pool, {.nonce = 6, .fee_max = 8'000}, own({5}, 10'000)));
}

TEST_CASE("chain mempool: a sender has 64 at most") {
  Mempool pool;
  for (std::uint64_t nonce = 0; nonce < kSenderMax; ++nonce) CHECK_FALSE(add(pool, {.nonce = nonce}));
  CHECK(add(pool, {.nonce = kSenderMax}) == MempoolError::ahead);
  CHECK(add(pool, {.nonce = kSenderMax}, own({1}, kRich.balance.units())) ==
        MempoolError::ahead);  // nonce 0 is still here
  pool.settle(test_address(1), {1}, kRich.balance);
  CHECK_FALSE(add(pool, {.nonce = kSenderMax}, own({1}, kRich.balance.units())));
  CHECK(pick(pool).size() == kSenderMax);
}

TEST_CASE("chain mempool: a replacement offers 1 more as a tip or a tenth more as fee-max, and less of neither") {
  Mempool pool;
  CHECK_FALSE(add(pool, {.tip = 100, .fee_max = 2'000}));
  CHECK(add(pool, {.tip = 100, .fee_max = 2'199}) == MempoolError::cheap);
  CHECK(add(pool, {.tip = 99, .fee_max = 2'200}) == MempoolError::cheap);
  CHECK(add(pool, {.tip = 101, .fee_max = 1'999}) == MempoolError::cheap);
  CHECK_FALSE(add(pool, {.tip = 101, .fee_max = 2'000}));
  CHECK_FALSE(add(pool, {.tip = 102, .fee_max = 2'001}));
  CHECK(add(pool, {.tip = 102, .fee_max = 2'201}) == MempoolError::cheap);
  CHECK(add(pool, {.tip = 110, .fee_max = 2'200}, own({0}, 2'200)) == MempoolError::funds);
  CHECK_FALSE(add(pool, {.tip = 110, .fee_max = 2'200}, own({0}, 2'201)));  // the first is not counted twice
  CHECK(pool.count() == 1);
  CHECK(pool.find(approved({.tip = 100, .fee_max = 2'000}).id()) == nullptr);
  CHECK(pool.find(approved({.tip = 110, .fee_max = 2'200}).id()) != nullptr);
  CHECK_FALSE(add(pool, {.nonce = 1, .tip = 0, .fee_max = 2'000}));
  CHECK(add(pool, {.nonce = 1, .tip = 0, .fee_max = 2'000, .reference = "x"}) == MempoolError::cheap);
  CHECK_FALSE(add(pool, {.nonce = 1, .tip = 0, .fee_max = 2'200}));
}

TEST_CASE("chain mempool: a nonce is replaced 16 times at most") {
  Mempool pool;
  for (std::uint64_t tip = 0; tip <= kReplacementsMax; ++tip) CHECK_FALSE(add(pool, {.tip = tip}));
  CHECK(add(pool, {.tip = kReplacementsMax + 1}) == MempoolError::changed);
  CHECK_FALSE(add(pool, {.nonce = 1, .tip = kReplacementsMax + 1}));
  CHECK_FALSE(add(pool, {.from = 2, .tip = kReplacementsMax + 1}));
  CHECK(pool.count() == 3);
}

TEST_CASE("chain mempool: a last height is within 100,000 heights") {
  Mempool pool;
  CHECK(add(pool, {.last_height = 10 + kLifeMax + 1}) == MempoolError::lasting);
  CHECK(add(pool, {.last_height = ~std::uint64_t{0}}) == MempoolError::lasting);
  CHECK_FALSE(add(pool, {.last_height = 10 + kLifeMax}));
}

TEST_CASE("chain mempool: a full pool drops what is worth least, for a better one alone") {
  Mempool pool({kPoolBytesMax, 4});
  CHECK_FALSE(add(pool, {.from = 1, .nonce = 0, .tip = 10}));
  CHECK_FALSE(add(pool, {.from = 2, .nonce = 0, .tip = 5}));
  CHECK_FALSE(add(pool, {.from = 2, .nonce = 1, .tip = 500}));
  CHECK_FALSE(add(pool, {.from = 3, .nonce = 0, .tip = 7}));
  CHECK(add(pool, {.from = 4, .nonce = 0, .tip = 5}) == MempoolError::full);
  CHECK(add(pool, {.from = 2, .nonce = 2, .tip = 600}) == MempoolError::full);  // it would drop what it follows
  CHECK_FALSE(add(pool, {.from = 2, .nonce = 0, .tip = 6, .fee_max = 2'200}));  // in the place of the first
  CHECK(pool.count() == 4);
  CHECK_FALSE(add(pool, {.from = 4, .nonce = 0, .tip = 8}));
  CHECK(pick(pool) == Taken{{1, 0}, {4, 0}, {3, 0}, {2, 0}});  // a tip of 500 behind one of 6 is worth 6
}

TEST_CASE("chain mempool: behind a gap nothing keeps out what can be in a block") {
  Mempool pool({kPoolBytesMax, 3});
  CHECK_FALSE(add(pool, {.from = 1, .nonce = 1, .tip = 900}));
  CHECK_FALSE(add(pool, {.from = 1, .nonce = 2, .tip = 900}));
  CHECK_FALSE(add(pool, {.from = 2, .nonce = 0, .tip = 5}));
  SUBCASE("it gives way to the least, the last one first") {
    CHECK_FALSE(add(pool, {.from = 3, .nonce = 0}));
    CHECK(pool.find(approved({.from = 1, .nonce = 1, .tip = 900}).id()) != nullptr);
    CHECK(pool.find(approved({.from = 1, .nonce = 2, .tip = 900}).id()) == nullptr);
    CHECK_FALSE(add(pool, {.from = 4, .nonce = 0}));
    CHECK(pick(pool) == Taken{{2, 0}, {3, 0}, {4, 0}});
    CHECK(add(pool, {.from = 5, .nonce = 1, .tip = 900}) == MempoolError::full);
    CHECK_FALSE(add(pool, {.from = 5, .nonce = 0, .tip = 1}));
  }
  SUBCASE("of two gapped ones the better stays") {
    CHECK(add(pool, {.from = 3, .nonce = 1, .tip = 899}) == MempoolError::full);
    CHECK_FALSE(add(pool, {.from = 3, .nonce = 1, .tip = 901}));
    CHECK(pool.find(approved({.from = 1, .nonce = 2, .tip = 900}).id()) == nullptr);
  }
  SUBCASE("its own sender may close the gap, and it gives way to that") {
    CHECK_FALSE(add(pool, {.from = 1, .nonce = 0, .tip = 6}));
    CHECK(pick(pool) == Taken{{1, 0}, {1, 1}, {2, 0}});
    CHECK(add(pool, {.from = 3, .nonce = 0, .tip = 5}) == MempoolError::full);
    CHECK_FALSE(add(pool, {.from = 3, .nonce = 0, .tip = 6, .fee_max = 2'200}));
    CHECK(pick(pool) == Taken{{3, 0}, {1, 0}, {1, 1}});
  }
  SUBCASE("a final transaction may close the gap") {
    pool.settle(test_address(1), {1}, kRich.balance);
    CHECK(add(pool, {.from = 3, .nonce = 0, .tip = 5}) == MempoolError::full);
    CHECK(pick(pool) == Taken{{1, 1}, {1, 2}, {2, 0}});
  }
  SUBCASE("a gap may come up") {
    CHECK_FALSE(add(pool, {.from = 1, .nonce = 0, .tip = 700, .last_height = 11}));
    CHECK(pick(pool).size() == 3);
    pool.expire(Height{11});
    CHECK_FALSE(add(pool, {.from = 3, .nonce = 0}));
    CHECK_FALSE(add(pool, {.from = 4, .nonce = 0}));
    CHECK(pick(pool) == Taken{{2, 0}, {3, 0}, {4, 0}});
  }
}

TEST_CASE("chain mempool: what its sender cannot pay keeps out nothing that can be in a block") {
  Mempool pool({kPoolBytesMax, kSenderMax});
  const Standing half = own({0}, 200'000);
  for (std::uint64_t nonce = 0; nonce < kSenderMax; ++nonce)
    REQUIRE(!add(pool, {.nonce = nonce, .tip = 1, .fee_max = 1'000, .amount = 110'000}, half));
  const auto has = [&](std::uint64_t nonce) {
    return pool.find(approved({.nonce = nonce, .tip = 1, .fee_max = 1'000, .amount = 110'000}).id()) != nullptr;
  };
  SUBCASE("before a block") {
    for (std::uint8_t from = 2; from <= kSenderMax; ++from) CHECK_FALSE(add(pool, {.from = from}));
    CHECK(pool.count() == kSenderMax);
    CHECK(has(0));
    CHECK_FALSE(has(1));
    CHECK(add(pool, {.from = 100}) == MempoolError::full);  // the first one can be in a block
  }
  SUBCASE("when it has paid the first one, however often it is paid too little") {
    pool.settle(test_address(1), {1}, Amount::of(89'000));
    CHECK_FALSE(add(pool, {.from = 2}));
    for (std::uint64_t more = 0; more < 3; ++more) {
      pool.settle(test_address(1), {1}, Amount::of(90'000 + more));
      CHECK(pick(pool) == Taken{{2, 0}});
      CHECK(pool.pick(kBlockGas, 1 << 20, {1}, Height{11}).looked == 1);
    }
    for (std::uint8_t from = 3; from <= kSenderMax; ++from) CHECK_FALSE(add(pool, {.from = from}));
    CHECK_FALSE(has(2));
    CHECK(pool.count() == kSenderMax);
  }
  SUBCASE("and it stays as long as there is room") {
    pool.settle(test_address(1), {1}, Amount::of(150'000));
    CHECK(has(1));
    CHECK(has(63));
    CHECK(pick(pool).front() == std::pair(1, 1));
  }
}

TEST_CASE("chain mempool: what waits for money is told and picked once that has come, and not before") {
  Mempool pool;
  const auto told = [&] { return pool.take_ready(test_address(1)).size(); };
  const auto is_ready = [&](std::uint64_t nonce) {
    return !pool.gapped(approved({.nonce = nonce, .amount = 30'000}).id());
  };
  for (std::uint64_t nonce = 0; nonce < 4; ++nonce)
    CHECK_FALSE(add(pool, {.nonce = nonce, .amount = 30'000}, own({0}, 70'000)));
  CHECK(told() == 2);  // 32,000 are reserved for each
  CHECK_FALSE(is_ready(2));
  SUBCASE("with a block that brings less than is missing") {
    pool.settle(test_address(1), {1}, Amount::of(39'000 + 24'000));
    CHECK(told() == 0);
    CHECK(is_ready(1));
    CHECK_FALSE(is_ready(2));
  }
  SUBCASE("with a block that brings it") {
    pool.settle(test_address(1), {1}, Amount::of(39'000 + 60'000));
    CHECK(told() == 2);
    CHECK(pick(pool) == Taken{{1, 1}, {1, 2}, {1, 3}});
  }
  SUBCASE("with the next one of its sender, which tells the balance") {
    CHECK_FALSE(add(pool, {.nonce = 4, .amount = 30'000}, own({0}, 160'000)));
    CHECK(told() == 3);
  }
  SUBCASE("and it is picked with one that goes before it, if the block's state has the money") {
    CHECK(pick(pool) == Taken{{1, 0}, {1, 1}, {1, 2}, {1, 3}});
    const auto two = [left = 2](const Approved&) mutable { return left-- > 0; };
    CHECK(taken(pool.pick(kBlockGas, 1 << 20, {1}, Height{11}, two)) == Taken{{1, 0}, {1, 1}});
  }
  SUBCASE("a block of another node that took the money makes it wait") {
    pool.settle(test_address(1), {1}, Amount::of(31'999));
    CHECK(pick(pool).empty());
    CHECK(pool.count() == 3);
    pool.settle(test_address(1), {1}, Amount::of(32'000));
    CHECK(is_ready(1));
  }
}

TEST_CASE("chain mempool: the amount and the fee-max of one are within its sender's balance") {
  Mempool pool;
  CHECK(add(pool, {.amount = 8'001}, own({0}, 10'000)) == MempoolError::funds);
  CHECK_FALSE(add(pool, {.amount = 8'000}, own({0}, 10'000)));
  CHECK(add(pool, {.from = 2, .payer = 9, .amount = 10'001}, own({0}, 10'000)) == MempoolError::funds);
  CHECK_FALSE(add(pool, {.from = 2, .payer = 9, .amount = 10'000}, own({0}, 10'000)));
}

TEST_CASE("chain mempool: nothing that comes later takes the money from what can be in a block") {
  Mempool pool;
  const Standing has = own({0}, 30'000);
  for (std::uint64_t nonce = 0; nonce < 3; ++nonce) CHECK_FALSE(add(pool, {.nonce = nonce, .amount = 5'000}, has));
  SUBCASE("no other one of its nonce") {
    CHECK(add(pool, {.tip = 9, .amount = 14'001}, has) == MempoolError::funds);
    CHECK_FALSE(add(pool, {.tip = 9, .amount = 14'000}, has));
    CHECK(pick(pool).size() == 3);
  }
  SUBCASE("but from what could not anyway") {
    CHECK_FALSE(add(pool, {.nonce = 3, .amount = 20'000}, has));
    CHECK_FALSE(add(pool, {.nonce = 3, .tip = 9, .amount = 25'000}, has));
    CHECK_FALSE(add(pool, {.nonce = 2, .tip = 9, .amount = 14'000}, has));
    CHECK(add(pool, {.nonce = 2, .tip = 10, .amount = 14'001}, has) == MempoolError::funds);
  }
  SUBCASE("no fee for others") {
    const Standing other{{0}, Amount::of(1'000), Amount::of(30'000)};
    for (std::uint8_t from = 2; from < 6; ++from) CHECK_FALSE(add(pool, {.from = from, .payer = 1}, other));
    CHECK(add(pool, {.from = 6, .payer = 1}, other) == MempoolError::funds);
    CHECK(add(pool, {.from = 2, .tip = 9, .fee_max = 4'000, .payer = 1}, other) == MempoolError::funds);
    CHECK_FALSE(add(pool, {.from = 2, .tip = 9, .fee_max = 3'000, .payer = 1}, other));
    CHECK(pick(pool).size() == 7);
  }
}

TEST_CASE("chain mempool: who pays fees of others sends only what is left, until those are gone") {
  Mempool pool;
  const Standing other{{0}, Amount::of(1'000), Amount::of(30'000)};
  for (std::uint8_t from = 2; from < 6; ++from)
    CHECK_FALSE(add(pool, {.from = from, .last_height = 11, .payer = 1}, other));
  CHECK_FALSE(add(pool, {.amount = 28'000}, own({0}, 30'000)));
  CHECK(pick(pool) == Taken{{2, 0}, {3, 0}, {4, 0}, {5, 0}});
  CHECK_FALSE(add(pool, {.tip = 1, .amount = 20'000}, own({0}, 30'000)));
  CHECK(pick(pool).size() == 5);
  CHECK_FALSE(add(pool, {.nonce = 1, .amount = 8'000}, own({0}, 32'000)));
  CHECK(pool.gapped(approved({.nonce = 1, .amount = 8'000}).id()));
  pool.expire(Height{11});
  CHECK_FALSE(pool.gapped(approved({.nonce = 1, .amount = 8'000}).id()));
}

TEST_CASE("chain mempool: what stands behind one that does not pay is worth no more than that one") {
  Mempool pool({kPoolBytesMax, 4});
  CHECK_FALSE(add(pool, {.from = 1, .nonce = 0, .tip = 1}));
  for (std::uint64_t nonce = 1; nonce < 4; ++nonce) CHECK_FALSE(add(pool, {.from = 1, .nonce = nonce, .tip = 900}));
  for (std::uint8_t from = 2; from < 5; ++from) CHECK_FALSE(add(pool, {.from = from, .tip = 2}));
  CHECK(pick(pool) == Taken{{2, 0}, {3, 0}, {4, 0}, {1, 0}});
  CHECK(add(pool, {.from = 1, .nonce = 1, .tip = 900}) == MempoolError::full);
}

TEST_CASE("chain mempool: a sender that is further than the pool knew leaves what is past") {
  Mempool pool({kPoolBytesMax, 2});
  CHECK_FALSE(add(pool, {.from = 1, .nonce = 0}));
  CHECK_FALSE(add(pool, {.from = 1, .nonce = 1}));
  CHECK_FALSE(add(pool, {.from = 1, .nonce = 2}, own({1}, kRich.balance.units())));
  CHECK(pick(pool) == Taken{{1, 1}, {1, 2}});
  CHECK(add(pool, {.from = 1, .nonce = 0}) == MempoolError::past);  // of an older state
}

TEST_CASE("chain mempool: a block has what a state admits, asked in order, and nothing behind what it refuses") {
  Mempool pool;
  for (std::uint64_t nonce = 0; nonce < 3; ++nonce) CHECK_FALSE(add(pool, {.from = 1, .nonce = nonce, .tip = 9}));
  for (std::uint8_t from = 2; from < 5; ++from) CHECK_FALSE(add(pool, {.from = from, .tip = from}));
  Taken asked;
  const auto but = [&](int from, int nonce) {
    return [&asked, from, nonce](const Approved& one) {
      asked.push_back(taken({{one}}).front());
      return asked.back() != std::pair(from, nonce);
    };
  };
  SUBCASE("all") {
    CHECK(taken(pool.pick(kBlockGas, 1 << 20, {1}, Height{11}, but(9, 9))) ==
          Taken{{1, 0}, {1, 1}, {1, 2}, {4, 0}, {3, 0}, {2, 0}});
    CHECK(asked == pick(pool));
  }
  SUBCASE("a refusal in a queue") {
    CHECK(taken(pool.pick(kBlockGas, 1 << 20, {1}, Height{11}, but(1, 1))) == Taken{{1, 0}, {4, 0}, {3, 0}, {2, 0}});
    CHECK(asked == Taken{{1, 0}, {1, 1}, {4, 0}, {3, 0}, {2, 0}});
  }
  SUBCASE("what has no room is not asked about") {
    const auto picked = pool.pick(Gas{2 * kGas}, 1 << 20, {1}, Height{11}, but(4, 0));
    CHECK(taken(picked) == Taken{{1, 0}, {1, 1}});
    CHECK(asked == taken(picked));
  }
  SUBCASE("what is refused takes no room") {
    CHECK(taken(pool.pick(Gas{2 * kGas}, 1 << 20, {1}, Height{11}, but(1, 0))) == Taken{{4, 0}, {3, 0}});
  }
  CHECK(pool.count() == 6);
}

TEST_CASE("chain mempool: a full pool keeps what a list that is sorted anew each time would keep") {
  CHECK(rc::check([] {
    constexpr std::size_t kRoom = 5;
    Mempool pool({kPoolBytesMax, kRoom});
    PoolList list;
    const auto steps = *rc::gen::inRange(1, 40);
    for (std::uint64_t arrival = 0; arrival < static_cast<std::uint64_t>(steps); ++arrival) {
      const auto from = *rc::gen::inRange<std::uint8_t>(1, 5);
      if (*rc::gen::inRange(0, 6) == 0) {
        ++list.next[from];
        pool.settle(test_address(from), {list.next[from]}, kRich.balance);
        std::erase_if(list.all, [&](const auto& one) { return one.from == from && one.nonce < list.next[from]; });
      } else {
        const PoolList::One one{from, list.next[from] + *rc::gen::inRange<std::uint64_t>(0, 4),
                                *rc::gen::inRange<std::uint64_t>(0, 6), arrival};
        const Standing standing{{list.next[from]}, kRich.balance, kRich.balance};
        const bool added = pool.add(approved(one.offer()), standing, Height{10}, kBlockGas).ok();
        RC_ASSERT(added == list.add(one, kRoom));
      }
      RC_ASSERT(pool.count() == list.all.size());
      for (const auto& one : list.all) RC_ASSERT(pool.find(approved(one.offer()).id()) != nullptr);
    }
  }));
}

// The replaced transaction returned the money to its fee payer, and the replacement did not take it.
TEST_CASE("chain mempool: a replacement does not make a payment of its fee payer ready") {
  Mempool pool;
  const Offer payment{.from = 2, .fee_max = 3'000, .payer = 1, .amount = 4'000};
  REQUIRE_FALSE(add(pool, payment, {{0}, Amount::of(60'000), Amount::of(20'000)}));
  REQUIRE_FALSE(add(pool, {.from = 1, .nonce = 1, .payer = 2}, {{0}, Amount::of(20'000), Amount::of(60'000)}));
  pool.settle(test_address(2), {0}, Amount::of(5'000));  // 2,000 of them are for the fee of the other account
  CHECK(pool.gapped(approved(payment).id()));
  REQUIRE_FALSE(
      add(pool, {.from = 1, .nonce = 1, .fee_max = 3'000, .payer = 2}, {{0}, Amount::of(20'000), Amount::of(5'000)}));
  CHECK(pool.gapped(approved(payment).id()));
}

TEST_CASE("chain mempool: what is behind no gap can all be paid, and what comes takes that from none") {
  CHECK(rc::check([] {
    Mempool pool;
    std::map<std::uint8_t, std::uint64_t> next, balance;
    std::map<std::pair<std::uint8_t, std::uint64_t>, Offer> all;  // as they wait
    for (std::uint8_t from = 1; from <= 3; ++from)
      balance[from] = *rc::gen::element<std::uint64_t>(5'000, 20'000, 60'000);
    const auto ready = [&] {
      std::set<std::pair<std::uint8_t, std::uint64_t>> out;
      for (const auto& [place, one] : all)
        if (!pool.gapped(approved(one).id())) out.insert(place);
      return out;
    };
    const auto forget_what_is_gone = [&] {
      std::erase_if(all, [&](const auto& one) { return pool.find(approved(one.second).id()) == nullptr; });
    };
    const auto steps = *rc::gen::inRange(1, 30);
    for (int i = 0; i < steps; ++i) {
      const auto from = *rc::gen::inRange<std::uint8_t>(1, 4);
      if (*rc::gen::inRange(0, 4) == 0) {
        next[from] += *rc::gen::inRange<std::uint64_t>(0, 2);
        balance[from] = *rc::gen::element<std::uint64_t>(0, 5'000, 20'000, 60'000);
        pool.settle(test_address(from), {next[from]}, Amount::of(balance[from]));
        forget_what_is_gone();
      } else {
        const auto payer = *rc::gen::element<std::uint8_t>(0, 0, 1, 2);
        const Offer offer{.from = from,
                          .nonce = next[from] + *rc::gen::inRange<std::uint64_t>(0, 4),
                          .tip = *rc::gen::inRange<std::uint64_t>(0, 4),
                          .fee_max = *rc::gen::element<std::uint64_t>(2'000, 3'000),
                          .payer = payer == from ? std::uint8_t{0} : payer,
                          .amount = *rc::gen::element<std::uint64_t>(1, 4'000, 15'000)};
        const std::uint64_t payers = balance[offer.payer == 0 ? from : offer.payer];
        const auto before = ready();
        const Standing standing{{next[from]}, Amount::of(balance[from]), Amount::of(payers)};
        if (pool.add(approved(offer), standing, Height{10}, kBlockGas).ok()) all[{from, offer.nonce}] = offer;
        forget_what_is_gone();
        RC_ASSERT(std::ranges::includes(ready(), before));
      }
      // In a block that takes all of them, in any order, no balance falls below zero.
      std::map<std::uint8_t, std::uint64_t> needed;
      for (const auto& [place, one] : all) {
        const std::uint8_t payer = one.payer == 0 ? one.from : one.payer;
        if (one.payer != 0) needed[payer] += one.fee_max;
        if (pool.gapped(approved(one).id())) continue;
        needed[one.from] += one.amount + (one.payer == 0 ? one.fee_max : 0);
      }
      for (const auto& [place, one] : all)
        if (!pool.gapped(approved(one).id())) RC_ASSERT(needed[one.from] <= balance[one.from]);
      // And nothing waits for money that is there.
      for (const auto& [place, one] : all) {
        const auto before = all.find({place.first, place.second - 1});
        const bool follows =
            place.second == next[place.first] || (before != all.end() && !pool.gapped(approved(before->second).id()));
        if (!follows || !pool.gapped(approved(one).id())) continue;
        RC_ASSERT(needed[one.from] + one.amount + (one.payer == 0 ? one.fee_max : 0) > balance[one.from]);
      }
    }
  }));
}

TEST_CASE("chain mempool: bytes are limited as well") {
  const std::size_t each = approved({}).bytes();
  Mempool pool({3 * each, 100});
  for (std::uint8_t from = 1; from <= 3; ++from) CHECK_FALSE(add(pool, {.from = from, .tip = from}));
  CHECK(add(pool, {.from = 4, .tip = 1}) == MempoolError::full);
  // One of about 256 bytes more needs the place of two.
  CHECK(add(pool, {.from = 5, .tip = 2, .reference = std::string(256, 'x')}) == MempoolError::full);
  CHECK(pool.count() == 3);
  CHECK_FALSE(add(pool, {.from = 5, .tip = 9, .reference = std::string(256, 'x')}));
  CHECK(pick(pool) == Taken{{5, 0}, {3, 0}});
  CHECK(pool.bytes() <= 3 * each);
}

TEST_CASE("chain mempool: a balance that falls drops the last of what it pays for, also for others") {
  Mempool pool;
  for (std::uint64_t nonce = 0; nonce < 3; ++nonce) CHECK_FALSE(add(pool, {.from = 1, .nonce = nonce}));
  CHECK_FALSE(add(pool, {.from = 2, .nonce = 0, .payer = 1}));
  pool.settle(test_address(1), {0}, Amount::of(8'000));
  CHECK(pool.count() == 4);
  pool.settle(test_address(1), {0}, Amount::of(5'999));
  CHECK(pool.count() == 2);
  pool.settle(test_address(1), {0}, Amount());
  CHECK(pool.count() == 0);
  CHECK(pool.bytes() == 0);
}

TEST_CASE("chain mempool: what the machine refuses goes, with what its sender has after it") {
  Mempool pool;
  for (std::uint64_t nonce = 0; nonce < 3; ++nonce) CHECK_FALSE(add(pool, {.from = 1, .nonce = nonce}));
  CHECK_FALSE(add(pool, {.from = 2}));
  pool.drop(approved({.from = 3}).id());
  CHECK(pool.count() == 4);
  pool.drop(approved({.from = 1, .nonce = 1}).id());
  CHECK(pick(pool) == Taken{{1, 0}, {2, 0}});
  CHECK(pool.count() == 2);
  pool.drop(approved({.from = 1, .nonce = 0}).id());
  pool.drop(approved({.from = 2}).id());
  CHECK(pool.count() == 0);
  CHECK(pool.bytes() == 0);
  CHECK_FALSE(add(pool, {.from = 1, .fee_max = 9'999}, own({0}, 10'000)));  // nothing is reserved any more
}

TEST_CASE("chain mempool: a full block is not compared with the whole pool") {
  Mempool pool;
  for (std::uint8_t from = 1; from <= 100; ++from)
    CHECK_FALSE(add(pool, {.from = from, .tip = 1'000u - from, .reference = "x"}));
  const std::size_t each = (approved({.reference = "x"}).bytes() + 7) / 8 * 8 + 8;
  const std::uint64_t gas = approved({.reference = "x"}).gas_needed().value;
  SUBCASE("gas") {
    const Picked picked = pool.pick({4 * gas + gas - 1}, 1 << 20, {1}, Height{11});
    CHECK(taken(picked) == Taken{{1, 0}, {2, 0}, {3, 0}, {4, 0}});
    CHECK(picked.looked <= 8);
  }
  SUBCASE("bytes") {
    const Picked picked = pool.pick(kBlockGas, 4 * each + each - 1, {1}, Height{11});
    CHECK(taken(picked) == Taken{{1, 0}, {2, 0}, {3, 0}, {4, 0}});
    CHECK(picked.looked <= 8);
  }
  SUBCASE("room for all") { CHECK(pool.pick(kBlockGas, 1 << 20, {1}, Height{11}).transactions.size() == 100); }
  SUBCASE("once the least one is gone, for the others") {
    CHECK_FALSE(add(pool, {.from = 101, .tip = 1}));
    CHECK(pool.pick({5 * gas - 1}, 1 << 20, {1}, Height{11}).transactions.size() == 5);
    pool.drop(approved({.from = 101, .tip = 1}).id());
    CHECK(pool.pick({5 * gas - 1}, 1 << 20, {1}, Height{11}).looked <= 8);
  }
}

TEST_CASE("chain mempool: however much is not admissible, a choice ends, and what is goes into a later one") {
  Mempool pool({.refused = 5});
  for (std::uint8_t from = 1; from <= 20; ++from) CHECK_FALSE(add(pool, {.from = from, .tip = 1'000u - from}));
  const auto choose = [&pool](std::uint8_t refused_to) {
    return pool.pick(kBlockGas, 1 << 20, {1}, Height{11}, [refused_to](const Approved& one) {
      for (std::uint8_t from = 1; from <= refused_to; ++from)
        if (one.content().from == test_address(from)) return false;
      return true;
    });
  };
  for (int choice = 0; choice < 2; ++choice) {
    const Picked picked = choose(10);
    CHECK(picked.transactions.empty());
    CHECK(picked.refused.size() == 5);
    CHECK(picked.looked == 5);
    for (const TxId& id : picked.refused) pool.drop(id);
  }
  CHECK(choose(10).transactions.size() == 10);
  const Picked picked = choose(14);
  CHECK(picked.transactions.size() == 6);
  CHECK(picked.refused.empty());  // few of them may be admissible another time
}

TEST_CASE("chain mempool: what is past its last height goes") {
  Mempool pool;
  CHECK_FALSE(add(pool, {.from = 1, .last_height = 11}));
  CHECK_FALSE(add(pool, {.from = 2, .last_height = 12}));
  CHECK(pick(pool).size() == 2);
  CHECK(taken(pool.pick(kBlockGas, 1 << 20, {1}, Height{12})) == Taken{{2, 0}});
  pool.expire(Height{11});
  CHECK(pick(pool) == Taken{{2, 0}});
  pool.expire(Height{12});
  CHECK(pool.count() == 0);
}

TEST_CASE("chain mempool: each lane has its share of a block, and what it leaves goes to the others") {
  Mempool pool;
  for (std::uint8_t from = 1; from <= 20; ++from)
    CHECK_FALSE(add(pool, {.from = from, .tip = 1'000}, kRich, from <= 10 ? Lane::contracts : Lane::payments));
  const auto contracts = [](const Taken& all) {
    return std::ranges::count_if(all, [](auto one) { return one.first <= 10; });
  };
  // Of 10 places contracts have 4 and payments 5; the best of all gets the last one.
  const Taken ten = pick(pool, 10 * kGas);
  CHECK(ten.size() == 10);
  CHECK(contracts(ten) == 5);
  Mempool alone;
  for (std::uint8_t from = 1; from <= 20; ++from) CHECK_FALSE(add(alone, {.from = from}, kRich, Lane::contracts));
  CHECK(pick(alone, 10 * kGas).size() == 10);
  SUBCASE("a sender's order holds across lanes") {
    CHECK_FALSE(add(pool, {.from = 1, .nonce = 1, .tip = 1'001}, kRich, Lane::payments));
    const Taken all = pick(pool);
    CHECK(std::ranges::find(all, std::pair(1, 0)) < std::ranges::find(all, std::pair(1, 1)));
  }
}

TEST_CASE("chain mempool: whatever comes and goes, a block is within its bounds, in order, and pays its fees") {
  CHECK(rc::check([] {
    Mempool pool({8'000, 12});
    std::map<int, std::uint64_t> next;
    const auto steps = *rc::gen::inRange(1, 25);
    for (int i = 0; i < steps; ++i) {
      const auto from = *rc::gen::inRange<std::uint8_t>(1, 5);
      const Standing standing = own({next[from]}, *rc::gen::element<std::uint64_t>(1'000, 8'000, 100'000));
      switch (*rc::gen::inRange(0, 6)) {
        case 0:
          ++next[from];
          pool.settle(test_address(from), {next[from]}, standing.balance);
          break;
        case 1: pool.expire(Height{*rc::gen::inRange<std::uint64_t>(10, 14)}); break;
        default:
          (void)pool.add(approved({.from = from,
                                   .nonce = *rc::gen::inRange<std::uint64_t>(0, 4),
                                   .tip = *rc::gen::inRange<std::uint64_t>(0, 30),
                                   .fee_max = *rc::gen::element<std::uint64_t>(1'000, 2'000, 3'000),
                                   .last_height = *rc::gen::inRange<std::uint64_t>(10, 15),
                                   .payer = *rc::gen::element<std::uint8_t>(0, 0, 9)}),
                         *rc::gen::element(Lane::payments, Lane::contracts), standing, Height{10}, kBlockGas);
      }
      const Gas gas{*rc::gen::element<std::uint64_t>(3'000, 20'000)};
      const Picked picked = pool.pick(gas, 4'000, {2}, Height{11});
      std::map<wallet::Address, std::uint64_t> seen;
      std::uint64_t used = 0, bytes = 0;
      for (const Approved& one : picked.transactions) {
        const auto at = seen.find(one.content().from);
        if (at != seen.end()) RC_ASSERT(one.content().nonce.value == at->second + 1);
        seen[one.content().from] = one.content().nonce.value;
        const auto fee = fee_of(one, {2});
        RC_ASSERT(fee.has_value());
        RC_ASSERT(*fee <= one.content().fee_max);
        used += one.gas_needed().value;
        bytes += one.bytes() + 8;
      }
      RC_ASSERT(used <= gas.value);
      RC_ASSERT(bytes <= 4'000);
      RC_ASSERT(pool.count() <= 12);
      RC_ASSERT(pool.bytes() <= 8'000);
    }
  }));
}
