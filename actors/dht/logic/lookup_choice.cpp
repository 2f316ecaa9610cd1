// Lookup: which nodes have to be asked, which is next, and whether the search is over.
#include <algorithm>
#include <array>
#include <bit>
#include <tuple>
#include <utility>

#include "actors/dht/logic/lookup.hpp"

namespace troupe::dht {
namespace {

// Our choice: how many more requests a path may send than the least used path with nodes left. A search without
// malicious nodes ends within them; otherwise it continues on other paths.
constexpr std::size_t kLeadMax = 3;

// Our choice: answers of the nearest nodes without a value, after which the rest are asked all at once.
constexpr std::size_t kMissesFirst = 3;

}  // namespace

bool Lookup::seeks_nodes() const {
  return question_.kind == LookupKind::find_node || question_.kind == LookupKind::store_region;
}

void Lookup::mark_needed() {
  const std::size_t share = std::max<std::size_t>((question_.nearest + question_.paths - 1) / question_.paths, 1);
  // If few nodes are near the key, farther nodes store its value too.
  const bool region = question_.network && (question_.kind == LookupKind::store_region || empty_handed());
  std::array<std::size_t, kPathsMax> seen{};
  std::array<bool, kPathsMax> asks_one{};
  std::size_t near = 0;
  std::vector<Group> groups;  // of near nodes: this limit applies across paths, in addition to each path's own
  for (Candidate& one : candidates_.all()) {
    one.needed = one.among_nearest = one.group_full = false;
    if (!one.live()) continue;
    const bool in_region = region && near < question_.region_max &&
                           expected_within(one.distance, *question_.network) < question_.region_nodes;
    if (near < question_.nearest || in_region) {
      one.group_full = std::ranges::count(groups, one.group) >= static_cast<std::ptrdiff_t>(question_.groups.table_max);
      if (!one.group_full) {
        groups.push_back(one.group);
        ++near;
        one.needed = one.among_nearest = true;
      }
    }
    for (std::size_t path = 0; path < paths_.size(); ++path) {
      if (!one.known_to(path)) continue;
      const bool nearest_to_ask = !one.spared() && !std::exchange(asks_one[path], true);
      if (seen[path]++ < share || nearest_to_ask) one.needed = true;
    }
  }
}

std::optional<Lookup::Choice> Lookup::choose() {
  for (PathLoad& path : paths_) path.in_flight = 0;
  for (const Candidate& one : candidates_.all())
    if (one.state == Candidate::State::asked) ++paths_[one.asked_by].in_flight;
  std::array<Choice, kPathsMax> open{};
  std::size_t asked_min = kAskedMax;
  for (std::size_t path = 0; path < paths_.size(); ++path) {
    open[path].whom = nearest_fresh(path, open[path].why);
    open[path].path = path;
    if (open[path].whom != nullptr) asked_min = std::min(asked_min, paths_[path].asked);
  }
  const auto rank = [&](const Choice& one) {
    const PathLoad& load = paths_[one.path];
    return std::tuple(load.in_flight, load.asked >= asked_min + kLeadMax, one.whom->distance);
  };
  Choice* best = nullptr;
  for (std::size_t path = 0; path < paths_.size(); ++path)
    if (open[path].whom != nullptr && (best == nullptr || rank(open[path]) < rank(*best))) best = &open[path];
  if (best == nullptr) return std::nullopt;
  for (Choice& other : std::span(open).first(paths_.size())) {
    if (other.whom == nullptr || paths_[other.path].in_flight > paths_[best->path].in_flight) continue;
    if (!preferred(*best->whom, *other.whom)) continue;
    best = &other;
    best->why = Chosen::quicker;
  }
  return *best;
}

Candidate* Lookup::nearest_fresh(std::size_t path, Chosen& why) {
  Candidate* first = nullptr;
  Candidate* best = nullptr;
  for (Candidate& one : candidates_.all()) {
    if (one.state != Candidate::State::fresh || !one.needed || !one.known_to(path)) continue;
    if (first == nullptr) first = best = &one;
    if (preferred(*best, one)) best = &one;
  }
  if (first == nullptr) return nullptr;
  why = best != first                                 ? Chosen::quicker
        : replacements_ > 0                           ? Chosen::instead
        : path >= question_.paths && !first->named_by ? Chosen::suspicious
        : !first->named_by                            ? Chosen::start
                                                      : Chosen::nearest;
  return best;
}

bool Lookup::preferred(const Candidate& first, const Candidate& other) const {
  // For nodes that all should store the value, distance says nothing more, but the round trip does.
  if (seeks_nodes() || !question_.network || !first.round_trip || !other.round_trip) return false;
  if (expected_within(other.distance, *question_.network) >= question_.nearest / 2) return false;
  return other.round_trip->known() && other.round_trip->expected() < first.round_trip->expected() / 2;
}

std::optional<Lookup::Choice> Lookup::choose_last_round() {
  const auto all = candidates_.all();
  const auto first_live = std::ranges::find_if(all, &Candidate::live);
  const bool known = first_live != all.end() && (*first_live).state == Candidate::State::answered;
  const auto misses = std::ranges::count_if(
      all, [](const Candidate& one) { return one.among_nearest && one.state == Candidate::State::answered; });
  // The nearest node has named its neighbours: the nodes that are nearest now will stay nearest.
  if (!known || (!seeks_nodes() && static_cast<std::size_t>(misses) < kMissesFirst)) return std::nullopt;
  if (newest_) return std::nullopt;  // a value was found, a few more nodes have to agree
  for (Candidate& one : candidates_.all()) {
    if (one.state != Candidate::State::fresh || !one.among_nearest) continue;
    std::size_t path = 0;
    while (!one.known_to(path)) ++path;
    return Choice{&one, path, Chosen::last_round};
  }
  return std::nullopt;
}

std::size_t Lookup::first_width() const {
  if (seeks_nodes()) return kWidthFirst;
  if (question_.finality == Finality::newest && question_.kind == LookupKind::find_value)
    return std::min(question_.quorum, kWidthMax);
  if (!question_.network || candidates_.all().empty()) return kWidthFirst;
  const bool likely_holder =
      expected_within(candidates_.all().front().distance, *question_.network) < (question_.nearest + 1) / 2;
  return likely_holder ? 1 : kWidthFirst;
}

std::size_t Lookup::width() const {
  if (question_.finality == Finality::first_valid || agreeing() == 0) return width_;
  // The requests in flight may be enough.
  return std::min(width_, std::max<std::size_t>(question_.quorum, agreeing() + 1) - agreeing());
}

std::size_t Lookup::agreeing() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      candidates_.all(), [&](const Candidate& one) { return one.version.has_value() && one.version == newest_; }));
}

