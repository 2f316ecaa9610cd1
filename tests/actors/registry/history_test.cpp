#include "actors/registry/logic/history.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "tests/actors/registry/nodes.hpp"

using namespace troupe;
using namespace troupe::registry;

namespace {

std::vector<Sample> hour() {
  std::vector<Sample> out;
  for (std::uint32_t i = 0; i < 60; ++i)
    out.push_back({.unix_ms = kBeginMs + 60'000 * i + i % 7,
                   .number = kBeginMs + 60'000 * i,
                   .up_ms = 60'000 * i,
                   .load = 100 + i * i % 90,
                   .memory = static_cast<std::uint16_t>(300 + i % 5),
                   .cpu = static_cast<std::uint16_t>(50 + i % 13),
                   .status = i == 30 ? Status::unhealthy : Status::healthy});
  return out;
}

}  // namespace

TEST_CASE("history: an hour is read back, from less than 20 bytes a sample") {
  const auto samples = hour();
  const base::Bytes block = encode_block(samples);
  CHECK(block.size() < 20 * samples.size());
  CHECK(decode_block(block) == samples);
}

TEST_CASE("history: a block that is cut, longer or of too many samples is refused") {
  const base::Bytes block = encode_block(hour());
  for (std::size_t cut = 0; cut < block.size(); ++cut) CHECK_FALSE(decode_block(base::ByteView(block).first(cut)));
  base::Bytes longer = block;
  longer.push_back(0);
  CHECK_FALSE(decode_block(longer));
  base::Bytes many = block;
  many[9] = many[10] = 0xff;
  CHECK_FALSE(decode_block(many));
}

TEST_CASE("history: any numbers are read back, and any bytes are one encoding or none") {
  rc::check([](const std::vector<std::pair<std::uint64_t, std::uint64_t>>& numbers) {
    RC_PRE(!numbers.empty());
    std::vector<Sample> samples;
    for (const auto& [a, b] : numbers)
      samples.push_back({.unix_ms = a,
                         .number = b,
                         .up_ms = a ^ b,
                         .load = static_cast<std::uint32_t>(a),
                         .memory = static_cast<std::uint16_t>(b),
                         .status = static_cast<Status>(a % 3)});
    RC_ASSERT(decode_block(encode_block(samples)) == samples);
  });
  rc::check([](const base::Bytes& bytes) {
    base::Bytes block = encode_block(hour());
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) block[bytes[i] % block.size()] = bytes[i + 1];
    if (const auto samples = decode_block(block)) RC_ASSERT(encode_block(*samples) == block);
  });
}
