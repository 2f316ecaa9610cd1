#pragma once
// Submitters whose programs made forbidden system calls. This node refuses their tasks for a while.
//
// Rows    key: the submitter's node id. Value: Unix ms (8, little-endian) of the last such call || '+' if it happened
//         only at other nodes (logic/warning.hpp) || the call's name.
// Report  each case at this node is reported to its reputation records, as `malicious_behavior` of the submitter.
// Limits  kMaliciousMax submitters; when full, the oldest is evicted. An id costs work (identity.work_bits).
// Owner   the worker.
#include <map>
#include <optional>
#include <string>

#include "actors/task/logic/order.hpp"
#include "actors/task/settings.hpp"
#include "runtime/store/rows.hpp"

namespace troupe::task {

class Malice final {
 public:
  static constexpr std::size_t kMaliciousMax = 10'000;  // our choice

  Malice(runtime::Actor& owner, const TaskSettings& settings);

  /// Call it in the owner's receive().
  template <class Timer>
  void receive(runtime::Handlers& on) {
    rows_.receive<Timer>(on);
  }
  void start();
  void stop() { rows_.stop(); }

  enum class Where : std::uint8_t { here, elsewhere };
  /// Records that a program of that submitter made that call at `unix_ms`.
  void note(const base::NodeId& submitter, std::string call, Where where, std::uint64_t unix_ms);
  /// Returns why tasks of that submitter are refused, or nullopt if they are not.
  std::optional<base::Error> refusal(const base::NodeId& submitter, base::WallTime at) const;
  /// Returns whether a program of that submitter made such a call at this node, not only at other nodes.
  bool tried_here(const base::NodeId& submitter) const;

 private:
  struct Seen {
    std::uint64_t unix_ms = 0;
    std::string call;
    Where where{};
  };
  store::Use take(base::ByteView key, base::ByteView value);
  void make_room();

  const base::Duration refused_for_;
  store::Rows rows_;
  std::map<base::NodeId, Seen> seen_;
};

}  // namespace troupe::task
