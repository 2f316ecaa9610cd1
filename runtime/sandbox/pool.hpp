#pragma once
// Sandboxes made ahead, so that a program starts without waiting for its sandbox.
//
// Shape   A shape is a Spec without the program and the contents of /task. A shape that is requested twice within
//         kReadyKept gets kReadyEach ready sandboxes, which end once it was not requested for kReadyKept.
// Files   If a root or bind was replaced, or its entries have changed, its ready sandboxes no longer match.
// Where   Only for root: a program needs inputs below /task, which only root can add to an existing sandbox. A sandbox
//         with hosts is always made on request.
// Owner   One launcher; not thread-safe.
#include <deque>
#include <memory>
#include <vector>

#include "runtime/sandbox/sandbox.hpp"

namespace troupe::sandbox {

inline constexpr std::size_t kReadyEach = 2;  // our choice
inline constexpr std::size_t kShapesMax = 4;  // our choice
inline constexpr base::Duration kReadyKept =
    std::chrono::seconds{5};  // our choice: waiting sandboxes are visible in cgroups
// Our choice: no sandbox is made while a program begins, because it may end soon, or while there is other work.
inline constexpr base::Duration kReadyAfter = std::chrono::milliseconds{50};
inline constexpr base::Duration kReadyQuiet = std::chrono::milliseconds{3};

class Pool {
 public:
  explicit Pool(const CgroupPlaces& places) : places_(places) {}

  /// Returns a sandbox that has begun to run the program, or null if none is ready. Remembers the shape.
  std::unique_ptr<Sandbox> take(const Spec& spec, Streams& streams, base::Instant now);
  /// Returns when fill() has work if nothing else happens before; max() if never.
  base::Instant due(base::Instant now) const;
  /// Makes one missing sandbox, and ends unwanted sandboxes.
  void fill(base::Instant now);
  void clear() { shapes_.clear(); }

 private:
  struct Shape {
    Spec spec;
    base::Instant asked, asked_before;
    std::deque<std::unique_ptr<Sandbox>> ready{};
    std::vector<std::vector<std::uint64_t>> files{};  ///< the identity of its paths when the first of `ready` was made
    bool failed = false;                              ///< a sandbox of this shape could not be made ahead
    bool lacks() const { return !failed && asked - asked_before < kReadyKept && ready.size() < kReadyEach; }
  };
  Shape& remember(Spec spec, base::Instant now);

  const CgroupPlaces& places_;
  std::deque<Shape> shapes_;  // most recently requested first
};

}  // namespace troupe::sandbox
