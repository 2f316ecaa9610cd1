#pragma once
// Identifier types that several layers share.
#include "runtime/base/bytes.hpp"

namespace troupe::base {

/// A node: the first 20 bytes of SHA-256 over its key and work nonce (runtime/crypto/identity.hpp).
using NodeId = FixedBytes<struct NodeIdTag, 20>;

/// A SHA-256 hash. The type does not say of what.
using Digest = FixedBytes<struct DigestTag, 32>;

/// An Ed25519 public key (RFC 8032).
using PublicKey = FixedBytes<struct PublicKeyTag, 32>;

/// Returns the XOR distance of two ids, big-endian: smaller is nearer.
inline NodeId distance(const NodeId& a, const NodeId& b) {
  NodeId out;
  for (std::size_t i = 0; i < NodeId::kBytes; ++i) out.bytes[i] = a.bytes[i] ^ b.bytes[i];
  return out;
}

}  // namespace troupe::base
