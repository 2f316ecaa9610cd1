#pragma once
// The eclipse attack as a game with a score: the cost of hiding a key, for each defence.
//
// Move     attackers know the network. They grind ids that are nearer to the key than any honest node's id, rent
//          addresses for them, and announce themselves to every node. Only then an honest node puts a value at the key,
//          and another honest node gets it. Attackers acknowledge stores, keep nothing, and return only each other.
// Score    the smallest budget that hides the value in half of the rounds. It is counted in ids, each with its own
//          address group, and in address groups (a /24 each), with kIdsToSpare times as many ids. It is also counted
//          in hashes: ids times the work per id times the tries until an id is near enough.
// Network  tables as after a long time: up to k nodes of each range, chosen at random. Each honest node is in its own
//          address group. Bucket, Table and Lookup make all decisions.
#include <map>
#include <memory>
#include <optional>

#include "actors/dht/logic/lookup.hpp"
#include "actors/dht/logic/table.hpp"
#include "apps/sim/dht_model/ratio.hpp"

namespace troupe::dht::model {

inline constexpr std::size_t kIdsToSpare = 4;     // our choice: ids are cheap compared with addresses
inline constexpr std::size_t kIdsTriedMax = 512;  // our choice: the score does not go above it

struct Defences {
  bool groups = true;  ///< limits of an address group in bucket, table and search
  bool paths = true;   ///< disjoint paths, and a new path if too few nodes are found around the key
  bool region = true;  ///< a value is stored within the whole estimated radius, and searched there
  friend auto operator<=>(const Defences&, const Defences&) = default;
};

struct Budget {
  std::size_t ids = 0;
  std::size_t groups = 0;  ///< at least 1
};

struct Score {
  Defences defences;
  std::optional<std::size_t> ids;     ///< nullopt: kIdsTriedMax hide the key in less than half of the rounds
  std::optional<std::size_t> groups;  ///< nullopt for the same reason
  double tries_each = 0;              ///< median number of ids, without proof of work, until an id is near enough
};

/// One table under a flood of ids anywhere in the id space, whose nodes behave like honest nodes.
struct Flood {
  bool limited = true;  ///< with limits of address groups
  bool settled = true;  ///< the honest nodes came first
  Budget budget;
  std::size_t contacts = 0;  ///< contacts in the table afterwards
  std::size_t false_ones = 0;
};

class Eclipse {
 public:
  Eclipse(std::size_t honest, std::size_t rounds, std::uint64_t seed);

  Score score(const Defences& defences);
  /// Returns in how many of the rounds the key is hidden.
  Ratio hide(const Defences& defences, const Budget& budget);
  Flood flood(bool limited, bool settled, const Budget& budget);

 private:
  struct Node {
    Contact contact;
    std::array<std::map<Range, Bucket>, 2> buckets{};  // without and with limits; drawn when first needed
  };
  struct Round;

  const std::map<Range, Bucket>& buckets_of(Node& node, bool limited);
  std::size_t index_of(const Key& id) const;
  std::unique_ptr<Table> table_of(Round& round, std::size_t node);
  LookupAnswer answer(Round& round, std::size_t node, const LookupQuestion& question);
  LookupOutcome search(Round& round, std::size_t from, LookupKind kind);
  bool hidden(const Defences& defences, const Budget& budget, std::uint64_t round);

  const std::size_t rounds_;
  const std::uint64_t seed_;
  std::vector<Node> nodes_;  // honest, by id
};

}  // namespace troupe::dht::model
