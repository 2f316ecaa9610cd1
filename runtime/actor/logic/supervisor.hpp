#pragma once
// The decision of a parent when a child breaks: restart it and perhaps its siblings, stop it, or break itself.
//
// Source  Erlang/OTP "Supervisor Behaviour": the three strategies and the maximum intensity.
// States  a child runs or waits for its restart; a failure of a waiting child changes nothing.
// Limits  kChildrenMax children; more than `restarts_max` failures within `window` escalate.
// Time    monotonic, given by the caller. Reads no clock and restarts nothing itself.
// Owner   one parent's shell; not thread-safe.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>
#include <variant>
#include <vector>

#include "runtime/base/random.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"

namespace troupe::runtime::logic {

inline constexpr std::size_t kChildrenMax = 1u << 20;  // our choice: ten times the actors of a large node

using ChildId = std::uint32_t;

/// The children that one failure affects.
enum class Strategy : std::uint8_t {
  one_for_one,   ///< only the failed child
  rest_for_one,  ///< the failed child and those added after it, which may depend on it
  all_for_one,   ///< all children
};

/// The reaction to a failure of one child. A sibling that the strategy affects restarts, whatever its own setting is.
enum class OnFailure : std::uint8_t {
  restart,   ///< the parent needs the child as long as the parent lives
  stop,      ///< the child does one piece of work, which has failed with it
  escalate,  ///< the parent cannot continue without the child's state
};

struct RestartPolicy {
  Strategy strategy = Strategy::one_for_one;
  std::size_t restarts_max = 5;  ///< within `window`; zero: the first failure escalates
  base::Duration window = std::chrono::seconds{30};
  base::Duration backoff_min =
      std::chrono::milliseconds{100};  ///< before the first restart, and after a window without failure
  base::Duration backoff_max = std::chrono::seconds{10};  ///< doubling ends here
};

/// Stop all running `children` at once, in reverse order. Start all `children`, in the given order, once `after` has
/// passed.
struct Restart {
  std::vector<ChildId> children;
  base::Duration after;

  friend bool operator==(const Restart&, const Restart&) = default;
};

/// End the child; the supervisor has already forgotten it.
struct Stop {
  ChildId child;

  friend bool operator==(const Stop&, const Stop&) = default;
};

/// Break as if the parent's own handler had thrown. The children are unchanged.
struct Escalate {
  friend bool operator==(const Escalate&, const Escalate&) = default;
};

using Decision = std::variant<Restart, Stop, Escalate>;

enum class SupervisionError : std::uint8_t {
  already_known,  ///< a child with this id exists
  too_many,       ///< there are kChildrenMax children
};

class Supervision {
 public:
  explicit Supervision(RestartPolicy policy);

  /// Adds `id` as the youngest child.
  base::Result<void, SupervisionError> child_added(ChildId id, OnFailure on_failure = OnFailure::restart);

  /// Forgets a child that ended by itself or was stopped. Returns false if it was not known.
  bool child_ended(ChildId id);

  /// Decides about a child whose handler threw. Returns nullopt if the child is unknown, or already waits for a
  /// restart. The delay is half to all of the child's back-off, so that many parents do not restart in step.
  std::optional<Decision> child_failed(ChildId id, base::Instant now, base::Random& random);

  std::size_t children() const { return children_.size(); }
  const RestartPolicy& policy() const { return policy_; }

 private:
  struct Child {
    std::uint64_t order;
    OnFailure on_failure;
    std::optional<base::Instant> back_at;      // when it was restarted after its own last failure
    base::Duration backoff{0};                 // used at that failure
    std::optional<base::Instant> restarts_at;  // it waits until then
  };
  std::vector<ChildId> concerned_by(const Child& failed) const;
  base::Duration next_backoff(const Child& child, base::Instant now) const;

  RestartPolicy policy_;
  std::unordered_map<ChildId, Child> children_;
  std::map<std::uint64_t, ChildId> by_order_;  // the only container that is iterated: oldest first
  std::deque<base::Instant> failures_;         // within the window, at most restarts_max
  std::uint64_t order_ = 0;
};

}  // namespace troupe::runtime::logic