bool Lookup::found() const {
  if (question_.kind == LookupKind::get_providers) return enough_providers();
  if (question_.kind != LookupKind::find_value || !newest_) return false;
  const std::size_t holders = agreeing();
  if (question_.finality == Finality::first_valid) return holders > 0;
  if (holders < question_.quorum) return false;
  // One path may have met only one attacker's nodes: a quorum comes from two paths, if there are two.
  PathSet asked_by = 0;
  PathSet agreed = 0;
  for (const Candidate& one : candidates_.all()) {
    if (one.state == Candidate::State::answered) asked_by |= PathSet{1} << one.asked_by;
    if (one.version && one.version == newest_) agreed |= PathSet{1} << one.asked_by;
  }
  return question_.quorum == 1 || std::popcount(agreed) > 1 || std::popcount(asked_by) == 1;
}

/// One malicious node can name any number: to end a search by number takes two paths or kNamersMin answers.
bool Lookup::enough_providers() const {
  if (providers_ < question_.providers_max) return false;
  std::size_t answers = 0;
  PathSet paths = 0;
  for (const Candidate& one : candidates_.all()) {
    if (!one.names_providers) continue;
    ++answers;
    paths |= PathSet{1} << one.asked_by;
  }
  return std::popcount(paths) > 1 || answers >= kNamersMin;
}

bool Lookup::settled() const {
  return std::ranges::none_of(candidates_.all(), [&](const Candidate& one) {
    const bool to_be_asked = one.state == Candidate::State::fresh && asked_ < kAskedMax;
    return one.needed && (to_be_asked || one.state == Candidate::State::asked);
  });
}

bool Lookup::empty_handed() const {
  return (question_.kind == LookupKind::find_value && !newest_) ||
         (question_.kind == LookupKind::get_providers && providers_ == 0);
}

bool Lookup::worth_waiting() const {
  // If most nodes are late, the network is slow rather than empty. And a value is missing only once the late nodes have
  // answered or are overdue: otherwise quick nodes would always outrun a distant one.
  std::size_t answered = 0;
  std::size_t late = 0;
  for (const Candidate& one : candidates_.all()) {
    if (one.state == Candidate::State::answered) ++answered;
    if (one.state == Candidate::State::late) ++late;
  }
  return late > answered || (empty_handed() && late > 0);
}

bool Lookup::suspicious() const {
  if (!question_.network || asked_ == kAskedMax || newest_) return false;
  std::size_t answered = 0;
  for (const Candidate& one : candidates_.all()) {
    if (one.state != Candidate::State::answered || one.group_full) continue;
    if (++answered < question_.nearest) continue;
    return expected_within(one.distance, *question_.network) > 2 * question_.nearest;
  }
  return question_.network->nodes > 2 * question_.nearest;
}

bool Lookup::open_path() {
  if (paths_.size() == kPathsMax || question_.paths == 1) return false;
  for (const Start& start : starts_) {
    Candidate* const known = candidates_.find(start.contact.id);
    if (known != nullptr && known->state != Candidate::State::fresh) continue;
    if (start.contact.id == question_.own || !start.contact.where.endpoint.dialable()) continue;
    if (candidates_.hear(start.contact, paths_.size(), 1, std::nullopt)) continue;
    paths_.emplace_back();
    return true;
  }
  return false;
}

}  // namespace troupe::dht
