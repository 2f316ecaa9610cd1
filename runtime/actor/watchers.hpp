#pragma once
// Who watches the end of an actor: the other direction of Actor::watch(), for whoever looks at that actor.
//
// Limits  one entry a watch that is open; the actors that watch bound their number.
// Safety  any thread.
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

namespace troupe::runtime {

/// Actors are named by CAF's numbers.
class Watchers {
 public:
  struct Seen {
    std::vector<std::uint64_t> first;  ///< at most as many as were asked for, in rising order, each once
    std::size_t in_all = 0;
  };

  void add(std::uint64_t watched, std::uint64_t watcher);
  /// Takes one watch of this pair back. There may be several, or none.
  void remove(std::uint64_t watched, std::uint64_t watcher);
  Seen of(std::uint64_t watched, std::size_t most) const;
  /// Actors that are watched.
  std::size_t size() const;

 private:
  mutable std::mutex lock_;
  std::map<std::uint64_t, std::map<std::uint64_t, std::uint32_t>> by_watched_;  // how often each watcher watches it
};

}  // namespace troupe::runtime
