#pragma once
// The two messages of the handshake as plain values, and as messages of messages/link.capnp.
#include <cstdint>
#include <optional>

#include "messages/kinds.hpp"
#include "runtime/base/bytes.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/crypto/keys.hpp"

namespace troupe::net {

/// Versions of the link protocol, `min` and `max` included.
struct VersionRange {
  std::uint16_t min = 1;
  std::uint16_t max = 1;

  friend bool operator==(const VersionRange&, const VersionRange&) = default;
};

struct Hello {
  base::PublicKey key;
  std::uint32_t nonce = 0;
  VersionRange versions;
  base::Digest schema;  ///< SHA-256 over the sender's schemas; a difference is not a reason to refuse
  messages::Role role = messages::Role::peer;
  std::uint64_t start = 0;  ///< random at each start of the sender; 0: none

  friend bool operator==(const Hello&, const Hello&) = default;
};

/// The payload of a HELLO or PROOF frame.
base::Bytes encode(const Hello& hello);
base::Bytes encode_proof(const crypto::Signature& signature);

/// Reads such a payload, which must start at a multiple of 8. Returns nullopt if it is malformed: invalid Cap'n Proto,
/// an empty range of versions, or a role that cannot be requested. Fields that a newer version has added are ignored.
std::optional<Hello> decode_hello(base::ByteView payload);
std::optional<crypto::Signature> decode_proof(base::ByteView payload);

/// Returns the kinds of the two payloads, for the frame's header.
std::uint64_t hello_kind();
std::uint64_t proof_kind();

}  // namespace troupe::net
