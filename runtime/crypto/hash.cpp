#include "runtime/crypto/hash.hpp"

#include <botan/sha2_32.h>

namespace troupe::crypto {
namespace {

base::Digest finish_into_digest(Botan::HashFunction& state) {
  base::Digest out;
  state.final(out.bytes.data());
  return out;
}

/// Empty between two calls of sha256, because final() clears it; each thread has its own.
Botan::SHA_256& scratch() {
  static thread_local Botan::SHA_256 state;
  return state;
}

}  // namespace

Sha256::Sha256() : state_(std::make_unique<Botan::SHA_256>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(base::ByteView bytes) { state_->update(bytes.data(), bytes.size()); }

base::Digest Sha256::finish() { return finish_into_digest(*state_); }

base::Digest sha256(base::ByteView bytes) {
  Botan::SHA_256& state = scratch();
  state.update(bytes.data(), bytes.size());
  return finish_into_digest(state);
}

base::Digest sha256(base::ByteView first, base::ByteView second) { return sha256(first, second, {}); }

base::Digest sha256(base::ByteView first, base::ByteView second, base::ByteView third) {
  Botan::SHA_256& state = scratch();
  state.update(first.data(), first.size());
  state.update(second.data(), second.size());
  state.update(third.data(), third.size());
  return finish_into_digest(state);
}

}  // namespace troupe::crypto
