// Records: one encoding, one place, and the reasons for which one is refused.
#include "actors/dht/logic/record.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "tests/actors/dht/records.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace std::chrono_literals;

namespace {

constexpr unsigned kNoWork = 0;

std::optional<RecordError> refusal(const Record& record, const Key& place, base::WallTime wall = kWall,
                                   unsigned work_bits = kNoWork) {
  const auto checked = validate(record, place, wall, work_bits);
  if (checked.ok()) return std::nullopt;
  return checked.error();
}
std::optional<RecordError> refusal(const Record& record, base::WallTime wall = kWall) {
  return refusal(record, key_of(record), wall);
}
std::optional<RecordError> parse_error(base::ByteView bytes) {
  const auto parsed = parse(bytes);
  if (parsed.ok()) return std::nullopt;
  return parsed.error();
}

Record some_record(base::Random& random) {
  switch (random.below(3)) {
    case 0: {
      PkRecord out;
      for (std::uint8_t& byte : out.key.bytes) byte = static_cast<std::uint8_t>(random.next());
      out.nonce = static_cast<std::uint32_t>(random.next());
      return out;
    }
    case 1: return CidRecord{random_bytes(random, random.below(300))};
    default: {
      KvRecord out;
      out.sequence = random.next();
      out.created = random.chance(1, 2) ? kWall : base::WallTime(std::chrono::seconds(random.below(1ull << 32)));
      out.expires = out.created + std::chrono::seconds(1 + random.below(500'000));
      out.sealing = random.chance(1, 2) ? Sealing::sealed : Sealing::open;
      out.name = random_bytes(random, random.below(kNameBytesMax + 1));
      out.value = random_bytes(random, random.below(300));
      return sign(secret_key(static_cast<std::uint8_t>(random.below(4))), out);
    }
  }
}

}  // namespace

TEST_CASE("dht record: keys and bytes are what an independent program computes") {
  const crypto::SecretKey owner = secret_key(1);
  CHECK(owner.public_key().hex() == "cecc1507dc1ddd7295951c290888f095adb9044d1b73d696e6df065d683bd4fc");
  const KvRecord signed_record = kv();
  CHECK(base::hex(encode(signed_record)) ==
        "02cecc1507dc1ddd7295951c290888f095adb9044d1b73d696e6df065d683bd4fc070000000000000000d2496b0000000000"
        "754c6b0000000000066f726465727368656c6c6ffc100dad01c979706670a3b041f470953255e647295e2ac8b60f09b81fa8"
        "179fb2bf5177145ff57c5baff1f312441ad5d502f6e59b48f63075137a7374c7070d");
  CHECK(key_of(signed_record).hex() == "392fcbad4b2568b6ddd2e9a72cbd9eb35b684b79");
  CHECK(base::hex(encode(cid())) == "0368656c6c6f");
  CHECK(key_of(cid()).hex() == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c");  // SHA-256("hello")
  const PkRecord pk{owner.public_key(), 0x01020304};
  CHECK(base::hex(encode(pk)) == "01" + owner.public_key().hex() + "04030201");
  CHECK(key_of(pk).hex() == "4223f3e0a3474ec977bd8cc57955be5f6c7f1f3e");
}

TEST_CASE("dht record: what is read is what was written, and gives the same bytes") {
  CHECK(rc::check([](std::uint64_t seed) {
    base::Random random(seed);
    const Record record = some_record(random);
    const base::Bytes bytes = encode(record);
    const auto parsed = parse(bytes);
    RC_ASSERT(parsed.ok());
    RC_ASSERT(parsed.value() == record);
    RC_ASSERT(encode(parsed.value()) == bytes);
  }));
}

TEST_CASE("dht record: cut, lengthened and flipped bytes are refused, or are another record with another key") {
  CHECK(rc::check([](std::uint64_t seed) {
    base::Random random(seed);
    const Record record = some_record(random);
    base::Bytes bytes = encode(record);
    switch (random.below(3)) {
      case 0: bytes.resize(random.below(bytes.size())); break;
      case 1: bytes.push_back(static_cast<std::uint8_t>(random.next())); break;
      default: bytes[random.below(bytes.size())] ^= static_cast<std::uint8_t>(1u << random.below(8));
    }
    const auto parsed = parse(bytes);
    if (!parsed.ok()) return;
    RC_ASSERT(encode(parsed.value()) == bytes);
    RC_ASSERT_FALSE(validate(parsed.value(), key_of(record), kWall, kNoWork).ok());
  }));
}

TEST_CASE("dht record: random bytes neither crash nor validate") {
  CHECK(rc::check([](std::uint64_t seed) {
    base::Random random(seed);
    base::Bytes bytes = random_bytes(random, random.below(400));
    if (!bytes.empty()) bytes[0] = static_cast<std::uint8_t>(random.below(5));
    const auto parsed = parse(bytes);
    if (parsed.ok()) RC_ASSERT_FALSE(validate(parsed.value(), key(1), kWall, kNoWork).ok());
  }));
}

TEST_CASE("dht record: sizes at their limits pass, and one beyond is refused") {
  const crypto::SecretKey owner = secret_key(1);
  KvRecord record = unsigned_kv();
  SUBCASE("an empty name and value") {
    record.name.clear();
    record.value.clear();
    record = sign(owner, record);
    CHECK_FALSE(refusal(record));
    CHECK_FALSE(parse_error(encode(record)));
    CHECK_FALSE(refusal(CidRecord{}));
    CHECK_FALSE(parse_error(encode(CidRecord{})));
  }
  SUBCASE("the longest name and value") {
    record.name.assign(kNameBytesMax, 'n');
    record.value.assign(kValueBytesMax, 'v');
    record = sign(owner, record);
    base::Bytes bytes = encode(record);
    CHECK(bytes.size() == kRecordBytesMax);
    CHECK_FALSE(parse_error(bytes));
    CHECK_FALSE(refusal(record));
    bytes.push_back(0);
    CHECK(parse_error(bytes) == RecordError::oversize);
  }
  SUBCASE("a value one beyond, beside a short name") {
    base::Bytes bytes = encode(kv());
    bytes.insert(bytes.end() - 64, kValueBytesMax - 5, 'v');
    CHECK_FALSE(parse_error(bytes));
    bytes.insert(bytes.end() - 64, 'v');
    CHECK(parse_error(bytes) == RecordError::oversize);
  }
  SUBCASE("a name one beyond") {
    base::Bytes bytes = encode(kv());
    bytes[kSignedHeadBytes - 1] = 65;
    bytes.insert(bytes.end() - 64, 100, 'v');
    CHECK(parse_error(bytes) == RecordError::oversize);
  }
  SUBCASE("a /cid") {
    base::Bytes bytes = encode(CidRecord{base::Bytes(kValueBytesMax, 'v')});
    CHECK_FALSE(parse_error(bytes));
    bytes.push_back('v');
    CHECK(parse_error(bytes) == RecordError::oversize);
  }
}

TEST_CASE("dht record: what is not the one encoding is malformed") {
  CHECK(parse_error({}) == RecordError::malformed);
  CHECK(parse_error(base::Bytes{0}) == RecordError::malformed);
  CHECK(parse_error(base::Bytes{4, 1, 2}) == RecordError::malformed);
  CHECK(parse_error(base::Bytes(36, 1)) == RecordError::malformed);
  CHECK_FALSE(parse_error(base::Bytes(37, 1)));
  CHECK(parse_error(base::Bytes(38, 1)) == RecordError::malformed);
  base::Bytes bytes = encode(kv());
  SUBCASE("a flag without meaning") { bytes[57] |= 2; }
  SUBCASE("a name longer than the rest") { bytes[58] = 64; }
  SUBCASE("a date that no clock can show") { bytes[56] = 1; }
  SUBCASE("a time that ends when it begins") { std::copy_n(bytes.begin() + 41, 8, bytes.begin() + 49); }
  SUBCASE("less than a signature") { bytes.resize(kSignedHeadBytes + 63); }
  CHECK(parse_error(bytes) == RecordError::malformed);
}

TEST_CASE("dht record: each space has its own rule for keys") {
  const Record record = kv();
  CHECK_FALSE(refusal(record));
  CHECK(refusal(record, key(1)) == RecordError::foreign_key);
  CHECK_FALSE(refusal(cid()));
  CHECK(refusal(cid("hullo"), key_of(cid())) == RecordError::foreign_key);

  SUBCASE("an owner who is not the one of the key") {
    CHECK(refusal(sign(secret_key(2), unsigned_kv()), key_of(record)) == RecordError::foreign_key);
  }
  SUBCASE("a key that lacks the network's work") {
    const crypto::SecretKey owner = secret_key(1);
    const std::uint32_t nonce = *crypto::grind(owner.public_key(), 8);
    const PkRecord worked{owner.public_key(), nonce};
    CHECK_FALSE(refusal(worked, key_of(worked), kWall, 8));
    const PkRecord idle{owner.public_key(), nonce + 1};
    CHECK(refusal(idle, key_of(idle), kWall, 8) == RecordError::lacks_work);
    CHECK(refusal(worked, key_of(idle), kWall, 8) == RecordError::foreign_key);
  }
}

TEST_CASE("dht record: a signature covers every byte") {
  KvRecord record = kv();
  SUBCASE("value") { record.value[0] ^= 1; }
  SUBCASE("sequence") { record.sequence += 1; }
  SUBCASE("dates") { record.expires = record.expires + 1s; }
  SUBCASE("flag") { record.sealing = Sealing::sealed; }
  SUBCASE("itself") { record.signature.bytes[0] ^= 1; }
  SUBCASE("made without the prefix, over the bytes alone") {
    const base::Bytes bytes = encode(record);
    record.signature = secret_key(1).sign(base::ByteView(bytes).first(bytes.size() - 64));
  }
  SUBCASE("name, which also moves the key") {
    record.name[0] ^= 1;
    CHECK(refusal(record, key_of(kv())) == RecordError::foreign_key);
  }
  CHECK(refusal(record) == RecordError::bad_signature);
}

TEST_CASE("dht record: dates are refused beyond their limits") {
  KvRecord record = unsigned_kv();
  const auto refused = [&] { return refusal(sign(secret_key(1), record)); };
  SUBCASE("a clock an hour ahead") {
    record.created = kWall + 1h;
    CHECK(refused() == RecordError::from_the_future);
    record.created = kWall + kClockSkewMax;
    CHECK_FALSE(refused());
    record.created = kWall + kClockSkewMax + 1s;
    CHECK(refused() == RecordError::from_the_future);
  }
  SUBCASE("a clock an hour behind only shortens the life") {
    record.created = kWall - 1h;
    record.expires = record.created + 2h;
    CHECK_FALSE(refused());
    record.expires = record.created + 1h;
    CHECK(refused() == RecordError::expired);
  }
  SUBCASE("expired at its second and not before") {
    const Record kept = sign(secret_key(1), record);
    CHECK_FALSE(refusal(kept, record.expires - 1ns));
    CHECK(refusal(kept, record.expires) == RecordError::expired);
  }
  SUBCASE("a life of a week, and a second more") {
    record.expires = record.created + kLifetimeMax;
    CHECK_FALSE(refused());
    record.expires = record.expires + 1s;
    CHECK(refused() == RecordError::too_long_lived);
  }
  SUBCASE("a clock that was never set") { CHECK(refusal(kv(), base::WallTime{}) == RecordError::from_the_future); }
}

TEST_CASE("dht record: of two records exactly one is newer, and all agree which") {
  CHECK(newer(kv(8), kv(7)));
  CHECK_FALSE(newer(kv(7), kv(8)));
  CHECK_FALSE(newer(kv(), kv()));
  const KvRecord a = kv(7, "a"), b = kv(7, "b");
  CHECK(newer(a, b) != newer(b, a));
  CHECK(newer(a, b) == (tag_of(encode(a)) > tag_of(encode(b))));
  CHECK(newer(kv(std::uint64_t{1} << 63), kv(7)));  // unsigned: no sequence is negative
}

// Source: BEP 44, "Test Vectors". Its private key is in expanded form, which has no seed, so that only the check of
// signatures can be compared; its targets are SHA-1 hashes, ours are SHA-256 (above).
TEST_CASE("dht record: signatures of BEP 44 hold over its buffers and no others") {
  const auto public_key =
      *base::PublicKey::from_hex("77ff84905a91936367c01360803104f92432fcd904a43511876df5cdf3e7e548");
  struct Vector {
    std::string_view buffer;
    std::string_view signature;
  };
  const Vector vectors[] = {
      {"3:seqi1e1:v12:Hello World!",
       "305ac8aeb6c9c151fa120f120ea2cfb923564e11552d06a5d856091e5e853cff"
       "1260d3f39e4999684aa92eb73ffd136e6f4f3ecbfda0ce53a1608ecd7ae21f01"},
      {"4:salt6:foobar3:seqi1e1:v12:Hello World!",
       "6834284b6b24c3204eb2fea824d82f88883a3d95e8b4a21b8c0ded553d17d17d"
       "df9a8a7104b1258f30bed3787e6cb896fca78c58f8e03b5f18f14951a87d9a08"},
  };
  for (const Vector& vector : vectors) {
    const auto signature = *crypto::Signature::from_hex(vector.signature);
    CHECK(crypto::verify(public_key, base::as_bytes(vector.buffer), signature));
    base::Bytes other = bytes_of(vector.buffer);
    for (std::size_t i = 0; i < other.size(); ++i) {
      other[i] ^= 1;
      CHECK_FALSE(crypto::verify(public_key, other, signature));
      other[i] ^= 1;
    }
  }
  const auto swapped = *crypto::Signature::from_hex(vectors[1].signature);
  CHECK_FALSE(crypto::verify(public_key, base::as_bytes(vectors[0].buffer), swapped));
}
