#include "actors/wallet/logic/keystore.hpp"

#include <rapidcheck.h>

#include "actors/wallet/logic/derived_key.hpp"
#include "runtime/base/random.hpp"
#include "runtime/crypto/hash.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::wallet;

namespace {

constexpr crypto::Argon2Cost kCheap{.memory_kib = 8, .passes = 1, .lanes = 1};

struct CountingChance final : ports::Chance {
  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& byte : out) byte = next++;
  }
  std::uint8_t next = 1;
};

Keystore sealed_store(WordCount words = WordCount::twenty_four) {
  CountingChance chance;
  return Keystore::seal(Mnemonic::make(chance, words), "a passphrase", {}, kCheap, chance);
}

/// The bytes with another number at `at`, and the checksum that belongs to them.
base::Bytes forged_store(std::size_t at, std::uint32_t number) {
  base::Bytes out = sealed_store().encode();
  for (std::size_t i = 0; i < 4; ++i) out[at + i] = static_cast<std::uint8_t>(number >> (8 * i));
  const auto hash = crypto::sha256(base::ByteView(out).first(out.size() - 16));
  std::copy_n(hash.bytes.begin(), 16, out.end() - 16);
  return out;
}

}  // namespace

TEST_CASE("wallet: a keystore opens with its passphrase alone, and shows its address without it") {
  for (const WordCount count : {WordCount::twelve, WordCount::twenty_four}) {
    CountingChance chance;
    const Mnemonic words = Mnemonic::make(chance, count);
    RequestMark request;
    request.bytes[3] = 7;
    const base::Bytes file = Keystore::seal(words, "a passphrase", request, kCheap, chance).encode();
    CHECK(file.size() == (count == WordCount::twelve ? 177 : 193));
    const auto read = Keystore::decode(file);
    REQUIRE(read.ok());
    CHECK(read.value().encode() == file);
    CHECK(read.value().words() == count);
    CHECK(read.value().request() == request);
    CHECK(read.value().public_key() == wallet_key(words).public_key());
    CHECK(read.value().address() == address_of(wallet_key(words).public_key()));
    CHECK(read.value().open("a passphrase").value().words() == words.words());
    CHECK(read.value().open("a passphrasf").error() == KeystoreError::passphrase);
    CHECK(read.value().open("").error() == KeystoreError::passphrase);
  }
}

TEST_CASE("wallet: a keystore that is cut or changed anywhere is damaged, and never opens") {
  const base::Bytes file = sealed_store().encode();
  for (std::size_t n = 0; n < file.size(); ++n)
    CHECK(Keystore::decode(base::ByteView(file).first(n)).error() == KeystoreError::damaged);
  for (std::size_t i = 0; i < file.size(); ++i) {
    base::Bytes bad = file;
    bad[i] ^= 1;
    CHECK_FALSE(Keystore::decode(bad).ok());
  }
  base::Bytes longer = file;
  longer.push_back(0);
  CHECK(Keystore::decode(longer).error() == KeystoreError::damaged);
  CHECK(Keystore::decode(base::Bytes(1'000'000, 'x')).error() == KeystoreError::damaged);
}

TEST_CASE("wallet: a keystore of a newer version, or one that is too dear to open, is refused as such") {
  CHECK(Keystore::decode(forged_store(8, 2)).error() == KeystoreError::version);
  CHECK(Keystore::decode(forged_store(8, 0)).error() == KeystoreError::damaged);
  CHECK(Keystore::decode(forged_store(12, crypto::kArgon2MemoryKibMax + 1)).error() == KeystoreError::too_dear);
  CHECK(Keystore::decode(forged_store(16, 17)).error() == KeystoreError::too_dear);
  CHECK(Keystore::decode(forged_store(20, 0)).error() == KeystoreError::too_dear);
}

TEST_CASE("wallet: what stands in the clear cannot be exchanged, even with a checksum that fits") {
  const std::size_t request = 12 + 12 + 16 + 24 + 32, key = 12 + 12 + 16 + 24, nonce = 12 + 12 + 16;
  for (const std::size_t at : {request, key, nonce}) {
    const auto read = Keystore::decode(forged_store(at, 0xdddddddd));
    REQUIRE(read.ok());
    CHECK(read.value().open("a passphrase").error() == KeystoreError::passphrase);
  }
}

TEST_CASE("wallet: bytes that are taken as a keystore are what it encodes to (property)") {
  const base::Bytes good = sealed_store(WordCount::twelve).encode();
  rc::check([&](const std::vector<std::pair<std::uint16_t, std::uint8_t>>& changes, std::uint8_t cut) {
    base::Bytes bytes = good;
    for (const auto& [at, byte] : changes) bytes[at % bytes.size()] = byte;
    bytes.resize(bytes.size() - cut % 4);
    if (bytes.size() > 16) {
      const auto hash = crypto::sha256(base::ByteView(bytes).first(bytes.size() - 16));
      std::copy_n(hash.bytes.begin(), 16, bytes.end() - 16);
    }
    const auto read = Keystore::decode(bytes);
    if (read.ok()) RC_ASSERT(read.value().encode() == bytes);
  });
}
