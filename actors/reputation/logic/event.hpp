#pragma once
// A good or bad action of a node, as another node has seen it.
//
// Bytes   "troupe reputation v1" || key of the reporter (32) || its work nonce (4) || node (20) || Unix ms (8) || delta
//         in points (1, two's complement) || kind (1 and 1 to 32) || evidence (1: 0 none, 1; and 32) || nonce (16) ||
//         signature (64) of all before it. Numbers are little-endian.
// Id      SHA-256 of all these bytes.
// Order   by time, then id: clamping does not commute, so all nodes fold events in this order.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/fields.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/crypto/identity.hpp"

namespace troupe::reputation {

inline constexpr std::size_t kKindBytesMax = 32;
inline constexpr int kDeltaMax = 100;

using EventId = base::FixedBytes<struct EventIdTag, 32>;
using Nonce = base::FixedBytes<struct EventNonceTag, 16>;

struct Event {
  base::PublicKey by;
  std::uint32_t by_nonce = 0;
  base::NodeId node;
  std::uint64_t unix_ms = 0;
  std::int8_t delta = 0;  ///< points, -kDeltaMax to kDeltaMax
  std::string kind;       ///< "task_success"
  std::optional<base::Digest> evidence;
  Nonce nonce;

  friend bool operator==(const Event&, const Event&) = default;
};

/// Returns whether the text is a lower-case letter, then letters, digits and '_': at most 32 bytes.
bool is_kind(std::string_view text);

base::Bytes sign(const Event& event, const crypto::SecretKey& key);
/// Returns nullopt unless the bytes have the format of sign(). Does not check the signature.
std::optional<Event> parse_event(base::ByteView bytes);
/// Returns whether the reporter has signed the bytes.
bool is_signed(base::ByteView bytes, const Event& event);
EventId id_of(base::ByteView bytes);

}  // namespace troupe::reputation
