#include <rapidcheck.h>

#include "tests/actors/fund/funds.hpp"

using namespace troupe;
using namespace troupe::fund;

namespace {

/// Each byte changed, an end that is missing, and one byte more: whatever is read is the encoding of it.
template <class Read>
void hostile(const base::Bytes& good, Read&& read) {
  CHECK(read(good));
  for (std::size_t i = 0; i < good.size(); ++i) {
    CHECK_FALSE(read(base::ByteView(good).first(i)));
    base::Bytes changed = good;
    for (const int by : {0x01, 0x81}) {
      changed[i] = static_cast<std::uint8_t>(changed[i] ^ by);
      (void)read(changed);
    }
  }
  base::Bytes longer = good;
  longer.push_back(0);
  CHECK_FALSE(read(longer));
}

template <class T>
bool same_bytes(const std::optional<T>& read, base::ByteView bytes) {
  if (read) REQUIRE(std::ranges::equal(encode(*read), bytes));
  return read.has_value();
}

}  // namespace

TEST_CASE("fund bytes: the id of a proposal and the hash of an entry never change") {
  const Content bread = payment(100);
  CHECK(id_of(test_book(), bread).hex() == "0f2086cf1fb71abbb301fbfee96e35a0a35a57051423d338d06252248919be99");
  TestFund it;
  REQUIRE_FALSE(it.propose(bread));
  CHECK(it.fund.hash().hex() == "bb9f6d36e04835f6aefcc1fbc9fb36646985085e601a22fdee5f7f0922cbb252");
}

TEST_CASE("fund bytes: contents, proposals, entries and states are read as they were written, and in no other way") {
  TestFund it;
  const Content bread = payment(100), change = signers(2, {kAnna, kStranger});
  REQUIRE_FALSE(it.propose(bread));
  REQUIRE_FALSE(it.propose(change));
  REQUIRE_FALSE(it.sign(bread, kAnna));
  REQUIRE_FALSE(it.sign(bread, kBert));
  for (const Content& one : {bread, change})
    hostile(encode(one), [](base::ByteView bytes) { return same_bytes(decode_content(bytes), bytes); });
  CHECK(decode_content(encode(bread)) == bread);
  for (const auto& [id, proposal] : it.fund.proposals()) {
    hostile(encode(proposal), [](base::ByteView bytes) { return same_bytes(decode_proposal(bytes), bytes); });
    CHECK(decode_proposal(encode(proposal)) == proposal);
  }
  it.fund.refused(wallet::id_of(*it.fund.bound()), "funds", kBegin);
  it.keep();
  for (Entry entry : it.all.entries) {
    hostile(encode(entry), [](base::ByteView bytes) { return same_bytes(decode_entry(bytes), bytes); });
    entry.approval = wallet::Approval{};
    CHECK(decode_entry(encode(entry)) == entry);
  }
}

TEST_CASE("fund bytes: a state that is read goes on as the one that was written") {
  TestFund it(1);
  for (std::uint8_t i = 1; i < 4; ++i) REQUIRE_FALSE(it.propose(payment(i, i)));
  REQUIRE_FALSE(it.sign(payment(2, 2), kAnna));
  REQUIRE_FALSE(it.sign(payment(1, 1), kAnna));
  const base::Bytes bytes = it.fund.encode();
  const auto again = Fund::decode(test_book(), bytes);
  REQUIRE(again);
  CHECK(*again == it.fund);
  CHECK(again->bound() == it.fund.bound());
  CHECK_FALSE(Fund::decode(BookId{}, bytes));
  hostile(bytes, [](base::ByteView given) {
    const auto fund = Fund::decode(test_book(), given);
    if (fund) REQUIRE(std::ranges::equal(fund->encode(), given));
    return fund.has_value();
  });
}

TEST_CASE("fund bytes: reasons and categories have limits") {
  const auto good = [](const Content& content) { return decode_content(encode(content)).has_value(); };
  Content one = payment(1);
  one.reason = std::string(kReasonBytesMax, 'r');
  CHECK(good(one));
  one.reason += 'r';
  CHECK_FALSE(good(one));
  one.reason = "two\nlines";
  CHECK_FALSE(good(one));
  one.reason.clear();
  for (const char* bad : {"", "Food", "a b", "\xc3\xa9"}) {
    std::get<Payment>(one.what).category = bad;
    CHECK_FALSE(good(one));
  }
  std::get<Payment>(one.what).category = std::string(kCategoryBytesMax, '9');
  CHECK(good(one));
  std::get<Payment>(one.what).category += '9';
  CHECK_FALSE(good(one));
  CHECK_FALSE(good(payment(0)));
}

TEST_CASE("fund bytes: whatever bytes are taken are the one encoding of what they say") {
  rc::check([](const base::Bytes& bytes) {
    if (const auto content = decode_content(bytes)) RC_ASSERT(encode(*content) == bytes);
    if (const auto entry = decode_entry(bytes)) RC_ASSERT(encode(*entry) == bytes);
    if (const auto proposal = decode_proposal(bytes)) RC_ASSERT(encode(*proposal) == bytes);
    if (const auto fund = Fund::decode(test_book(), bytes)) RC_ASSERT(fund->encode() == bytes);
  });
}
