#pragma once
// The watchers of an actor's end: the inverse of Actor::watch(), for the inspector.
//
// Limits  one entry per open watch; each watching actor limits its watches.
// Safety  any thread.
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

namespace troupe::runtime {

/// Actors are identified by CAF's numbers.
class Watchers {
 public:
  struct Seen {
    std::vector<std::uint64_t> first;  ///< watchers in rising order, each once, at most the requested number
    std::size_t in_all = 0;
  };

  void add(std::uint64_t watched, std::uint64_t watcher);
  /// Removes one watch of this pair, which may have several watches or none.
  void remove(std::uint64_t watched, std::uint64_t watcher);
  Seen of(std::uint64_t watched, std::size_t most) const;
  /// Returns the number of watched actors.
  std::size_t size() const;

 private:
  mutable std::mutex lock_;
  std::map<std::uint64_t, std::map<std::uint64_t, std::uint32_t>> by_watched_;  // how often each watcher watches it
};

}  // namespace troupe::runtime
