#include "apps/sim/trial.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <numeric>

#include "apps/cli/terminal.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/base/text.hpp"

namespace troupe::apps {
namespace {

constexpr std::size_t kWaitsTold = 5;  // our choice: the first of many that wait

WorldOptions options_of(const sim::Scenario& scenario, const base::Mutations& mutations, sim::WorkloadSpecs workloads) {
  WorldOptions options;
  options.seed = scenario.seed;
  options.nodes = scenario.nodes;
  options.policy = scenario.policy;
  options.latency = {scenario.latency_min, scenario.latency_max};
  options.tls = scenario.tls;
  options.settings = scenario.knobs;
  options.drift_ppm = scenario.drift_ppm;
  options.machines.mutations = &mutations;
  for (const std::string& name : scenario.domains) {
    const auto* spec = sim::find(workloads, name);
    if (spec != nullptr && spec->programs != nullptr) options.machines.programs = &spec->programs();
    if (spec != nullptr && spec->files != nullptr) options.files = spec->files;
  }
  return options;
}

std::vector<std::string_view> rots_of(const sim::Scenario& scenario, sim::WorkloadSpecs workloads) {
  std::vector<std::string_view> out{"/packs/"};
  for (const std::string& name : scenario.domains)
    if (const auto* spec = sim::find(workloads, name); spec != nullptr && !spec->rots.empty())
      out.push_back(spec->rots);
  return out;
}

std::string first_of(std::vector<std::string> all) {
  const std::size_t size = all.size();
  all.resize(std::min(size, kWaitsTold));
  return joined(all, "; ") + (size > kWaitsTold ? "; and " + std::to_string(size - kWaitsTold) + " more" : "");
}

bool by_fault(const std::string& why) { return why.find(sim::kBrokenByFault) != std::string::npos; }

}  // namespace

Trial::Trial(const sim::Scenario& scenario, sim::WorkloadSpecs workloads)
    : scenario_(scenario), reached_(scenario.mutations) {
  world_ = std::make_unique<World>(options_of(scenario, reached_, workloads), static_cast<Observer*>(this));
  keeper_ = std::make_unique<Keeper>(
      *world_, Keeper::Told{[this](std::size_t node) { died(node); },
                            [this](std::size_t node, std::string line) { tell(node_name(node) + ' ' + line); }});
  faults_ = std::make_unique<Faults>(
      *world_, *keeper_, scenario_, rots_of(scenario, workloads), [this](std::string line) { tell(std::move(line)); },
      [this](std::size_t node) {
        return std::ranges::all_of(parts_, [node](const Part& part) { return part.workload->may_go_back(node); });
      });
  for (const std::string& name : scenario_.domains) {
    const sim::WorkloadSpec* spec = sim::find(workloads, name);
    base::ensure(spec != nullptr, "a scenario names existing domains");
    parts_.push_back({name + '.', spec->make(static_cast<sim::Nodes&>(*this), scenario_)});
  }
}

Trial::~Trial() { world_->close(); }

Outcome Trial::run() {
  const auto from = std::chrono::steady_clock::now();
  try {
    begin();
    under_faults();
    heal();
  } catch (const sim::Restless& livelock) {
    violated("sim.comes-to-rest", livelock.what());
  }
  Outcome out;
  out.domain = joined(scenario_.domains, ",");
  out.seed = scenario_.seed;
  out.hash = world_->stage().hash();
  out.events = world_->stage().events();
  out.time = time();
  out.wall = std::chrono::steady_clock::now() - from;
  out.acknowledged = acknowledged_;
  out.steered = static_cast<std::uint32_t>(std::ranges::count(scenario_.faults, true, &sim::Fault::by_hand));
  out.stopped = invariant_.empty() && world_->stage().stopped();
  out.invariant = invariant_;
  out.why = why_;
  out.event = event_;
  out.between_events = between_events_;
  out.at = at_;
  if (!invariant_.empty()) out.story.assign(story_.begin(), story_.end());
  for (const auto& [name, times] : reached_.times()) out.reached[std::string(name)] = times;
  out.faults = faults_->counts();
  for (const Part& part : parts_)
    if (const auto share = part.workload->broken_by(); share && (!out.broken_by || *share < *out.broken_by))
      out.broken_by = share;
  return out;
}

void Trial::begin() {
  std::vector<std::size_t> nodes(size());
  std::iota(nodes.begin(), nodes.end(), std::size_t{0});
  if (reached_.on(kPointerOrder)) {
    std::map<std::unique_ptr<std::size_t>, std::size_t> by_address;
    for (const std::size_t node : nodes) by_address.emplace(std::make_unique<std::size_t>(node), node);
    std::transform(by_address.begin(), by_address.end(), nodes.begin(), [](const auto& one) { return one.second; });
  }
  for (std::size_t i = 0; i < size(); ++i) keeper_->start_in(nodes[i], kStartEvery * static_cast<std::int64_t>(i));
  faults_->schedule();
  for (const sim::Operation& operation : scenario_.operations) {
    const auto part = std::find_if(parts_.begin(), parts_.end(),
                                   [&](const Part& one) { return operation.what.starts_with(one.prefix); });
    if (part == parts_.end()) continue;  // of a domain that is not on trial here
    world_->stage().after(operation.at, [this, &operation, workload = part->workload.get()] {
      if (serving(operation.node)) workload->perform(operation);
    });
  }
}

void Trial::under_faults() {
  pass(scenario_.time);
  if (world_->stage().stopped()) return;
  faults_->end();
  tell("all faults have ended");
  for (std::size_t i = 0; i < size(); ++i)
    if (!keeper_->up(i)) keeper_->start_in(i, {});
}

void Trial::heal() {
  if (!converge(scenario_.converge) && !scenario_.beyond)
    return violated("sim.converges", "after all faults had ended: " + first_of(waits()));
  if (world_->stage().stopped()) return;
  for (const Part& part : parts_) part.workload->close();
  if (!converge(kCloseMax) && !scenario_.beyond) violated("sim.converges", "at the end: " + first_of(waits()));
}

void Trial::pass(base::Duration span) {
  passing_ = true;
  world_->stage().run_for(span);
  passing_ = false;
}

bool Trial::converge(base::Duration bound) {
  const base::Instant end = world_->stage().now() + bound;
  while (!world_->stage().stopped()) {
    for (const Part& part : parts_) part.workload->probe();
    pass(sim::kProbeEvery);
    if (waits().empty()) return true;
    if (world_->stage().now() >= end) return false;
  }
  return true;  // not expected of a world that has been ended
}

std::vector<std::string> Trial::waits() const {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < size(); ++i) {
    if (serving(i)) continue;
    const auto log = world_->log(i);
    all.push_back(node_name(i) + (keeper_->up(i) ? " does not serve" : " does not start") +
                  (log.empty() ? "" : ", and its last log lines are " + base::quoted(log.back())));
  }
  for (const Part& part : parts_) {
    auto its = part.workload->waits();
    all.insert(all.end(), std::make_move_iterator(its.begin()), std::make_move_iterator(its.end()));
  }
  return all;
}

