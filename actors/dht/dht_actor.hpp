#pragma once
// The head of the DHT: answers other nodes from its view of the buckets and from what this node holds, and starts the
// searches of this one.
//
// Files   dht_actor.cpp routing and its upkeep; dht_actor_records.cpp what others store and read here;
//         dht_actor_search.cpp searches; dht_actor_mend.cpp what they leave behind; dht_actor_operators.cpp what people
//         ask, dht_actor_providers.cpp for providers, dht_actor_many.cpp for many values at once;
//         dht_actor_listeners.cpp who is told of changes; dht_actor_audit.cpp what there should be on disk.
// Loading records and announcements are read back from the store first; questions are answered meanwhile, by what has
//         been read. Nothing is stored meanwhile: what is held already may be newer.
// Limits  kSearchesMax searches, kRepairsMax repairs, kBatchesMax batches; those of the table, of records, of copies
//         and of announcements (settings.hpp).
// Address a node that listens at all of its addresses is a client until others agree which one they see (`/peers`
//         knows).
// Trust   who asks shows an id by its seal or link, and is listed once it has answered us. Tokens keep strangers from
//         storing under ids that they do not have.
#include <functional>
#include <map>
#include <memory>
#include <set>

#include "actors/dht/logic/estimate.hpp"
#include "actors/dht/logic/held.hpp"
#include "actors/dht/logic/listeners.hpp"
#include "actors/dht/logic/lookup_types.hpp"
#include "actors/dht/logic/providers.hpp"
#include "actors/dht/logic/query_cache.hpp"
#include "actors/dht/logic/republish.hpp"
#include "actors/dht/logic/store_budget.hpp"
#include "actors/dht/logic/table.hpp"
#include "actors/dht/logic/tokens.hpp"
#include "actors/dht/settings.hpp"
#include "messages/dht.capnp.h"
#include "messages/links.capnp.h"
#include "runtime/actor/actor.hpp"
#include "runtime/store/rows.hpp"

namespace troupe::dht {

inline constexpr std::size_t kHealthyMin = 3;            // issue 5, part 4: with fewer the seeds are asked again
inline constexpr std::chrono::seconds kRecoverAgain{1};  // our choice: links come up in bursts

class DhtActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "dht";
  explicit DhtActor(DhtSettings settings);

  void receive(runtime::Handlers& on) override;
  void start() override;
  void check() const override;
  void down(const runtime::Handle& whom, const std::optional<base::Error>& why) override;

  // What a simulation looks at.
  const Table& table() const { return table_; }
  const Held& held() const { return *held_; }
  /// Whom this node bans, as `/links` said last; some may be over.
  const std::map<base::NodeId, base::Instant>& banned() const { return banned_; }

 private:
  struct Recover {};
  struct Refresh {};
  struct Expire {};
  struct RecordsAgain {};
  struct ProvidersAgain {};
  template <class A>
  using Reply = runtime::Reply<A>;

  // Routing (dht_actor.cpp).
  void heard(const Contact& who, Evidence evidence);
  void missed(const Contact& whom);
  /// A contact leaves its bucket at once.
  void forget(const Key& id);
  void shun(net::wire::Shun::Reader order);
  /// Tells `/peers` what whoever asked the question at hand has done.
  void accuse(net::wire::Offence how, std::string_view what);
  void malformed(runtime::AnyReply& reply, const char* why);
  void holds(wire::BucketHolds::Reader bucket);
  void note_asker(wire::Asker::Reader asker);
  std::vector<Contact> closest_but(const Key& key, std::size_t count, const std::optional<base::NodeId>& asker) const;
  /// For whoever asked the question at hand; nothing for an actor of this node.
  std::optional<Token> token_of_caller() const;
  bool shows_token(capnp::Data::Reader token) const;
  bool may_store(capnp::Data::Reader token);
  void recover();
  void recover_in(base::Duration delay);
  void recover_soon();
  void refresh();
  void touched(runtime::Answer<wire::SearchResult>& ourselves);
  void find_known(base::Callback<void(std::vector<Contact>)> found);
  void find_ourselves();
  void located(const base::Endpoint& at);
  void show_counts();

  void answer(wire::FindNode::Reader question, Reply<wire::Nodes> reply);

