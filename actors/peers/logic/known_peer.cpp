#include "actors/peers/logic/known_peer.hpp"

#include <algorithm>
#include <array>

#include "runtime/base/ensure.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::peers {
namespace {

using std::chrono::seconds;

constexpr std::uint8_t kVersion = 1;
enum Flag : std::uint8_t { kSuccess = 1, kFailure = 2, kRoundTrip = 4, kBanned = 8, kToldBy = 16, kAllFlags = 31 };

std::uint64_t date_of(base::Instant when, Moment moment) {
  const auto date = std::chrono::floor<seconds>(moment.wall.since_origin() + (when - moment.now));
  return static_cast<std::uint64_t>(std::max<std::int64_t>(date.count(), 0));
}

/// Returns the instant of a date, at most `future_max` from now and at most kAgeMax ago.
base::Instant instant_of(std::uint64_t date, Moment moment, base::Duration future_max) {
  const std::int64_t ahead = static_cast<std::int64_t>(date) - base::unix_seconds(moment.wall);
  constexpr std::int64_t oldest = -std::chrono::duration_cast<seconds>(kAgeMax).count();
  const std::int64_t newest = std::chrono::duration_cast<seconds>(future_max).count();
  return moment.now + seconds(std::clamp(ahead, oldest, newest));
}

template <class T>
std::uint64_t date_or_zero(const std::optional<T>& when, Moment moment) {
  return when ? date_of(*when, moment) : 0;
}

}  // namespace

void KnownPeer::move(const Contact& to, base::Instant now) {
  if (contact.endpoint.dialable() && contact.endpoint != to.endpoint) before = Before{contact.endpoint, now};
  contact = to;
}

void KnownPeer::measured(std::chrono::microseconds round_trip) {
  const auto sample = std::clamp<std::chrono::microseconds>(round_trip, std::chrono::microseconds{0}, kRoundTripMax);
  rtt = rtt ? *rtt + (sample - *rtt) / 8 : sample;
}

std::int32_t KnownPeer::score(base::Instant now) const {
  std::int32_t out = 50;
  if (proven()) out += 30;
  out += static_cast<std::int32_t>(success / (kSuccessFull / 50)) - 50;
  out -= 10 * static_cast<std::int32_t>(std::min<std::uint32_t>(failures, 5));
  const base::Duration silence = now - last_seen;
  if (silence < std::chrono::hours{1}) out += 20;
  else if (silence < std::chrono::hours{24}) out += 10;
  if (rtt) out -= static_cast<std::int32_t>(std::min<std::int64_t>(rtt->count() / 25'000, 20));
  return std::max(out, 0);
}

base::Bytes encode(const KnownPeer& peer, Moment moment) {
  std::uint8_t flags = 0;
  if (peer.last_success) flags |= kSuccess;
  if (peer.last_failure) flags |= kFailure;
  if (peer.rtt) flags |= kRoundTrip;
  if (peer.banned_until) flags |= kBanned;
  if (peer.told_by) flags |= kToldBy;
  base::Bytes out;
  out.reserve(kRowBytes);
  base::append_number(out, kVersion);
  base::append_number(out, flags);
  base::append_number(out, std::uint16_t{0});
  base::append_number(out, peer.contact.nonce);
  base::append(out, peer.contact.key.bytes);
  base::append(out, peer.contact.endpoint.address);
  base::append_number(out, peer.contact.endpoint.port);
  base::append_number(out, peer.bans);
  base::append_number(out, peer.failures);
  base::append_number(out, peer.success);
  base::append_number(out, peer.rtt ? static_cast<std::uint32_t>(peer.rtt->count()) : std::uint32_t{0});
  base::append_number(out, date_of(peer.first_seen, moment));
  base::append_number(out, date_of(peer.last_seen, moment));
  base::append_number(out, date_or_zero(peer.last_success, moment));
  base::append_number(out, date_or_zero(peer.last_failure, moment));
  base::append_number(out, date_or_zero(peer.banned_until, moment));
  base::append(out, peer.told_by.value_or(base::NodeId{}).bytes);
  base::ensure(out.size() == kRowBytes, "a row has its fixed length");
  return out;
}

base::Result<KnownPeer, RowError> parse(const base::NodeId& id, base::ByteView bytes, Moment moment,
                                        const IdOf& id_of) {
  if (bytes.size() != kRowBytes) return RowError::length;
  base::FieldReader row(bytes);
  if (row.number<std::uint8_t>() != kVersion) return RowError::version;
  const auto flags = row.number<std::uint8_t>();
  if ((flags & ~kAllFlags) != 0 || row.number<std::uint16_t>() != 0) return RowError::flags;

  KnownPeer out;
  out.id = id;
  out.contact.nonce = row.number<std::uint32_t>();
  out.contact.key = row.fixed<base::PublicKey>();
  out.contact.endpoint.address = row.array<16>();
  out.contact.endpoint.port = row.number<std::uint16_t>();
  out.bans = row.number<std::uint16_t>();
  out.failures = row.number<std::uint32_t>();
  out.success = row.number<std::uint32_t>();
  const auto rtt = row.number<std::uint32_t>();
  std::array<std::uint64_t, 5> dates{};
  for (auto& date : dates) date = row.number<std::uint64_t>();
  const auto [first, last, success, failure, banned] = dates;
  const auto told_by = row.fixed<base::NodeId>();

  const auto stray = [&](Flag flag, bool set) { return (flags & flag) == 0 && set; };
  if (stray(kSuccess, success != 0) || stray(kFailure, failure != 0) || stray(kRoundTrip, rtt != 0) ||
      stray(kBanned, banned != 0) || stray(kToldBy, told_by != base::NodeId{})) {
    return RowError::flags;
  }
  constexpr std::uint64_t date_max = 1ull << 40;  // the year 36812: the differences below fit
  if (out.success > kSuccessFull || std::chrono::microseconds(rtt) > kRoundTripMax) return RowError::range;
  if (std::any_of(dates.begin(), dates.end(), [](std::uint64_t date) { return date > date_max; })) {
    return RowError::range;
  }
  if (!out.contact.endpoint.dialable() && out.contact.endpoint != base::Endpoint{}) return RowError::address;
  if (id_of(out.contact.key, out.contact.nonce) != id) return RowError::id;

  constexpr base::Duration past{0};
  out.first_seen = instant_of(first, moment, past);
  out.last_seen = instant_of(last, moment, past);
  if (flags & kSuccess) out.last_success = instant_of(success, moment, past);
  if (flags & kFailure) out.last_failure = instant_of(failure, moment, past);
  if (flags & kRoundTrip) out.rtt = std::chrono::microseconds(rtt);
  if (flags & kBanned) out.banned_until = instant_of(banned, moment, kBanMax);
  if (flags & kToldBy) out.told_by = told_by;
  return out;
}

}  // namespace troupe::peers
