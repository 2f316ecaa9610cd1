#include "actors/files/logic/replication.hpp"

#include <algorithm>
#include <utility>

#include "runtime/base/ensure.hpp"

namespace troupe::files {

Replication::Replication(std::vector<base::NodeId> candidates, std::uint32_t replicas, const ReplicationLimits& limits,
                         const base::Mutations& mutations)
    : candidates_(std::move(candidates)), replicas_(replicas), limits_(limits), mutations_(mutations) {
  base::ensure(replicas >= 1 && replicas <= kReplicasMax, "a put asks for 1 to kReplicasMax replicas");
  base::ensure(candidates_.size() <= kCandidatesMax, "a put has at most kCandidatesMax candidates");
}

bool Replication::room(std::uint64_t bytes) const {
  return items_.empty() || bytes_held_ + bytes <= limits_.bytes_held_max;
}

bool Replication::hold(const ContentKey& key, std::uint64_t bytes) {
  base::ensure(room(bytes), "a put holds no more bytes than it may");
  if (!seen_.insert(key).second) return false;
  items_.push_back({key, bytes, false, {}, {}});
  bytes_held_ += bytes;
  return true;
}

void Replication::place(const ContentKey& key, std::span<const base::NodeId> near, const std::set<base::NodeId>& last,
                        const Sites& sites) {
  const auto item = std::ranges::find(items_, key, &Item::key);
  if (item == items_.end() || item->placed) return;
  item->placed = true;
  item->order = order_of_candidates(near, candidates_, key.position(), sites);
  const auto elsewhere = [&](const base::NodeId& node) { return !last.contains(node); };
  std::stable_partition(item->order.begin(), item->order.end(), elsewhere);
  item->states.assign(item->order.size(), State::untried);
  settle();
}

std::vector<Store> Replication::next() {
  std::vector<Store> out;
  for (Item& item : items_) {
    if (in_flight_ >= limits_.stores_in_flight_max) break;
    start_stores(item, out);
  }
  if (mutations_.on("files.replica_counted_before_stored"))
    for (const Store& store : out) stored(store.key, store.node);
  return out;
}

/// A busy node keeps its copy: the copy waits for it and does not move further away.
void Replication::start_stores(Item& item, std::vector<Store>& out) {
  std::uint32_t places = 0;
  for (std::size_t i = 0; i < item.order.size() && places < replicas_; ++i) {
    const base::NodeId& id = item.order[i];
    State& state = item.states[i];
    if (state == State::failed || state == State::late || (state == State::untried && left_out(id))) continue;
    ++places;
    if (state != State::untried || in_flight_ >= limits_.stores_in_flight_max) continue;
    Node& node = nodes_[id];
    if (node.in_flight >= limits_.stores_per_node_max) continue;
    state = State::in_flight;
    ++node.in_flight;
    ++in_flight_;
    out.push_back({item.key, id});
  }
}

/// A store has ended. Returns the state of its slot, or null if the object was settled without it.
Replication::State* Replication::end_flight(const ContentKey& key, const base::NodeId& node) {
  State* state = state_of(key, node);
  Node& known = nodes_[node];
  if (late_.erase({key, node}) > 0) {
    --known.late;
    --known.in_flight;
    return state;
  }
  if (state == nullptr || *state != State::in_flight) return nullptr;
  --known.in_flight;
  --in_flight_;
  return state;
}

void Replication::stored(const ContentKey& key, const base::NodeId& node) {
  State* state = end_flight(key, node);
  if (state == nullptr) return;
  *state = State::done;
  nodes_[node].refusals = 0;
  settle();
}

void Replication::failed(const ContentKey& key, const base::NodeId& node, StoreFailure why) {
  State* state = end_flight(key, node);
  if (state == nullptr) return;
  *state = State::failed;
  Node& known = nodes_[node];
  ++known.refusals;
  if (why == StoreFailure::silent || known.refusals >= limits_.refusals_max) known.left_out = true;
  mutations_.sometimes("files: a store moved to the next nearest node");
  settle();
}

bool Replication::late(const ContentKey& key, const base::NodeId& node) {
  State* state = state_of(key, node);
  if (state == nullptr || *state != State::in_flight) return false;
  const auto late_nodes = std::ranges::count_if(nodes_, [](const auto& one) { return one.second.late > 0; });
  if (nodes_[node].late == 0 && late_nodes >= limits_.late_nodes_max) return false;
  *state = State::late;
  late_.emplace(key, node);
  ++nodes_[node].late;
  --in_flight_;
  mutations_.sometimes("files: a node took longer than usual, and the next one was asked");
  settle();
  return true;
}

std::vector<Settled> Replication::take_settled() { return std::exchange(settled_, {}); }

/// Without enough copies it waits for late nodes, and then asks nodes that were skipped only because they are late.
bool Replication::finished(const Item& item) const {
  if (!item.placed || std::ranges::count(item.states, State::in_flight) > 0) return false;
  if (std::ranges::count(item.states, State::done) >= static_cast<std::ptrdiff_t>(replicas_)) return true;
  if (std::ranges::count(item.states, State::late) > 0) return false;
  for (std::size_t i = 0; i < item.order.size(); ++i) {
    if (item.states[i] != State::untried) continue;
    const auto known = nodes_.find(item.order[i]);
    if (known == nodes_.end() || !known->second.left_out) return false;
  }
  return true;
}

void Replication::settle() {
  std::deque<Item> open;
  for (Item& item : items_) {
    if (!finished(item)) {
      open.push_back(std::move(item));
      continue;
    }
    Settled settled{item.key, {}};
    for (std::size_t i = 0; i < item.order.size(); ++i)
      if (item.states[i] == State::done && settled.holders.size() < kReplicasMax)
        settled.holders.push_back(item.order[i]);
    const auto copies = std::min(replicas_, static_cast<std::uint32_t>(settled.holders.size()));
    reached_ = any_settled_ ? std::min(reached_, copies) : copies;
    any_settled_ = true;
    bytes_held_ -= item.bytes;
    settled_.push_back(std::move(settled));
  }
  items_ = std::move(open);
}

void Replication::check() const {
  base::ensure(settled_.empty(), "settled objects are reported at once");
  base::ensure(in_flight_ <= limits_.stores_in_flight_max, "a put stays within its limit of stores in progress");
  base::ensure(items_.size() <= 1 || bytes_held_ <= limits_.bytes_held_max, "a put holds no more bytes than its limit");
  base::ensure(!items_.empty() || (bytes_held_ == 0 && in_flight_ == 0),
               "a put whose objects are all settled holds nothing and waits for no node");
}

Replication::State* Replication::state_of(const ContentKey& key, const base::NodeId& node) {
  const auto item = std::ranges::find(items_, key, &Item::key);
  if (item == items_.end()) return nullptr;
  const auto at = std::ranges::find(item->order, node);
  return at == item->order.end() ? nullptr : &item->states[static_cast<std::size_t>(at - item->order.begin())];
}

bool Replication::left_out(const base::NodeId& node) const {
  const auto known = nodes_.find(node);
  return known != nodes_.end() && (known->second.left_out || known->second.late > 0);
}

}  // namespace troupe::files
