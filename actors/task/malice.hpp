#pragma once
// Submitters whose programs tried what no task may: this node takes no tasks of theirs for a while.
//
// Rows    the id of a node; Unix ms (8, little-endian) of the last time, and the name of the call; before it a '+' if
//         it was tried at other nodes alone (logic/warning.hpp).
// Told    what was tried here: to the reputation, as `malicious_behavior` of the submitter in this node's own book.
// Limits  kMaliciousMax submitters: the one that was seen first makes room. An id costs work (identity.work_bits).
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
  /// A program of that submitter has tried it then.
  void note(const base::NodeId& submitter, std::string call, Where where, std::uint64_t unix_ms);
  /// Why a task of that submitter is not taken.
  std::optional<base::Error> refusal(const base::NodeId& submitter, base::WallTime at) const;
  /// Whether it was tried at this node, and not at others alone.
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
