#pragma once
// Every order of commands, time-outs, duplicates, ledger failures and crashes that can happen to one small escrow,
// until no state is new; and what must hold in each.
//
// Time      is the order of deadlines: it moves to the next moment at which something may change.
// Ledger    takes and confirms transfers in any order, may refuse one, and tells each end in any order, perhaps twice.
//           Nothing else is paid to the escrow: a book refuses it, and with a chain it is not the escrow's.
// Crash     what was decided stays; what was on its way to or from the ledger is lost, and is asked for again.
// Always    what arrived is held, owed, on its way or paid; the escrow and the ledger agree when nothing is on its way.
//           What is released is what the acts and deadlines so far say, by a rule written down a second time.
//           A final state stays. Nothing is decided while a transfer is unconfirmed, or too soon after an outage.
//           From each state the clock alone leads to a final one, with every unit paid out, to each role its due.
#include <string>
#include <vector>

#include "actors/escrow/logic/escrow.hpp"

namespace troupe::escrow {

struct Exploring {
  Amount price = Amount::of(7);
  Amount bond = Amount::of(1);
  std::vector<Amount> milestones{};
  std::size_t arbiters = 2;
  // How often, at most, on any path:
  int duplicates = 1, crashes = 1, failures = 1, outages = 1;
  int proposals = 2, progresses = 1, extensions = 1, deliveries = 1;
  std::size_t states_max = 5'000'000;
};

struct Explored {
  std::size_t states = 0, transitions = 0, depth = 0;
  bool complete = false;  ///< no state was left out
  bool held = true;
  std::string invariant{};          ///< the one that broke
  std::vector<std::string> path{};  ///< what led there
};

/// A group of limits that is explored to its end in seconds. All limits at once have more than 5,000,000 states.
struct Exploration {
  std::string_view name;
  Exploring limits;
  bool quick = true;  ///< below 60,000 states
};
std::vector<Exploration> explorations();

Explored explore(const Exploring& limits, const base::Mutations& mutations = base::kNoMutations);

}  // namespace troupe::escrow
