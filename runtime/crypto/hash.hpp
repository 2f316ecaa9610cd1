#pragma once
// SHA-256 (FIPS 180-4), whole or piece by piece.
//
// Speed   one object serves many hashes: finish() leaves it empty and ready. Making one costs an allocation or two.
// Owner   one thread at a time.
#include <memory>

#include "runtime/base/bytes.hpp"
#include "runtime/base/ids.hpp"

namespace Botan {
class HashFunction;
}

namespace troupe::crypto {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  /// Adds bytes at the end of what is hashed; any number of calls, empty ones included.
  void update(base::ByteView bytes);

  /// The hash of all bytes since the start or the last finish(); the object is empty again.
  base::Digest finish();

 private:
  std::unique_ptr<Botan::HashFunction> state_;
};

/// The hash of `bytes`. Makes no object.
base::Digest sha256(base::ByteView bytes);

/// The hash of `first` followed by `second`, as for a node of a hash tree. Makes no object.
base::Digest sha256(base::ByteView first, base::ByteView second);

/// The hash of `first`, `second` and `third`, one after the other. Makes no object.
base::Digest sha256(base::ByteView first, base::ByteView second, base::ByteView third);

}  // namespace troupe::crypto
