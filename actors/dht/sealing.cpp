#include "actors/dht/sealing.hpp"

#include <algorithm>

#include "runtime/crypto/agreement.hpp"
#include "runtime/crypto/seal.hpp"

namespace troupe::dht {
namespace {

constexpr std::size_t kWrapBytes = crypto::SealNonce::kBytes + 32 + crypto::kSealTagBytes;
static_assert(kWrapBytes <= kWrapBytesMax);

/// Runs `work` with the sealing key, and wipes the key.
template <class Key, class Work>
void with_key(const ContentKey& key, const ContentNonce& nonce, Work work) {
  Key sealing;
  std::copy(key.bytes.begin(), key.bytes.end(), sealing.bytes.begin());
  crypto::SealNonce its;
  its.bytes = nonce.bytes;
  work(sealing, its);
}

}  // namespace

base::Result<base::Bytes, SealError> seal_for(base::ByteView plain, const std::vector<base::PublicKey>& readers,
                                              const Key& place, const crypto::Identity& own, ports::Chance& chance) {
  crypto::Sealer sealer;
  const crypto::Agreement agreement(own.key());
  SealWith with;
  with.wrap = [&](const base::PublicKey& reader, const ContentKey& key) -> std::optional<base::Bytes> {
    const auto keys = agreement.with(reader);
    if (!keys) return std::nullopt;
    crypto::SealNonce nonce;
    chance.fill(nonce.bytes);
    base::Bytes out(nonce.bytes.begin(), nonce.bytes.end());
    out.insert(out.end(), key.bytes.begin(), key.bytes.end());
    out.resize(kWrapBytes);
    sealer.seal(keys->send, nonce, {}, std::span(out).subspan(crypto::SealNonce::kBytes));
    return out;
  };
  with.seal = [&](const ContentKey& key, const ContentNonce& nonce, base::ByteView associated, base::ByteView content) {
    base::Bytes out(content.begin(), content.end());
    out.resize(out.size() + crypto::kSealTagBytes);
    with_key<crypto::SealingKey>(
        key, nonce, [&](const auto& sealing, const auto& its) { sealer.seal(sealing, its, associated, out); });
    return out;
  };
  ContentKey key;
  ContentNonce nonce;
  chance.fill(key.bytes);
  chance.fill(nonce.bytes);
  return seal_value(plain, readers, place, key, nonce, with);
}

base::Result<base::Bytes, OpenError> open_as(base::ByteView container, const Key& place, const base::PublicKey& owner,
                                             const crypto::Identity& own) {
  crypto::Sealer sealer;
  const auto keys = crypto::Agreement(own.key()).with(owner);
  OpenWith with;
  with.unwrap = [&](base::ByteView wrap) -> std::optional<ContentKey> {
    if (!keys || wrap.size() != kWrapBytes) return std::nullopt;
    const auto nonce = *crypto::SealNonce::from(wrap.first(crypto::SealNonce::kBytes));
    base::Bytes text(wrap.begin() + crypto::SealNonce::kBytes, wrap.end());
    if (!sealer.open(keys->receive, nonce, {}, text)) return std::nullopt;
    ContentKey out;
    std::copy_n(text.begin(), out.bytes.size(), out.bytes.begin());
    crypto::wipe(text);
    return out;
  };
  with.open = [&](const ContentKey& key, const ContentNonce& nonce, base::ByteView associated,
                  base::ByteView sealed) -> std::optional<base::Bytes> {
    base::Bytes text(sealed.begin(), sealed.end());
    bool right = false;
    with_key<crypto::OpeningKey>(
        key, nonce, [&](const auto& opening, const auto& its) { right = sealer.open(opening, its, associated, text); });
    if (!right) return std::nullopt;
    text.resize(text.size() - crypto::kSealTagBytes);
    return text;
  };
  return open_value(container, place, with);
}

}  // namespace troupe::dht
