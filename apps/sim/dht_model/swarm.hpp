#pragma once
// A network of nodes without actors, in virtual time: a thousand of them live through a day in minutes.
//
// Same      the production logic makes all decisions: Table, Bucket, Lookup, RoundTrips, Held, Republish, records and
//           their validators. Bootstrap, refresh, what the table learns from a search, and what is stored where are
//           copied line by line from the actors (dht_actor.cpp, lookup_actor_store.cpp).
// Left out  mailboxes, seals, tokens, links and disks. A request and its response are a datagram each, which is sent
//           once and may be lost; a value that was found is not cached.
// Sessions  a node that stops keeps its id, and its stored and published records, as on a disk, and forgets the rest.
//           When it starts again, it learns kSeeds live nodes. A node that retires keeps nothing.
// Owner     one thread. Callbacks come from the agenda; the callbacks of a stopped node never come.
//
// swarm.cpp sessions and messages; swarm_routing.cpp tables; swarm_search.cpp searches, puts, gets and republishing
#include <map>
#include <memory>
#include <set>

#include "actors/dht/logic/held.hpp"
#include "actors/dht/logic/lookup.hpp"
#include "actors/dht/logic/republish.hpp"
#include "actors/dht/logic/table.hpp"
#include "apps/sim/dht_model/agenda.hpp"

namespace troupe::dht::model {

inline constexpr std::size_t kSeeds = 3;          // our choice: as many as a cautious operator configures
inline constexpr std::size_t kSweptKeysMax = 64;  // as kRegionItemsMax: of one search of a sweep

/// How a node behaves towards other nodes. Nodes of all kinds send requests like honest nodes, so tables list them.
enum class Conduct : std::uint8_t {
  honest,
  silent,    ///< responds to no request
  poisoner,  ///< returns the malicious nodes of its kind that are nearest to the target, and stores nothing
  forger,    ///< returns nodes that do not exist, and records that do not belong there
  hoarder,   ///< returns the same nodes as an honest node, acknowledges stores, but stores nothing
};
inline constexpr std::size_t kConducts = 5;

struct SwarmSettings {
  std::size_t copies = kContactsMax;
  std::uint64_t loss_percent = 1;  ///< of datagrams
  base::Duration republish = std::chrono::hours(22);
  std::uint64_t seed = 1;
};

using Member = std::size_t;  // a node, numbered in the order of add()

class Swarm {
 public:
  explicit Swarm(const SwarmSettings& settings);
  ~Swarm();

  Member add(Conduct conduct);
  void start(Member who);
  void stop(Member who);
  /// Removes a node for good; it must be down.
  void retire(Member who);

  struct Put {
    Key key;
    bool acknowledged = false;
    std::size_t asked = 0;  ///< nodes that were asked to store the value, including the node that puts it
  };
  /// Stores bytes by their hash, and publishes them again regularly if that succeeds.
  void put(Member who, base::Bytes value, std::function<void(const Put&)> then);

  struct Got {
    bool found = false;
    std::size_t asked = 0;
    std::size_t hops = 0;
    base::Duration took{0};
  };
  void get(Member who, const Key& key, std::function<void(const Got&)> then);

  bool up(Member who) const { return members_[who]->up; }
  /// Whether the node's bootstrap has ended.
  bool ready(Member who) const { return members_[who]->ready; }
  Conduct conduct(Member who) const { return members_[who]->conduct; }
  bool holds(Member who, const Key& key) const;
  std::size_t size() const { return members_.size(); }
  const std::vector<Member>& those_up() const { return up_; }
  const Table& table(Member who) const { return members_[who]->routing->table; }

  /// Calls `touched` when a node searches for a key, is asked for it or is asked to store it.
  void watch(std::function<void(Member who, const Key& key)> touched) { touched_ = std::move(touched); }
  /// Returns the number of requests sent.
  std::uint64_t requests() const { return requests_; }
  Agenda& agenda() { return agenda_; }
  base::Random& random() { return random_; }

