#pragma once
// A network of tables in memory, without actors: it carries the questions of one lookup at a time in virtual time.
//
// Tables  drawn at once: of each range up to kContactsMax random nodes, as a network that has run for long has them.
// Faults  nodes that died after the tables were drawn; questions or answers that are lost; liars, which know only one
//         another, hold no value and answer as quickly as others.
#include <memory>
#include <set>

#include "actors/dht/logic/table.hpp"
#include "tests/actors/dht/drive.hpp"

namespace troupe::dht::test {

struct Faults {
  std::uint64_t loss_percent = 0;
  std::uint64_t dead_percent = 0;
  std::uint64_t liar_percent = 0;
};

class Network {
 public:
  Network(std::size_t nodes, std::uint64_t seed, Faults faults = {});

  /// An honest, living node.
  std::size_t draw_node();
  Key draw_key();
  base::Random& random() { return random_; }

  /// Runs one search from `node`. Its table, estimates and the size it sees are filled in.
  Run search(std::size_t node, LookupQuestion question);
  Run search(std::size_t node, const Key& target, LookupKind kind, std::size_t nearest);

  /// Stores at the nodes that a search found, as far as they are honest; returns the requests that it took.
  std::size_t put(std::size_t node, const Key& key, std::size_t copies);

  /// The living nodes nearest to `key`, the asking one left out, by looking at all of them.
  std::vector<Contact> truly_nearest(const Key& key, std::size_t count, std::size_t asking) const;

  const Key& id_of(std::size_t node) const { return nodes_[node].contact.id; }

 private:
  struct Node {
    Contact contact;
    bool dead = false;
    bool liar = false;
    std::unique_ptr<Table> table;  // drawn when first needed
    RoundTrip round_trip;
    std::set<Key> values;
  };
  Table& table_of(std::size_t node);
  void draw_table(std::size_t node);
  std::vector<std::size_t> members_of(std::size_t node, std::size_t prefix) const;
  std::size_t index_of(const Key& id) const;
  LookupAnswer answer_of(std::size_t node, std::size_t asking, const LookupQuestion& question);
  std::vector<Contact> nearest_of(const std::vector<Contact>& sorted, const Key& key, std::size_t count) const;
  Reply reply_to(const Ask& ask, base::Instant now, std::size_t asking, const LookupQuestion& question);

  base::Random random_;
  Faults faults_;
  std::vector<Node> nodes_;      // by id
  std::vector<Contact> living_;  // by id
  std::vector<Contact> liars_;   // by id, living
  base::Instant now_{std::chrono::hours{1}};
};

}  // namespace troupe::dht::test
