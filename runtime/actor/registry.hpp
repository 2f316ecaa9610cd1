#pragma once
// All actors of a node by path; a walk over them does not stop any actor.
//
// Limits  kActorsMax; a path of at most kPathBytesMax.
// Safety  any thread. A walk holds one shard's lock for kSliceMax entries at a time.
#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/actor/record.hpp"
#include "runtime/ports/handle.hpp"

namespace troupe::runtime {

inline constexpr std::size_t kPathBytesMax = 255;                // fits the one-byte length fields of logs and frames
inline constexpr std::size_t kActorsMax = std::size_t{1} << 22;  // our choice: 4 M actors are 4 GiB

/// One actor as the registry knows it.
struct Listing {
  std::string path;
  const char* kind = "";
  std::shared_ptr<const Record> record;
  Handle handle;
};

class Registry {
 public:
  /// Lists an actor. An older actor with the same path loses its entry. Returns false if there are kActorsMax.
  bool add(Listing listing);
  /// Removes the actor at `path`, if `record` is still its record.
  void remove(std::string_view path, const Record* record);
  /// Returns the actor at `path`, or null.
  Handle find(std::string_view path) const;
  /// Returns the entry of the actor at `path`, or nullopt.
  std::optional<Listing> listing(std::string_view path) const;
  std::size_t size() const { return size_.load(std::memory_order_relaxed); }
  /// Shows every actor that exists during the whole walk exactly once, in no particular order; ends early when `show`
  /// returns false.
  void walk(const std::function<bool(const Listing&)>& show) const;

  /// The position of a walk in steps. A new cursor is at the beginning.
  class Cursor {
   public:
    bool at_end() const { return shard_ == kShards; }

   private:
    friend class Registry;
    std::size_t shard_ = 0;
    std::size_t next_ = 0;
  };
  /// Does the next step of a walk: shows at most kSliceMax actors, under a shard's lock and without copying them. So
  /// `show` must be quick and must not call the registry. Actors that start or end between steps may be shown or not.
  template <class Show>
  void walk_on(Cursor& place, Show&& show) const {
    if (place.at_end()) return;
    const Shard& home = shards_[place.shard_];
    const std::lock_guard hold(home.lock);
    const std::size_t end = std::min(place.next_ + kSliceMax, home.slots.size());
    for (std::size_t at = place.next_; at < end; ++at) {
      // Actors are scattered in memory: the next ones are fetched while this actor is shown.
      if (at + kAhead < end) home.slots[at + kAhead].fetch();
      if (home.slots[at].listing != nullptr) show(*home.slots[at].listing);
    }
    place.next_ = end;
    if (end < home.slots.size()) return;
    ++place.shard_;
    place.next_ = 0;
  }

 private:
  static constexpr std::size_t kShards = 16;     // our choice: spawning threads seldom wait, and a walk is short
  static constexpr std::size_t kSliceMax = 256;  // entries shown while a lock is held once
  static constexpr std::size_t kAhead = 8;       // our choice: actors fetched ahead of the one shown
  /// The entry of one actor. Slots of ended actors are reused, so that other actors do not move during a walk.
  struct Slot {
    const Listing* listing = nullptr;
    const Record* record = nullptr;
    void fetch() const {
      __builtin_prefetch(listing);
      __builtin_prefetch(record);
      __builtin_prefetch(reinterpret_cast<const char*>(record) + 96);  // the part that the actor writes
    }
  };
  struct Entry {
    Listing listing;
    std::uint32_t slot = 0;
  };
  struct Shard {
    mutable std::mutex lock;
    std::map<std::string, Entry, std::less<>> by_path;
    std::vector<Slot> slots;
    std::vector<std::uint32_t> free;
  };
  Shard& shard(std::string_view path) { return shards_[std::hash<std::string_view>{}(path) % kShards]; }
  const Shard& shard(std::string_view path) const { return shards_[std::hash<std::string_view>{}(path) % kShards]; }

  std::array<Shard, kShards> shards_;
  std::atomic<std::size_t> size_{0};
};

/// Whether `name` can be one part of a path: 1 to 200 printable ASCII characters without '/', not "." or "..".
bool valid_path_part(std::string_view name);

}  // namespace troupe::runtime
