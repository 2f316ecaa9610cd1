// What becomes of an airdrop, without a node: its list, its shares, objections, and payments that are sent again.
#include "actors/airdrop/logic/airdrop.hpp"

#include <algorithm>
#include <set>

#include "runtime/base/fields.hpp"
#include "runtime/base/random.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::airdrop;

namespace {

constexpr UnixMs kNow{1'700'000'000'000}, kHearing = std::chrono::hours(72);

Address person(std::uint32_t number) {
  Address out;
  for (std::size_t i = 0; i < 4; ++i) out.bytes[i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  return out;
}

std::vector<Recipient> some_list(std::size_t size, base::Random& random, std::uint64_t weight_max = 9) {
  std::vector<Recipient> out;
  for (std::uint32_t i = 0; i < size; ++i) out.push_back({person(i + 1), 1 + random.below(weight_max)});
  return out;
}

Terms some_terms(std::span<const Recipient> list, std::uint64_t pool) {
  Terms blank;
  blank.owner = person(0xFFFFFFFF);
  blank.pool = Amount::of(pool);
  return make_terms(blank, list).value();
}

/// An airdrop whose list has come.
struct Published {
  Terms terms;
  std::vector<Page> pages;
  Airdrop airdrop{};
  AllObjected objected{};

  Published(std::vector<Recipient> list, std::uint64_t pool) : terms(some_terms(list, pool)), pages(pages_of(list)) {
    REQUIRE(airdrop.funded(kNow).ok());
    for (std::uint32_t i = 0; i < pages.size(); ++i)
      REQUIRE(airdrop.add(terms, i, encode(pages[i]), kHearing, kNow).ok());
    REQUIRE(airdrop.state == State::published);
  }
  Objected& at(std::uint32_t index) {
    return objected.try_emplace(index, Objected{pages[index / kPageRows][index % kPageRows], {}}).first->second;
  }
  base::Result<void, AirdropError> object(std::uint32_t index, std::uint32_t by, std::string reason = "a bot",
                                          UnixMs now = kNow) {
    return airdrop::object(airdrop, objected, at(index), {person(by), {}, now, std::move(reason)}, airdrop.ends);
  }
  base::Result<void, AirdropError> decide(std::uint32_t index, bool strike, UnixMs now = kNow) {
    return airdrop::decide(airdrop, at(index), {strike, {}, now}, airdrop.ends);
  }
  /// All batches from there on.
  std::vector<Batch> batches(Cursor from = {}) {
    std::vector<Batch> out;
    while (from.index < terms.recipients) {
      out.push_back(next_batch(id_of(terms), terms, airdrop, objected, from, pages[from.index / kPageRows]));
      REQUIRE(out.back().after.index > from.index);
      from = out.back().after;
    }
    return out;
  }
};

}  // namespace

TEST_CASE("airdrop: the shares are the pool to the unit, and each is off by less than 1") {
  base::Random random(7);
  for (int round = 0; round < 200; ++round) {
    const auto list = some_list(1 + random.below(300), random, round % 2 == 0 ? 9 : kWeightMax);
    const std::uint64_t pool = list.size() + random.below(round % 3 == 0 ? Amount::kMax - 1'000 : 10'000);
    const Terms terms = some_terms(list, pool);
    Shares shares(terms.pool, terms.weights);
    std::uint64_t sum = 0;
    for (const Recipient& one : list) {
      const std::uint64_t amount = shares.next(one.weight).units();
      const auto exact = static_cast<long double>(pool) * one.weight / terms.weights;
      CHECK(std::abs(static_cast<long double>(amount) - exact) < 1.001L);
      sum += amount;
    }
    CHECK(sum == pool);
  }
}

TEST_CASE("airdrop: pages and terms are read as they were written, and nothing else is") {
  base::Random random(8);
  const auto list = some_list(2'345, random);
  Terms terms = some_terms(list, 1'000'000);
  terms.until = {false, std::chrono::hours(5)};
  CHECK(decode_terms(encode(terms)) == terms);
  CHECK(terms.pages.size() == 3);
  for (const Page& page : pages_of(list)) CHECK(decode_page(encode(page)) == page);
  for (int round = 0; round < 2'000; ++round) {
    base::Bytes bytes = encode(terms);
    bytes[random.below(bytes.size())] ^= static_cast<std::uint8_t>(1 + random.below(255));
    if (round % 5 == 0) bytes.resize(random.below(bytes.size()));
    if (const auto read = decode_terms(bytes)) CHECK(encode(*read) == bytes);
  }
  Page page = pages_of(list)[0];
  std::swap(page[3], page[4]);
  CHECK_FALSE(decode_page(encode(page)));
  page = {{person(1), 0}};
  CHECK_FALSE(decode_page(encode(page)));
  page = {{person(1), kWeightMax + 1}};
  CHECK_FALSE(decode_page(encode(page)));
  CHECK_FALSE(decode_page({}));
}

TEST_CASE("airdrop: terms that cannot be kept are refused") {
  base::Random random(9);
  const auto list = some_list(3, random);
  const auto refused = [&](Terms blank, std::span<const Recipient> of) {
    const auto made = make_terms(std::move(blank), of);
    REQUIRE_FALSE(made.ok());
    return made.error();
  };
  Terms blank;
  blank.pool = Amount::of(2);
  CHECK(refused(blank, list) == TermsError::pool);
  blank.pool = Amount::of(100);
  CHECK(refused(blank, {}) == TermsError::empty);
  CHECK(refused(blank, std::vector<Recipient>{{person(1), 1}, {person(1), 2}}) == TermsError::order);
  CHECK(refused(blank, std::vector<Recipient>{{person(2), 1}, {person(1), 2}}) == TermsError::order);
  CHECK(refused(blank, std::vector<Recipient>{{person(1), 0}}) == TermsError::weight);
  blank.from = {true, kNow};
  blank.until = {true, kNow - std::chrono::seconds(1)};
  CHECK(refused(blank, list) == TermsError::window);
}

TEST_CASE("airdrop: a page comes in its turn, is the one that was promised, and counts once") {
  base::Random random(10);
  const auto list = some_list(2'500, random);
  const Terms terms = some_terms(list, 100'000);
  const auto pages = pages_of(list);
  Airdrop airdrop;
  CHECK(airdrop.add(terms, 0, encode(pages[0]), kHearing, kNow).error() == AirdropError::state);
  REQUIRE(airdrop.funded(kNow).ok());
  CHECK(airdrop.add(terms, 1, encode(pages[1]), kHearing, kNow).error() == AirdropError::page);
  CHECK(airdrop.add(terms, 0, encode(pages[1]), kHearing, kNow).error() == AirdropError::page);
  CHECK(airdrop.add(terms, 7, encode(pages[1]), kHearing, kNow).error() == AirdropError::page);
  for (std::uint32_t i = 0; i < 3; ++i) {
    REQUIRE(airdrop.add(terms, i, encode(pages[i]), kHearing, kNow).ok());
    const Airdrop before = airdrop;
    CHECK(airdrop.add(terms, i, encode(pages[i]), kHearing, kNow).ok());
    CHECK(airdrop == before);
  }
  CHECK(airdrop.state == State::published);
  CHECK(airdrop.ends == kNow + kHearing);
  CHECK(Airdrop::decode(airdrop.encode()) == airdrop);
  base::Bytes of_earlier_version = airdrop.encode();  // it noted the last payment that it had not requested
  base::append_number(of_earlier_version, std::uint64_t{9});
  base::append_number(of_earlier_version, std::uint64_t{1});
  CHECK(Airdrop::decode(of_earlier_version) == airdrop);
}

TEST_CASE("airdrop: a list that is not whole in time gives the pool back") {
  base::Random random(11);
  const auto list = some_list(1'500, random);
  const Terms terms = some_terms(list, 100'000);
  Airdrop airdrop;
  REQUIRE(airdrop.funded(kNow).ok());
  REQUIRE(airdrop.add(terms, 0, encode(pages_of(list)[0]), kHearing, kNow).ok());
  airdrop.expire(kNow + kFillWithin - UnixMs(1));
  CHECK(airdrop.state == State::filling);
  airdrop.expire(kNow + kFillWithin);
  CHECK(airdrop.state == State::returning);
  airdrop.end(kNow);
  CHECK(airdrop.state == State::returned);
  CHECK(give_back(id_of(terms), terms).credits == std::vector<wallet::Credit>{{terms.owner, terms.pool}});
}

TEST_CASE("airdrop: nothing is paid before the end of the window and of the objections") {
  base::Random random(12);
  Published one(some_list(5, random), 100);
  CHECK(one.airdrop.begin_paying(one.terms, kNow + kHearing - UnixMs(1)).error() == AirdropError::early);
  CHECK(one.airdrop.begin_paying(one.terms, kNow + kHearing).ok());
  CHECK(one.airdrop.state == State::paying);
  CHECK(one.airdrop.begin_paying(one.terms, kNow + kHearing).error() == AirdropError::state);

  const auto list = some_list(5, random);
  for (const Moment until : {Moment{true, kNow + std::chrono::hours(9)}, Moment{false, std::chrono::hours(9)}}) {
    Terms terms = some_terms(list, 100);
    terms.until = until;
    Airdrop airdrop;
    REQUIRE(airdrop.funded(kNow).ok());
    REQUIRE(airdrop.add(terms, 0, encode(list), kHearing, kNow).ok());
    CHECK(airdrop.ends == kNow + std::chrono::hours(9) + kHearing);
  }
}

TEST_CASE("airdrop: objections are heard in time, and the owner decides once") {
  base::Random random(13);
  Published one(some_list(20, random), 1'000);
  CHECK(one.decide(3, true).error() == AirdropError::nothing);
  CHECK(one.object(3, 100).ok());
  CHECK(one.object(3, 100).ok());
  CHECK(one.at(3).objections.size() == 1);
  CHECK(one.object(3, 100, "another reason").error() == AirdropError::said);
  for (std::uint32_t by = 101; by < 100 + kObjectionsOfOne; ++by) CHECK(one.object(3, by).ok());
  CHECK(one.object(3, 99).error() == AirdropError::full);
  CHECK(one.decide(3, true).ok());
  CHECK(one.decide(3, true).ok());
  CHECK(one.decide(3, false).error() == AirdropError::decided);
  CHECK(one.airdrop.struck == 1);
  CHECK(one.airdrop.struck_weights == one.pages[0][3].weight);
  CHECK(one.object(4, 100, "late", one.airdrop.ends).error() == AirdropError::late);
  CHECK(one.object(4, 100).ok());
  CHECK(one.decide(4, true, one.airdrop.ends).error() == AirdropError::late);
  for (const auto& [index, objected] : one.objected) CHECK(decode_objected(encode(objected)) == objected);
}

TEST_CASE("airdrop: all that one account may say is limited") {
  base::Random random(14);
  Published one(some_list(200, random), 1'000);
  for (std::uint32_t i = 0; i < kObjectionsOfAccount; ++i) CHECK(one.object(i, 100).ok());
  CHECK(one.object(150, 100).error() == AirdropError::full);
  one.objected.erase(150);
  CHECK(one.object(150, 101).ok());
}

TEST_CASE("airdrop: whatever strangers say, the owner can object and strike") {
  base::Random random(18);
  Published one(some_list(200, random), 1'000);
  one.airdrop.owner = one.terms.owner;
  for (std::uint32_t by = 100; by < 100 + kObjectionsOfOne; ++by) CHECK(one.object(3, by).ok());
  for (std::uint32_t by = 200; one.objected.size() < 100; ++by)
    for (std::uint32_t i = 0; i < kObjectionsOfAccount; ++i) (void)one.object(10 + i + by % 100, by);
  CHECK(one.object(3, 99).error() == AirdropError::full);
  CHECK(one.object(3, 0xFFFFFFFF).ok());
  CHECK(one.decide(3, true).ok());
  CHECK(decode_objected(encode(one.at(3))) == one.at(3));
}

TEST_CASE("airdrop: an account is not paid out of what money is made from") {
  Terms blank;
  blank.pool = Amount::of(10);
  const std::vector<Recipient> list{{wallet::issuance_of(blank.book), 1}};
  CHECK(make_terms(blank, list).error() == TermsError::issuance);
}

TEST_CASE("airdrop: who is struck leaves his share to the others") {
  base::Random random(15);
  Published one(some_list(10, random), 1'000);
  for (const std::uint32_t index : {0U, 4U, 9U}) {
    REQUIRE(one.object(index, 100).ok());
    REQUIRE(one.decide(index, true).ok());
  }
  REQUIRE(one.object(5, 100).ok());  // and is not decided
  REQUIRE(one.airdrop.begin_paying(one.terms, one.airdrop.ends).ok());
  std::uint64_t sum = 0;
  std::set<Address> paid;
  for (const Batch& batch : one.batches())
    for (const wallet::Credit& credit : batch.transfer.credits) {
      sum += credit.amount.units();
      CHECK(paid.insert(credit.to).second);
    }
  CHECK(sum == 1'000);
  CHECK(paid.size() == 7);
  CHECK(paid.contains(one.pages[0][5].to));

  Published all(some_list(2, random), 1'000);
  for (const std::uint32_t index : {0U, 1U}) {
    REQUIRE(all.object(index, 100).ok());
    REQUIRE(all.decide(index, true).ok());
  }
  REQUIRE(all.airdrop.begin_paying(all.terms, all.airdrop.ends).ok());
  CHECK(all.airdrop.state == State::returning);
}

TEST_CASE("airdrop: payments follow from the state alone, whatever was sent before a crash") {
  base::Random random(16);
  Published one(some_list(2'345, random, kWeightMax), 3'000'000);
  for (int i = 0; i < 60; ++i) {
    const auto index = static_cast<std::uint32_t>(random.below(2'345));
    if (one.object(index, 100 + static_cast<std::uint32_t>(i)).ok()) REQUIRE(one.decide(index, true).ok());
  }
  REQUIRE(one.airdrop.begin_paying(one.terms, one.airdrop.ends).ok());
  const auto batches = one.batches();
  std::uint64_t number = 0, sum = 0;
  for (const Batch& batch : batches) {
    if (batch.transfer.credits.empty()) continue;
    CHECK(batch.transfer.number.value == ++number);
    CHECK(wallet::decode_transfer(wallet::encode(batch.transfer)) == batch.transfer);
    for (const wallet::Credit& credit : batch.transfer.credits) sum += credit.amount.units();
    CHECK(batch.after.paid.units() == sum);
  }
  CHECK(sum == 3'000'000);
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const auto rest = one.batches(batches[i].after);
    REQUIRE(rest.size() == batches.size() - i - 1);
    for (std::size_t j = 0; j < rest.size(); ++j) CHECK(rest[j].transfer == batches[i + 1 + j].transfer);
  }
}

TEST_CASE("airdrop: who gets less than a unit is passed over, and the rest is whole") {
  std::vector<Recipient> list;
  for (std::uint32_t i = 1; i <= 200; ++i) list.push_back({person(i), i == 77 ? 1'000'000U : 1U});
  Published one(list, 200);
  REQUIRE(one.airdrop.begin_paying(one.terms, one.airdrop.ends).ok());
  std::uint64_t sum = 0;
  for (const Batch& batch : one.batches())
    for (const wallet::Credit& credit : batch.transfer.credits) {
      CHECK(credit.amount > Amount());
      sum += credit.amount.units();
    }
  CHECK(sum == 200);
}

TEST_CASE("airdrop: states and objections that were changed are not read, or are what they say") {
  base::Random random(17);
  Published one(some_list(20, random), 1'000);
  REQUIRE(one.object(3, 100, "a very good reason").ok());
  REQUIRE(one.object(3, 101, "another").ok());
  REQUIRE(one.decide(3, true).ok());
  const base::Bytes state = one.airdrop.encode(), objected = encode(one.at(3));
  for (int round = 0; round < 4'000; ++round) {
    base::Bytes bytes = round % 2 == 0 ? state : objected;
    bytes[random.below(bytes.size())] ^= static_cast<std::uint8_t>(1 + random.below(255));
    if (round % 7 == 0) bytes.resize(random.below(bytes.size()));
    if (const auto read = Airdrop::decode(bytes); read && round % 2 == 0) {
      const base::Bytes again = read->encode();  // without what an earlier version appended
      CHECK(again == base::Bytes(bytes.begin(), bytes.begin() + std::ptrdiff_t(std::min(again.size(), bytes.size()))));
    }
    if (const auto read = decode_objected(bytes); read && round % 2 == 1) CHECK(encode(*read) == bytes);
  }
}
