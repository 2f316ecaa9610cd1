#include "actors/registry/logic/uptime.hpp"

#include <algorithm>

namespace troupe::registry {
namespace {

constexpr std::string_view kPrefixWithoutSite = "troupe uptime v1", kUptimePrefix = "troupe uptime v2";

}  // namespace

void HoursHeard::take(std::span<const Sample> samples) {
  for (const Sample& one : samples) {
    const std::uint64_t hour = one.unix_ms / kUnixHourMs;
    if (hour < from_ || hour >= until_) continue;
    bool& there = hours_.try_emplace(hour, true).first->second;
    there = there && one.status != Status::offline;
  }
}

std::uint32_t HoursHeard::count() const {
  return static_cast<std::uint32_t>(std::ranges::count(hours_, true, [](const auto& one) { return one.second; }));
}

base::Bytes sign(const Uptime& what, const crypto::SecretKey& key) {
  base::Bytes out;
  const bool sited = what.site != base::AddressGroup{};
  base::append(out, base::as_bytes(sited ? kUptimePrefix : kPrefixWithoutSite));
  base::append(out, what.by.view());
  base::append_number(out, what.by_nonce);
  base::append(out, what.node.view());
  base::append_number(out, what.from);
  base::append_number(out, what.until);
  base::append_number(out, what.hours);
  if (sited) base::append(out, what.site.prefix);
  base::append(out, key.sign(out).view());
  return out;
}

base::Result<Uptime, ReadError> read_uptime(base::ByteView bytes, unsigned work_bits) {
  base::FieldReader from(bytes);
  const std::string_view prefix = base::as_text(from.take(kUptimePrefix.size()));
  if (prefix != kUptimePrefix && prefix != kPrefixWithoutSite) return ReadError::malformed;
  Uptime out;
  out.by = from.fixed<base::PublicKey>();
  out.by_nonce = from.number<std::uint32_t>();
  out.node = from.fixed<base::NodeId>();
  out.from = from.number<std::uint32_t>();
  out.until = from.number<std::uint32_t>();
  out.hours = from.number<std::uint32_t>();
  if (prefix == kUptimePrefix) out.site.prefix = from.array<16>();
  from.fixed<crypto::Signature>();
  if (!from.ended() || out.from > out.until || out.hours > out.until - out.from) return ReadError::malformed;
  if (const auto wrong = fault(bytes, out.by, out.by_nonce, work_bits)) return *wrong;
  return out;
}

}  // namespace troupe::registry
