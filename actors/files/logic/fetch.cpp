#include "actors/files/logic/fetch.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "actors/files/logic/placement.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::files {

Fetch::Fetch(std::vector<base::NodeId> candidates, const base::NodeId& self, const FetchLimits& limits,
             const base::Mutations& mutations)
    : candidates_(std::move(candidates)), self_(self), limits_(limits), mutations_(mutations) {
  base::ensure(candidates_.size() <= kCandidatesMax, "a get has at most kCandidatesMax candidates");
}

void Fetch::want(const ContentKey& key) {
  base::ensure(wanted_.size() <= kChunksMax, "a get wants at most a manifest and kChunksMax chunks");
  wanted_.push_back(key);
}

std::vector<FetchQuestion> Fetch::next() {
  std::vector<FetchQuestion> out;
  fill_window();
  for (std::size_t i = 0; i < window_.size() && !end_; ++i) {
    Slot& slot = window_[i];
    if (slot.arrived || slot.open) continue;
    bool waits = false;
    auto chosen = choose(slot, Ask::unasked, waits);
    if (!chosen && !waits) chosen = choose(slot, Ask::silent_once, waits);
    if (!chosen && waits) continue;
    if (!chosen) {
      slot.missed = true;
      const auto search = searches_.find(wanted_[head_ + i]);
      if (search == searches_.end() || search->second.under_way) continue;
      end_ = verdict(slot, search->second);
      break;
    }
    Ask& ask = slot.asks[*chosen];
    ask = ask == Ask::unasked ? Ask::open : Ask::open_again;
    slot.open = true;
    ++nodes_[slot.order[*chosen]].open;
    out.push_back({head_ + i, wanted_[head_ + i], slot.order[*chosen]});
  }
  return out;
}

void Fetch::fill_window() {
  while (window_.size() < limits_.window_max && head_ + window_.size() < wanted_.size()) {
    Slot slot;
    slot.order = nearest(candidates_, wanted_[head_ + window_.size()].position(), candidates_.size());
    const auto self = std::find(slot.order.begin(), slot.order.end(), self_);
    if (self != slot.order.end()) std::rotate(slot.order.begin(), self, self + 1);
    slot.asks.assign(slot.order.size(), Ask::unasked);
    window_.push_back(std::move(slot));
  }
}

/// The nearest node in state `wanted` that has a free place, among the nearest `spread_max` of them.
/// `waits` is set when there are such nodes, but all are busy.
std::optional<std::size_t> Fetch::choose(const Slot& slot, Ask wanted, bool& waits) const {
  std::size_t seen = 0;
  for (std::size_t i = 0; i < slot.order.size() && seen < limits_.spread_max; ++i) {
    if (slot.asks[i] != wanted || gone(slot.order[i])) continue;
    ++seen;
    const auto node = nodes_.find(slot.order[i]);
    if (node == nodes_.end() || node->second.open < limits_.per_node_max) return i;
  }
  waits = seen > 0;
  return std::nullopt;
}

std::vector<ContentKey> Fetch::seek() {
  std::vector<ContentKey> out;
  for (std::size_t i = 0; i < window_.size() && searching() < limits_.searches_max && !end_; ++i)
    if (window_[i].missed && !window_[i].arrived && searches_.try_emplace(wanted_[head_ + i]).second)
      out.push_back(wanted_[head_ + i]);
  return out;
}

std::size_t Fetch::searching() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(searches_, [](const auto& search) { return search.second.under_way; }));
}

void Fetch::found(const ContentKey& key, const HoldersFound& holders) {
  const auto search = searches_.find(key);
  if (search == searches_.end()) return;
  search->second = {.under_way = false, .unheard = holders.unheard};
  for (std::size_t i = 0; i < window_.size(); ++i)
    if (wanted_[head_ + i] == key) add(window_[i], holders);
  forget(search);
  for (const auto* nodes : {&holders.announced, &holders.nearest})
    for (const base::NodeId& node : *nodes)
      if (candidates_.size() < kCandidatesMax && std::ranges::find(candidates_, node) == candidates_.end())
        candidates_.push_back(node);
}

