#pragma once
// Keys and signatures that cost a hash instead of a curve, and protect nothing: anyone can compute them. For worlds
// without TLS, where curves would take most of the time.
#include <optional>

#include "runtime/crypto/agreement.hpp"
#include "runtime/crypto/signature_scheme.hpp"

namespace troupe::sim {

/// What `own` shares with `other`.
std::optional<crypto::DatagramKeys> open_keys(const base::PublicKey& own, const base::PublicKey& other);

/// Bent bytes, another message and another key are still refused; a forger who knows this scheme is not.
class OpenSignatures final : public crypto::SignatureScheme {
 public:
  crypto::Signature sign(const base::PublicKey& key, base::ByteView message) const override;
};

}  // namespace troupe::sim
