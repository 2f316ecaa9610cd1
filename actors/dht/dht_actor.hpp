#pragma once
// The head of the DHT: answers other nodes from its view of the buckets and from the stored rows, and starts searches.
//
// Files   dht_actor.cpp: dispatch; dht_actor_routing.cpp: the table and its upkeep; dht_actor_held.cpp: reads and
//         writes of stored rows; dht_actor_search.cpp: searches, read repair and copies.
// Parts   parts.hpp: operators' requests, and notices to listeners.
// Loading requests are answered while rows are read back. Nothing is stored until all are read, because a row on disk
//         may be newer.
// Limits  kSearchesMax searches, kRepairsMax repairs, kBatchesMax batches, kReadsMax reads for other nodes, and the
//         limits in settings.hpp.
// Address a node that listens at all its addresses is a client until its peers agree on the address they see
//         (`/peers`).
// Trust   a node proves its id by a seal or a link, and is listed once it has answered us. To store, it needs our
//         token.
#include <array>
#include <functional>
#include <set>

#include "actors/dht/logic/estimate.hpp"
#include "actors/dht/logic/query_cache.hpp"
#include "actors/dht/lookup_actor.hpp"
#include "actors/dht/parts.hpp"
#include "messages/links.capnp.h"
#include "runtime/actor/actor.hpp"
#include "runtime/actor/budget_alarm.hpp"
#include "runtime/base/share_budget.hpp"

namespace troupe::dht {

inline constexpr std::size_t kHealthyMin = 3;            // issue 5, part 4: with fewer contacts, the seeds are asked
                                                         // again
inline constexpr std::chrono::seconds kGoneAfter{30};    // our choice: a restart takes less; a get waits no longer
inline constexpr std::chrono::seconds kEarlyMax{10};     // issue 17: how long a search waits for the first contact
inline constexpr std::chrono::seconds kRecoverAgain{1};  // our choice: links come up in bursts
inline constexpr std::size_t kReadsMax = 256;        // row reads for other nodes; our choice: 16 MiB of store answers
inline constexpr std::chrono::seconds kReadNext{5};  // our choice: delay before a store that could not read is asked
                                                     // again
inline constexpr std::chrono::milliseconds kReadAgain{100};  // our choice: time in which the store reads kReadsMax rows

class DhtActor final : public runtime::Actor, public Head {
 public:
  static constexpr const char* kName = "dht";
  explicit DhtActor(DhtSettings settings);

  void receive(runtime::Handlers& on) override;
  void start() override;
  void check() const override;
  void down(const runtime::Handle& whom, const std::optional<base::Error>& why) override;

  // For simulations.
  const Table& table() const { return table_; }
  const Held& held() const { return *held_; }
  /// Returns the nodes that this node bans, as `/links` last reported; some bans may be over.
  const std::map<base::NodeId, base::Instant>& banned() const { return banned_; }

 private:
  struct Recover {};
  struct Refresh {};
  struct Expire {};
  struct EarlyOver {};
  struct ReadNext {};
  struct RecordsAgain {};
  struct ProvidersAgain {};
  template <class A>
  using Reply = runtime::Reply<A>;

  // Routing (dht_actor_routing.cpp).
  void heard(const Contact& who, Evidence evidence);
  void missed(const Contact& whom);
  /// Removes a contact from its bucket at once.
  void forget(const Key& id);
  void note_failing();
  void shun(net::wire::Shun::Reader request);
  /// Reports to `/peers` what the sender of the current request has done.
  void accuse(net::wire::Violation how, std::string_view what);
  void malformed(runtime::AnyReply& reply, const char* why);
  void holds(wire::BucketHolds::Reader bucket);
  void note_asker(wire::Asker::Reader asker);
  std::vector<Contact> closest_but(const Key& key, std::size_t count, const std::optional<base::NodeId>& asker) const;
  /// Returns the token for the sender of the current request, or nullopt for an actor of this node.
  std::optional<Token> token_of_caller() const;
  bool shows_token(capnp::Data::Reader token) const;
  bool may_store(capnp::Data::Reader token);
  /// Charges `count` to a budget for the sender of the current request. Returns false if the request was refused; the
  /// refusal says when to retry.
  bool affords(Resource resource, std::uint32_t count = 1);
  void recover();
  void recover_in(base::Duration delay);
  void recover_soon();
  void refresh();
  void touched(runtime::Answer<wire::SearchResult>& ourselves);
  void find_known(base::Callback<void(std::vector<Contact>, bool untried)> found);
  void find_ourselves();
  void located(const base::Endpoint& at);
  unsigned region_bits() const override;
  void answer(wire::FindNode::Reader question, Reply<wire::Nodes> reply);

