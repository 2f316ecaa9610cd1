#include "runtime/sim/linearizable.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <unordered_set>
#include <utility>

namespace troupe::sim {
namespace {

/// The operations of a key that are already in the order under search: one bit each.
class Chosen {
 public:
  explicit Chosen(std::size_t operations) : words_((operations + 63) / 64) {}
  void set(std::size_t at) { words_[at / 64] |= std::uint64_t{1} << at % 64; }
  void clear(std::size_t at) { words_[at / 64] &= ~(std::uint64_t{1} << at % 64); }
  friend bool operator==(const Chosen&, const Chosen&) = default;
  std::size_t hash() const {
    std::size_t out = 0;
    for (const std::uint64_t word : words_) out = (out ^ word) * 0x9e3779b97f4a7c15 + (out >> 29);
    return out;
  }

 private:
  std::vector<std::uint64_t> words_;
};

struct Tried {
  Chosen chosen;
  Value value;
  friend bool operator==(const Tried&, const Tried&) = default;
};
struct TriedHash {
  std::size_t operator()(const Tried& tried) const {
    return tried.chosen.hash() ^ (tried.value ? std::hash<std::string>{}(*tried.value) * 31 : 7);
  }
};

/// Returns the value after `operation` on `before`; nullopt if its result is impossible.
std::optional<Value> after(const KeyOperation& operation, const Value& before) {
  const bool told = operation.fate == Fate::told;
  switch (operation.did) {
    case Did::read:
      if (told && operation.value != before) return std::nullopt;
      return before;
    case Did::write: return operation.value;
    case Did::erase: return Value();
    case Did::append: return Value(before.value_or("") + operation.value.value_or(""));
    case Did::replace: {
      const bool met = before == operation.expected;
      if (told && met != operation.met) return std::nullopt;
      return met ? operation.value : before;
    }
  }
  return std::nullopt;
}

/// Lowe's search over the operations of one key.
class Search {
 public:
  Search(std::vector<const KeyOperation*> operations, Value initial, std::size_t states_max)
      : operations_(std::move(operations)),
        chosen_(operations_.size()),
        value_(std::move(initial)),
        states_max_(states_max) {
    std::vector<std::pair<std::uint64_t, Event>> order;
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      order.push_back({operations_[i]->called, {i, false}});
      if (operations_[i]->fate == Fate::told) order.push_back({operations_[i]->returned, {i, true}});
    }
    std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    // Positions from 1; 0 is the head and the end of the ring.
    events_.push_back({});
    returns_.resize(operations_.size());
    for (const auto& [place, event] : order) {
      if (event.is_return) {
        returns_[event.operation] = events_.size();
        ++open_;
      }
      events_.push_back(event);
    }
    for (std::size_t i = 0; i < events_.size(); ++i) {
      events_[i].next = (i + 1) % events_.size();
      events_[i].before = (i + events_.size() - 1) % events_.size();
    }
  }

  Verdict run() {
    std::size_t at = events_[0].next;
    while (open_ > 0) {
      // A completed operation returns before the ring does, so `at` is never the head here.
      if (events_[at].is_return) {
        furthest(events_[at].operation);
        if (steps_.empty()) return Verdict::broken;
        at = events_[take_back()].next;
        continue;
      }
      const KeyOperation& operation = *operations_[events_[at].operation];
      if (auto value = after(operation, value_)) {
        Chosen chosen = chosen_;
        chosen.set(events_[at].operation);
        if (tried_.insert({std::move(chosen), *value}).second) {
          if (tried_.size() > states_max_) return Verdict::gave_up;
          choose(at, std::move(*value));
          at = events_[0].next;
          continue;
        }
      }
      at = events_[at].next;
    }
    return Verdict::holds;
  }

  const KeyOperation& unexplained() const { return *operations_[unexplained_]; }

 private:
  struct Event {
    std::size_t operation = 0;
    bool is_return = false;
    std::size_t next = 0, before = 0;
  };
  struct Step {
    std::size_t call;
    Value before;
  };

  void choose(std::size_t call, Value value) {
    const std::size_t operation = events_[call].operation;
    steps_.push_back({call, std::exchange(value_, std::move(value))});
    chosen_.set(operation);
    lift(call);
    if (returns_[operation] == 0) return;
    lift(returns_[operation]);
    --open_;
  }

  /// Undoes the last step, and returns the event of its call.
  std::size_t take_back() {
    Step step = std::move(steps_.back());
    steps_.pop_back();
    const std::size_t operation = events_[step.call].operation;
    value_ = std::move(step.before);
    chosen_.clear(operation);
    if (returns_[operation] != 0) {
      put_back(returns_[operation]);
      ++open_;
    }
    put_back(step.call);
    return step.call;
  }

  void lift(std::size_t at) {
    events_[events_[at].before].next = events_[at].next;
    events_[events_[at].next].before = events_[at].before;
  }
  void put_back(std::size_t at) {
    events_[events_[at].before].next = at;
    events_[events_[at].next].before = at;
  }

  void furthest(std::size_t operation) {
    if (reached_ && steps_.size() <= *reached_) return;
    reached_ = steps_.size();
    unexplained_ = operation;
  }

  std::vector<const KeyOperation*> operations_;
  std::vector<Event> events_;
  std::vector<std::size_t> returns_;  // of each operation: its event, zero for a lost operation
  std::size_t open_ = 0;              // returns in the ring
  std::vector<Step> steps_;
  Chosen chosen_;
  Value value_;
  std::unordered_set<Tried, TriedHash> tried_;  // only searched: its order does not matter
  std::size_t states_max_;
  std::optional<std::size_t> reached_;
  std::size_t unexplained_ = 0;
};

/// Drops lost changes whose value no client has seen. They may never have taken effect, so an order of the others
/// explains everything. The search is faster, because a lost change could be at any position.
std::vector<const KeyOperation*> seen(const std::vector<const KeyOperation*>& operations) {
  std::unordered_set<std::string> values;
  bool absent = false;
  const auto see = [&](const Value& value) {
    if (value) values.insert(*value);
    else absent = true;
  };
  for (const KeyOperation* one : operations) {
    if (one->did == Did::append) return operations;
    if (one->fate != Fate::told) continue;
    if (one->did == Did::read) see(one->value);
    if (one->did == Did::replace && one->met) see(one->expected);
  }
  std::vector<const KeyOperation*> out;
  for (const KeyOperation* one : operations) {
    const bool shows = one->did != Did::erase && one->value ? values.contains(*one->value) : absent;
    if (one->fate == Fate::told || shows) out.push_back(one);
  }
  return out;
}

}  // namespace

Linearized linearizable(const std::vector<KeyOperation>& history, const Value& initial, std::size_t states_max) {
  std::map<std::string, std::vector<const KeyOperation*>> keys;
  for (const KeyOperation& operation : history) {
    // A lost read has no value to compare.
    if (operation.fate == Fate::refused || (operation.fate == Fate::lost && operation.did == Did::read)) continue;
    keys[operation.key].push_back(&operation);
  }
  Linearized worst;
  for (auto& [key, operations] : keys) {
    auto few = seen(operations);
    if (few.size() < operations.size() && Search(std::move(few), initial, states_max).run() == Verdict::holds) continue;
    Search search(std::move(operations), initial, states_max);
    switch (search.run()) {
      case Verdict::holds: break;
      case Verdict::broken: return {Verdict::broken, key, search.unexplained()};
      case Verdict::gave_up:
        if (worst.verdict == Verdict::holds) worst = {Verdict::gave_up, key, std::nullopt};
        break;
    }
  }
  return worst;
}

}  // namespace troupe::sim
