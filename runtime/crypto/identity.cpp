#include "runtime/crypto/identity.hpp"

#include <algorithm>
#include <array>

#include "runtime/base/ensure.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::crypto {
namespace {

constexpr std::string_view kPrefix = "troupe-id";
constexpr std::string_view kMagic = "troupeid";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kChecksumBytes = 16;
constexpr std::size_t kBodyBytes = kMagic.size() + 4 + 4 + 32;
static_assert(kBodyBytes + kChecksumBytes == kIdentityFileBytes);

base::Bytes little_endian(std::uint32_t number) {
  base::Bytes out;
  base::append_number(out, number);
  return out;
}

base::Digest id_hash(const base::PublicKey& key, std::uint32_t nonce) {
  return sha256(base::as_bytes(kPrefix), key.view(), little_endian(nonce));
}

constexpr std::size_t kHashesKept = 1024;  // our choice: 72 KiB, for more contacts than a routing table has

/// Returns the hash of a key and its nonce, from this thread's cache if possible: nearly every response that a node
/// reads names the same few hundred contacts. If two hashes have the same slot, the newer hash stays.
base::Digest known_id_hash(const base::PublicKey& key, std::uint32_t nonce) {
  struct Known {
    base::PublicKey key;
    std::uint32_t nonce = 0;
    bool full = false;
    base::Digest hash;
  };
  static thread_local std::array<Known, kHashesKept> all;
  Known& place = all[(std::size_t{key.bytes[0]} << 8 | key.bytes[1]) % kHashesKept];
  if (!place.full || place.nonce != nonce || place.key != key) place = {key, nonce, true, id_hash(key, nonce)};
  return place.hash;
}

base::NodeId id_of(const base::Digest& hash) { return *base::NodeId::from(hash.view().first(base::NodeId::kBytes)); }

bool shows_work(const base::Digest& hash, unsigned work_bits) {
  base::ensure(work_bits <= kWorkBitsMax, "the work of an id is at most 32 bits");
  const auto* next = hash.bytes.data() + base::NodeId::kBytes;
  const std::uint64_t bits = std::uint64_t{next[0]} << 24 | std::uint64_t{next[1]} << 16 | std::uint64_t{next[2]} << 8 |
                             std::uint64_t{next[3]};
  return bits >> (32 - work_bits) == 0;
}

base::ByteView checksum(const base::Digest& hash) { return hash.view().first(kChecksumBytes); }

base::Error disk_error(std::string_view doing, ports::DiskError why) {
  using ports::DiskError;
  const base::Code code = why == DiskError::no_space ? base::Code::no_space
                          : why == DiskError::denied ? base::Code::refused
                                                     : base::Code::internal;
  return {code, std::string(doing) + " " + std::string(kIdentityFile) + ": " + std::string(ports::name(why)), {}};
}

base::Error file_error(IdentityError why) {
  const std::string file(kIdentityFile);
  switch (why) {
    case IdentityError::version:
      return {base::Code::unsupported, file + " was written by a newer version; it was not changed", {}};
    case IdentityError::lacks_work:
      return {base::Code::conflict,
              file + " has less work than this network requires of an id (identity.work_bits); it was not changed",
              {}};
    case IdentityError::damaged: break;
  }
  return {
      base::Code::corrupt, file + " is damaged and was not changed: restore it, or remove it to become a new node", {}};
}

/// Secret bytes of a file, wiped on destruction.
struct SecretBytes {
  base::Bytes bytes;
  ~SecretBytes() { wipe(bytes); }
};

base::Outcome<Identity> load(ports::File& file, unsigned work_bits) {
  SecretBytes read{base::Bytes(kIdentityFileBytes + 1)};  // one byte more, to detect an oversized file
  const auto got = file.read(0, read.bytes);
  if (!got.ok()) return disk_error("cannot read", got.error());
  auto identity = Identity::decode(base::ByteView(read.bytes).first(got.value()), work_bits);
  if (!identity.ok()) return file_error(identity.error());
  return std::move(identity).value();
}

ports::DiskResult<void> store(ports::Disk& disk, const Identity& identity) {
  const SecretBytes encoded{identity.encode()};
  return ports::write_durably(disk, kIdentityFile, encoded.bytes);
}

}  // namespace