  // Stored records and announcements (dht_actor_held.cpp).
  store::Rows& rows(std::string_view keyspace) { return keyspace == kRecordRows ? record_rows_ : provider_rows_; }
  void load(std::string_view keyspace);
  void read_turned_away();
  std::optional<base::Error> not_indexed(std::string_view keyspace) const;
  store::Use take_row(std::string_view keyspace, base::ByteView key, base::ByteView value);
  void answer(wire::FindValue::Reader question, Reply<wire::FoundValue> reply);
  void found_value(Reply<wire::FoundValue> reply, const RecordKey& place, std::size_t contacts_max,
                   base::ByteView record, base::WallTime ends, const runtime::Caller& asker);
  void answer(wire::Store::Reader question, Reply<wire::StoreDone> reply);
  struct Unwritten {                      // what to undo after a change that was not saved
    std::vector<base::Bytes> erased;      // rows that the change should have erased
    std::optional<base::WallTime> ended;  // the former end, if the change should have extended it
  };
  void unwritten(const RecordKey& place, const Tag& tag, StoredAs as, const Unwritten& change);
  void unwritten(const Key& key, const base::NodeId& provider, AddedAs as, const Unwritten& change);
  void read_again(std::string_view keyspace, const std::vector<base::Bytes>& keys);
  void read_next(std::string_view keyspace);
  void answer(wire::AddProvider::Reader question, Reply<wire::Added> reply);
  void answer(wire::GetProviders::Reader question, Reply<wire::Providers> reply);
  void read(const RecordKey& place, const Budgets::User& reader, base::Callback<void(base::ByteView)> found) override;
  /// Calls back with the record, with empty bytes if there is none, or with an error if the store does not answer.
  void look_up(const RecordKey& place, const std::optional<Reading>& reading,
               base::Callback<void(const base::Outcome<base::ByteView>&)> found);
  /// Reserves one of reads_; returns false if none is free.
  bool hold_read(const Budgets::User& reader);
  /// Reserves a read for the sender of the current request. Returns nullopt if the request was refused; the refusal
  /// says when to retry.
  std::optional<Budgets::User> may_read(std::size_t bytes);
  std::optional<Facts> held_facts(const RecordKey& place) const override { return held_->find(place, wall()); }
  std::vector<Contact> held_providers(const Key& key, std::size_t most) override;
  Expired check_clock();
  std::optional<Group> network_of_caller() const;
  void expire();
  void expire_at();

  // For `/dht/audit`: which rows should be on disk.
  void answer(wire::FindIndexed::Reader question, Reply<wire::Indexed> reply);
  void answer(wire::ListIndexed::Reader question, Reply<wire::IndexedKeys> reply);
  struct Dropping {
    std::vector<bool> dropped;
    std::size_t left;
    Reply<wire::RowsDropped> reply;
    std::optional<base::Error> failed{};
    void next();
  };
  void answer(wire::DropRows::Reader request, Reply<wire::RowsDropped> reply);
  bool agrees(std::string_view keyspace, base::ByteView key, base::ByteView row) const;
  void drop_row(std::string_view keyspace, const base::Bytes& key, const std::shared_ptr<Dropping>& all,
                std::size_t number);

  // Searches (dht_actor_search.cpp).
  struct Early {  // a search that waits for the first contact, or for the known peers
    runtime::Envelope words;
    SearchFor from;
    base::Bytes own_record;
    Found found;
  };
  /// Starts the waiting searches, because there is a contact, or none to wait for. From now on no search waits.
  void search_early();
  struct UnderWay {
    runtime::Handle lookup;
    runtime::Handle asker;
    std::uint64_t group = 0;
  };
  void answer(wire::Search::Reader question, Reply<wire::SearchResult> reply);
  void keep(wire::Search::Reader words, wire::SearchResult::Reader result);
  void publish(Published what, const Key& key, base::ByteView record, std::size_t stored) override;
  void search(runtime::Envelope words, SearchFor from, Found found) override;
  void refuse_search(Found& found);
  void search_among(std::vector<Contact> known, runtime::Envelope words, SearchFor from, Found found);
  void search_from(const runtime::Envelope& words, const SearchFor& from, std::vector<Contact> contacts,
                   base::ByteView own_record, Found found);
  LookupActor::Start what_is_known(wire::Search::Goal::Reader goal, const RecordKey& place,
                                   std::vector<Contact> contacts, base::ByteView own_record);
  void at_hand(const char* ending, base::ByteView record, Found& found);
  void ended(runtime::Answer<wire::SearchResult>& answer, const RecordKey* place, Found& found);
  std::uint64_t new_group() override { return ++last_group_; }
  void stop_group(std::uint64_t group) override;
  /// Stops the searches that `those` accepts; their askers no longer wait for results.
  void stop_searches(const std::function<bool(const UnderWay&)>& those);
  void learn(wire::SearchResult::Reader result);
  void doubt(const Contact& whom, unsigned pings = kFailuresMax);
  void fell_silent(const Contact& whom);
  void read_repair(const RecordKey& place, wire::SearchResult::Reader result, const Record& record);
  void repair(const Key& key, wire::SearchResult::Reader result, std::uint64_t sequence);
  void cache_on_path(const RecordKey& place, wire::SearchResult::Reader result);
  void give(const runtime::Handle& whom, capnp::Data::Reader token, const Key& key, base::ByteView record,
            std::chrono::seconds copy_lasts, base::Callback<void(bool)> done);
  void take_copy(wire::Store::Reader question, const Key& key, Reply<wire::StoreDone> reply);

