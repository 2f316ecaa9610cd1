#pragma once
// Reports about simulated worlds for people: one world, and many.
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

/// Returns the words of a command that name a drawn world: "files --seed 8412 --storm".
std::string world_words(const DrawOptions& options, std::uint64_t seed);

/// Prints a paragraph on one world. For a broken world: the invariant, where and since when it is broken, the events
/// before, and the commands that replay and shrink it. `words` names the world for those commands; empty: they are left
/// out.
void print_world(std::ostream& out, const sim::Scenario& scenario, const Outcome& outcome, const std::string& words);

void print_json(std::ostream& out, const Outcome& outcome);

/// Prints a line for each selected actor of each live node, by node and path, as the inspector shows it.
void print_states(std::ostream& out, World& world, const observe::Filter& filter, bool json);

/// Adds up many worlds, all drawn with the same options.
class Summary {
 public:
  explicit Summary(DrawOptions options) : options_(std::move(options)) {}

  void add(const Outcome& outcome);
  /// Adds a world whose process ended without an outcome: the substitute for it.
  void add_crash(const Outcome& crash);

  std::uint64_t worlds() const { return worlds_; }
  std::uint64_t broken() const { return broken_; }
  std::uint64_t crashed() const { return crashed_; }
  std::uint64_t acknowledged() const { return acknowledged_; }
  base::Duration wall{};

  /// Returns properties of the domains that no world has reached, and, for storms, faults that fired in too few worlds.
  /// Empty before kWorldsJudged worlds; with that many, chance is no longer an explanation. Leaves out what such worlds
  /// cannot reach.
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
  std::optional<Breaks> breaks_;  // with the smallest share
};

/// Prints the last line if there is one world.
void print_summary_json(std::ostream& out, const Outcome& outcome);

/// Prints the result of a command's one world: as print_world(), or with `json` its line and the last line.
void print(std::ostream& out, bool json, const sim::Scenario& scenario, const Outcome& outcome,
           const std::string& words);

inline constexpr std::uint64_t kWorldsJudged = 500;    // our choice: a property of every hundredth world shows in these
inline constexpr std::size_t kGroupsTold = 20;         // our choice: a screen; more appear once these are fixed
inline constexpr std::uint64_t kFaultWorldsMin = 100;  // every fault must fire in one of this many storms

}  // namespace troupe::apps
