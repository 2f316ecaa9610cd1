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
/// before, and the commands that replay and shrink the world. `words` names the world for the commands; if it is empty,
/// they are left out.
void print_world(std::ostream& out, const sim::Scenario& scenario, const Outcome& outcome, const std::string& words);

void print_json(std::ostream& out, const Outcome& outcome);

/// Prints a line for each selected actor of each live node, by node and path, as the inspector shows it.
void print_states(std::ostream& out, World& world, const observe::Filter& filter, bool json);

/// Adds up many worlds, all drawn with the same options.
class Summary {
 public:
  explicit Summary(DrawOptions options) : options_(std::move(options)) {}

  void add(const Outcome& outcome);
  /// Adds a world whose process ended without an outcome; `crash` is a substitute for the outcome.
  void add_crash(const Outcome& crash);

  std::uint64_t worlds() const { return worlds_; }
  std::uint64_t broken() const { return broken_; }
  std::uint64_t crashed() const { return crashed_; }
  std::uint64_t acknowledged() const { return acknowledged_; }
  base::Duration wall{};

  /// Returns properties of the domains that no world has reached, and, for storms, faults that fired in too few worlds.
  /// Returns nothing before kWorldsJudged worlds, because fewer may miss them by chance. Leaves out properties that
  /// worlds with these options cannot reach.
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
  std::optional<Breaks> breaks_;  // the smallest share of malicious members that broke a promise
};

/// Prints the last line of JSON for a single world.
void print_summary_json(std::ostream& out, const Outcome& outcome);

/// Prints the result of a command with one world: as print_world(), or with `json` the world's line and the last line.
void print(std::ostream& out, bool json, const sim::Scenario& scenario, const Outcome& outcome,
           const std::string& words);

inline constexpr std::uint64_t kWorldsJudged = 500;    // our choice: a property of every hundredth world shows in these
inline constexpr std::size_t kGroupsTold = 20;         // our choice: a screen; others appear once these are fixed
inline constexpr std::uint64_t kFaultWorldsMin = 100;  // every fault must fire in one of this many storms

}  // namespace troupe::apps
