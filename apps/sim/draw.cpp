#include "apps/sim/draw.hpp"

#include <algorithm>
#include <numeric>

#include "runtime/base/ensure.hpp"
#include "runtime/sim/clock.hpp"

namespace troupe::apps {
namespace {

using sim::Fault;
using sim::FaultSpec;
using sim::Scenario;
using namespace std::chrono_literals;

constexpr std::uint64_t kPerMinuteStorm = 6;  // at most this many firings of each fault, on average half; our choice
constexpr std::uint64_t kPerKindMax = sim::kFaultsMax / sim::kFaultKinds;
constexpr base::Duration kSpanMin = 100ms;    // our choice
constexpr base::Duration kSpanMax = 20s;      // our choice: longer than any timeout of a link
constexpr std::int32_t kDriftPpmUsual = 200;  // a bad crystal
constexpr std::uint64_t kTlsWorlds = 200;     // one world in this many; TLS has its own tests, and costs time

/// Returns a separate random stream for each concern, so that a new draw in one leaves the others unchanged.
base::Random stream(std::uint64_t seed, std::uint64_t concern) {
  base::Random mixed(seed);
  return base::Random(mixed.next() ^ (concern * 0x9e3779b97f4a7c15));
}

std::uint64_t concern(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char letter : name) hash = (hash ^ static_cast<std::uint8_t>(letter)) * 0x100000001b3;
  return hash;
}

base::Duration between(base::Random& random, base::Duration min, base::Duration max) {
  const auto steps = static_cast<std::uint64_t>((max - min) / 1ms);
  return min + 1ms * static_cast<std::int64_t>(random.below(steps + 1));
}

/// Small times are as likely as large times: the order of magnitude matters.
base::Duration log_between(base::Random& random, base::Duration min, base::Duration max) {
  unsigned doublings = 0;
  for (base::Duration at = min; at < max; at *= 2) ++doublings;
  const base::Duration low = min * (std::int64_t{1} << random.below(doublings));
  return std::min(between(random, low, 2 * low), max);
}

void draw_ground(Scenario& world, const DrawOptions& options) {
  base::Random random = stream(world.seed, concern("ground"));
  const auto drawn = static_cast<std::uint16_t>(kNodesDrawnMin + random.below(kNodesDrawnMax - kNodesDrawnMin + 1));
  world.nodes = options.nodes.value_or(drawn);
  world.policy = static_cast<sim::Policy>(random.below(4));
  const std::array<std::pair<base::Duration, base::Duration>, 4> latencies{{
      {100us, 1ms},   // one rack
      {200us, 20ms},  // one continent
      {10ms, 200ms},  // the world
      {100us, 500ms},
  }};
  std::tie(world.latency_min, world.latency_max) =
      latencies[random.below(options.weather == Weather::calm ? 2 : latencies.size())];
  world.tls = options.weather != Weather::calm && random.chance(1, kTlsWorlds);
}

void draw_clocks(Scenario& world) {
  base::Random random = stream(world.seed, concern("clocks"));
  if (!random.chance(1, 2)) return;
  const std::int32_t worst = random.chance(1, 10) ? sim::kDriftPpmMax : kDriftPpmUsual;
  for (std::uint16_t i = 0; i < world.nodes; ++i)
    world.drift_ppm.push_back(static_cast<std::int32_t>(random.below(2 * static_cast<std::uint64_t>(worst) + 1)) -
                              worst);
}

/// Which knobs to draw: occasional knobs and the knobs of every world, or only the latter.
enum class Knobs : std::uint8_t { all, usual };

void draw_knobs(Scenario& world, const std::vector<sim::Knob>& knobs, Knobs which, base::Random& random) {
  for (const sim::Knob& knob : knobs)
    if ((which == Knobs::all && random.chance(1, 6)) || knob.always)
      world.knobs[std::string(knob.setting)] = knob.values[random.below(knob.values.size())];
}

/// The knobs of the world have their own stream: the domains' knobs do not depend on them.
void draw_knobs(Scenario& world, const std::vector<const sim::WorkloadSpec*>& domains, Knobs which) {
  base::Random its = stream(world.seed, concern("world knobs"));
  draw_knobs(world, world_spec().knobs, which, its);
  base::Random random = stream(world.seed, concern(which == Knobs::all ? "knobs" : "usual knobs"));
  for (const sim::WorkloadSpec* domain : domains) draw_knobs(world, domain->knobs, which, random);
}

/// Returns a group of some nodes, neither none nor all.
std::int64_t draw_set(base::Random& random, std::uint16_t nodes) {
  const std::uint16_t named = std::min(nodes, sim::kSetNodesMax);
  const std::int64_t all = (std::int64_t{1} << named) - 1;
  const auto set = static_cast<std::int64_t>(random.next()) & all;
  if (set == 0) return 1;
  return set == all && named == nodes ? set & ~std::int64_t{1} : set;
}

std::int64_t draw_amount(base::Random& random, const FaultSpec& spec, std::uint16_t nodes) {
  switch (spec.amount) {
    case sim::Amount::none: return 0;
    case sim::Amount::set: return draw_set(random, nodes);
    case sim::Amount::number: break;
  }
  const auto range = static_cast<std::uint64_t>(spec.amount_max - spec.amount_min);
  // Half of them are within the lowest hundredth: small values take effect soon.
  const std::uint64_t within = random.chance(1, 2) ? std::max<std::uint64_t>(range / 100, 1) : range;
  return spec.amount_min + static_cast<std::int64_t>(random.below(within + 1));
}

struct Sky {
  const DrawOptions& options;
  std::vector<std::uint16_t> victims;  // nodes whose copies may be destroyed
};

void draw_faults(Scenario& world, const FaultSpec& spec, const Sky& sky) {
  // Each kind has its own stream: a new kind does not change the other kinds.
  base::Random random = stream(world.seed, concern(spec.name));
  const bool storm = sky.options.weather == Weather::storm;
  if (!may_draw(spec, sky.options, world.nodes) || (spec.loses_data && sky.victims.empty())) return;
  if (!storm && random.chance(1, 2)) return;
  const auto minutes = static_cast<std::uint64_t>(std::max<base::Duration>(world.time, 1min) / 1min);
  const std::uint64_t most = std::min<std::uint64_t>(kPerMinuteStorm * minutes / (storm ? 1 : 2), kPerKindMax);
  const std::uint64_t count = 1 + random.below(most);
  for (std::uint64_t i = 0; i < count; ++i) {
    Fault fault{.what = spec.what, .at = between(random, {}, world.time)};
    if (spec.on_node)
      fault.node = spec.loses_data ? sky.victims[random.below(sky.victims.size())]
                                   : static_cast<std::uint16_t>(random.below(world.nodes));
    if (spec.on_other)
      fault.other = static_cast<std::uint16_t>((fault.node + 1 + random.below(world.nodes - 1u)) % world.nodes);
    if (spec.lasts) fault.span = log_between(random, kSpanMin, kSpanMax);
    fault.amount = draw_amount(random, spec, world.nodes);
    world.faults.push_back(fault);
  }
}

}  // namespace

