#include "actors/dht/sim_draw.hpp"

#include <array>

#include "actors/dht/sim_ledger.hpp"
#include "actors/dht/sim_liar.hpp"
#include "runtime/sim/draw.hpp"

namespace troupe::dht {
namespace {

class Draws final : public sim::Draw {
 public:
  using Draw::Draw;

  std::vector<sim::Operation> operations() {
    const auto times = moments(count(kOperationsPerMinuteMin, kOperationsPerMinuteMax));
    lies();
    for (const base::Duration at : times) out_.push_back(operation(at));
    return std::move(out_);
  }

 private:
  /// Most answers fit into a datagram; the others need a link.
  std::int64_t size() {
    const std::uint64_t dice = random_.below(100);
    if (dice < 5) return 0;
    if (dice < 75) return 1 + below(400);
    if (dice < 90) return 1'000 + below(500);
    return dice < 98 ? 2'000 + below(8'000) : kSimBytesMax - below(2);
  }
  /// Some records expire within the run.
  std::int64_t lifetime() {
    constexpr std::array<std::int64_t, 6> kLasts{0, 0, 10, 40, 3'600, kSimSecondsMax};
    return pick(kLasts);
  }

  /// At most a fifth of the nodes attack, in a third of the runs, from some moment in the first half.
  void lies() {
    if (!random_.chance(1, 3)) return;
    std::uint64_t left = shape_.nodes / kLiarNodesMin;
    for (; left > 0; --left)
      out_.push_back({moment(span() / 2 + 1), node(), "dht.lie", {{"how", below(kLiesMax + 1)}}});
  }

  sim::Operation operation(base::Duration at) {
    const std::uint64_t dice = random_.below(100);
    if (dice < 18) return put(at);
    if (dice < 38) return set(at);
    if (dice < 56 && !contents_.empty()) return get(at);
    if (dice < 76 && !owners_.empty()) {
      const auto [owner, name] = pick(owners_);
      return {at, node(), "dht.read", {{"owner", owner}, {"name", name}, {"quorum", below(4)}}};
    }
    if (dice < 83) return {at, node(), "dht.provide", {{"topic", below(kTopicsDrawnMax)}}};
    if (dice < 91) return {at, node(), "dht.find", {{"topic", below(kTopicsDrawnMax)}}};
    if (dice < 94) return {at, node(), "dht.nearest", {{"topic", below(kTopicsDrawnMax)}}};
    if (dice < 98 && !owners_.empty()) {
      const auto [owner, name] = pick(owners_);
      return {at, node(), "dht.listen", {{"owner", owner}, {"name", name}, {"seconds", 1 + below(kListensDrawnMax)}}};
    }
    return {at, node(), "dht.push", {{"to", node()}}};
  }
  sim::Operation put(base::Duration at) {
    if (contents_.empty() || (static_cast<std::int64_t>(contents_.size()) < kContentsDrawnMax && random_.chance(2, 3)))
      contents_.emplace_back(static_cast<std::int64_t>(contents_.size()), size());
    const auto& [number, bytes] = pick(contents_);
    return {at, node(), "dht.put", {{"content", number}, {"bytes", bytes}}};
  }
  sim::Operation get(base::Duration at) {
    const auto& [number, bytes] = pick(contents_);
    return {at, node(), "dht.get", {{"content", number}, {"bytes", bytes}}};
  }
  sim::Operation set(base::Duration at) {
    // More often than not the owner writes it again: a read must return the newest value.
    if (owners_.empty() || random_.chance(1, 3)) owners_.emplace_back(node(), below(kNamesDrawnMax));
    const auto [owner, name] = pick(owners_);
    return {
        at, static_cast<std::uint16_t>(owner), "dht.set", {{"name", name}, {"bytes", size()}, {"seconds", lifetime()}}};
  }

  std::vector<std::pair<std::int64_t, std::int64_t>> contents_;  // number, bytes
  std::vector<std::pair<std::int64_t, std::int64_t>> owners_;    // node, name
  std::vector<sim::Operation> out_;
};

}  // namespace

std::vector<sim::Operation> draw_operations(base::Random& random, const sim::Shape& shape) {
  return Draws(random, shape).operations();
}

}  // namespace troupe::dht
