#pragma once
// Secrets derived from other secrets: from a recovery phrase that a person keeps, and from a passphrase.
//
// Source  RFC 4231 (HMAC-SHA512), RFC 8018 5.2 (PBKDF2), RFC 9106 (Argon2id).
// Safety  Results are secrets: the caller wipes them.
#include <cstdint>
#include <span>
#include <string_view>

#include "runtime/base/bytes.hpp"
#include "runtime/crypto/seal.hpp"
#include "runtime/crypto/secret.hpp"

namespace troupe::crypto {

using Secret512 = Secret<struct Secret512Tag, 64>;

/// Returns HMAC-SHA512 of `bytes`; `key` may have any length.
Secret512 hmac_sha512(base::ByteView key, base::ByteView bytes);

/// Returns PBKDF2 with HMAC-SHA512; `rounds` is at least 1.
Secret512 pbkdf2_sha512(std::string_view passphrase, base::ByteView salt, std::uint32_t rounds);

/// The cost of one guess of a passphrase.
struct Argon2Cost {
  std::uint32_t memory_kib = 64 * 1024;  ///< RFC 9106 4: the second recommended option
  std::uint32_t passes = 3;
  std::uint32_t lanes = 4;  ///< computed one after another here; an attacker may run them in parallel

  friend bool operator==(const Argon2Cost&, const Argon2Cost&) = default;
};

/// The most that a file may require of the machine that opens it: 1 GiB and about ten seconds.
inline constexpr std::uint32_t kArgon2MemoryKibMax = 1024 * 1024;
inline constexpr std::uint32_t kArgon2PassesMax = 16;
inline constexpr std::uint32_t kArgon2LanesMax = 8;

/// Returns whether each parameter is between the minimum of RFC 9106 3.1 and our maximum.
bool affordable(const Argon2Cost& cost);

/// Returns 32 bytes of Argon2id, version 0x13, without a key and associated data. Allocates the memory that `cost`
/// names; `cost` must be affordable(). `salt` has at least 8 bytes.
SealingKey argon2id(std::string_view passphrase, base::ByteView salt, const Argon2Cost& cost);

}  // namespace troupe::crypto