bool may_draw(const FaultSpec& spec, const DrawOptions& options, std::uint16_t nodes) {
  const bool takes_two = spec.on_other || spec.amount == sim::Amount::set;
  return options.weather != Weather::calm && (options.beyond || !spec.beyond) && (nodes > 1 || !takes_two);
}

Scenario planted(std::string_view domain, std::string_view mutant, std::uint64_t seed, sim::WorkloadSpecs workloads) {
  constexpr std::array<Weather, 3> kTurn{Weather::storm, Weather::swarm, Weather::calm};
  Scenario world =
      draw(seed, {.domains = {std::string(domain)}, .weather = kTurn[seed % kTurn.size()], .workloads = workloads});
  world.mutations.emplace_back(mutant);
  return world;
}

Scenario draw(std::uint64_t seed, const DrawOptions& options) {
  Scenario world;
  world.seed = seed;
  world.domains = options.domains;
  world.time = options.time;
  world.beyond = options.beyond;
  draw_ground(world, options);

  std::vector<const sim::WorkloadSpec*> domains;
  for (const std::string& name : options.domains) {
    domains.push_back(sim::find(options.workloads, name));
    base::ensure(domains.back() != nullptr, "domains were checked before a world is drawn");
  }
  base::Random random = stream(seed, concern("load"));
  sim::Shape shape{.nodes = world.nodes, .time = world.time, .load = static_cast<unsigned>(random.below(101))};
  if (options.weather == Weather::calm) shape.load = 50;
  Sky sky{options, std::vector<std::uint16_t>(world.nodes)};
  std::iota(sky.victims.begin(), sky.victims.end(), std::uint16_t{0});
  random.shuffle(sky.victims);
  // One of three copies, or none: a protocol that promises to survive one loss is never asked for more.
  shape.lost_data_max = random.chance(1, 2) || options.weather == Weather::storm ? 1 : 0;
  if (options.beyond) shape.lost_data_max = world.nodes;
  sky.victims.resize(shape.lost_data_max);

  if (options.weather != Weather::calm) {
    draw_clocks(world);
    draw_knobs(world, domains, Knobs::all);
    for (const FaultSpec& spec : sim::fault_specs()) draw_faults(world, spec, sky);
  } else {
    draw_knobs(world, domains, Knobs::usual);
  }
  for (const sim::WorkloadSpec* domain : domains) {
    base::Random its = stream(seed, concern(domain->name));
    auto operations = domain->draw(its, shape);
    operations.resize(std::min(operations.size(), sim::kOperationsMax - world.operations.size()));
    std::move(operations.begin(), operations.end(), std::back_inserter(world.operations));
  }
  std::stable_sort(world.faults.begin(), world.faults.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  std::stable_sort(world.operations.begin(), world.operations.end(),
                   [](const auto& a, const auto& b) { return a.at < b.at; });
  return world;
}

}  // namespace troupe::apps
