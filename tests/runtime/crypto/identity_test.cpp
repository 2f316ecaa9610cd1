#include "runtime/crypto/identity.hpp"

#include <doctest/doctest.h>

#include "runtime/crypto/hash.hpp"
#include "tests/runtime/crypto/memory_disk.hpp"

using namespace troupe;
using crypto::Identity;
using crypto::IdentityError;
using tests::MemoryDisk;
using tests::SeededChance;

namespace {

constexpr unsigned kWorkBits = 8;  // enough to tell work from none, without waiting for it

base::PublicKey counting_key() {
  base::PublicKey key;
  for (std::size_t i = 0; i < key.bytes.size(); ++i) key.bytes[i] = static_cast<std::uint8_t>(i);
  return key;
}

base::Bytes resealed(base::Bytes file) {
  const auto hash = crypto::sha256(base::ByteView(file).first(48));
  std::copy_n(hash.bytes.begin(), 16, file.begin() + 48);
  return file;
}

}  // namespace

TEST_CASE("crypto: the id of key 00 01 … 1f and its first nonce with 16 bits of work are golden") {
  // Computed by hashlib: sha256(b"troupe-id" + bytes(range(32)) + (38439).to_bytes(4, "little")) is
  // 72463c2db0f9b26b06bdbed53d2427e1460fb344 0000 843c51dbde1c92b4ec74.
  const auto key = counting_key();
  CHECK(crypto::grind(key, 16) == 38439);
  CHECK(crypto::node_id(key, 38439).hex() == "72463c2db0f9b26b06bdbed53d2427e1460fb344");
  CHECK(crypto::check(key, 38439, 16) == crypto::node_id(key, 38439));

  SUBCASE("a bit of work more than was done is missing") { CHECK_FALSE(crypto::check(key, 38439, 17).has_value()); }
  SUBCASE("another nonce is another id without work") {
    CHECK_FALSE(crypto::check(key, 38438, 16).has_value());
    CHECK(crypto::node_id(key, 38438) != crypto::node_id(key, 38439));
  }
  SUBCASE("no work is asked for with zero bits, and more than 32 cannot be asked for") {
    CHECK(crypto::check(key, 38438, 0) == crypto::node_id(key, 38438));
    CHECK_FALSE(crypto::check(key, 38439, 32).has_value());
    CHECK_THROWS_AS((void)crypto::check(key, 38439, 33), base::InvariantBroken);
  }
}

TEST_CASE("crypto: an id is that of its key and nonce, whatever was hashed before it") {
  const auto of = [](const base::PublicKey& key, std::uint8_t nonce) {
    const std::array<std::uint8_t, 4> little_endian{nonce, 0, 0, 0};
    const auto hash = crypto::sha256(base::as_bytes("troupe-id"), key.view(), little_endian);
    return *base::NodeId::from(hash.view().first(20));
  };
  // All of them begin alike, so that they share a place among those that are remembered.
  for (int round = 0; round < 2; ++round) {
    for (std::uint8_t last = 0; last < 4; ++last) {
      for (std::uint8_t nonce = 0; nonce < 2; ++nonce) {
        base::PublicKey key;
        key.bytes[31] = last;
        CHECK(crypto::node_id(key, nonce) == of(key, nonce));
        CHECK(crypto::node_id(key, nonce) == of(key, nonce));
        CHECK(crypto::check(key, nonce, 0) == of(key, nonce));
      }
    }
  }
}

TEST_CASE("crypto: an identity is the same after it was written and read") {
  SeededChance chance(1);
  const Identity made = Identity::make(chance, kWorkBits);
  const auto file = made.encode();
  REQUIRE(file.size() == crypto::kIdentityFileBytes);
  const auto read = Identity::decode(file, kWorkBits);
  REQUIRE(read.ok());
  CHECK(read.value().id() == made.id());
  CHECK(read.value().nonce() == made.nonce());
  CHECK(read.value().public_key() == made.public_key());
  CHECK(crypto::check(made.public_key(), made.nonce(), kWorkBits) == made.id());
}