base::NodeId node_id(const base::PublicKey& key, std::uint32_t nonce) { return id_of(known_id_hash(key, nonce)); }

std::optional<base::NodeId> check(const base::PublicKey& key, std::uint32_t nonce, unsigned work_bits) {
  const base::Digest hash = known_id_hash(key, nonce);
  if (!shows_work(hash, work_bits)) return std::nullopt;
  return id_of(hash);
}

std::optional<std::uint32_t> grind(const base::PublicKey& key, unsigned work_bits) {
  for (std::uint64_t nonce = 0; nonce <= UINT32_MAX; ++nonce) {
    const auto candidate = static_cast<std::uint32_t>(nonce);
    if (shows_work(id_hash(key, candidate), work_bits)) return candidate;
  }
  return std::nullopt;
}

Identity::Identity(SecretKey key, std::uint32_t nonce, base::NodeId id)
    : key_(std::move(key)), nonce_(nonce), id_(id) {}

Identity Identity::make(ports::Chance& chance, unsigned work_bits) {
  while (true) {
    SecretKey key = SecretKey::generate(chance);
    if (const auto nonce = grind(key.public_key(), work_bits)) {
      const base::NodeId id = node_id(key.public_key(), *nonce);
      return Identity(std::move(key), *nonce, id);
    }
  }
}

std::optional<Identity> Identity::from(SecretKey key, std::uint32_t nonce, unsigned work_bits) {
  const auto id = check(key.public_key(), nonce, work_bits);
  if (!id) return std::nullopt;
  return Identity(std::move(key), nonce, *id);
}

base::Bytes Identity::encode() const {
  Seed seed;
  key_.copy_seed(seed);
  base::Bytes out;
  out.reserve(kIdentityFileBytes);  // exactly, so that no growth leaves an unwiped copy
  const auto put = [&out](base::ByteView part) { out.insert(out.end(), part.begin(), part.end()); };
  put(base::as_bytes(kMagic));
  put(little_endian(kVersion));
  put(little_endian(nonce_));
  put(seed.bytes);
  const base::Digest hash = sha256(out);
  put(checksum(hash));
  return out;
}

base::Result<Identity, IdentityError> Identity::decode(base::ByteView file, unsigned work_bits) {
  if (file.size() < kMagic.size() + 4) return IdentityError::damaged;
  if (base::as_text(file.first(kMagic.size())) != kMagic) return IdentityError::damaged;
  // A newer version may have another length, so its number is checked first.
  if (base::load<std::uint32_t>(file, kMagic.size()) > kVersion) return IdentityError::version;
  if (file.size() != kIdentityFileBytes) return IdentityError::damaged;
  const base::Digest hash = sha256(file.first(kBodyBytes));
  if (!std::ranges::equal(checksum(hash), file.subspan(kBodyBytes))) return IdentityError::damaged;
  if (base::load<std::uint32_t>(file, kMagic.size()) != kVersion) return IdentityError::damaged;

  const std::uint32_t nonce = base::load<std::uint32_t>(file, kMagic.size() + 4);
  const Seed seed(file.subspan(kMagic.size() + 8).first<32>());
  auto identity = from(SecretKey(seed), nonce, work_bits);
  if (!identity) return IdentityError::lacks_work;
  return std::move(*identity);
}

base::Outcome<Identity> load_or_make(ports::Disk& disk, ports::Chance& chance, unsigned work_bits) {
  auto file = disk.open(kIdentityFile, ports::OpenMode::read);
  if (file.ok()) return load(*file.value(), work_bits);
  if (file.error() != ports::DiskError::not_found) return disk_error("cannot open", file.error());

  Identity identity = Identity::make(chance, work_bits);
  if (const auto stored = store(disk, identity); !stored.ok()) return disk_error("cannot write", stored.error());
  return identity;
}

}  // namespace troupe::crypto
