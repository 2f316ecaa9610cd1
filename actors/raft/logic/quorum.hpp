#pragma once
// What a majority of the voters agrees on, or in a joint configuration a majority of each half.
//
// Source  thesis 3.6 (commit), 3.4 (votes), 4.3 (joint); etcd-io/raft quorum, whose cases the tests read.
// Empty   a half without voters agrees to everything, so that non-joint configurations need no special case.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <vector>

#include "actors/raft/logic/configuration.hpp"

namespace troupe::raft {

enum class Tally : std::uint8_t { pending, won, lost };

/// Returns the largest number that a majority has reached, or the largest possible if there are no voters.
inline std::uint64_t majority_value(std::vector<std::uint64_t> reached) {
  if (reached.empty()) return std::numeric_limits<std::uint64_t>::max();
  const std::size_t at = (reached.size() - 1) / 2;  // in ascending order: with all higher numbers it forms a majority
  std::nth_element(reached.begin(), reached.begin() + at, reached.end());
  return reached[at];
}

inline Tally majority_tally(std::size_t yes, std::size_t no, std::size_t voters) {
  const std::size_t needed = voters / 2 + 1;
  if (voters == 0 || yes >= needed) return Tally::won;
  return voters - no >= needed ? Tally::pending : Tally::lost;
}

/// Returns the largest number that a quorum has reached. `reached` returns a member's number, or 0 if unknown.
template <class Reached>
std::uint64_t quorum_value(const Configuration& configuration, const Reached& reached) {
  std::vector<std::uint64_t> incoming, outgoing;
  for (const auto& [id, seat] : configuration.seats) {
    if (!seat.voter && !seat.outgoing) continue;
    const std::uint64_t value = reached(id);
    if (seat.voter) incoming.push_back(value);
    if (seat.outgoing) outgoing.push_back(value);
  }
  return std::min(majority_value(std::move(incoming)), majority_value(std::move(outgoing)));
}

/// Returns the state of a vote. `vote` returns a member's vote, if it has voted.
template <class Vote>
Tally quorum_tally(const Configuration& configuration, const Vote& vote) {
  struct Half {
    std::size_t yes = 0, no = 0, voters = 0;
  } incoming, outgoing;
  const auto count = [](Half& half, std::optional<bool> said) {
    ++half.voters;
    half.yes += said == true;
    half.no += said == false;
  };
  for (const auto& [id, seat] : configuration.seats) {
    if (!seat.voter && !seat.outgoing) continue;
    const std::optional<bool> said = vote(id);
    if (seat.voter) count(incoming, said);
    if (seat.outgoing) count(outgoing, said);
  }
  const Tally a = majority_tally(incoming.yes, incoming.no, incoming.voters);
  const Tally b = majority_tally(outgoing.yes, outgoing.no, outgoing.voters);
  if (a == b) return a;
  return a == Tally::lost || b == Tally::lost ? Tally::lost : Tally::pending;
}

}  // namespace troupe::raft
