#pragma once
// Explores every order of commands, time-outs, duplicates, ledger failures and crashes of one small escrow, until no
// state is new, and checks the invariants in each state.
//
// Time      moves to the next moment at which something may change: only the order of deadlines matters.
// Ledger    accepts and confirms transfers in any order, may refuse one, and reports each result in any order, perhaps
//           twice. It has no other payments to the escrow: a book refuses them, and on a chain they do not belong to
//           the escrow.
// Crash     decisions stay; messages in flight to or from the ledger are lost, and are sent again.
// Always    arrived money is held, payable, in flight or paid; with nothing in flight, escrow and ledger agree. The
//           released sum follows from acts and deadlines, by a second implementation of the rule. A final state stays.
//           Nothing is decided while a transfer is unconfirmed, or too soon after an outage. From each state the clock
//           leads to a final state that pays every unit to the right roles.
#include <string>
#include <vector>

#include "actors/escrow/logic/escrow.hpp"

namespace troupe::escrow {

struct Exploring {
  Amount price = Amount::of(7);
  Amount bond = Amount::of(1);
  std::vector<Amount> milestones{};
  std::size_t arbiters = 2;
  // The most of each on any path:
  int duplicates = 1, crashes = 1, failures = 1, outages = 1;
  int proposals = 2, progresses = 1, extensions = 1, deliveries = 1;
  std::size_t states_max = 5'000'000;
};

struct Explored {
  std::size_t states = 0, transitions = 0, depth = 0;
  bool complete = false;  ///< no state was left out
  bool held = true;
  std::string invariant{};          ///< the broken invariant
  std::vector<std::string> path{};  ///< the steps to it
};

/// Limits that are explored completely in seconds. All limits at once have more than 5,000,000 states.
struct Exploration {
  std::string_view name;
  Exploring limits;
  bool quick = true;  ///< below 60,000 states
};
std::vector<Exploration> explorations();

Explored explore(const Exploring& limits, const base::Mutations& mutations = base::kNoMutations);

}  // namespace troupe::escrow
