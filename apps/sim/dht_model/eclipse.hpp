#pragma once
// The eclipse as a game with a score: what has to be spent to hide a key, with which defences.
//
// Move     attackers know the network. They grind ids nearer to the key than any honest node is, rent addresses for
//          them, and make themselves known to every node. Only then an honest node puts a value at the key, and another
//          one gets it. They acknowledge what they are asked to store, have nothing, and name one another alone.
// Score    the least budget with which the value is not found in one half of the rounds: of ids, each with an address
//          group of its own; of address groups (a /24 each), with kIdsToSpare times as many ids; and of hashes, which
//          is ids times the work of one id times how rare one is that lies near enough.
// Network  tables as those of a network that has run for long: of each range up to k nodes, drawn at once, and honest
//          nodes each in a group of its own. Whatever is decided is decided by Bucket, Table and Lookup.
#include <map>
#include <memory>
#include <optional>

#include "actors/dht/logic/lookup.hpp"
#include "actors/dht/logic/table.hpp"
#include "apps/sim/dht_model/ratio.hpp"

namespace troupe::dht::model {

inline constexpr std::size_t kIdsToSpare = 4;     // our choice: ids are cheap beside addresses
inline constexpr std::size_t kIdsTriedMax = 512;  // our choice: beyond it the score is "more than that"

struct Defences {
  bool groups = true;  ///< limits of an address group in bucket, table and search
  bool paths = true;   ///< disjoint paths, and a new one where too few nodes lie around the key
  bool region = true;  ///< a value is stored to the whole estimated radius, and sought there
  friend auto operator<=>(const Defences&, const Defences&) = default;
};

struct Budget {
  std::size_t ids = 0;
  std::size_t groups = 0;  ///< at least 1
};

struct Score {
  Defences defences;
  std::optional<std::size_t> ids;     ///< nothing: kIdsTriedMax hide the key in less than half of the rounds
  std::optional<std::size_t> groups;  ///< likewise
  double tries_each = 0;              ///< ids without work that are drawn until one lies near enough; a median
};

/// One table under a flood of ids anywhere in the space, that answer and ask as honest nodes do.
struct Flood {
  bool limited = true;  ///< the address groups
  bool settled = true;  ///< the honest nodes were there first
  Budget budget;
  std::size_t contacts = 0;  ///< of the table afterwards
  std::size_t false_ones = 0;
};

class Eclipse {
 public:
  Eclipse(std::size_t honest, std::size_t rounds, std::uint64_t seed);

  Score score(const Defences& defences);
  /// In how many of the rounds the key is hidden.
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
