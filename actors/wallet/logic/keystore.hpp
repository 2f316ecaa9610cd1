#pragma once
// The file of a wallet: its words, sealed under a passphrase, and in the clear what may be read without it.
//
// Source  Argon2id (RFC 9106) for the key, XChaCha20-Poly1305 (runtime/crypto/seal.hpp) for the words' entropy.
// File    "troupewk", version 1 (4 bytes), memory in KiB, passes, lanes (4 each), salt (16), nonce (24), key (32),
//         SHA-256 of the request id that made it, or zeros (32), bytes of entropy (1: 16 or 32), the sealed entropy and
//         its tag, and the first 16 bytes of the SHA-256 of all that. Numbers are little-endian. All before the sealed
//         part is associated data: nothing in it can be exchanged unnoticed.
// Limits  177 or 193 bytes; a file may ask for at most 1 GiB of memory (crypto::affordable).
#include <optional>
#include <string_view>

#include "actors/wallet/logic/mnemonic.hpp"
#include "actors/wallet/logic/policy.hpp"

namespace troupe::wallet {

inline constexpr std::size_t kKeystoreBytesMax = 193;

enum class KeystoreError : std::uint8_t {
  damaged,     ///< cut or changed: not a whole keystore
  version,     ///< written by a newer version of this program
  too_dear,    ///< asks for more memory or time than kArgon2… allow
  passphrase,  ///< whole, but the passphrase is not the one that sealed it
};

using RequestMark = base::FixedBytes<struct RequestMarkTag, 32>;

class Keystore {
 public:
  /// Seals `words`. `request` is zeros, or the mark of the request that made the wallet. Takes the time and memory of
  /// `cost`.
  static Keystore seal(const Mnemonic& words, std::string_view passphrase, const RequestMark& request,
                       const crypto::Argon2Cost& cost, ports::Chance& chance);
  static base::Result<Keystore, KeystoreError> decode(base::ByteView file);
  base::Bytes encode() const;

  /// Errors: `passphrase`. `damaged` if the words are not those of the key in the clear.
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
