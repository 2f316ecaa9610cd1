#pragma once
// Insecure keys and signatures that cost a hash instead of a curve operation: anyone can compute them. For runs without
// TLS, where curves would take most of the time.
#include <optional>

#include "runtime/crypto/agreement.hpp"
#include "runtime/crypto/signature_scheme.hpp"

namespace troupe::sim {

/// Returns the key that `own` shares with `other`.
std::optional<crypto::DatagramKeys> open_keys(const base::PublicKey& own, const base::PublicKey& other);

/// Refuses changed bytes, another message and another key; does not stop a forger who knows this scheme.
class OpenSignatures final : public crypto::SignatureScheme {
 public:
  crypto::Signature sign(const base::PublicKey& key, base::ByteView message) const override;
};

}  // namespace troupe::sim