  // Records (dht_actor_records.cpp).
  static store::Rows::Setup rows_setup(const DhtSettings& settings, std::string_view keyspace, const char* what);
  store::Rows& rows(std::string_view keyspace) { return keyspace == kRecordRows ? record_rows_ : provider_rows_; }
  void load(std::string_view keyspace);
  void read_crowded();
  std::optional<base::Error> not_indexed(std::string_view keyspace) const;
  store::Use take_row(std::string_view keyspace, base::ByteView key, base::ByteView value);
  void answer(wire::FindValue::Reader question, Reply<wire::FoundValue> reply);
  void found_value(Reply<wire::FoundValue> reply, const Place& place, std::size_t contacts_max, base::ByteView record,
                   const std::optional<base::NodeId>& asker);
  void answer(wire::Store::Reader question, Reply<wire::StoreDone> reply);
  void unwritten(const Place& place, const Tag& tag, StoredAs as);
  void unwritten(const Key& key, const base::NodeId& provider, AddedAs as);
  void answer(wire::AddProvider::Reader question, Reply<wire::Added> reply);
  void answer(wire::GetProviders::Reader question, Reply<wire::Providers> reply);
  /// Calls back with the record at a place that this node holds; empty if there is none.
  void read(const Place& place, base::Callback<void(base::ByteView)> found);
  Expired look_at_date();
  std::optional<Group> network_of_caller() const;
  void expire();
  void expire_at();

  // Listeners (dht_actor_listeners.cpp).
  void answer(wire::Listen::Reader question, Reply<wire::Listening> reply);
  void give_lease(Reply<wire::Listening> reply, const Topic& topic, const Contact& who, std::chrono::seconds lease,
                  const std::optional<Tag>& knows, const std::optional<Token>& token);
  void say_present(Reply<wire::Listening> reply, const Topic& topic, std::chrono::seconds lease,
                   const std::optional<Tag>& knows, const std::optional<Token>& token);
  void tell_listeners(const Topic& topic, const std::optional<Contact>& provider = {});
  void send(const Notice& notice);
  void send(const Notice& notice, base::ByteView record);

  // What should be on disk (dht_actor_audit.cpp).
  void answer(wire::FindIndexed::Reader question, Reply<wire::Indexed> reply);
  void answer(wire::ListIndexed::Reader question, Reply<wire::IndexedKeys> reply);
  void answer(wire::DropRows::Reader order, Reply<wire::RowsDropped> reply);

  // Searches (dht_actor_search.cpp).
  struct Wanted {
    Key key;
    wire::Search::Goal::Which goal = wire::Search::Goal::NODES;
    std::optional<Space> space;                       // of a value
    std::uint16_t providers_max = 0;                  // of providers
    base::Bytes record;                               // to be stored
    std::vector<std::pair<Key, base::Bytes>> region;  // the same of many keys near `key`; empty: a provider
    std::optional<std::uint64_t> expected;
    std::uint8_t quorum = 0;
    std::uint16_t seconds = 0;
    bool explain = false;
    runtime::Handle asker{};        // the search ends with it; null: nobody's in particular
    std::uint64_t group = 0;        // searches that end together; 0: alone
    std::vector<Contact> starts{};  // beside those of the table
  };
  using Found = base::Callback<void(runtime::Answer<wire::SearchResult>&)>;
  struct UnderWay {
    runtime::Handle lookup;
    runtime::Handle asker;
    std::uint64_t group = 0;
  };
  void search(const Wanted& wanted, Found found);
  void at_hand(const char* ending, base::ByteView record, Found& found);
  void search_from(const Wanted& wanted, std::vector<Contact> contacts, const base::Bytes& own, Found found);
  void answer(wire::Search::Reader question, Reply<wire::SearchResult> reply);
  void learn(wire::SearchResult::Reader result);
  void doubt(const Contact& whom);
  void fell_silent(const Contact& whom);
  void stop_searches(const std::function<bool(const UnderWay&)>& those);

  // What a search leaves behind (dht_actor_mend.cpp).
  void mend(const Place& place, wire::SearchResult::Reader result);
  void repair(const Key& key, wire::SearchResult::Reader result);
  void leave_copies(const Place& place, wire::SearchResult::Reader result);
  void give(const runtime::Handle& whom, capnp::Data::Reader token, const Key& key, base::ByteView record,
            std::chrono::seconds copy_lasts, base::Callback<void(bool)> done);
  void take_copy(wire::Store::Reader question, const Key& key, Reply<wire::StoreDone> reply);

