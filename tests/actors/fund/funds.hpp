#pragma once
// A fund with three signers and a threshold of two, and a ledger that answers when the test says so.
#include "actors/fund/logic/fund.hpp"
#include "tests/support.hpp"

namespace troupe::fund {

inline constexpr UnixMs kHour = std::chrono::hours(1);
inline constexpr UnixMs kDays = std::chrono::hours(24);
inline constexpr UnixMs kBegin{1'700'006'400'000};  // the first moment of a UTC day
static_assert(kBegin.count() % kDays.count() == 0);

inline Address person(std::uint8_t number) {
  Address out;
  out.bytes.fill(number);
  return out;
}
inline const Address kAnna = person(1), kBert = person(2), kCleo = person(3), kStranger = person(9);

inline BookId test_book() {
  BookId out;
  out.bytes.fill(7);
  return out;
}

inline Content payment(std::uint64_t amount, std::uint8_t nonce = 1, const std::string& category = "food") {
  Content out{.what = Payment{kStranger, Amount::of(amount), category}, .reason = "bread"};
  out.nonce.bytes.fill(nonce);
  out.expiry.value = kHour;
  return out;
}
inline Content signers(std::size_t threshold, std::vector<Address> list, std::uint8_t nonce = 100) {
  Content out{.what = *make_signers(threshold, std::move(list)), .reason = "a new term"};
  out.nonce.bytes.fill(nonce);
  out.expiry.value = kHour;
  return out;
}

/// All changes are kept, so that they can be replayed.
struct TestFund {
  Fund fund{test_book()};
  Fund::Changes all{};
  Amount cap{};

  explicit TestFund(std::size_t threshold = 2) {
    fund.make(*make_signers(threshold, {kAnna, kBert, kCleo}), kBegin);
    keep();
  }
  void keep() {
    auto changes = fund.take_changes();
    all.entries.insert(all.entries.end(), changes.entries.begin(), changes.entries.end());
    all.ended.insert(all.ended.end(), changes.ended.begin(), changes.ended.end());
  }
  std::optional<FundError> propose(const Content& content, UnixMs now = kBegin, const Address& by = kAnna) {
    const auto done = fund.propose(content, {by}, now);
    keep();
    return done.ok() ? std::nullopt : std::optional(done.error());
  }
  std::optional<FundError> sign(const Content& content, const Address& by, UnixMs now = kBegin) {
    const auto done = fund.sign(id_of(test_book(), content), {by}, cap, now);
    keep();
    return done.ok() ? std::nullopt : std::optional(done.error());
  }
  void post(UnixMs now = kBegin) {
    REQUIRE(fund.bound());
    fund.posted(wallet::id_of(*fund.bound()), now);
    keep();
  }
  const Proposal* open(const Content& content) const {
    const auto at = fund.proposals().find(id_of(test_book(), content));
    return at == fund.proposals().end() ? nullptr : &at->second;
  }
  const Proposal* ended(const Content& content) const {
    for (const Proposal& one : all.ended)
      if (one.id == id_of(test_book(), content)) return &one;
    return nullptr;
  }
};

}  // namespace troupe::fund
