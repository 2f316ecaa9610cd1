#pragma once
// What a node says of itself: where it is, who owns it, what it can do, and what it wants for that.
//
// Bytes   "troupe registration v1" || the body || signature (64), by the node's key, of all before it. The body: key
//         (32) || work nonce (4) || sequence (8) || registered (1) || owner (32) || paid to (32) || address (16) ||
//         port (2) || version (1 and 0 to 32) || price (1: 0 none, 1; and 8) || capabilities. Numbers are
//         little-endian.
// Order   of two registrations of a node the one with the higher sequence holds; a sequence is a date in ms.
// Paid to an account of money; zeros: that of the node's key.
// Owner   claimed, not proven: who names another owner loses only by it, as nodes of one owner never judge the same.
#include "actors/registry/logic/capability.hpp"
#include "runtime/base/endpoint.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/crypto/identity.hpp"

namespace troupe::registry {

inline constexpr std::size_t kVersionBytesMax = 32;
inline constexpr std::size_t kRegistrationBytesMax = 4'096;  // our choice: all limits together allow more

/// Nodes of one owner are not strangers to each other. By default the node's own key.
using Owner = base::FixedBytes<struct OwnerTag, 32>;
/// An account of money (actors/wallet).
using Payee = base::FixedBytes<struct PayeeTag, 32>;

struct Registration {
  base::PublicKey key;
  std::uint32_t nonce = 0;  ///< the work of the id
  std::uint64_t sequence = 0;
  bool registered = true;  ///< false: the node has taken itself off the list
  Owner owner;
  Payee pay_to{};                      ///< zeros: the account of its key
  base::Endpoint at;                   ///< port 0: it cannot be dialled
  std::string version;                 ///< of its program
  std::optional<std::uint64_t> price;  ///< smallest units for a core and an hour; nothing: not for money
  Capabilities capabilities;

  base::NodeId id() const { return crypto::node_id(key, nonce); }
  friend bool operator==(const Registration&, const Registration&) = default;
};

/// The places of the DHT at which a node of these capabilities is announced as a provider: SHA-256("troupe capability
/// v1"
/// || name || "=" || value), its first 20 bytes. The value of a text and of each text of a list counts, and is empty
/// otherwise.
std::vector<base::NodeId> places_of(const Capabilities& all);

/// Nothing if it is larger than kRegistrationBytesMax.
std::optional<base::Bytes> sign(const Registration& what, const crypto::SecretKey& key);

enum class ReadError : std::uint8_t {
  malformed,      ///< not the bytes that sign() makes
  lacks_work,     ///< the id of its key does not show the network's work
  bad_signature,  ///< not by that key
};
std::string_view name(ReadError error);

/// What is wrong with bytes that end with a signature by `key` of all before it; nothing if it is right, and the id of
/// the key shows the network's work.
std::optional<ReadError> fault(base::ByteView bytes, const base::PublicKey& key, std::uint32_t nonce,
                               unsigned work_bits);

/// Reads what sign() made and this node has verified before: nothing is checked but the format.
std::optional<Registration> parse_registration(base::ByteView bytes);
/// Reads what sign() made, cheap questions first.
base::Result<Registration, ReadError> read_registration(base::ByteView bytes, unsigned work_bits);

}  // namespace troupe::registry