 private:
  /// The state that is lost at the end of a session.
  struct Routing {
    explicit Routing(const Key& own) : table(own) {}
    Table table;
    std::map<Range, Bucket> buckets;
    std::map<Range, base::Instant> wakes;  // time of each bucket's next check
    RoundTrips round_trips;
    bool refreshing = false;
    std::uint64_t refresh_turn = 0;
  };
  struct Node {
    Contact contact;
    Conduct conduct = Conduct::honest;
    base::Duration way{0};  // time from the node to the middle of the network
    bool up = false;
    bool ready = false;
    std::uint32_t session = 0;
    std::unique_ptr<Routing> routing;
    std::unique_ptr<Held> held;
    std::unique_ptr<Republish> republish;
    std::map<Item, base::Bytes> published;
    std::set<Item> republishing;  // items of the current region that are not yet known to be stored
    std::uint64_t republish_turn = 0;
  };
  struct Said {
    std::vector<Contact> contacts;
    base::Bytes record;
    bool stored = false;
  };
  using Serve = std::function<std::optional<Said>(Node&)>;
  using Then = std::function<void(const Said*)>;  // null: no response arrived in time
  struct Exchange;
  using Ended = std::function<void(const LookupOutcome&)>;
  struct Search {
    std::uint64_t number;
    Member who;
    Lookup lookup;
    Ended ended;
    base::Instant ticks_at = base::Instant::max();  // the earliest tick on the agenda
    struct Heard {
      Contact peer;
      base::Duration took;  ///< zero: the peer did not respond
    };
    std::vector<Heard> heard{};
  };
  struct Storing;
  struct Sweep;

  // swarm.cpp
  void exchange(Member from, const Contact& peer, base::Instant due, Serve serve, Then then);
  void arrive(const std::shared_ptr<Exchange>& exchange, Member at);
  void fall_silent(const std::shared_ptr<Exchange>& exchange);
  bool lost() { return random_.chance(settings_.loss_percent, 100); }
  std::optional<Said> find_at(Node& there, const Key& asker, const Key& target, const std::optional<RecordKey>& place);
  bool store_at(Node& there, const Offer& offer);
  std::vector<Contact> fellows(const Node& of, const Key& target) const;
  std::vector<Contact> invented(const Key& target);
  void touch(Member who, const Key& key) {
    if (touched_) touched_(who, key);
  }
  Member member(const Node& node) const { return by_id_.at(node.contact.id); }
  /// Runs `what` at `when`, unless the node's session has ended by then.
  void later(Member who, base::Instant when, std::function<void(Node&)> what);
  base::WallTime wall() const;

  // swarm_routing.cpp
  void hear(Node& node, const Contact& who, Evidence evidence);
  void miss(Node& node, const Contact& peer);
  void ping(Node& node, const std::vector<Ping>& pings);
  void changed(Node& node, Range range, const Key& settled);
  void wake(Node& node, Range range);
  void recover(Node& node);
  void refresh(Node& node);
  void refresh_in(Node& node, base::Duration span);
  std::vector<Contact> seeds_of(const Node& node);

  // swarm_search.cpp
  struct Sought {
    LookupKind kind;
    Key target;
    std::size_t region_nodes = 0;  // as LookupQuestion has it
    std::vector<Contact> also{};   // first contacts, in addition to the table's contacts
  };
  void search(Node& node, const Sought& sought, Ended ended);
  std::optional<NetworkSize> network_of(const Node& node) const;
  void act(std::uint64_t number, const Decisions& decisions);
  void ask(Search& search, const Ask& question);
  void learn(Node& node, const Search& search);
  void doubt(Node& node, const Contact& who);
  void store(Node& node, const std::vector<Contact>& nearest, const std::shared_ptr<Storing>& storing);
  void publish(Node& node, const Key& key, const base::Bytes& record);
  void sweep_when_due(Node& node, base::Duration at_least);
  void sweep(Node& node);
  bool near_enough(const Node& node, const Key& key, const std::vector<Contact>& nearest) const;

  const SwarmSettings settings_;
  base::Random random_;
  Agenda agenda_;
  std::vector<std::unique_ptr<Node>> members_;
  std::map<Key, Member> by_id_;
  std::vector<Member> up_;  // in the order in which they started
  std::vector<Member> hostile_;
  std::map<std::uint64_t, std::unique_ptr<Search>> searches_;
  std::uint64_t last_search_ = 0;
  std::uint64_t requests_ = 0;
  std::function<void(Member, const Key&)> touched_;
};

}  // namespace troupe::dht::model
