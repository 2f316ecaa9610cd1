#include "apps/sim/report.hpp"

#include <algorithm>

#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/sim/alike.hpp"
#include "apps/sim/faults.hpp"
#include "apps/sim/span.hpp"
#include "apps/sim/workloads.hpp"
#include "runtime/base/text.hpp"

namespace troupe::apps {
namespace {

constexpr std::size_t kSeedsTold = 10;
constexpr std::string_view kAllHeld = "verdict: everything held\n";
constexpr std::string_view kNothingChecked =
    "verdict: none: nothing was checked, because no operation was acknowledged\n";

/// 1,234,567
std::string grouped(std::uint64_t number) {
  std::string out = std::to_string(number);
  for (std::size_t at = out.size(); at > 3;) out.insert(at -= 3, 1, ',');
  return out;
}

unsigned told(const std::vector<std::uint64_t>& seeds) {
  return static_cast<unsigned>(std::min(seeds.size(), kSeedsTold));
}
void fill(capnp::List<std::uint64_t>::Builder out, const std::vector<std::uint64_t>& seeds) {
  for (unsigned i = 0; i < out.size(); ++i) out.set(i, seeds[i]);
}
std::string words_of(const std::vector<std::uint64_t>& seeds) {
  std::string out = "seeds";
  for (unsigned i = 0; i < told(seeds); ++i) out += ' ' + std::to_string(seeds[i]);
  return out + (seeds.size() > kSeedsTold ? " ...\n" : "\n");
}

}  // namespace

std::string world_words(const DrawOptions& options, std::uint64_t seed) {
  std::string out = joined(options.domains, ",") + " --seed " + std::to_string(seed);
  if (options.weather == Weather::calm) out += " --calm";
  if (options.weather == Weather::storm) out += " --storm";
  if (options.beyond) out += " --beyond";
  if (options.nodes) out += " --nodes " + std::to_string(*options.nodes);
  if (options.time != DrawOptions{}.time)
    out += " --time " + std::to_string(options.time / std::chrono::milliseconds(1)) + "ms";
  return out;
}

void print_world(std::ostream& out, const sim::Scenario& scenario, const Outcome& outcome, const std::string& words) {
  out << "world:   seed " << outcome.seed << ", " << outcome.domain << ", " << scenario.nodes << " nodes, policy "
      << sim::name(scenario.policy) << ", " << scenario.faults.size() << " faults and " << scenario.operations.size()
      << " operations in " << fixed(seconds(scenario.time), 1) << " s\n";
  for (const auto& mutant : scenario.mutations) out << "planted: " << mutant << '\n';
  for (const sim::Fault& fault : scenario.faults)
    if (fault.by_hand) out << "steered: " << text(fault) << ", at " << span_text(fault.at) << '\n';
  out << "ran:     " << grouped(outcome.events) << " events, " << fixed(seconds(outcome.time), 1)
      << " s of its time in " << fixed(seconds(outcome.wall), 2) << " s; " << grouped(outcome.acknowledged)
      << " operations acknowledged\n";
  out << "hash:    " << hash_text(outcome.hash) << '\n';
  if (outcome.stopped) {
    out << "verdict: none: stopped at event " << outcome.events << '\n';
    return;
  }
  if (outcome.held()) {
    out << (outcome.acknowledged > 0 ? kAllHeld : kNothingChecked);
    return;
  }
  out << "verdict: broken: " << outcome.invariant << '\n';
  out << "what:    " << base::printable(outcome.why) << '\n';
  out << "where:   " << (outcome.between_events ? "after event " : "event ") << outcome.event << ", at "
      << fixed(seconds(outcome.at), 3) << " s\n";
  if (!outcome.story.empty()) out << "before:\n";
  for (const auto& line : outcome.story) out << "  " << base::printable(line) << '\n';
  if (words.empty()) return;
  // A failure seen between events ends the run by itself; a run stopped at that event would not check for it.
  out << "replay:  troupe sim replay " << words;
  if (!outcome.between_events) out << " --until " << outcome.event;
  out << '\n';
  out << "shrink:  troupe sim shrink " << words << " -o FILE.toml\n";
}

void print_json(std::ostream& out, const Outcome& outcome) {
  JsonLine<output::wire::SimWorld> line;
  write(*line, outcome);
  line.print(out);
}

void Summary::add(const Outcome& outcome) {
  ++worlds_;
  events_ += outcome.events;
  acknowledged_ += outcome.acknowledged;
  for (const auto& [name, times] : outcome.reached) reached_.insert(name);
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    faults_[i].fired += outcome.faults[i].fired;
    faults_[i].acknowledged_after += outcome.faults[i].acknowledged_after;
    if (outcome.faults[i].fired > 0) ++fault_worlds_[i];
  }
  note_breaks(outcome);
  if (!outcome.broken()) return;
  ++broken_;
  note_failure(outcome);
}

void Summary::add_crash(const Outcome& crash) {
  ++worlds_;
  ++crashed_;
  note_failure(crash);
}

void Summary::note_breaks(const Outcome& outcome) {
  if (!outcome.broken_by || (breaks_ && breaks_->share < *outcome.broken_by)) return;
  if (!breaks_ || *outcome.broken_by < breaks_->share) breaks_ = Breaks{*outcome.broken_by, {}};
  breaks_->seeds.push_back(outcome.seed);
}

