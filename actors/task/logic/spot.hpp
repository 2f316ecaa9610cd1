#pragma once
// A spot check: an ordinary order whose result the submitting node can compute itself.
//
// Program  is built into this program (spot/program.cpp), so each node has it without a download.
// Answer   follows from a random seed; no shortcut to compute it is known.
// Costs    a tenth of a second of one core, at the checked node and at its judge.
#include "actors/task/logic/order.hpp"

namespace troupe::task {

inline constexpr std::size_t kSpotProgramMax = 65'535;
inline constexpr std::uint64_t kSpotRounds = 1u << 23;  // our choice: some 0.1 s
inline constexpr std::uint32_t kSpotCores = 250;        // thousandths: small enough for a node with little to give
inline constexpr std::uint64_t kSpotMemory = 16u << 20;
inline constexpr std::chrono::seconds kSpotTime{20};  // our choice: enough for a slow machine under load

struct Spot {
  static constexpr std::size_t kSeedBytes = 16;
  using Seed = base::FixedBytes<struct SpotSeedTag, kSeedBytes>;
  Seed seed{};
  std::uint64_t rounds = kSpotRounds;

  friend bool operator==(const Spot&, const Spot&) = default;
};

/// Return the program, an executable file of less than 64 KiB, and its content id.
base::ByteView spot_program();
const Cid& spot_program_id();

/// Returns the arguments of the program.
std::vector<std::string> arguments_of(const Spot& spot);
/// Parses what arguments_of() returns.
std::optional<Spot> spot_of(const std::vector<std::string>& arguments);
/// Computes here what the program prints.
std::string answer_of(const Spot& spot);
/// Returns the order, without submitter and nonce.
Order order_of(const Spot& spot);
/// Returns whether an order is one of order_of() with at most the usual rounds: it is too cheap to be paid.
bool is_check(const Order& order);

}  // namespace troupe::task
