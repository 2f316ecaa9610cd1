#include "actors/wallet/logic/keystore.hpp"

#include <algorithm>

#include "actors/wallet/logic/derived_key.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::wallet {
namespace {

constexpr std::string_view kKeystoreMagic = "troupewk";
constexpr std::uint32_t kKeystoreVersion = 1;
constexpr std::size_t kKeystoreChecksumBytes = 16;
constexpr std::size_t kKeystoreHeadBytes = 8 + 4 + 3 * 4 + 16 + 24 + 32 + 32 + 1;
static_assert(kKeystoreHeadBytes + 32 + crypto::kSealTagBytes + kKeystoreChecksumBytes == kKeystoreBytesMax);

}  // namespace

base::Bytes Keystore::head() const {
  base::Bytes out;
  base::append(out, base::as_bytes(kKeystoreMagic));
  base::append_number(out, kKeystoreVersion);
  base::append_number(out, cost_.memory_kib);
  base::append_number(out, cost_.passes);
  base::append_number(out, cost_.lanes);
  base::append(out, salt_.view());
  base::append(out, nonce_.view());
  base::append(out, public_key_.view());
  base::append(out, request_.view());
  out.push_back(static_cast<std::uint8_t>(sealed_.size() - crypto::kSealTagBytes));
  return out;
}

Keystore Keystore::seal(const Mnemonic& words, std::string_view passphrase, const RequestMark& request,
                        const crypto::Argon2Cost& cost, ports::Chance& chance) {
  Keystore out;
  out.cost_ = cost;
  chance.fill(out.salt_.bytes);
  chance.fill(out.nonce_.bytes);
  out.public_key_ = wallet_key(words).public_key();
  out.request_ = request;
  out.sealed_.assign(words.entropy().size() + crypto::kSealTagBytes, 0);
  std::ranges::copy(words.entropy(), out.sealed_.begin());
  crypto::Sealer().seal(crypto::argon2id(passphrase, out.salt_.view(), cost), out.nonce_, out.head(), out.sealed_);
  return out;
}

base::Bytes Keystore::encode() const {
  base::Bytes out = head();
  base::append(out, sealed_);
  const base::Digest hash = crypto::sha256(out);
  base::append(out, hash.view().first(kKeystoreChecksumBytes));
  return out;
}

base::Result<Keystore, KeystoreError> Keystore::decode(base::ByteView file) {
  if (file.size() < kKeystoreMagic.size() + 4 || base::as_text(file.first(kKeystoreMagic.size())) != kKeystoreMagic)
    return KeystoreError::damaged;
  // A newer version may have another length, so the version is checked first.
  if (base::load<std::uint32_t>(file, kKeystoreMagic.size()) > kKeystoreVersion) return KeystoreError::version;
  if (file.size() < kKeystoreHeadBytes + kKeystoreChecksumBytes || file.size() > kKeystoreBytesMax)
    return KeystoreError::damaged;
  const base::ByteView body = file.first(file.size() - kKeystoreChecksumBytes);
  if (!std::ranges::equal(crypto::sha256(body).view().first(kKeystoreChecksumBytes), file.subspan(body.size())))
    return KeystoreError::damaged;

  base::FieldReader in(body);
  in.take(kKeystoreMagic.size());
  const auto version = in.number<std::uint32_t>();
  Keystore out;
  out.cost_ = {in.number<std::uint32_t>(), in.number<std::uint32_t>(), in.number<std::uint32_t>()};
  out.salt_ = in.fixed<Salt>();
  out.nonce_ = in.fixed<crypto::SealNonce>();
  out.public_key_ = in.fixed<base::PublicKey>();
  out.request_ = in.fixed<RequestMark>();
  const std::size_t entropy = in.number<std::uint8_t>();
  if (entropy != 16 && entropy != 32) return KeystoreError::damaged;
  const base::ByteView sealed = in.take(entropy + crypto::kSealTagBytes);
  if (!in.ended() || version != kKeystoreVersion) return KeystoreError::damaged;
  if (!crypto::affordable(out.cost_)) return KeystoreError::too_dear;
  out.sealed_.assign(sealed.begin(), sealed.end());
  return out;
}

base::Result<Mnemonic, KeystoreError> Keystore::open(std::string_view passphrase) const {
  const auto key = crypto::argon2id(passphrase, salt_.view(), cost_);
  crypto::OpeningKey opening;
  opening.bytes = key.bytes;
  base::Bytes text = sealed_;
  if (!crypto::Sealer().open(opening, nonce_, head(), text)) return KeystoreError::passphrase;
  Mnemonic words = Mnemonic::from_entropy(base::ByteView(text).first(text.size() - crypto::kSealTagBytes));
  crypto::wipe(text);
  if (wallet_key(words).public_key() != public_key_) return KeystoreError::damaged;
  return words;
}

}  // namespace troupe::wallet
