#pragma once
// Short proofs that bytes come from this node: HMAC-SHA256, cut to 16 bytes.
//
// Source  RFC 2104 (5: at least half of the hash is kept), RFC 4231 for the vectors.
// Speed   0.2 us for 54 bytes; a new key costs as much again.
// Threads not thread-safe.
#include <memory>

#include "runtime/base/bytes.hpp"
#include "runtime/crypto/secret.hpp"

namespace troupe::crypto {

using MacKey = Secret<struct MacKeyTag, 32>;
using Tag128 = base::FixedBytes<struct Tag128Tag, 16>;

class Mac {
 public:
  explicit Mac(base::ByteView key);
  ~Mac();
  Mac(Mac&&) noexcept;
  Mac& operator=(Mac&&) noexcept;

  Tag128 of(base::ByteView bytes);

  /// Returns whether `tag` is the tag of `bytes`, in constant time.
  bool verify(base::ByteView bytes, const Tag128& tag);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace troupe::crypto
