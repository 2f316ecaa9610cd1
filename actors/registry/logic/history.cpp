#include "actors/registry/logic/history.hpp"

#include <algorithm>
#include <array>

namespace troupe::registry {
namespace {

constexpr std::uint8_t kBlockVersion = 1;
constexpr std::size_t kSampleBytesMin = 7 + 2;

void append_difference(base::Bytes& out, std::uint64_t value, std::uint64_t before) {
  const auto difference = static_cast<std::int64_t>(value - before);
  auto zigzag = static_cast<std::uint64_t>(difference) << 1 ^ static_cast<std::uint64_t>(difference >> 63);
  for (; zigzag >= 0x80; zigzag >>= 7) out.push_back(static_cast<std::uint8_t>(zigzag | 0x80));
  out.push_back(static_cast<std::uint8_t>(zigzag));
}

std::uint64_t read_difference(base::FieldReader& from, std::uint64_t before) {
  std::uint64_t zigzag = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto group = from.number<std::uint8_t>();
    // The tenth group has one bit, and the last group is not zero.
    if (shift == 63 && group > 1) from.fail();
    if (group == 0 && shift > 0) from.fail();
    if (!from.ok()) return before;
    zigzag |= std::uint64_t{group & 0x7fu} << shift;
    if (group < 0x80) break;
  }
  return before + (zigzag >> 1 ^ (0 - (zigzag & 1)));
}

std::array<std::uint64_t, 7> numbers_of(const Sample& one) {
  return {one.unix_ms, one.number, one.up_ms, one.load, one.memory, one.cpu, one.success};
}

}  // namespace

Sample sample_of(const Heartbeat& beat, Status status, std::uint64_t unix_ms) {
  return {unix_ms, beat.number, beat.up_ms, beat.load, beat.memory, beat.cpu, beat.success, beat.reputation, status};
}

base::Bytes encode_block(const std::vector<Sample>& samples) {
  base::Bytes out{kBlockVersion};
  base::append_number(out, samples.front().unix_ms);
  base::append_number(out, static_cast<std::uint16_t>(samples.size()));
  std::array<std::uint64_t, 7> before{samples.front().unix_ms};
  for (const Sample& one : samples) {
    const auto now = numbers_of(one);
    for (std::size_t i = 0; i < now.size(); ++i) append_difference(out, now[i], before[i]);
    out.push_back(one.reputation);
    out.push_back(static_cast<std::uint8_t>(one.status));
    before = now;
  }
  return out;
}

std::optional<std::vector<Sample>> decode_block(base::ByteView bytes) {
  base::FieldReader from(bytes);
  if (from.number<std::uint8_t>() != kBlockVersion) return std::nullopt;
  std::array<std::uint64_t, 7> now{from.number<std::uint64_t>()};
  const std::size_t count = from.number<std::uint16_t>();
  if (!from.ok() || count == 0 || count > kSamplesMax || count > bytes.size() / kSampleBytesMin) return std::nullopt;
  std::vector<Sample> out;
  for (std::size_t i = 0; i < count; ++i) {
    for (std::uint64_t& one : now) one = read_difference(from, one);
    Sample sample{.unix_ms = now[0],
                  .number = now[1],
                  .up_ms = now[2],
                  .load = static_cast<std::uint32_t>(now[3]),
                  .memory = static_cast<std::uint16_t>(now[4]),
                  .cpu = static_cast<std::uint16_t>(now[5]),
                  .success = static_cast<std::uint16_t>(now[6]),
                  .reputation = from.number<std::uint8_t>(),
                  .status = Status::healthy};
    const auto status = from.number<std::uint8_t>();
    if (status > static_cast<std::uint8_t>(Status::offline) || numbers_of(sample) != now) return std::nullopt;
    sample.status = static_cast<Status>(status);
    out.push_back(sample);
  }
  const bool exact = from.ended() && std::ranges::equal(encode_block(out), bytes);
  return exact ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace troupe::registry
