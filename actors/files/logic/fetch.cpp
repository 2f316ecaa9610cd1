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
    if (!may_ask(slot, wanted_[head_ + i])) continue;
    bool waits = false;
    auto chosen = choose(slot, Ask::unasked, waits);
    if (!chosen && !waits && slot.open == 0) chosen = choose(slot, Ask::silent_once, waits);
    if (!chosen && (waits || slot.open > 0)) continue;
    if (!chosen) {
      slot.missed = true;
      const auto search = searches_.find(wanted_[head_ + i]);
      if (search == searches_.end() || search->second.under_way) continue;
      end_ = verdict(slot, search->second);
      break;
    }
    Place& place = slot.order[*chosen];
    place = {place.node, Ask::open, place.ask == Ask::silent_once};
    ++slot.open;
    ++nodes_[place.node].open;
    out.push_back({head_ + i, wanted_[head_ + i], place.node});
  }
  return out;
}

namespace {

/// Returns the largest size of a response. A manifest's size is unknown.
std::uint64_t bytes_of_answer(const ContentKey& key) {
  return key.kind == ContentKind::manifest ? kChunkBytesMax : key.bytes;
}

}  // namespace

/// Returns whether another request is due for the object, and there is space for its bytes.
bool Fetch::may_ask(const Slot& slot, const ContentKey& key) const {
  const std::uint32_t open = slot.open - slot.given_up;
  if (slot.arrived || open > slot.late) return false;
  return open == 0 || (open < limits_.open_max && spare_bytes() + bytes_of_answer(key) <= limits_.spare_bytes_max);
}

/// Returns the bytes that requests after each object's first may bring. Responses for arrived objects are dropped.
std::uint64_t Fetch::spare_bytes() const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < window_.size(); ++i) {
    const std::uint32_t open = window_[i].open - window_[i].given_up;
    if (!window_[i].arrived && open > 1) sum += (open - 1) * bytes_of_answer(wanted_[head_ + i]);
  }
  return sum;
}

void Fetch::fill_window() {
  while (window_.size() < limits_.window_max && head_ + window_.size() < wanted_.size()) {
    Slot slot;
    for (const base::NodeId& node :
         nearest(candidates_, wanted_[head_ + window_.size()].position(), candidates_.size()))
      slot.order.push_back({node});
    const auto self = std::ranges::find(slot.order, self_, &Place::node);
    if (self != slot.order.end()) std::rotate(slot.order.begin(), self, self + 1);
    window_.push_back(std::move(slot));
  }
}

/// Returns when each node of the slot is to be asked, relative to the others.
std::vector<Fetch::Turn> Fetch::turns(const Slot& slot) const {
  std::map<base::AddressGroup, std::size_t> asked;
  std::vector<const Node*> known;
  for (std::size_t i = 0; i < slot.order.size(); ++i) {
    const auto node = nodes_.find(slot.order[i].node);
    known.push_back(node == nodes_.end() ? nullptr : &node->second);
    if (known[i] != nullptr && known[i]->group && slot.order[i].ask != Ask::unasked) ++asked[*known[i]->group];
  }
  std::vector<Turn> out;
  for (const Node* node : known) {
    if (node == nullptr) out.push_back(Turn::first);
    else if (node->late) out.push_back(Turn::late);
    else out.push_back(node->group && asked[*node->group] >= kAskedOfGroup ? Turn::group_was_asked : Turn::first);
  }
  return out;
}

