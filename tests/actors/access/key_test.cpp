#include "actors/access/logic/key.hpp"

#include <doctest/doctest.h>

#include "runtime/base/random.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::access;

namespace {

base::Digest digest_of(std::uint8_t number) {
  base::Digest out;
  out.bytes.fill(number);
  return out;
}

Key large_key() {
  Key out{.hash = digest_of(7), .role = Role::admin, .rate = kRateMax};
  for (std::size_t i = 0; i < kScopesMax; ++i) out.scopes.push_back("/v1/" + std::string(kPatternBytesMax - 4, 's'));
  for (std::size_t i = 0; i < kGrantsMax; ++i)
    out.grants.push_back({"/v1/" + std::string(kPatternBytesMax - 4, 'g'), i % 2 == 0});
  out.created = 1;
  out.expires = ~std::uint64_t{0};
  out.last_used = 3;
  return out;
}

}  // namespace

TEST_CASE("access key: a role has one name, and other names have no role") {
  for (const Role role : {Role::viewer, Role::user, Role::operator_, Role::admin}) CHECK(role_of(name(role)) == role);
  CHECK(name(Role::operator_) == "operator");
  for (const char* text : {"", "root", "Admin", "admin "}) CHECK(!role_of(text));
}

TEST_CASE("access key: an id is 16 lower-case hexadecimal digits") {
  CHECK(is_id("0123456789abcdef"));
  CHECK(is_id(kNodeOwner));
  for (const char* text : {"", "token", "0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF", "0123456789abcdeg",
                           "0123456789abcde/"})
    CHECK(!is_id(text));
}

TEST_CASE("access key: a key expires at its time, and never without a time") {
  Key key{.expires = 100};
  CHECK(!key.expired(99));
  CHECK(key.expired(100));
  CHECK(key.expired(101));
  key.expires = 0;
  CHECK(!key.expired(~std::uint64_t{0}));
}

TEST_CASE("access key: an encoded key has these bytes") {
  const Key key{.hash = digest_of(1),
                .role = Role::user,
                .scopes = {"/v1/kv/**"},
                .grants = {{"/v1/x", true}},
                .rate = 5,
                .created = 2,
                .expires = 3,
                .last_used = 4};
  base::Bytes expected{1};
  expected.insert(expected.end(), 32, 1);
  for (const char* hex : {"05000000", "0200000000000000", "0300000000000000", "0400000000000000", "010900"}) {
    const auto bytes = test::bytes_of_hex(hex);
    expected.insert(expected.end(), bytes.begin(), bytes.end());
  }
  for (const char c : std::string("/v1/kv/**\x01\x01\x05")) expected.push_back(static_cast<std::uint8_t>(c));
  expected.push_back(0);
  for (const char c : std::string("/v1/x")) expected.push_back(static_cast<std::uint8_t>(c));
  CHECK(encode(key) == expected);
}

TEST_CASE("access key: an encoded key is read back, from the smallest to the largest") {
  for (const Key& key : {Key{.hash = digest_of(1)}, large_key()}) {
    const base::Bytes bytes = encode(key);
    CHECK(decode_key(bytes) == key);
    for (std::size_t size = 0; size < bytes.size(); size += size < 200 ? 1 : 97)
      CHECK(!decode_key(base::ByteView(bytes).first(size)));
    base::Bytes longer = bytes;
    longer.push_back(0);
    CHECK(!decode_key(longer));
  }
}

TEST_CASE("access key: bytes of an unknown role, of too many texts, or of an empty text are refused") {
  const Key key{.hash = digest_of(1), .scopes = {"/v1/a"}, .grants = {{"/v1/b", false}}};
  const base::Bytes bytes = encode(key);
  constexpr std::size_t kScopes = 1 + 32 + 4 + 3 * 8, kGrants = kScopes + 1 + 2 + 5;
  const auto with = [&](std::size_t at, std::uint8_t value) {
    base::Bytes out = bytes;
    out[at] = value;
    return decode_key(out);
  };
  CHECK(with(0, 3).has_value());
  CHECK(!with(0, 4));
  CHECK(!with(kScopes, kScopesMax + 1));
  CHECK(!with(kScopes, 0xff));
  CHECK(!with(kScopes + 1, 0));  // an empty text
  CHECK(!with(kScopes + 2, 1));  // a text of 261 bytes
  CHECK(!with(kGrants, kGrantsMax + 1));
  CHECK(!with(kGrants + 1, 2));  // neither to read nor to write
}

TEST_CASE("access key: random bytes are refused, or are the one encoding of a key") {
  base::Random random(5);
  const base::Bytes large = encode(large_key());
  const base::Bytes small = encode(Key{.hash = digest_of(1), .scopes = {"/v1/a"}, .grants = {{"/v1/b", false}}});
  for (std::uint64_t i = 0; i < test::rounds(20'000); ++i) {
    base::Bytes bytes = i % 2 == 0 ? large : small;
    for (std::uint64_t n = random.below(4); n > 0; --n)
      bytes[random.below(bytes.size())] = static_cast<std::uint8_t>(random.below(256));
    bytes.resize(bytes.size() - random.below(3));
    if (const auto key = decode_key(bytes)) CHECK(encode(*key) == bytes);
  }
}

TEST_CASE("access key: a thing belongs to one key, to several keys, or to no key") {
  const std::string mine = "00000000000000aa", other = "00000000000000bb";
  CHECK(share_of({}, mine) == Share::none);
  CHECK(share_of({mine}, mine) == Share::own);
  CHECK(share_of({mine, other}, mine) == Share::shared);
  CHECK(share_of({std::string(kNodeOwner), mine}, mine) == Share::shared);
  CHECK(share_of({other}, mine) == Share::other);
  CHECK(share_of({std::string(kNodeOwner)}, mine) == Share::other);
}

TEST_CASE("access key: only files and contents may have several owners") {
  CHECK(may_share(Kind::file));
  CHECK(may_share(Kind::content));
  for (const Kind kind : {Kind::entry, Kind::value, Kind::task}) CHECK(!may_share(kind));
}

TEST_CASE("access key: owners are read back, and other bytes are refused") {
  Owners owners{std::string(kNodeOwner), "00000000000000aa"};
  CHECK(decode_owners(encode(owners)) == owners);
  while (owners.size() < kOwnersMax) owners.push_back("00000000000000bb");
  CHECK(decode_owners(encode(owners)) == owners);
  owners.push_back("00000000000000cc");
  CHECK(!decode_owners(encode(owners)));
  CHECK(!decode_owners({}));
  CHECK(!decode_owners(test::bytes_of("00000000000000a")));
  CHECK(!decode_owners(test::bytes_of("00000000000000AA")));
  CHECK(!decode_owners(test::bytes_of("00000000000000aa0")));
}
