#pragma once
// This node's data about itself, and the settings of its operator: one row.
//
// Bytes   version (1) || registered (1) || price (1 and 8) || paid to (32) || number of the last heartbeat (8) || the
//         capabilities that were set || count of requests (1), each with its hash and the hash of its content (32 each)
//         || its last registration.
#include <deque>

#include "actors/registry/logic/heartbeat.hpp"

namespace troupe::registry {

inline constexpr std::uint8_t kOwnRow = 'o';      // key of the row
inline constexpr std::uint8_t kVouchesRow = 'v';  // key of the vouches for this node, one after the other

struct Own {
  static constexpr std::size_t kRequestsMax = 64;  // our choice: only the newest are remembered

  bool registered = true;
  std::optional<std::uint64_t> price;
  Payee pay_to{};
  std::uint64_t number = 0;  ///< of the last heartbeat
  Capabilities set;          ///< by an operator; other capabilities are measured
  std::deque<std::pair<base::Digest, base::Digest>> requests;
  base::Bytes registration;  ///< as signed; empty: never

  base::Bytes encode() const;
  static std::optional<Own> decode(base::ByteView bytes);
};

}  // namespace troupe::registry