void Summary::note_failure(const Outcome& outcome) {
  Group& group = groups_[group_of(outcome)];
  group.seeds.push_back(outcome.seed);
  if (group.seeds.size() > 1) return;
  group.invariant = outcome.invariant;
  group.why = outcome.why;
}

std::vector<const Summary::Group*> Summary::largest_groups() const {
  std::vector<const Group*> out;
  for (const auto& [key, group] : groups_) out.push_back(&group);
  std::stable_sort(out.begin(), out.end(), [](auto a, auto b) { return a->seeds.size() > b->seeds.size(); });
  out.resize(std::min(out.size(), kGroupsTold));
  return out;
}

std::vector<std::string> Summary::never_reached() const {
  std::vector<std::string> out;
  if (worlds_ < kWorldsJudged) return out;
  const bool calm = options_.weather == Weather::calm;
  std::vector<const sim::WorkloadSpec*> specs{&world_spec()};
  for (const auto& name : options_.domains) specs.push_back(sim::find(options_.workloads, name));
  for (const sim::WorkloadSpec* spec : specs)
    for (const sim::Named& property : spec->sometimes)
      if ((!calm || property.calm) && !reached_.contains(property.name)) out.emplace_back(property.name);
  for (const sim::FaultSpec& spec : sim::fault_specs())
    if (options_.weather == Weather::storm && may_draw(spec, options_, options_.nodes.value_or(kNodesDrawnMin)) &&
        fault_worlds_[static_cast<std::size_t>(spec.what)] * kFaultWorldsMin < worlds_)
      out.push_back("fault " + std::string(spec.name));
  return out;
}

void Summary::write(output::wire::SimSummary::Builder out) const {
  out.setSummary(true);
  out.setWorlds(worlds_);
  out.setBroken(broken_);
  out.setCrashed(crashed_);
  out.setEvents(events_);
  out.setWallS(seconds(wall));
  out.setAcknowledged(acknowledged_);
  const auto never = never_reached();
  auto names = out.initNeverReached(static_cast<unsigned>(never.size()));
  for (unsigned i = 0; i < names.size(); ++i) names.set(i, never[i]);
  auto faults = out.initFaults(sim::kFaultKinds);
  for (unsigned i = 0; i < faults.size(); ++i) {
    faults[i].setFault(std::string(sim::fault_specs()[i].name));
    faults[i].setFired(faults_[i].fired);
    faults[i].setAcknowledgedAfter(faults_[i].acknowledged_after);
    faults[i].setWorlds(fault_worlds_[i]);
  }
  const auto largest = largest_groups();
  auto groups = out.initGroups(static_cast<unsigned>(largest.size()));
  for (unsigned at = 0; at < groups.size(); ++at) {
    const Group& group = *largest[at];
    auto row = groups[at];
    row.setInvariant(group.invariant);
    row.setWhy(group.why);
    row.setWorlds(group.seeds.size());
    fill(row.initSeeds(told(group.seeds)), group.seeds);
  }
  if (!breaks_) return;
  auto breaks = out.initBreaks();
  breaks.setShare(breaks_->share);
  fill(breaks.initSeeds(told(breaks_->seeds)), breaks_->seeds);
}

void Summary::print_json(std::ostream& out) const {
  JsonLine<output::wire::SimSummary> line;
  write(*line);
  line.print(out);
}

void Summary::print(std::ostream& out) const {
  out << "worlds:  " << grouped(worlds_) << " in " << fixed(seconds(wall), 1) << " s ("
      << fixed(seconds(wall) > 0 ? static_cast<double>(worlds_) * 60 / seconds(wall) : 0, 0) << " a minute), "
      << grouped(events_) << " events, " << grouped(acknowledged_) << " operations acknowledged\n";
  TextTable table({{"FAULT"}, {"FIRED", Align::right}, {"WORLDS", Align::right}, {"ACKNOWLEDGED AFTER", Align::right}});
  for (const sim::FaultSpec& spec : sim::fault_specs()) {
    const auto i = static_cast<std::size_t>(spec.what);
    if (faults_[i].fired > 0)
      table.add({std::string(spec.name), grouped(faults_[i].fired), grouped(fault_worlds_[i]),
                 grouped(faults_[i].acknowledged_after)});
  }
  table.print(out);
  if (groups_.empty()) out << (acknowledged_ > 0 ? kAllHeld : kNothingChecked);
  for (const Group* group : largest_groups()) {
    out << "broken:  " << group->invariant << " in " << grouped(group->seeds.size()) << " worlds, "
        << words_of(group->seeds);
    out << "         " << base::printable(group->why) << '\n';
    out << "         troupe sim " << world_words(options_, group->seeds.front()) << '\n';
  }
  if (groups_.size() > kGroupsTold) out << "broken:  in " << groups_.size() - kGroupsTold << " more ways\n";
  if (breaks_)
    out << "breaks:  with " << fixed(100 * breaks_->share, 0) << " % against it, which is more than promised; "
        << words_of(breaks_->seeds);
  for (const auto& name : never_reached()) out << "never reached: " << name << '\n';
}

void print_summary_json(std::ostream& out, const Outcome& outcome) {
  Summary summary({});
  summary.add(outcome);
  summary.wall = outcome.wall;
  summary.print_json(out);
}

void print(std::ostream& out, bool json, const sim::Scenario& scenario, const Outcome& outcome,
           const std::string& words) {
  if (!json) return print_world(out, scenario, outcome, words);
  print_json(out, outcome);
  print_summary_json(out, outcome);
}

}  // namespace troupe::apps
