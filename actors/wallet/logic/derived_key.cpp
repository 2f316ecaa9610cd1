#include "actors/wallet/logic/derived_key.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"

namespace troupe::wallet {
namespace {

constexpr std::uint32_t kHardened = 0x80000000;

void split_node(const crypto::Secret512& both, DerivedKey& out) {
  std::copy_n(both.bytes.begin(), 32, out.seed.bytes.begin());
  std::copy_n(both.bytes.begin() + 32, 32, out.chain.bytes.begin());
}

}  // namespace

DerivedKey derive(base::ByteView seed, std::initializer_list<std::uint32_t> path) {
  base::ensure(seed.size() >= 16 && seed.size() <= 64, "a seed has 128 to 512 bits");
  DerivedKey out;
  split_node(crypto::hmac_sha512(base::as_bytes("ed25519 seed"), seed), out);
  for (const std::uint32_t step : path) {
    base::ensure(step < kHardened, "a step of a path is below 2^31");
    const std::uint32_t index = step | kHardened;
    crypto::Secret<struct ChildDataTag, 37> data;  // 0, the key, the index big-endian
    std::ranges::copy(out.seed.bytes, data.bytes.begin() + 1);
    for (std::size_t i = 0; i < 4; ++i) data.bytes[33 + i] = static_cast<std::uint8_t>(index >> (24 - 8 * i));
    split_node(crypto::hmac_sha512(out.chain.bytes, data.bytes), out);
  }
  return out;
}

crypto::SecretKey wallet_key(const Mnemonic& words) {
  return crypto::SecretKey(crypto::Seed(derive(words.seed().bytes, {44, 7'631'471, 0}).seed.bytes));
}

}  // namespace troupe::wallet
