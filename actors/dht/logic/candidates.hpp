#pragma once
// The contacts that a lookup knows, by distance to its target, each with the paths that learned of it.
//
// Source  Baumgart & Mies, "S/Kademlia", 2007: 4.2. There a node belongs to the first path that finds it. Here every
//         path keeps what it learned itself, so that honest paths that meet at the target need not ask farther nodes.
// Limits  each path holds its kPathKnownMax nearest unasked contacts, at most GroupLimits::table_max per address group.
//         So one path's contacts cannot evict another path's.
// Memory  one allocation per candidate, because candidates are large and come in any order.
#include <memory>

#include "actors/dht/logic/lookup_types.hpp"
#include "actors/dht/logic/range.hpp"

namespace troupe::dht {

using PathSet = std::uint32_t;  // bit p: path p

struct Candidate {
  enum class State : std::uint8_t {
    fresh,  ///< not asked yet
    asked,  ///< asked, and an answer may still come in time
    late,   ///< passed over; its answer still counts
    answered,
    failed,
  };

  Contact contact;
  Key distance;
  Group group;
  PathSet known_by = 0;
  State state = State::fresh;
  std::size_t depth = 1;
  std::size_t questions = 0;  ///< sent to it: at most one per address
  std::size_t asked_by = 0;   ///< path; meaningless without requests
  bool needed = false;        ///< must have answered before the search may end
  bool among_nearest = false;
  bool group_full = false;  ///< enough nodes of its address group are nearer: it does not count as nearest
  bool overdue = false;     ///< its time-out has passed without an answer
  std::optional<Key> named_by;
  std::optional<RoundTrip> round_trip;
  base::Instant asked_at;
  base::Instant late_at;
  base::Instant answer_due;
  std::optional<Version> version;
  bool names_providers = false;
  std::vector<base::Contact> alternates;  ///< its addresses according to other paths

  bool live() const { return state == State::fresh || state == State::asked || state == State::answered; }
  /// Returns whether it answered an earlier search, and was not asked by this one.
  bool spared() const { return state == State::answered && questions == 0; }
  bool known_to(std::size_t path) const { return (known_by >> path & 1U) != 0; }
};

class Candidates {
 public:
  Candidates(const Key& target, const GroupLimits& groups) : target_(target), groups_(groups) {}

  /// Notes that `path` learned of `contact` at `depth` from `named_by`. Returns why it was not accepted, or nullopt.
  std::optional<Refusal> hear(const Contact& contact, std::size_t path, std::size_t depth,
                              const std::optional<Key>& named_by);

  /// Returns the candidate, or null if no path knows that node. A candidate that was asked stays.
  Candidate* find(const Key& id) { return at_distance(base::distance(id, target_)); }

  /// Returns all candidates, nearest first; valid until the next hear().
  auto all() { return Each<Candidate>(order_); }
  auto all() const { return Each<const Candidate>(order_); }

 private:
  struct Slot {
    std::uint64_t high;  // high() of its distance: decides nearly every comparison
    std::unique_ptr<Candidate> candidate;
  };
  /// Replaces std::views::transform, which clang 15 (used for the fuzzers) does not support here.
  template <class T>
  class Each {
   public:
    struct Iterator {
      using value_type = Candidate;
      using difference_type = std::ptrdiff_t;
      std::vector<Slot>::const_iterator at;

      T& operator*() const { return *at->candidate; }
      Iterator& operator++() { return ++at, *this; }
      Iterator operator++(int) { return {at++}; }
      friend bool operator==(const Iterator&, const Iterator&) = default;
    };
    explicit Each(const std::vector<Slot>& all) : all_(all) {}

    Iterator begin() const { return {all_.begin()}; }
    Iterator end() const { return {all_.end()}; }
    std::size_t size() const { return all_.size(); }
    bool empty() const { return all_.empty(); }
    T& front() const { return *begin(); }

   private:
    const std::vector<Slot>& all_;
  };

  Candidate* at_distance(const Key& distance);
  std::optional<Refusal> room_for(const Key& distance, const Group& group, std::size_t path);
  std::vector<Slot>::iterator place_of(const Key& distance);

  Key target_;
  GroupLimits groups_;
  std::vector<Slot> order_;
};

}  // namespace troupe::dht
