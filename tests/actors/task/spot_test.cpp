#include "actors/task/logic/spot.hpp"

#include <doctest/doctest.h>

#include "actors/files/logic/chunker.hpp"
#include "actors/task/logic/loader.hpp"
#include "tests/actors/task/orders.hpp"

using namespace troupe;
using namespace troupe::task;

TEST_CASE("spot: its program is static, of less than 64 KiB, and has the id that the content store would give it") {
  const base::ByteView program = spot_program();
  CHECK(program.size() < 65'536);
  const auto loader = loader_of(program.first(std::min(program.size(), kLoaderBytes)));
  REQUIRE(loader.ok());
  CHECK(loader.value().empty());
  files::FixedChunker chunker(files::kChunkBytes);
  REQUIRE(chunker.feed(program) == program.size());
  files::ManifestBuilder manifest(files::kChunkBytes);
  REQUIRE(manifest.add(chunker.take().ref).ok());
  const auto id = files::cid_of(files::encode(manifest.finish()));
  CHECK(std::ranges::equal(id.view(), spot_program_id().view()));
}

TEST_CASE("spot: the answer follows from the seed and the rounds, and each bit of it") {
  Spot spot{.rounds = 1'000};
  for (std::uint8_t i = 0; i < Spot::kSeedBytes; ++i) spot.seed.bytes[i] = static_cast<std::uint8_t>(0x11 * i);
  CHECK(arguments_of(spot) == std::vector<std::string>{"00112233445566778899aabbccddeeff", "1000"});
  // As the program has printed it.
  CHECK(answer_of(spot) == "b250a4fca6fc456d11283da5357aa5243713b993ee07148a7bb9c8aa749d8275\n");
  for (std::size_t i = 0; i < Spot::kSeedBytes; ++i) {
    Spot other = spot;
    other.seed.bytes[i] ^= 1;
    CHECK(answer_of(other) != answer_of(spot));
  }
  Spot more = spot;
  ++more.rounds;
  CHECK(answer_of(more) != answer_of(spot));
}

TEST_CASE("spot: a check is an order like others, and known by all that it asks for") {
  Order order = order_of({});
  order.submitter = submitter().public_key();
  CHECK_FALSE(fault(order));
  CHECK(decode(encode(order)) == order);
  CHECK(spot_of(order.arguments) == Spot{});
  CHECK(is_check(order));
  CHECK_FALSE(is_check(order_of({.rounds = kSpotRounds + 1})));
  Order other = order;
  other.limits.memory_bytes *= 2;
  CHECK_FALSE(is_check(other));
  other = order;
  other.program.bytes[0] ^= 1;
  CHECK_FALSE(is_check(other));
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{},
                                                {"1"},
                                                {std::string(32, 'x'), "1"},
                                                {std::string(32, '0'), "1x"},
                                                {std::string(32, '0'), ""},
                                                {std::string(31, '0'), "1"},
                                                {std::string(32, '0'), "1", "1"}}) {
    other = order;
    other.arguments = wrong;
    CHECK_FALSE(spot_of(wrong));
    CHECK_FALSE(is_check(other));
  }
}
