// Rows of a catalogue, which any client of a group may write.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "actors/catalogue/api.hpp"
#include "runtime/base/random.hpp"

using namespace troupe;
using namespace troupe::catalogue;

namespace {

base::Bytes some_bytes(base::Random& random, std::size_t count) {
  base::Bytes out(count);
  for (auto& byte : out) byte = static_cast<std::uint8_t>(random.next());
  return out;
}

}  // namespace

TEST_CASE("catalogue rows: keys name what they were made of, and no other key is read") {
  base::Random random(1);
  const auto cid = *files::Cid::from(some_bytes(random, files::Cid::kBytes));
  const auto node = *base::NodeId::from(some_bytes(random, base::NodeId::kBytes));
  const std::string entry = entry_key(cid), held = held_key(cid, node);
  CHECK(entry.front() == raft::kReservedKeys);
  CHECK(read_entry_key(entry) == cid);
  REQUIRE(read_held_key(held));
  CHECK(read_held_key(held)->cid == cid);
  CHECK(read_held_key(held)->node == node);
  CHECK_FALSE(read_entry_key(held));
  CHECK_FALSE(read_held_key(entry));
  CHECK_FALSE(read_entry_key(entry + 'x'));
  CHECK_FALSE(read_held_key(held.substr(0, held.size() - 1)));
  CHECK_FALSE(read_entry_key(""));
}

TEST_CASE("catalogue rows: any bytes are refused, or are the encoding of what they say") {
  const Entry entry{.name = "notes.txt", .bytes = 1u << 20, .pinned = true};
  CHECK(decode_entry(encode(entry)) == entry);
  CHECK(decode_held(encode_held(true)) == true);
  CHECK(decode_held(encode_held(false)) == false);
  CHECK(rc::check("changed bytes", [](std::uint64_t seed) {
    base::Random random(seed);
    base::Bytes bytes = random.below(2) == 0 ? some_bytes(random, random.below(300))
                                             : encode({.name = std::string(random.below(256), 'x'), .bytes = seed});
    if (!bytes.empty())
      bytes[random.below(std::min<std::uint64_t>(bytes.size(), 12))] ^= static_cast<std::uint8_t>(random.next());
    if (const auto read = decode_entry(bytes)) RC_ASSERT(encode(*read) == bytes);
    bytes.resize(std::min<std::size_t>(bytes.size(), 2));
    if (const auto read = decode_held(bytes)) RC_ASSERT(encode_held(*read) == bytes);
  }));
}
