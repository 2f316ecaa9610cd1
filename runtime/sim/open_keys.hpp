#pragma once
// Insecure keys and signatures, which anyone can compute: they cost a hash instead of a curve operation. For runs
// without TLS, where curves would take most of the time.
#include <optional>

#include "runtime/crypto/agreement.hpp"
#include "runtime/crypto/signature_scheme.hpp"

namespace troupe::sim {

/// Returns the key that `own` shares with `other`.
std::optional<crypto::DatagramKeys> open_keys(const base::PublicKey& own, const base::PublicKey& other);

/// Detects changed bytes, another message and another key, but not a forger who knows this scheme.
class OpenSignatures final : public crypto::SignatureScheme {
 public:
  crypto::Signature sign(const base::PublicKey& key, base::ByteView message) const override;
};

}  // namespace troupe::sim
