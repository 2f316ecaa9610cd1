#include "runtime/net/logic/envelope_check.hpp"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <cstring>
#include <vector>

using namespace troupe;
using net::check_envelope;
using net::EnvelopeFault;

namespace {

/// Words that begin with these 32-bit numbers, `words` of them, the rest zero.
std::vector<std::uint64_t> words_of(std::size_t words, const std::vector<std::uint32_t>& numbers) {
  std::vector<std::uint64_t> out(words);
  std::memcpy(out.data(), numbers.data(), numbers.size() * sizeof(std::uint32_t));
  return out;
}

base::ByteView view(const std::vector<std::uint64_t>& words) {
  return {reinterpret_cast<const std::uint8_t*>(words.data()), words.size() * 8};
}

}  // namespace

TEST_CASE("net: what Cap'n Proto builds is sound, in one segment or in many") {
  for (const unsigned first_words : {1u, 1024u}) {
    capnp::MallocMessageBuilder message(first_words, capnp::AllocationStrategy::FIXED_SIZE);
    auto list = message.initRoot<capnp::AnyPointer>().initAs<capnp::List<capnp::Data>>(9);
    for (unsigned i = 0; i < 9; ++i) list.init(i, 8 * i);
    const auto words = capnp::messageToFlatArray(message);
    const auto bytes = words.asBytes();
    CHECK_FALSE(check_envelope({bytes.begin(), bytes.size()}).has_value());
  }
}

TEST_CASE("net: each way in which a segment table is wrong has its fault") {
  CHECK(check_envelope({}) == EnvelopeFault::empty);
  CHECK(check_envelope(view(words_of(1, {0, 0}))) == EnvelopeFault::empty);  // a segment without a root
  CHECK_FALSE(check_envelope(view(words_of(2, {0, 1}))).has_value());
  CHECK(check_envelope(view(words_of(2, {0, 2}))) == EnvelopeFault::wrong_size);
  CHECK(check_envelope(view(words_of(3, {0, 1}))) == EnvelopeFault::wrong_size);
  CHECK(check_envelope(view(words_of(2, {0, 0xffffffff}))) == EnvelopeFault::wrong_size);
  CHECK_FALSE(check_envelope(view(words_of(4, {1, 1, 1}))).has_value());
  CHECK(check_envelope(view(words_of(4, {1, 1, 1, 7}))) == EnvelopeFault::padding);
  CHECK(check_envelope(view(words_of(2, {4, 1}))) == EnvelopeFault::wrong_size);  // the table is cut off
  CHECK(check_envelope(view(words_of(2, {0xffffffff, 1}))) == EnvelopeFault::too_many_segments);

  const auto words = words_of(3, {0, 1});
  CHECK(check_envelope(view(words).first(12)) == EnvelopeFault::misaligned);
  CHECK(check_envelope(view(words).subspan(4, 16)) == EnvelopeFault::misaligned);
}

TEST_CASE("net: 512 segments are the most") {
  const auto table = [](std::uint32_t segments) {
    std::vector<std::uint32_t> numbers(segments + 1, 1);
    numbers[0] = segments - 1;
    return words_of(segments / 2 + 1 + segments, numbers);
  };
  CHECK_FALSE(check_envelope(view(table(512))).has_value());
  CHECK(check_envelope(view(table(513))) == EnvelopeFault::too_many_segments);
}

TEST_CASE("net: sums of segments that overflow 32 bits are no way in") {
  CHECK(check_envelope(view(words_of(4, {1, 0x80000000, 0x80000002}))) == EnvelopeFault::wrong_size);
  CHECK(check_envelope(view(words_of(4, {2, 1, 0xffffffff, 2}))) == EnvelopeFault::wrong_size);
}

TEST_CASE("net: what passes the check is read by Cap'n Proto without a throw about its table") {
  const bool held = rc::check([] {
    const auto count = *rc::gen::inRange<std::uint32_t>(0, 6);
    std::vector<std::uint32_t> numbers{count};
    for (std::uint32_t i = 0; i <= count; ++i) numbers.push_back(*rc::gen::inRange<std::uint32_t>(0, 4));
    numbers.push_back(*rc::gen::inRange<std::uint32_t>(0, 2));
    const auto size = *rc::gen::inRange<std::size_t>(numbers.size() / 2 + 1, 24);
    const auto words = words_of(size, numbers);
    if (check_envelope(view(words))) return;
    const auto* start = reinterpret_cast<const capnp::word*>(words.data());
    capnp::FlatArrayMessageReader reader(kj::arrayPtr(start, words.size()));
    RC_ASSERT(reader.getEnd() == start + words.size());
  });
  CHECK(held);
}
