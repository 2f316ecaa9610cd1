// Sealed values: the container, with toys in place of curves and ciphers.
#include "actors/dht/logic/sealed_value.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "runtime/crypto/hash.hpp"
#include "tests/actors/dht/records.hpp"

using namespace troupe;
using namespace troupe::dht;

namespace {

base::PublicKey reader(std::uint8_t first) {
  base::PublicKey out;
  out.bytes[0] = first;
  return out;
}
/// Not a cipher: the bytes are mixed with the key's first, and the tag is a hash.
base::Bytes mixed(const ContentKey& key, base::ByteView bytes) {
  base::Bytes out(bytes.begin(), bytes.end());
  for (std::uint8_t& byte : out) byte ^= key.bytes[0];
  return out;
}
base::Bytes tag(const ContentNonce& nonce, base::ByteView associated, base::ByteView text) {
  const base::Digest digest = crypto::sha256(nonce.view(), associated, text);
  const base::ByteView first = digest.view().first(kContentTagBytes);
  return {first.begin(), first.end()};
}
/// A wrap is the reader's first byte, and the key in the clear.
const SealWith kSeal{
    [](const base::PublicKey& whom, const ContentKey& key) -> std::optional<base::Bytes> {
      if (whom == reader(0)) return std::nullopt;
      base::Bytes out{whom.bytes[0]};
      out.insert(out.end(), key.bytes.begin(), key.bytes.end());
      return out;
    },
    [](const ContentKey& key, const ContentNonce& nonce, base::ByteView associated, base::ByteView plain) {
      base::Bytes out = mixed(key, plain);
      const base::Bytes end = tag(nonce, associated, out);
      out.insert(out.end(), end.begin(), end.end());
      return out;
    }};
OpenWith opened_as(std::uint8_t first) {
  return {[first](base::ByteView wrap) -> std::optional<ContentKey> {
            if (wrap.size() != 33 || wrap[0] != first) return std::nullopt;
            ContentKey out;
            std::copy(wrap.begin() + 1, wrap.end(), out.bytes.begin());
            return out;
          },
          [](const ContentKey& key, const ContentNonce& nonce, base::ByteView associated,
             base::ByteView sealed) -> std::optional<base::Bytes> {
            const base::ByteView text = sealed.first(sealed.size() - kContentTagBytes);
            const base::Bytes expected = tag(nonce, associated, text);
            if (!std::equal(expected.begin(), expected.end(), sealed.end() - kContentTagBytes)) return std::nullopt;
            return mixed(key, text);
          }};
}
base::Bytes sealed(base::ByteView plain, const std::vector<base::PublicKey>& readers, const Key& place = key(1)) {
  ContentKey content_key;
  content_key.bytes.fill(0x55);
  const auto out = seal_value(plain, readers, place, content_key, {}, kSeal);
  REQUIRE(out.ok());
  return out.value();
}
std::optional<SealError> seal_refusal(base::ByteView plain, const std::vector<base::PublicKey>& readers) {
  const auto out = seal_value(plain, readers, key(1), {}, {}, kSeal);
  if (out.ok()) return std::nullopt;
  return out.error();
}
std::vector<base::PublicKey> readers(std::size_t count) {
  std::vector<base::PublicKey> out;
  for (std::size_t i = 1; i <= count; ++i) out.push_back(reader(static_cast<std::uint8_t>(i)));
  return out;
}

}  // namespace

TEST_CASE("dht sealed value: each named reader opens it, and nobody else") {
  const base::Bytes plain = bytes_of("for ann and bob");
  const base::Bytes container = sealed(plain, readers(2));
  CHECK(open_value(container, key(1), opened_as(1)).value() == plain);
  CHECK(open_value(container, key(1), opened_as(2)).value() == plain);
  CHECK(open_value(container, key(1), opened_as(3)).error() == OpenError::not_for_us);
  CHECK(open_value(container, key(2), opened_as(1)).error() == OpenError::tampered);
  CHECK(open_value(sealed({}, readers(1)), key(1), opened_as(1)).value().empty());
}

TEST_CASE("dht sealed value: the layout is the one of the header") {
  const std::string wraps = "01" + base::hex(base::Bytes(32, 0x55));
  const base::Bytes container = sealed(bytes_of("hi"), readers(1));
  CHECK(base::hex(container).starts_with("010121" + wraps + std::string(48, '0') + "3d3c"));
  CHECK(container.size() == 3 + 33 + 24 + 2 + 16);
}

TEST_CASE("dht sealed value: readers and sizes are limited") {
  CHECK(seal_refusal({}, {}) == SealError::no_readers);
  CHECK_FALSE(seal_refusal({}, readers(kReadersMax)));
  CHECK(seal_refusal({}, readers(kReadersMax + 1)) == SealError::no_readers);
  CHECK(seal_refusal({}, {reader(1), reader(1)}) == SealError::no_readers);
  CHECK(seal_refusal({}, {reader(1), reader(0)}) == SealError::reader_refused);
  const std::size_t room = kValueBytesMax - (3 + 33 + 24 + 16);
  CHECK_FALSE(seal_refusal(base::Bytes(room, 1), readers(1)));
  CHECK(seal_refusal(base::Bytes(room + 1, 1), readers(1)) == SealError::oversize);
  CHECK(sealed(base::Bytes(room, 1), readers(1)).size() == kValueBytesMax);
}

TEST_CASE("dht sealed value: cut and flipped bytes are refused, and random ones are no container") {
  CHECK(rc::check([](std::uint64_t seed) {
    base::Random random(seed);
    const base::Bytes plain = random_bytes(random, random.below(50));
    base::Bytes container = sealed(plain, readers(1 + random.below(3)));
    const auto opened = open_value(container, key(1), opened_as(1));
    RC_ASSERT(opened.ok());
    RC_ASSERT(opened.value() == plain);
    switch (random.below(3)) {
      case 0: container.resize(random.below(container.size())); break;
      case 1: container[random.below(container.size())] ^= static_cast<std::uint8_t>(1u << random.below(8)); break;
      default: container = random_bytes(random, random.below(200));
    }
    const auto again = open_value(container, key(1), opened_as(1));
    RC_ASSERT(!again.ok());
  }));
}
