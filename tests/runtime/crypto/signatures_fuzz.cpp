// Keys, signatures and messages of anyone: what verify() says of them is what the rule says, written a second time with
// Botan. The first byte says whether the next 32 are a key, or a seed whose signature is changed by the 64 after them.
#include <algorithm>
#include <cstdlib>

#include "tests/runtime/crypto/signature_rule.hpp"

using namespace troupe;

namespace {

constexpr std::size_t kHead = 1 + 32 + crypto::Signature::kBytes;

void expect(bool held) {
  if (!held) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < kHead) return 0;
  const base::ByteView input(data, size);
  const base::ByteView message = input.subspan(kHead);
  auto key = *base::PublicKey::from(input.subspan(1, 32));
  auto signature = *crypto::Signature::from(input.subspan(33, crypto::Signature::kBytes));
  if (data[0] % 2 == 1) {
    const crypto::Seed seed(input.subspan(1).first<32>());
    const crypto::SecretKey secret(seed);
    const crypto::Signature good = secret.sign(message);
    expect(good == tests::botan_signature(seed, message));
    expect(crypto::verify(secret.public_key(), message, good));
    key = secret.public_key();
    for (std::size_t i = 0; i < good.bytes.size(); ++i) signature.bytes[i] ^= good.bytes[i];
  }
  expect(crypto::usable(key) == tests::large_and_canonical(key.view()));
  expect(crypto::verify(key, message, signature) == tests::rule_accepts(key, message, signature));
  return 0;
}
