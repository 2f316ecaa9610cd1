#pragma once
// A watcher's signed statement about the number of hours of a window in which a node was up.
//
// Bytes   "troupe uptime v2" || key of the watcher (32) || its work nonce (4) || node (20) || first hour (4) || hour
//         after the last (4) || hours (4) || site (16) || signature (64) of all before it. Hours are whole hours of
//         Unix time, little-endian. Without a known site it is "troupe uptime v1", without that field.
// Counts  an hour with a heartbeat in which the node was never found offline.
// Site    the address group from which the watcher receives heartbeats when it signs; zeros: unknown.
#include <map>
#include <span>

#include "actors/registry/logic/history.hpp"
#include "runtime/base/address_group.hpp"

namespace troupe::registry {

inline constexpr std::uint64_t kUnixHourMs = 3'600'000;

struct Uptime {
  base::PublicKey by;
  std::uint32_t by_nonce = 0;
  base::NodeId node;
  std::uint32_t from = 0, until = 0;  ///< hours of Unix time; `until` is excluded
  std::uint32_t hours = 0;            ///< in which the node was up
  base::AddressGroup site{};          ///< zeros: unknown

  base::NodeId watcher() const { return crypto::node_id(by, by_nonce); }
  friend bool operator==(const Uptime&, const Uptime&) = default;
};

/// Counts the hours from samples that come in parts.
class HoursHeard {
 public:
  HoursHeard(std::uint32_t from, std::uint32_t until) : from_(from), until_(until) {}
  void take(std::span<const Sample> samples);
  std::uint32_t count() const;
  std::uint32_t from() const { return from_; }
  std::uint32_t until() const { return until_; }

 private:
  std::uint32_t from_, until_;
  std::map<std::uint64_t, bool> hours_;  // heard in the window; false: found offline
};

base::Bytes sign(const Uptime& what, const crypto::SecretKey& key);
/// Reads bytes from sign(), with the cheap checks first.
base::Result<Uptime, ReadError> read_uptime(base::ByteView bytes, unsigned work_bits);

}  // namespace troupe::registry
