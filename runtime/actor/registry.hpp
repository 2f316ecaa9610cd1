#pragma once
// All actors of a node by path; can be walked without stopping anyone.
//
// Limits  kActorsMax; a path of at most kPathBytesMax.
// Safety  any thread. A walk holds one shard's lock for kSliceMax entries at a time.
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "runtime/actor/record.hpp"
#include "runtime/ports/handle.hpp"

namespace troupe::runtime {

inline constexpr std::size_t kPathBytesMax = 255;                // fits the one-byte lengths of logs and frames
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
  /// Lists an actor. An older one of the same path loses it. False if there are kActorsMax.
  bool add(Listing listing);
  /// Forgets the actor of that path, if `record` is still its record.
  void remove(std::string_view path, const Record* record);
  /// Null if there is none.
  Handle find(std::string_view path) const;
  std::size_t size() const { return size_.load(std::memory_order_relaxed); }
  /// Shows every actor that is there during the whole walk exactly once, in no order that means anything;
  /// ends early when `show` returns false.
  void walk(const std::function<bool(const Listing&)>& show) const;

 private:
  static constexpr std::size_t kShards = 64;     // our choice: spawning threads seldom meet
  static constexpr std::size_t kSliceMax = 256;  // entries copied under one hold of a lock
  struct Shard {
    mutable std::mutex lock;
    std::map<std::string, Listing, std::less<>> by_path;
  };
  Shard& shard(std::string_view path) { return shards_[std::hash<std::string_view>{}(path) % kShards]; }
  const Shard& shard(std::string_view path) const { return shards_[std::hash<std::string_view>{}(path) % kShards]; }

  std::array<Shard, kShards> shards_;
  std::atomic<std::size_t> size_{0};
};

/// Whether `name` may be one part of a path: 1 to 200 printable ASCII characters without '/', not "." or "..".
bool valid_path_part(std::string_view name);

}  // namespace troupe::runtime
