#include "runtime/crypto/mac.hpp"

#include <botan/mac.h>
#include <botan/mem_ops.h>

#include <algorithm>

namespace troupe::crypto {

struct Mac::State {
  std::unique_ptr<Botan::MessageAuthenticationCode> hmac =
      Botan::MessageAuthenticationCode::create_or_throw("HMAC(SHA-256)");
};

Mac::Mac(base::ByteView key) : state_(std::make_unique<State>()) { state_->hmac->set_key(key.data(), key.size()); }
Mac::~Mac() = default;
Mac::Mac(Mac&&) noexcept = default;
Mac& Mac::operator=(Mac&&) noexcept = default;

Tag128 Mac::of(base::ByteView bytes) {
  std::array<std::uint8_t, 32> whole;
  state_->hmac->update(bytes.data(), bytes.size());
  state_->hmac->final(whole.data());
  Tag128 out;
  std::copy_n(whole.begin(), Tag128::kBytes, out.bytes.begin());
  return out;
}

bool Mac::verify(base::ByteView bytes, const Tag128& tag) {
  return Botan::constant_time_compare(of(bytes).bytes.data(), tag.bytes.data(), Tag128::kBytes);
}

}  // namespace troupe::crypto
