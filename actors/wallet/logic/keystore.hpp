#pragma once
// The file of a wallet: its recovery phrase, sealed with a passphrase, and public data in the clear.
//
// Source  Argon2id (RFC 9106) for the key, XChaCha20-Poly1305 (runtime/crypto/seal.hpp) for the phrase's entropy.
// File    "troupewk", version 1 (4 bytes), memory in KiB, passes, lanes (4 each), salt (16), nonce (24), key (32),
//         SHA-256 of the request id that made it, or zeros (32), bytes of entropy (1: 16 or 32), the sealed entropy and
//         its tag, and the first 16 bytes of the SHA-256 of everything before. Numbers are little-endian. Everything
//         before the sealed part is associated data, so that any change is detected.
// Limits  177 or 193 bytes; a file may ask for at most 1 GiB of memory (crypto::affordable).
#include <optional>
#include <string_view>

#include "actors/wallet/logic/mnemonic.hpp"
#include "actors/wallet/logic/policy.hpp"

namespace troupe::wallet {

inline constexpr std::size_t kKeystoreBytesMax = 193;

enum class KeystoreError : std::uint8_t {
  damaged,     ///< truncated or changed
  version,     ///< written by a newer version of this program
  too_dear,    ///< asks for more memory or time than kArgon2… allow
  passphrase,  ///< the file is intact, but the passphrase is wrong
};

using RequestMark = base::FixedBytes<struct RequestMarkTag, 32>;

class Keystore {
 public:
  /// Seals `words`. `request` is the mark of the request that made the wallet, or zeros. Uses the time and memory of
  /// `cost`.
  static Keystore seal(const Mnemonic& words, std::string_view passphrase, const RequestMark& request,
                       const crypto::Argon2Cost& cost, ports::Chance& chance);
  static base::Result<Keystore, KeystoreError> decode(base::ByteView file);
  base::Bytes encode() const;

  /// Decrypts the phrase. Errors: `passphrase`; `damaged` if the phrase does not belong to the public key.
  base::Result<Mnemonic, KeystoreError> open(std::string_view passphrase) const;

  const base::PublicKey& public_key() const { return public_key_; }
  Address address() const { return address_of(public_key_); }
  const RequestMark& request() const { return request_; }
  WordCount words() const { return sealed_.size() == 32 ? WordCount::twelve : WordCount::twenty_four; }

 private:
  using Salt = base::FixedBytes<struct SaltTag, 16>;

  Keystore() = default;
  base::Bytes head() const;

  crypto::Argon2Cost cost_;
  Salt salt_;
  crypto::SealNonce nonce_;
  base::PublicKey public_key_;
  RequestMark request_;
  base::Bytes sealed_;  // entropy and tag
};

}  // namespace troupe::wallet
