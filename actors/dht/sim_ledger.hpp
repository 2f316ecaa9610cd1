#pragma once
// What a simulation's clients have put and announced, and which of it was acknowledged.
//
// Values  a /cid is named by number and size, a /kv by its owner and a number. Each value is written once per run, so
//         that a reader knows its write.
// Owner   one run. Writes stay in memory, because callbacks refer to them.
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "actors/dht/logic/record.hpp"
#include "runtime/base/time.hpp"

namespace troupe::dht {

inline constexpr std::int64_t kSimContentsMax = 999;  // our choice
inline constexpr std::int64_t kSimBytesMax = kValueBytesMax;
inline constexpr std::int64_t kSimNamesMax = 9;          // per owner; our choice
inline constexpr std::int64_t kSimSecondsMax = 604'800;  // kLifetimeMax
inline constexpr std::int64_t kSimListenSecondsMax = 3'600;

/// The nodes that have acknowledged a write or an announcement.
struct SimStored {
  std::size_t nodes = 0;         ///< 0: none is known
  std::set<base::NodeId> all{};  ///< their ids, if all nodes asked have acknowledged
};

/// One put.
struct SimWrite {
  base::Bytes value;
  std::uint64_t sequence = 0;  ///< for a /kv; 0 until it is acknowledged
  SimStored stored{};
  base::Duration begun{};
  std::chrono::seconds lasts{0};  ///< 0: as long as nodes keep it
};

/// All writes under one key.
struct SimSpot {
  std::string name;  ///< "cid-3", "name-2 of n4"
  Space space = Space::cid;
  std::optional<Key> key;  ///< for a /kv, known with its first acknowledgement
  std::deque<SimWrite> writes;

  const SimWrite* find(base::ByteView value) const;
  RecordKey place() const { return {space, *key}; }
};

/// All announcements under one key.
struct SimTopic {
  std::string name;
  Key key;
  base::Digest cid;
  std::map<base::NodeId, SimStored> announced;  ///< providers, and the nodes that acknowledged them
};

/// Returns the bytes of that object.
base::Bytes sim_value(std::int64_t number, std::int64_t bytes);

class SimLedger {
 public:
  /// Return references that are valid as long as this object.
  SimSpot& content(std::int64_t number, std::int64_t bytes);
  SimSpot& named(const base::NodeId& owner, const std::string& owner_name, std::int64_t name);
  SimTopic& topic(std::int64_t number);
  /// Returns a value that no other write has.
  base::Bytes fresh_value(const SimSpot& spot, std::int64_t bytes);

  const std::deque<SimSpot>& spots() const { return spots_; }
  const std::map<std::int64_t, SimTopic>& topics() const { return topics_; }

 private:
  std::deque<SimSpot> spots_;
  std::map<std::pair<std::int64_t, std::int64_t>, SimSpot*> contents_;
  std::map<std::pair<base::NodeId, std::int64_t>, SimSpot*> named_;
  std::map<std::int64_t, SimTopic> topics_;
  std::uint64_t written_ = 0;
};

}  // namespace troupe::dht
