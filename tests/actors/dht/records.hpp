#pragma once
// Records and keys for tests, whole or nearly so.
#include <string_view>

#include "actors/dht/logic/record.hpp"
#include "messages/codec.hpp"
#include "runtime/base/mutations.hpp"
#include "runtime/base/random.hpp"
#include "tests/support.hpp"

namespace troupe::dht {

inline constexpr base::WallTime kWall{std::chrono::seconds{1'800'000'000}};

/// The secret key whose seed is `first` and zeros.
inline crypto::SecretKey secret_key(std::uint8_t first) {
  crypto::Seed seed;
  seed.bytes[0] = first;
  return crypto::SecretKey(seed);
}
using troupe::bytes_of, troupe::test::bytes_of;
inline Key key(int first, int second = 0) {
  Key out;
  out.bytes[0] = static_cast<std::uint8_t>(first);
  out.bytes[1] = static_cast<std::uint8_t>(second);
  return out;
}

/// The rule of record.hpp, spelled out: whether `a` replaces `b` under the same key.
inline bool newer(const Record& a, const Record& b) {
  const std::uint64_t ours = sequence_of(a), theirs = sequence_of(b);
  if (ours != theirs) return ours > theirs;
  return tag_of(encode(a)) > tag_of(encode(b));
}

/// "orders" of key 1, for two days from kWall.
inline KvRecord unsigned_kv(std::uint64_t sequence = 7, std::string_view value = "hello") {
  KvRecord out;
  out.sequence = sequence;
  out.created = kWall;
  out.expires = kWall + kLifetimeDefault;
  out.name = bytes_of("orders");
  out.value = bytes_of(value);
  return out;
}
inline KvRecord kv(std::uint64_t sequence = 7, std::string_view value = "hello") {
  return sign(secret_key(1), unsigned_kv(sequence, value));
}
inline CidRecord cid(std::string_view value = "hello") { return {bytes_of(value)}; }

class Planted final : public base::Mutations {
 public:
  explicit Planted(std::string_view name) : name_(name) {}
  bool on(std::string_view name) const override { return name == name_; }

 private:
  std::string_view name_;
};

/// Any bytes, of which each seed has its own.
inline base::Bytes random_bytes(base::Random& random, std::size_t size) {
  base::Bytes out(size);
  for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(random.next());
  return out;
}

}  // namespace troupe::dht
