#pragma once
// SHA-256 (FIPS 180-4), at once or piece by piece.
//
// Speed   One object serves many hashes: finish() leaves it empty and ready. Making it costs one or two allocations.
// Threads not thread-safe.
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

  /// Appends bytes to the hashed input; any number of calls, also with no bytes.
  void update(base::ByteView bytes);

  /// Returns the hash of all bytes since the start or the last finish(); the object is empty again.
  base::Digest finish();

 private:
  std::unique_ptr<Botan::HashFunction> state_;
};

/// Returns the hash of `bytes`. Makes no object.
base::Digest sha256(base::ByteView bytes);

/// Returns the hash of `first` followed by `second`, as for a node of a hash tree. Makes no object.
base::Digest sha256(base::ByteView first, base::ByteView second);

/// Returns the hash of `first`, `second` and `third`, one after the other. Makes no object.
base::Digest sha256(base::ByteView first, base::ByteView second, base::ByteView third);

}  // namespace troupe::crypto
