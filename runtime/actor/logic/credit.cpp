#include "runtime/actor/logic/credit.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"

namespace troupe::runtime::logic {
namespace {

constexpr std::uint64_t kItemBytesMax = 1ull << 32;  // a frame's length has 32 bits: the sums below stay within 63

}  // namespace

void CreditSender::grant(Credit more) {
  items_ += std::min(more.items, kCreditItemsMax - items_);
  const auto room = static_cast<std::uint64_t>(static_cast<std::int64_t>(kCreditBytesMax) - bytes_);
  bytes_ += static_cast<std::int64_t>(std::min(more.bytes, room));
}

bool CreditSender::spend(std::uint64_t bytes) {
  base::ensure(open(), "an item is sent while there is credit");
  base::ensure(bytes <= kItemBytesMax, "an item fits into a frame");
  --items_;
  bytes_ -= static_cast<std::int64_t>(bytes);
  return open();
}

CreditReceiver::CreditReceiver(Credit window)
    : window_(window),
      items_granted_(window.items),
      bytes_granted_(static_cast<std::int64_t>(std::min(window.bytes, kCreditBytesMax))) {
  base::ensure(window.items > 0 && window.bytes > 0, "a window lets something through");
  base::ensure(window.items <= kCreditItemsMax && window.bytes <= kCreditBytesMax, "a window is within the limits");
}

bool CreditReceiver::received(std::uint64_t bytes) {
  if (violated_ || items_granted_ <= 0 || bytes_granted_ <= 0 || bytes > kItemBytesMax) {
    violated_ = true;
    return false;
  }
  --items_granted_;
  bytes_granted_ -= static_cast<std::int64_t>(bytes);
  ++held_.items;
  held_.bytes += bytes;
  return true;
}

std::optional<Credit> CreditReceiver::consumed(std::uint64_t bytes) {
  base::ensure(held_.items > 0 && held_.bytes >= bytes, "only what was received is consumed");
  --held_.items;
  held_.bytes -= bytes;
  ++owed_.items;
  owed_.bytes += bytes;
  if (owed_.items * 2 < window_.items && owed_.bytes * 2 < window_.bytes) return std::nullopt;
  const Credit grant = owed_;
  owed_ = {};
  items_granted_ += grant.items;
  bytes_granted_ += static_cast<std::int64_t>(grant.bytes);
  return grant;
}

}  // namespace troupe::runtime::logic
