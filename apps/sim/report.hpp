#pragma once
// What people read of simulated worlds: one world, and many.
#include <iosfwd>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "apps/sim/draw.hpp"
#include "apps/sim/outcome.hpp"
#include "apps/sim/world.hpp"
#include "runtime/observe/logic/filter.hpp"

namespace troupe::apps {

/// The world that a command line asks for, as words of a command: "files --seed 8412 --storm".
std::string world_words(const DrawOptions& options, std::uint64_t seed);

/// A paragraph on one world; of a broken one: what does not hold, where and since when, what came before, the command
/// that replays it and the one that shrinks it. `words` names the world for those; empty: they are left out.
void print_world(std::ostream& out, const sim::Scenario& scenario, const Outcome& outcome, const std::string& words);

void print_json(std::ostream& out, const Outcome& outcome);

/// A line for each actor of each node that is up which the filter selects, by node and path: as the inspector shows it.
void print_states(std::ostream& out, World& world, const observe::Filter& filter, bool json);

/// Adds up many worlds, all of them drawn by the same options.
class Summary {
 public:
  explicit Summary(DrawOptions options) : options_(std::move(options)) {}

  void add(const Outcome& outcome);
  /// A world whose process ended without an outcome: what stands for it.
  void add_crash(const Outcome& crash);

  std::uint64_t worlds() const { return worlds_; }
  std::uint64_t broken() const { return broken_; }
  std::uint64_t crashed() const { return crashed_; }
  std::uint64_t acknowledged() const { return acknowledged_; }
  base::Duration wall{};

  /// Properties of the domains that no world has reached, and, of storms, faults that fired in too few worlds. Empty
  /// before kWorldsJudged worlds, from which on chance is no excuse. What such worlds cannot reach is not asked for.
  std::vector<std::string> never_reached() const;

  void print(std::ostream& out) const;
  void print_json(std::ostream& out) const;

 private:
  struct Group {
    std::string invariant;
    std::string why;
    std::vector<std::uint64_t> seeds;
  };
  void write(output::wire::SimSummary::Builder out) const;
  std::vector<const Group*> largest_groups() const;
  void note_failure(const Outcome& outcome);
  void note_breaks(const Outcome& outcome);

  DrawOptions options_;
  std::uint64_t worlds_ = 0, broken_ = 0, crashed_ = 0, events_ = 0, acknowledged_ = 0;
  std::set<std::string, std::less<>> reached_;
  FaultCounts faults_{};
  std::array<std::uint64_t, sim::kFaultKinds> fault_worlds_{};
  std::map<std::string, Group> groups_;  // by group_of()
  struct Breaks {
    double share = 0;
    std::vector<std::uint64_t> seeds;
  };
  std::optional<Breaks> breaks_;  // of the least share
};

/// The last line where there is one world.
void print_summary_json(std::ostream& out, const Outcome& outcome);

/// All about the one world of a command: as print_world(), or with `json` its line and the last line.
void print(std::ostream& out, bool json, const sim::Scenario& scenario, const Outcome& outcome,
           const std::string& words);

inline constexpr std::uint64_t kWorldsJudged = 500;  // our choice: a property of one world in a hundred shows in these
inline constexpr std::size_t kGroupsTold = 20;       // our choice: a screen; more come to light once these are mended
inline constexpr std::uint64_t kFaultWorldsMin = 100;  // one in this many storms must see each fault

}  // namespace troupe::apps
