#include "runtime/crypto/seal.hpp"

#include <botan/aead.h>

#include <algorithm>

#include "runtime/base/ensure.hpp"

namespace troupe::crypto {

struct Sealer::Modes {
  std::unique_ptr<Botan::AEAD_Mode> sealing = Botan::AEAD_Mode::create_or_throw("ChaCha20Poly1305", Botan::ENCRYPTION);
  std::unique_ptr<Botan::AEAD_Mode> opening = Botan::AEAD_Mode::create_or_throw("ChaCha20Poly1305", Botan::DECRYPTION);
  Botan::secure_vector<std::uint8_t> tag;  // reused, so that no datagram allocates a tag
};

namespace {

void start(Botan::AEAD_Mode& mode, const std::array<std::uint8_t, 32>& key, const SealNonce& nonce,
           base::ByteView associated) {
  mode.set_key(key.data(), key.size());
  mode.set_associated_data(associated.data(), associated.size());
  mode.start(nonce.bytes.data(), SealNonce::kBytes);
}

}  // namespace

Sealer::Sealer() : modes_(std::make_unique<Modes>()) {}
Sealer::~Sealer() = default;
Sealer::Sealer(Sealer&&) noexcept = default;
Sealer& Sealer::operator=(Sealer&&) noexcept = default;

void Sealer::seal(const SealingKey& key, const SealNonce& nonce, base::ByteView associated,
                  std::span<std::uint8_t> text_and_tag) {
  base::ensure(text_and_tag.size() >= kSealTagBytes, "what is sealed has room for its tag");
  const auto text = text_and_tag.first(text_and_tag.size() - kSealTagBytes);
  start(*modes_->sealing, key.bytes, nonce, associated);
  modes_->sealing->process(text.data(), text.size());
  modes_->tag.clear();
  modes_->sealing->finish(modes_->tag);
  base::ensure(modes_->tag.size() == kSealTagBytes, "a tag has 16 bytes");
  std::ranges::copy(modes_->tag, text_and_tag.last(kSealTagBytes).begin());
}

bool Sealer::open(const OpeningKey& key, const SealNonce& nonce, base::ByteView associated,
                  std::span<std::uint8_t> text_and_tag) {
  if (text_and_tag.size() >= kSealTagBytes) {
    const auto text = text_and_tag.first(text_and_tag.size() - kSealTagBytes);
    const auto tag = text_and_tag.last(kSealTagBytes);
    start(*modes_->opening, key.bytes, nonce, associated);
    modes_->opening->process(text.data(), text.size());
    modes_->tag.assign(tag.begin(), tag.end());
    try {
      modes_->opening->finish(modes_->tag);
      return true;
    } catch (const Botan::Invalid_Authentication_Tag&) {
    }
  }
  std::ranges::fill(text_and_tag, std::uint8_t{0});
  return false;
}

}  // namespace troupe::crypto
