#include "actors/task/logic/spot.hpp"

#include <charconv>

#include "actors/task/spot/mix.hpp"
#include "runtime/base/ids.hpp"

namespace troupe::task {
namespace spot {

extern const std::uint8_t kProgram[], kProgramId[];
extern const std::size_t kProgramBytes;

}  // namespace spot

namespace {

constexpr std::uint64_t kDiskBytes = 1u << 20, kOutputBytes = 4'096;

}  // namespace

base::ByteView spot_program() { return {spot::kProgram, spot::kProgramBytes}; }

const Cid& spot_program_id() {
  static const Cid id = *Cid::from({spot::kProgramId, Cid::kBytes});
  return id;
}

std::vector<std::string> arguments_of(const Spot& spot) { return {spot.seed.hex(), std::to_string(spot.rounds)}; }

std::optional<Spot> spot_of(const std::vector<std::string>& arguments) {
  if (arguments.size() != 2) return std::nullopt;
  const auto seed = Spot::Seed::from_hex(arguments[0]);
  const std::string& rounds = arguments[1];
  Spot out;
  const auto [end, wrong] = std::from_chars(rounds.data(), rounds.data() + rounds.size(), out.rounds);
  if (!seed || wrong != std::errc() || end != rounds.data() + rounds.size()) return std::nullopt;
  out.seed = *seed;
  return out;
}

std::string answer_of(const Spot& spot) {
  std::vector<std::uint64_t> table(spot::kTableWords);
  // The program reads its digits in the same way: the first byte is the highest.
  std::uint64_t seed[spot::kSeedWords] = {}, answer[spot::kAnswerWords] = {};
  for (std::size_t i = 0; i < Spot::kSeedBytes; ++i) seed[i / 8] = seed[i / 8] << 8 | spot.seed.bytes[i];
  spot::mix(table.data(), seed, spot.rounds, answer);
  base::Digest out;
  for (std::size_t i = 0; i < out.bytes.size(); ++i)
    out.bytes[i] = static_cast<std::uint8_t>(answer[i / 8] >> (56 - 8 * (i % 8)));
  return out.hex() + '\n';
}

Order order_of(const Spot& spot) {
  Order out;
  out.program = spot_program_id();
  out.arguments = arguments_of(spot);
  out.limits.cpu.thousandths = kSpotCores;
  out.limits.memory_bytes = kSpotMemory;
  out.limits.disk_bytes = kDiskBytes;
  out.limits.output_bytes = kOutputBytes;
  out.limits.time = kSpotTime;
  out.deterministic = true;
  out.retries = 0;
  return out;
}

bool is_check(const Order& order) {
  const auto spot = order.program == spot_program_id() ? spot_of(order.arguments) : std::nullopt;
  if (!spot || spot->rounds > kSpotRounds) return false;
  Order same = order_of(*spot);
  same.submitter = order.submitter;
  same.submitter_nonce = order.submitter_nonce;
  same.nonce = order.nonce;
  return same == order;
}

}  // namespace troupe::task
