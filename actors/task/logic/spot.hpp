#pragma once
// A spot check: an order like others, whose answer the node that submits it can compute.
//
// Program  is built into this one (spot/program.cpp), so that each node has it without asking another one.
// Answer   of what follows from a random seed; nothing shorter is known than to compute it.
// Costs    a tenth of a second of one core, at the node that is checked and at the one that judges.
#include "actors/task/logic/order.hpp"

namespace troupe::task {

inline constexpr std::size_t kSpotProgramMax = 65'535;
inline constexpr std::uint64_t kSpotRounds = 1u << 23;  // our choice: some 0.1 s
inline constexpr std::uint32_t kSpotCores = 250;        // thousandths: also a node that gives little can take it
inline constexpr std::uint64_t kSpotMemory = 16u << 20;
inline constexpr std::chrono::seconds kSpotTime{20};  // our choice: a slow machine under load

struct Spot {
  static constexpr std::size_t kSeedBytes = 16;
  using Seed = base::FixedBytes<struct SpotSeedTag, kSeedBytes>;
  Seed seed{};
  std::uint64_t rounds = kSpotRounds;

  friend bool operator==(const Spot&, const Spot&) = default;
};

/// An executable file of less than 64 KiB, and its content id.
base::ByteView spot_program();
const Cid& spot_program_id();

/// What its program is given.
std::vector<std::string> arguments_of(const Spot& spot);
/// Reads what arguments_of() makes.
std::optional<Spot> spot_of(const std::vector<std::string>& arguments);
/// What the program prints, computed here.
std::string answer_of(const Spot& spot);
/// Without submitter and nonce.
Order order_of(const Spot& spot);
/// Whether it is one of order_of(), of no more rounds than usual: it costs too little to be paid.
bool is_check(const Order& order);

}  // namespace troupe::task