  // Operators (dht_actor_operators.cpp).
  void answer(wire::Put::Reader order, Reply<wire::PutDone> reply);
  std::uint64_t date_number() const;
  void continue_from(std::uint64_t sequence);
  KvRecord dated(KvRecord record, const Key& place, std::chrono::seconds lasts, std::optional<std::uint64_t> expected);
  void put_in_place(KvRecord record, std::chrono::seconds lasts, Wanted wanted, Reply<wire::PutDone> reply);
  void put(const Record& record, Wanted wanted, Reply<wire::PutDone> reply);
  void answer(wire::GetValue::Reader question, Reply<wire::GotValue> reply);
  void answer(wire::FindNearest::Reader question, Reply<wire::Nearest> reply);
  void answer(wire::GetTable::Reader question, Reply<wire::TableRows> reply);
  void publish(Published what, const Key& key, base::ByteView record, std::size_t stored);
  static bool may_be_stored(Published what, const base::Error& why);
  static std::optional<base::Error> unread(runtime::Answer<wire::SearchResult>& answer,
                                           const std::optional<base::Digest>& digest);
  struct Sought {
    Key key;
    std::optional<base::Digest> digest{};
  };
  /// What is asked for by a content id, a key, or a name of this node; nothing if one has a wrong length.
  std::optional<Sought> sought(base::ByteView digest, base::ByteView key, base::ByteView name) const;
  void write_got(wire::GotValue::Builder out, wire::SearchResult::Reader result) const;

  // Providers as they are found (dht_actor_providers.cpp).
  struct ProviderStream;
  void find_providers(wire::FindProviders::Reader question, runtime::Sink<wire::FoundProviders> sink);
  void providers_found(wire::ProvidersFound::Reader more);

  // Many values at once (dht_actor_many.cpp).
  struct ManyPuts;
  struct ManyGets;
  void put_many(wire::PutMany::Reader order, Reply<wire::PutManyDone> reply);
  void get_many(wire::GetMany::Reader question, runtime::Sink<wire::GotOne> sink);
  void go_on(const std::shared_ptr<ManyPuts>& puts);
  void go_on(const std::shared_ptr<ManyGets>& gets);
  bool room_for_batch();
  unsigned region_bits() const;
  void describe(wire::DhtState::Builder state);

  bool client() const { return !settings_->endpoint.dialable(); }
  const base::NodeId& own() const { return settings_->identity->id(); }

  std::shared_ptr<const DhtSettings> settings_;  // another one once its endpoint is known
  const bool located_by_others_;                 // it listens everywhere, and nobody told it which address counts
  Table table_;
  RoundTrips round_trips_;
  std::optional<Tokens> tokens_;
  TokensKept tokens_kept_;
  StoreBudget store_budget_;
  DateWatch date_;
  std::optional<Held> held_;
  std::optional<QueryCache> cache_;
  std::optional<Providers> providers_;
  std::optional<Listeners> listeners_;
  store::Rows record_rows_;
  store::Rows provider_rows_;
  std::set<std::string_view> loading_;    // keyspaces that are not read back yet
  std::set<std::string_view> crowded_;    // keyspaces with rows that had no room while the date was doubted
  std::set<std::string_view> rereading_;  // of those, that are read again
  runtime::Handle buckets_;
  runtime::Handle republish_;
  std::map<base::NodeId, base::Instant> banned_;  // until then; at most kBannedMax
  std::map<Key, base::Instant> last_seen_;        // of good contacts, as their buckets last said
  std::set<Key> doubted_;                         // pinged, as a search found them overdue
  std::map<std::uint64_t, UnderWay> under_way_;   // searches, by their numbers
  std::uint64_t last_search_ = 0;
  std::uint64_t last_group_ = 0;
  std::map<std::uint64_t, std::shared_ptr<ProviderStream>> provider_streams_;  // by the groups of their searches
  std::vector<std::shared_ptr<ManyGets>> many_gets_;                           // those that are over are dropped later
  std::size_t many_puts_ = 0;
  std::size_t repairs_ = 0;          // under way
  std::uint64_t last_sequence_ = 0;  // of what this node signed
  bool refreshing_ = false;
  std::optional<Range> neighbours_;  // this range and those nearer hold the nodes nearest to us, as last found
  bool recovering_ = false;
  base::Instant recover_at_ = base::Instant::max();
  base::Instant expire_at_ = base::Instant::max();
  unsigned recoveries_ = 0;  // in a row that met too few

  Counters& counts_ = *settings_->counters;
};

}  // namespace troupe::dht
