#pragma once
// What is remembered of one peer, and the encoding of its row.
//
// Row     kRowBytes, integers little-endian, absent values zero, instants as Unix seconds: version (1), flags (1), zero
//         (2), nonce (4), key (32), address (16), port (2), bans (2), failures (4), success (4), round trip (4), first
//         seen, last seen, last success, last failure, banned until (8 each), told by (20). Key of the row: its id.
// Time    monotonic in memory. Its origin changes with each start, so rows contain dates; a future date (a clock that
//         was set back) counts as now.
#include <chrono>
#include <cstdint>
#include <optional>

#include "actors/peers/logic/contact.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"

namespace troupe::peers {

inline constexpr std::size_t kRowBytes = 132;
inline constexpr std::uint32_t kSuccessFull = 1'000'000;     // rates are in millionths
inline constexpr std::chrono::seconds kRoundTripMax{60};     // our choice: longer times say nothing about the distance
inline constexpr std::chrono::hours kBanMax{24};             // our choice: an address may change hands in a day
inline constexpr std::chrono::hours kAgeMax{24 * 365 * 10};  // older dates are invalid, and count as this old

/// The same moment on both clocks.
struct Moment {
  base::Instant now;
  base::WallTime wall;
};

struct KnownPeer {
  base::NodeId id;
  Contact contact;
  std::optional<base::NodeId>
      told_by;  ///< the peer that passed it on; nullopt: this node dialled it, a person named it, or it dialled us
  base::Instant first_seen;
  base::Instant last_seen;                    ///< last message from it, or last mention if there was none
  std::optional<base::Instant> last_success;  ///< a link that this node dialled worked, so the address is right
  std::optional<base::Instant> last_failure;  ///< a failed dial, or the silence that ended a link
  std::uint32_t failures = 0;                 ///< in a row; another node at its address counts as several
  std::optional<std::chrono::microseconds>
      rtt;                               ///< smoothed as in RFC 6298, with a weight of an eighth for each new value
  std::uint32_t success = kSuccessFull;  ///< smoothed fraction of dials and pings that were answered
  std::optional<base::Instant> banned_until;
  std::uint16_t bans = 0;  ///< so far; each ban is twice as long as the last
  struct Before {
    base::Endpoint endpoint;
    base::Instant until;

    friend bool operator==(const Before&, const Before&) = default;
  };
  std::optional<Before> before;  ///< its address before the last change; not stored

  friend bool operator==(const KnownPeer&, const KnownPeer&) = default;

  /// Returns whether its address is proven.
  bool proven() const { return last_success.has_value(); }
  /// Returns whether this node has ever received a message from it.
  bool met() const { return !told_by || *told_by == id; }
  bool banned(base::Instant now) const { return banned_until && now < *banned_until; }
  /// Sets a contact that may have another address, and remembers the former address.
  void move(const Contact& to, base::Instant now);
  void measured(std::chrono::microseconds round_trip);
  void answered() { success += (kSuccessFull - success) / 8; }
  void missed() { success -= success / 8; }

  /// Returns a score from 0 to about 150, higher is better. An unknown peer starts in the middle.
  std::int32_t score(base::Instant now) const;
};

enum class RowError : std::uint8_t {
  length,   ///< not kRowBytes
  version,  ///< written by another version
  flags,    ///< an undefined flag, or a value whose flag is not set
  range,    ///< an impossible number: a success above one, a date before 1970
  address,  ///< neither dialable nor absent
  id,       ///< key and nonce do not match the id of the row
};

base::Bytes encode(const KnownPeer& peer, Moment moment);
base::Result<KnownPeer, RowError> parse(const base::NodeId& id, base::ByteView row, Moment moment, const IdOf& id_of);

}  // namespace troupe::peers