/// Puts those that have announced it between those that were not asked yet, the first of them first.
void Fetch::add(Slot& slot, const HoldersFound& holders) {
  const auto append = [&](const base::NodeId& node) {
    const auto at = std::ranges::find(slot.order, node) - slot.order.begin();
    if (at == std::ssize(slot.order)) {
      slot.order.push_back(node);
      slot.asks.push_back(Ask::unasked);
    }
    return at;
  };
  std::ptrdiff_t next = 0;
  for (std::size_t i = 0; i < std::min(holders.announced.size(), kFoundMax); ++i) {
    const auto at = append(holders.announced[i]);
    while (next < at && slot.asks[static_cast<std::size_t>(next)] != Ask::unasked) ++next;
    if (at < next || slot.asks[static_cast<std::size_t>(at)] != Ask::unasked) continue;
    std::rotate(slot.order.begin() + next, slot.order.begin() + at, slot.order.begin() + at + 1);
    std::rotate(slot.asks.begin() + next, slot.asks.begin() + at, slot.asks.begin() + at + 1);
    next = std::min(next + 2, std::ssize(slot.order));  // behind it comes a candidate
  }
  for (std::size_t i = 0; i < std::min(holders.nearest.size(), kFoundMax); ++i) append(holders.nearest[i]);
}

FetchEnd Fetch::verdict(const Slot& slot, const Search& search) const {
  bool bad = false;
  for (const Ask ask : slot.asks) {
    if (ask != Ask::lacks && ask != Ask::bad) return FetchEnd::unavailable;
    bad = bad || ask == Ask::bad;
  }
  if (bad) return FetchEnd::corrupt;
  if (std::ranges::all_of(slot.order, [this](const base::NodeId& one) { return one == self_; })) return FetchEnd::alone;
  return search.unheard ? FetchEnd::unavailable : FetchEnd::not_found;
}

bool Fetch::arrived(std::size_t index, const base::NodeId& node) {
  if (close(index, node) == nullptr) return false;
  nodes_[node].silences = 0;
  window_[index - head_].arrived = true;
  return true;
}

void Fetch::missed(std::size_t index, const base::NodeId& node, FetchMiss why) {
  Ask* ask = close(index, node);
  if (ask == nullptr) return;
  window_[index - head_].missed = true;
  if (why == FetchMiss::silent) {
    *ask = *ask == Ask::open ? Ask::silent_once : Ask::silent;
    ++nodes_[node].silences;
    mutations_.sometimes("files: a holder was silent during a get");
    return;
  }
  nodes_[node].silences = 0;
  if (why == FetchMiss::lacks) {
    *ask = Ask::lacks;
    return;
  }
  *ask = Ask::bad;
  mutations_.sometimes("files: a holder gave bytes that fail their digest");
}

/// Marks the question as answered; nothing if none is open for that content and node.
Fetch::Ask* Fetch::close(std::size_t index, const base::NodeId& node) {
  if (index < head_ || index - head_ >= window_.size()) return nullptr;
  Slot& slot = window_[index - head_];
  const auto at = std::find(slot.order.begin(), slot.order.end(), node);
  if (at == slot.order.end()) return nullptr;
  Ask& ask = slot.asks[static_cast<std::size_t>(at - slot.order.begin())];
  if (!slot.open || (ask != Ask::open && ask != Ask::open_again)) return nullptr;
  slot.open = false;
  --nodes_[node].open;
  return &ask;
}

void Fetch::pass_head() {
  base::ensure(head_ready(), "only a content that has arrived is passed on");
  const ContentKey passed = head_key();
  window_.pop_front();
  ++head_;
  if (const auto search = searches_.find(passed); search != searches_.end()) forget(search);
}

/// A search that has ended, once its content has left the window.
void Fetch::forget(std::map<ContentKey, Search>::iterator search) {
  const std::span window(wanted_.data() + head_, window_.size());
  if (!search->second.under_way && std::ranges::find(window, search->first) == window.end()) searches_.erase(search);
}

std::size_t Fetch::arrived() const {
  return static_cast<std::size_t>(
      std::count_if(window_.begin(), window_.end(), [](const Slot& slot) { return slot.arrived; }));
}

void Fetch::check() const {
  base::ensure(window_.size() <= limits_.window_max, "a get has no more contents under way than its window");
  std::size_t slots_open = 0, nodes_open = 0;
  for (const Slot& slot : window_) slots_open += slot.open ? 1 : 0;
  for (const auto& [id, node] : nodes_) {
    base::ensure(node.open <= limits_.per_node_max, "a get asks no node for more at once than it may");
    nodes_open += node.open;
  }
  base::ensure(slots_open == nodes_open, "each open question of a get is about a content of its window");
  base::ensure(done() || end_ || slots_open + searching() > 0 || head_ready(), "a get that is not over waits");
  base::ensure(searches_.size() <= window_.size() + limits_.searches_max, "few contents are sought at once");
}

bool Fetch::gone(const base::NodeId& node) const {
  const auto known = nodes_.find(node);
  return known != nodes_.end() && known->second.silences >= limits_.silences_max;
}

}  // namespace troupe::files