/// Returns the nearest node in state `wanted` with a free slot, among the nearest `spread_max` of the first turn with
/// such nodes. Sets `waits` if there are such nodes, but all are busy.
std::optional<std::size_t> Fetch::choose(const Slot& slot, Ask wanted, bool& waits) const {
  const std::vector<Turn> turn_of = turns(slot);
  for (const Turn turn : {Turn::first, Turn::group_was_asked, Turn::late}) {
    std::size_t seen = 0;
    for (std::size_t i = 0; i < slot.order.size() && seen < limits_.spread_max; ++i) {
      if (slot.order[i].ask != wanted || turn_of[i] != turn || gone(slot.order[i].node)) continue;
      ++seen;
      const auto node = nodes_.find(slot.order[i].node);
      if (node == nodes_.end() || node->second.open < limits_.per_node_max) return i;
    }
    waits = seen > 0;
    if (waits) break;
  }
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

/// Inserts the nodes that have announced it between the nodes not yet asked, in their order.
void Fetch::add(Slot& slot, const HoldersFound& holders) {
  const auto append = [&](const base::NodeId& node) {
    const auto at = std::ranges::find(slot.order, node, &Place::node) - slot.order.begin();
    if (at == std::ssize(slot.order)) slot.order.push_back({node});
    return at;
  };
  std::ptrdiff_t next = 0;
  for (std::size_t i = 0; i < std::min(holders.announced.size(), kFoundMax); ++i) {
    const auto at = append(holders.announced[i]);
    while (next < at && slot.order[static_cast<std::size_t>(next)].ask != Ask::unasked) ++next;
    if (at < next || slot.order[static_cast<std::size_t>(at)].ask != Ask::unasked) continue;
    std::rotate(slot.order.begin() + next, slot.order.begin() + at, slot.order.begin() + at + 1);
    next = std::min(next + 2, std::ssize(slot.order));  // followed by a candidate
  }
  for (std::size_t i = 0; i < std::min(holders.nearest.size(), kFoundMax); ++i) append(holders.nearest[i]);
}

FetchEnd Fetch::verdict(const Slot& slot, const Search& search) const {
  bool bad = false;
  for (const Place& place : slot.order) {
    if (place.ask != Ask::lacks && place.ask != Ask::bad) return FetchEnd::unavailable;
    bad = bad || place.ask == Ask::bad;
  }
  if (bad) return FetchEnd::corrupt;
  if (std::ranges::all_of(slot.order, [this](const Place& one) { return one.node == self_; })) return FetchEnd::alone;
  return search.unheard ? FetchEnd::unavailable : FetchEnd::not_found;
}

bool Fetch::arrived(std::size_t index, const base::NodeId& node) {
  Place* const place = close(index, node);
  if (place == nullptr) return false;
  place->ask = Ask::gave;
  Node& from = nodes_[node];
  from.silences = 0;
  from.late = false;
  return !std::exchange(window_[index - head_].arrived, true);
}

bool Fetch::late(std::size_t index, const base::NodeId& node) {
  Place* const place = find_open(index, node);
  if (place == nullptr || place->wait != Wait::usual) return false;
  place->wait = Wait::late;
  Slot& slot = window_[index - head_];
  ++slot.late;
  slot.missed = true;
  nodes_[node].late = true;
  mutations_.sometimes("files: a holder was late during a get");
  return true;
}

bool Fetch::give_up(std::size_t index, const base::NodeId& node) {
  Place* const place = find_open(index, node);
  if (place == nullptr || place->wait != Wait::late) return false;
  place->wait = Wait::given_up;
  Slot& slot = window_[index - head_];
  --slot.late;
  ++slot.given_up;
  return true;
}

void Fetch::missed(std::size_t index, const base::NodeId& node, FetchMiss why) {
  Place* const place = close(index, node);
  if (place == nullptr) return;
  window_[index - head_].missed = true;
  if (why == FetchMiss::silent) {
    place->ask = place->again ? Ask::silent : Ask::silent_once;
    ++nodes_[node].silences;
    mutations_.sometimes("files: a holder was silent during a get");
    return;
  }
  nodes_[node].silences = 0;
  nodes_[node].late = false;
  if (why == FetchMiss::lacks) {
    place->ask = Ask::lacks;
    return;
  }
  place->ask = Ask::bad;
  mutations_.sometimes("files: a holder gave bytes that fail their digest");
}

/// Returns null if no request is open for that object and node.
Fetch::Place* Fetch::find_open(std::size_t index, const base::NodeId& node) {
  if (index < head_ || index - head_ >= window_.size()) return nullptr;
  Slot& slot = window_[index - head_];
  const auto at = std::ranges::find(slot.order, node, &Place::node);
  return at == slot.order.end() || at->ask != Ask::open ? nullptr : &*at;
}

/// Marks the request as answered. Returns null if none is open, or its object was passed on.
Fetch::Place* Fetch::close(std::size_t index, const base::NodeId& node) {
  if (left_behind_.erase({index, node}) > 0) --nodes_[node].open;
  Place* const place = find_open(index, node);
  if (place == nullptr) return nullptr;
  Slot& slot = window_[index - head_];
  if (place->wait == Wait::late) --slot.late;
  if (place->wait == Wait::given_up) --slot.given_up;
  --slot.open;
  --nodes_[node].open;
  return place;
}

void Fetch::pass_head() {
  base::ensure(head_ready(), "only an object that has arrived is passed on");
  const ContentKey passed = head_key();
  for (const Place& place : window_.front().order)
    if (place.ask == Ask::open) left_behind_.emplace(head_, place.node);
  window_.pop_front();
  ++head_;
  if (const auto search = searches_.find(passed); search != searches_.end()) forget(search);
}

/// Removes a finished search, once its object has left the window.
void Fetch::forget(std::map<ContentKey, Search>::iterator search) {
  const std::span window(wanted_.data() + head_, window_.size());
  if (!search->second.under_way && std::ranges::find(window, search->first) == window.end()) searches_.erase(search);
}

std::size_t Fetch::arrived() const {
  return static_cast<std::size_t>(
      std::count_if(window_.begin(), window_.end(), [](const Slot& slot) { return slot.arrived; }));
}

void Fetch::check() const {
  base::ensure(window_.size() <= limits_.window_max, "a get requests no more objects than its window");
  std::size_t slots_open = 0, nodes_open = 0;
  for (const Slot& slot : window_) slots_open += slot.open;
  for (const auto& [id, node] : nodes_) {
    base::ensure(node.open <= limits_.per_node_max, "a get stays within its limit per node");
    nodes_open += node.open;
  }
  base::ensure(slots_open + left_behind_.size() == nodes_open, "each open request of a get is for one object");
  base::ensure(spare_bytes() <= limits_.spare_bytes_max, "late holders add little to a get's memory");
  base::ensure(done() || end_ || nodes_open + searching() > 0 || head_ready(), "a get that is not over waits");
  base::ensure(searches_.size() <= window_.size() + limits_.searches_max, "few objects are searched at once");
}

bool Fetch::gone(const base::NodeId& node) const {
  const auto known = nodes_.find(node);
  return known != nodes_.end() && known->second.silences >= limits_.silences_max;
}

}  // namespace troupe::files
