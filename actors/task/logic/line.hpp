#pragma once
// Decides which waiting attempts may begin before the head of the queue while the head does not fit.
//
// Source  Lifka, "The ANL/IBM SP scheduling system", 1995 (EASY backfilling).
// Head    the first of other nodes' attempts that does not fit. It fits once enough running attempts have ended, each
//         at its time limit at the latest. That time is promised to it.
// Passes  an attempt that fits now, and ends before the promised time or fits next to the head. So passing attempts
//         never delay the head.
// Overdue an attempt that runs beyond its limits because its inputs are still being fetched promises nothing. If the
//         head does not fit after all other attempts have ended, no time is promised, and every attempt that fits
//         passes.
#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/base/time.hpp"

namespace troupe::task {

/// Resources of a node that attempts use.
struct Used {
  std::uint32_t slots = 0;        ///< thousandths of cores
  std::uint32_t descriptors = 0;  ///< of the node's process, until all output of the attempt is read
  std::uint32_t pids = 0;         ///< processes and threads
  std::uint64_t memory = 0;       ///< bytes
  Used& operator+=(const Used& more);
  Used& operator-=(const Used& less);
  /// Returns whether this and `more` together are within `most`.
  bool fits(const Used& more, const Used& most) const;
  friend bool operator==(const Used&, const Used&) = default;
};

class Line {
 public:
  struct Running {
    base::Instant ends;  ///< its latest end
    Used used;
  };
  /// `used`: by all running attempts; `most`: what they may use together.
  Line(const Used& used, const Used& most, const Used& head, std::vector<Running> running, base::Instant now);

  /// Returns whether an attempt that fits now may begin before the head.
  bool lets_pass(const Running& one) const;
  /// Records that an attempt has begun before the head.
  void passed(const Running& one);

 private:
  bool ends_before_head(const Running& one) const { return !promised_ || one.ends <= *promised_; }

  const Used most_;
  Used used_;  ///< used at the promised time, including the head
  std::optional<base::Instant> promised_;
};

}  // namespace troupe::task
