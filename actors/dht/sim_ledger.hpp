#pragma once
// What clients of a simulation have put and announced, and what was acknowledged of it.
//
// Values  a /cid is said by number and size; a /kv by its owner and a number, each value written once in a world, so
//         that a reader knows which write it is.
// Owner   one world. What was put once stays in memory; callbacks hold on to it.
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
inline constexpr std::int64_t kSimNamesMax = 9;          // of one owner; our choice
inline constexpr std::int64_t kSimSecondsMax = 604'800;  // kLifetimeMax
inline constexpr std::int64_t kSimListenSecondsMax = 3'600;

/// Who has acknowledged something.
struct SimStored {
  std::size_t nodes = 0;         ///< 0: none is known
  std::set<base::NodeId> all{};  ///< who they are, where all that were asked have
};

/// One put.
struct SimWrite {
  base::Bytes value;
  std::uint64_t sequence = 0;  ///< of a /kv; 0 until it is acknowledged
  SimStored stored{};
  base::Duration begun{};
  std::chrono::seconds lasts{0};  ///< 0: as long as nodes keep it
};

/// All that was put under one key.
struct SimSpot {
  std::string name;  ///< "cid-3", "name-2 of n4"
  Space space = Space::cid;
  std::optional<Key> key;  ///< of a /kv known with its first acknowledgement
  std::deque<SimWrite> writes;

  const SimWrite* find(base::ByteView value) const;
  RecordKey place() const { return {space, *key}; }
};

/// All that was announced under one key.
struct SimTopic {
  std::string name;
  Key key;
  base::Digest cid;
  std::map<base::NodeId, SimStored> announced;  ///< who, and where
};

/// The bytes of that content.
base::Bytes sim_value(std::int64_t number, std::int64_t bytes);

class SimLedger {
 public:
  /// Valid as long as this object.
  SimSpot& content(std::int64_t number, std::int64_t bytes);
  SimSpot& named(const base::NodeId& owner, const std::string& owner_name, std::int64_t name);
  SimTopic& topic(std::int64_t number);
  /// A value that no other write has.
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