TEST_CASE("crypto: an identity file that is not exactly right is refused") {
  SeededChance chance(2);
  const auto file = Identity::make(chance, kWorkBits).encode();

  SUBCASE("cut or lengthened anywhere") {
    for (std::size_t bytes = 0; bytes < file.size(); ++bytes) {
      const auto read = Identity::decode(base::ByteView(file).first(bytes), kWorkBits);
      REQUIRE_FALSE(read.ok());
      REQUIRE(read.error() == IdentityError::damaged);
    }
    auto longer = file;
    longer.push_back(0);
    CHECK(Identity::decode(longer, kWorkBits).error() == IdentityError::damaged);
  }
  SUBCASE("with any bit changed") {
    for (std::size_t bit = 0; bit < 8 * file.size(); ++bit) {
      auto changed = file;
      changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
      REQUIRE_FALSE(Identity::decode(changed, kWorkBits).ok());
    }
  }
  SUBCASE("from the future, of any length") {
    auto newer = file;
    newer[8] = 2;
    CHECK(Identity::decode(resealed(newer), kWorkBits).error() == IdentityError::version);
    newer.resize(200);
    CHECK(Identity::decode(newer, kWorkBits).error() == IdentityError::version);
  }
  SUBCASE("version zero") {
    auto older = file;
    older[8] = 0;
    CHECK(Identity::decode(resealed(older), kWorkBits).error() == IdentityError::damaged);
  }
  SUBCASE("for a network that asks for more work") {
    CHECK(Identity::decode(file, 32).error() == IdentityError::lacks_work);
  }
}

TEST_CASE("crypto: an identity is made once and loaded ever after") {
  MemoryDisk disk;
  SeededChance chance(3);
  const auto made = crypto::load_or_make(disk, chance, kWorkBits);
  REQUIRE(made.ok());
  CHECK(disk.files.size() == 1);
  const auto loaded = crypto::load_or_make(disk, chance, kWorkBits);
  REQUIRE(loaded.ok());
  CHECK(loaded.value().id() == made.value().id());
}

TEST_CASE("crypto: a damaged identity file is an error and stays as it is") {
  MemoryDisk disk;
  SeededChance chance(4);
  REQUIRE(crypto::load_or_make(disk, chance, kWorkBits).ok());
  base::Bytes& file = disk.files.begin()->second;

  SUBCASE("one bit") { file[20] ^= 1; }
  SUBCASE("empty") { file.clear(); }
  SUBCASE("too long") { file.push_back(0); }
  const auto before = disk.files;
  const auto loaded = crypto::load_or_make(disk, chance, kWorkBits);
  REQUIRE_FALSE(loaded.ok());
  CHECK(loaded.error().code == base::Code::corrupt);
  CHECK(loaded.error().message.find("identity.key is damaged") == 0);
  CHECK(disk.files == before);
}

TEST_CASE("crypto: an identity of another network or version is named as such and kept") {
  MemoryDisk disk;
  SeededChance chance(4);
  REQUIRE(crypto::load_or_make(disk, chance, 0).ok());
  const auto before = disk.files;
  CHECK(crypto::load_or_make(disk, chance, 32).error().code == base::Code::conflict);
  CHECK(disk.files == before);
  disk.files.begin()->second[8] = 9;
  CHECK(crypto::load_or_make(disk, chance, 0).error().code == base::Code::unsupported);
}

TEST_CASE("crypto: a disk that fails at any step leaves no identity or a whole one") {
  for (int steps = 0; steps < 5; ++steps) {  // open, append, sync, rename, sync of the directory
    MemoryDisk disk;
    SeededChance chance(5);
    disk.operations_left = steps;
    disk.failure = steps == 1 ? ports::DiskError::no_space : ports::DiskError::io;
    const auto failed = crypto::load_or_make(disk, chance, kWorkBits);
    REQUIRE_FALSE(failed.ok());
    CHECK(failed.error().code == (steps == 1 ? base::Code::no_space : base::Code::internal));

    disk.operations_left = 100;
    CHECK(crypto::load_or_make(disk, chance, kWorkBits).ok());
  }
}