base::Duration Trial::time() const { return world_->stage().now() - base::Instant{}; }

void Trial::inside(std::size_t node, std::function<void(Inside&)> what) { world_->inside(node, std::move(what)); }

base::Random& Trial::chance(std::string_view name) { return world_->stage().stream(name); }

void Trial::acknowledged() {
  ++acknowledged_;
  faults_->acknowledged();
}

void Trial::violated(std::string_view invariant, std::string why) {
  if (!invariant_.empty()) return;
  invariant_ = invariant;
  why_ = std::move(why);
  event_ = world_->stage().events();
  between_events_ = !passing_;
  at_ = time();
  world_->stage().stop();
}

std::string Trial::here(const std::string& line) const {
  std::array<char, 48> place{};
  std::snprintf(place.data(), place.size(), "%10.3f s  #%-9llu ", std::chrono::duration<double>(time()).count(),
                static_cast<unsigned long long>(world_->stage().events()));
  return place.data() + line;
}

void Trial::tell(std::string line) {
  if (story_.size() == kStoryLinesMax) story_.pop_front();
  story_.push_back(here(line));
}

void Trial::broke(const Break& what) {
  tell(node_name(what.node) + ' ' + what.path + " broke: " + what.why);
  if (by_fault(what.why)) {
    broken_by_fault_.insert(what.node);
    return;
  }
  // After a failed device, or a fault that broke an actor, the node may not know what was done: the only excuse.
  const bool may_not_know = faults_->device_failed(what.node) || broken_by_fault_.contains(what.node);
  if (!what.invariant && may_not_know) return;
  violated("sim.actor-breaks", node_name(what.node) + ' ' + what.path + ": " + what.why);
}

/// As a process it would exit with an error, and be restarted.
void Trial::gave_up(std::size_t node, const std::string& why) {
  tell(node_name(node) + " gives up: " + why);
  if (!faults_->device_failed(node) && !by_fault(why))
    return violated("sim.node-gives-up", node_name(node) + ": " + why);
  world_->stage().after({}, [this, node] {
    keeper_->end(node, Keeper::End::process);
    keeper_->start_in(node, kStartAgain);
  });
}

void Trial::handled(std::size_t node, std::string_view path, const runtime::Actor& actor) {
  for (const Part& part : parts_) part.workload->handled(node, path, actor);
}

void Trial::died(std::size_t node) {
  tell(node_name(node) + " is down");
  for (const Part& part : parts_) part.workload->died(node);
}

}  // namespace troupe::apps
