#pragma once
// Sandboxes that are made ahead, so that a program starts in one that is ready.
//
// Shape   all of a Spec but the program and what lies below /task. A shape that was asked for twice within kReadyKept
//         has kReadyEach sandboxes ready; once it was not asked for as long, they end.
// Files   a root or bind that is another one by now, or whose entries are others, is no longer that of the shape.
// Where   a program needs inputs below /task, which root alone can show in a sandbox that is made: for other users
//         there is no pool. Shapes with hosts are made when they are asked for.
// Owner   one launcher; not thread-safe.
#include <deque>
#include <memory>
#include <vector>

#include "runtime/sandbox/sandbox.hpp"

namespace troupe::sandbox {

inline constexpr std::size_t kReadyEach = 2;                           // our choice
inline constexpr std::size_t kShapesMax = 4;                           // our choice
inline constexpr base::Duration kReadyKept = std::chrono::seconds{5};  // our choice: what waits is seen in cgroups
// Our choice: none is made while a program begins, which may end soon, or while something happens.
inline constexpr base::Duration kReadyAfter = std::chrono::milliseconds{50};
inline constexpr base::Duration kReadyQuiet = std::chrono::milliseconds{3};

class Pool {
 public:
  explicit Pool(const CgroupPlaces& places) : places_(places) {}

  /// One that has begun to run it; null if none is ready. Remembers what was asked for.
  std::unique_ptr<Sandbox> take(const Spec& spec, Streams& streams, base::Instant now);
  /// When fill() has something to do, if nothing happens until then; max(): never.
  base::Instant due(base::Instant now) const;
  /// Makes one that is lacking, and ends those that are not wanted any more.
  void fill(base::Instant now);
  void clear() { shapes_.clear(); }

 private:
  struct Shape {
    Spec spec;
    base::Instant asked, asked_before;
    std::deque<std::unique_ptr<Sandbox>> ready{};
    std::vector<std::vector<std::uint64_t>> files{};  ///< what its paths are, when the first of `ready` was made
    bool failed = false;                              ///< to be made ahead
    bool lacks() const { return !failed && asked - asked_before < kReadyKept && ready.size() < kReadyEach; }
  };
  Shape& remember(Spec spec, base::Instant now);

  const CgroupPlaces& places_;
  std::deque<Shape> shapes_;  // what was asked for last comes first
};

}  // namespace troupe::sandbox
