#pragma once
// Who may begin before the first one in the line of attempts that wait, if that does not fit yet.
//
// Source  Lifka, "The ANL/IBM SP scheduling system", 1995 (EASY backfilling).
// Head    the first one of other nodes that does not fit. It fits once enough of those that run have ended, each at its
//         limit of time at the latest: that moment is promised to it.
// Passes  one that fits now, and ends before that moment, or fits beside the head too. So the head waits no longer than
//         if none had passed it.
// Overdue one that runs for longer than its limits allow, because its inputs keep coming, promises nothing. If what is
//         left does not make room for the head, nothing is promised, and all that fit pass.
#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/base/time.hpp"

namespace troupe::task {

/// What attempts take of a node.
struct Used {
  std::uint32_t slots = 0;        ///< thousandths of cores
  std::uint32_t descriptors = 0;  ///< of the node's process, until the attempt has been read
  std::uint32_t pids = 0;         ///< processes and threads
  std::uint64_t memory = 0;       ///< bytes
  Used& operator+=(const Used& more);
  Used& operator-=(const Used& less);
  /// Whether that much more is no more than `most`.
  bool fits(const Used& more, const Used& most) const;
  friend bool operator==(const Used&, const Used&) = default;
};

class Line {
 public:
  struct Running {
    base::Instant ends;  ///< at the latest
    Used used;
  };
  /// `used` by all that run, of which no more than `most` may be used together.
  Line(const Used& used, const Used& most, const Used& head, std::vector<Running> running, base::Instant now);

  /// Whether one that fits now may begin before the head does.
  bool lets_pass(const Running& one) const;
  /// It has begun.
  void passed(const Running& one);

 private:
  bool ends_before_head(const Running& one) const { return !promised_ || one.ends <= *promised_; }

  const Used most_;
  Used used_;  ///< at the promised moment, by the head too
  std::optional<base::Instant> promised_;
};

}  // namespace troupe::task
