#include "actors/files/logic/replication.hpp"

#include <algorithm>
#include <utility>

#include "actors/files/logic/placement.hpp"
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

void Replication::place(const ContentKey& key, std::span<const base::NodeId> near) {
  const auto item = std::ranges::find(items_, key, &Item::key);
  if (item == items_.end() || item->placed) return;
  item->placed = true;
  item->order = order_of_candidates(near, candidates_, key.position());
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

/// A busy node keeps its place: the copy waits for it and does not move further away.
void Replication::start_stores(Item& item, std::vector<Store>& out) {
  std::uint32_t places = 0;
  for (std::size_t i = 0; i < item.order.size() && places < replicas_; ++i) {
    const base::NodeId& id = item.order[i];
    State& state = item.states[i];
    if (state == State::failed || (state == State::untried && left_out(id))) continue;
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

void Replication::stored(const ContentKey& key, const base::NodeId& node) {
  State* state = in_flight(key, node);
  if (state == nullptr) return;
  *state = State::done;
  --in_flight_;
  --nodes_[node].in_flight;
  nodes_[node].refusals = 0;
  settle();
}

void Replication::failed(const ContentKey& key, const base::NodeId& node, StoreFailure why) {
  State* state = in_flight(key, node);
  if (state == nullptr) return;
  *state = State::failed;
  --in_flight_;
  Node& known = nodes_[node];
  --known.in_flight;
  ++known.refusals;
  if (why == StoreFailure::silent || known.refusals >= limits_.refusals_max) known.left_out = true;
  mutations_.sometimes("files: a store moved to the next nearest node");
  settle();
}

std::vector<Settled> Replication::take_settled() { return std::exchange(settled_, {}); }

bool Replication::finished(const Item& item) const {
  if (!item.placed) return false;
  std::uint32_t done = 0;
  for (std::size_t i = 0; i < item.order.size(); ++i) {
    if (item.states[i] == State::in_flight) return false;
    if (item.states[i] == State::done && ++done == replicas_) return true;
  }
  for (std::size_t i = 0; i < item.order.size(); ++i)
    if (item.states[i] == State::untried && !left_out(item.order[i])) return false;
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
      if (item.states[i] == State::done) settled.holders.push_back(item.order[i]);
    const auto copies = static_cast<std::uint32_t>(settled.holders.size());
    reached_ = any_settled_ ? std::min(reached_, copies) : copies;
    any_settled_ = true;
    bytes_held_ -= item.bytes;
    settled_.push_back(std::move(settled));
  }
  items_ = std::move(open);
}

void Replication::check() const {
  base::ensure(settled_.empty(), "whoever puts hears at once what is settled");
  base::ensure(in_flight_ <= limits_.stores_in_flight_max, "a put has no more stores under way than it may");
  base::ensure(items_.size() <= 1 || bytes_held_ <= limits_.bytes_held_max, "a put holds no more than one put may");
  base::ensure(!items_.empty() || (bytes_held_ == 0 && in_flight_ == 0),
               "a put whose contents are all settled holds nothing and waits for no node");
}

Replication::State* Replication::in_flight(const ContentKey& key, const base::NodeId& node) {
  for (Item& item : items_) {
    if (item.key != key) continue;
    const auto at = std::find(item.order.begin(), item.order.end(), node);
    if (at == item.order.end()) return nullptr;
    State& state = item.states[static_cast<std::size_t>(at - item.order.begin())];
    return state == State::in_flight ? &state : nullptr;
  }
  return nullptr;
}

bool Replication::left_out(const base::NodeId& node) const {
  const auto known = nodes_.find(node);
  return known != nodes_.end() && known->second.left_out;
}

}  // namespace troupe::files
