#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "actors/registry/logic/streak.hpp"
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

TEST_CASE("history: a block whose first time is not that of its first sample is refused") {
  base::Bytes block = encode_block(hour());
  REQUIRE(block[11] == 0);
  block[11] = 2;  // a millisecond later
  CHECK_FALSE(decode_block(block));
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

TEST_CASE("streak: a milestone comes with each day of health, and with each week of being there") {
  Streak streak;
  unsigned healthy = 0, uptime = 0;
  constexpr std::uint64_t kMinute = 60'000;
  for (std::uint64_t minute = 0; minute <= 15 * 24 * 60; ++minute) {
    const auto come = streak.note({.unix_ms = kBeginMs + minute * kMinute, .up_ms = minute * kMinute}, 4 * kMinute);
    healthy += come.healthy;
    uptime += come.uptime;
  }
  CHECK(healthy == 15);
  CHECK(uptime == 2);
}

TEST_CASE("streak: what breaks it, and what does not") {
  constexpr std::uint64_t kMinute = 60'000, kDay = 24 * 60 * kMinute;
  const auto at = [](std::uint64_t ms, std::uint64_t up, Status status = Status::healthy) {
    return Sample{.unix_ms = kBeginMs + ms, .up_ms = up, .status = status};
  };
  Streak begun;
  begun.note(at(0, kDay), 4 * kMinute);
  // Each of these as the only thing between two samples, a day apart in steps of a minute.
  const auto healthy_after = [&](const Sample& between, std::uint64_t up_offset) {
    Streak streak = begun;
    unsigned healthy = 0;
    for (std::uint64_t ms = kMinute; ms <= kDay; ms += kMinute) {
      const Sample next = ms == 100 * kMinute ? between : at(ms, ms > 100 * kMinute ? ms + up_offset : kDay + ms);
      healthy += streak.note(next, 4 * kMinute).healthy;
    }
    return healthy;
  };
  CHECK(healthy_after(at(100 * kMinute, kDay + 100 * kMinute), kDay) == 1);
  CHECK(healthy_after(at(100 * kMinute, kDay + 100 * kMinute, Status::unhealthy), kDay) == 0);
  CHECK(healthy_after(at(100 * kMinute, kDay + 100 * kMinute, Status::offline), kDay) == 0);

  // The watcher was away for 50 minutes, the node was not.
  Streak gap = begun;
  gap.note(at(50 * kMinute, kDay + 50 * kMinute), 4 * kMinute);
  CHECK(gap.healthy_from == begun.healthy_from);
  // The node restarted meanwhile.
  Streak restarted = begun;
  restarted.note(at(50 * kMinute, kMinute), 4 * kMinute);
  CHECK(restarted.healthy_from == kBeginMs + 50 * kMinute);
  // Nothing was heard for more than an hour.
  Streak silent = begun;
  silent.note(at(61 * kMinute, kDay + 61 * kMinute), 4 * kMinute);
  CHECK(silent.online_from == kBeginMs + 61 * kMinute);
}
