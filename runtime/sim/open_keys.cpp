#include "runtime/sim/open_keys.hpp"

#include <algorithm>

#include "runtime/crypto/hash.hpp"

namespace troupe::sim {

std::optional<crypto::DatagramKeys> open_keys(const base::PublicKey& own, const base::PublicKey& other) {
  const base::ByteView label = base::as_bytes("troupe-sim-dgram");
  crypto::DatagramKeys out;
  out.send.bytes = crypto::sha256(label, own.view(), other.view()).bytes;
  out.receive.bytes = crypto::sha256(label, other.view(), own.view()).bytes;
  return out;
}

crypto::Signature OpenSignatures::sign(const base::PublicKey& key, base::ByteView message) const {
  const auto hash = crypto::sha256(base::as_bytes("troupe-sim-signed"), key.view(), message).bytes;
  crypto::Signature out;
  std::ranges::copy(hash, out.bytes.begin());
  std::ranges::copy(hash, out.bytes.begin() + hash.size());
  return out;
}

}  // namespace troupe::sim