  // dht_actor.cpp
  void answer(wire::Listen::Reader question, Reply<wire::Listening> reply);
  void answer(wire::GetTable::Reader question, Reply<wire::TableRows> reply);
  void show_counts();
  void describe(wire::DhtState::Builder state);

  bool client() const { return !settings_->endpoint.dialable(); }
  const base::NodeId& own() const { return settings_->identity->id(); }
  const DhtSettings& settings() const override { return *settings_; }

  std::shared_ptr<const DhtSettings> settings_;  // replaced once the node's endpoint is known
  const bool located_by_others_;                 // it listens at all addresses, and its settings name no address
  Table table_;
  RoundTrips round_trips_;
  std::optional<Tokens> tokens_;
  TokensKept tokens_kept_;
  bool of_stranger() const { return caller().role == messages::Role::peer; }
  store::Whose whose_row() const { return of_stranger() ? store::Whose::strangers : store::Whose::own; }

  Budgets budgets_;
  std::array<runtime::BudgetAlarm, kResources> full_{runtime::BudgetAlarm("requests to the DHT"),
                                                     runtime::BudgetAlarm("checks of DHT records"),
                                                     runtime::BudgetAlarm("DHT bytes written")};
  base::ShareBudget<base::NodeId> reads_{kReadsMax, {.reserve = base::Reserve::none}};  // row reads for other nodes
  runtime::BudgetAlarm reads_full_{"reads of DHT records"};
  ClockGuard clock_;
  std::optional<Held> held_;
  std::optional<QueryCache> cache_;
  std::optional<Providers> providers_;
  store::Rows record_rows_;
  store::Rows provider_rows_;
  std::set<std::string_view> loading_;      // keyspaces that are not read back yet
  std::set<std::string_view> turned_away_;  // keyspaces with rows that found no space while the clock was not trusted
  std::set<std::string_view> rereading_;    // keyspaces among them that are being read again
  struct Unindexed {
    std::set<base::Bytes> keys;  // at most as many as may be stored
    bool reading = false;
  };
  std::map<std::string_view, Unindexed> unindexed_;  // rows of each keyspace that are being read again
  runtime::Handle buckets_;
  runtime::Handle republish_;
  std::map<base::NodeId, base::Instant> banned_;  // end of each ban; at most kBannedMax
  std::set<Key> doubted_;                         // pinged because they were overdue in a search
  std::map<Key, base::Instant> failing_since_;    // contacts that do not answer, and since when
  std::map<std::uint64_t, UnderWay> under_way_;   // searches, by number
  std::vector<Early> early_;                      // at most kSearchesMax
  bool asks_known_ = false;                       // a request for known peers is in flight, for early_
  bool awaits_contacts_ = true;
  std::uint64_t last_search_ = 0;
  std::uint64_t last_group_ = 0;
  std::size_t repairs_ = 0;  // in progress
  bool refreshing_ = false;
  std::optional<Range> neighbours_;  // the nodes nearest to us, as last found, are in this range and nearer ranges
  bool recovering_ = false;
  base::Instant recover_at_ = base::Instant::max();
  base::Instant expire_at_ = base::Instant::max();
  unsigned recoveries_ = 0;  // number in a row that found too few contacts

  Operators operators_{*this, *this};
  Batches batches_{*this, *this, operators_};
  ProviderStreams provider_streams_{*this, *this};
  std::optional<Notices> notices_;  // set by start()

  Counters& counts_ = *settings_->counters;
};

}  // namespace troupe::dht
