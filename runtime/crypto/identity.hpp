#pragma once
// The identity of a node: an Ed25519 key, and the work that its id cost.
//
// Id      The first 20 bytes of SHA-256("troupe-id" || key || nonce as 4 bytes little-endian). It is valid only if the
//         next `work_bits` bits of that hash are zero, most significant first.
// Why     Each id costs work, so that placing thousands of nodes around a key is expensive.
// File    "troupeid", version 1 and nonce (4 bytes little-endian each), seed (32), and the first 16 bytes of the
//         SHA-256 of these bytes: 64 bytes in total. It holds a secret.
#include <cstdint>
#include <optional>
#include <string_view>

#include "runtime/base/error.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/crypto/keys.hpp"
#include "runtime/ports/chance.hpp"
#include "runtime/ports/disk.hpp"

namespace troupe::crypto {

/// The number of bits of work in an id. Zero in most simulations.
inline constexpr unsigned kWorkBitsDefault = 16;  // 65,536 hashes on average: tens of milliseconds
inline constexpr unsigned kWorkBitsMax = 32;      // the size of the nonce: no nonce has more

inline constexpr std::string_view kIdentityFile = "identity.key";
inline constexpr std::size_t kIdentityFileBytes = 64;

/// Returns the id of a key and its nonce, with or without sufficient work.
base::NodeId node_id(const base::PublicKey& key, std::uint32_t nonce);

/// Returns the id of a key and its nonce, or nullopt if it lacks the work. `work_bits` is at most kWorkBitsMax.
std::optional<base::NodeId> check(const base::PublicKey& key, std::uint32_t nonce, unsigned work_bits);

/// Returns the smallest nonce with which the id of `key` has its work; takes 2^work_bits hashes on average. Returns
/// nullopt if no nonce has it (unlikely below 30 bits); the key is then unusable.
std::optional<std::uint32_t> grind(const base::PublicKey& key, unsigned work_bits);

enum class IdentityError : std::uint8_t {
  damaged,     ///< wrong length, magic or checksum
  version,     ///< written by a newer version of this program
  lacks_work,  ///< intact, but its id lacks the work that this network requires
};

class Identity {
 public:
  /// Makes a key and searches for its nonce.
  static Identity make(ports::Chance& chance, unsigned work_bits);

  /// Returns the identity of a known key, or nullopt if its nonce lacks the work.
  static std::optional<Identity> from(SecretKey key, std::uint32_t nonce, unsigned work_bits);

  const SecretKey& key() const { return key_; }
  const base::PublicKey& public_key() const { return key_.public_key(); }
  std::uint32_t nonce() const { return nonce_; }
  const base::NodeId& id() const { return id_; }

  /// Returns the bytes of an identity file. They are secret: wipe() them after use.
  base::Bytes encode() const;
  static base::Result<Identity, IdentityError> decode(base::ByteView file, unsigned work_bits);

 private:
  Identity(SecretKey key, std::uint32_t nonce, base::NodeId id);

  SecretKey key_;
  std::uint32_t nonce_;
  base::NodeId id_;
};

/// Loads the identity from the data directory `disk`, or makes it at the first start. It is durable before it is
/// returned; a crash before that leaves no file, or a whole file. If an existing file cannot be used, it is not
/// overwritten, and the error says why. Blocks on the disk. Errors: `corrupt`, `unsupported` (newer), `conflict` (lacks
/// work), `no_space`, `refused`, `internal` (device).
base::Outcome<Identity> load_or_make(ports::Disk& disk, ports::Chance& chance, unsigned work_bits);

}  // namespace troupe::crypto
