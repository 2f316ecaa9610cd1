#pragma once
// The actor of one search: asks the nodes that the lookup names, keeps their results, and answers its Search.
//
// Phases  search (lookup_actor.cpp, lookup_actor_providers.cpp), then stores at the nodes found
//         (lookup_actor_store.cpp; for a region of keys lookup_actor_region.cpp). CancelSearch ends both.
// Stored  once stores_needed() nodes have acknowledged; one time-out later the search ends without the rest.
// Tokens  nodes that answered an earlier search recently are stored at without a new request. If too many of them are
//         gone, the whole search is repeated.
// Checks  contacts by the work of their ids, records by their validators. A node whose answer no honest node would give
//         is reported to `/peers`; a silent or late node is not.
#include <algorithm>
#include <map>
#include <set>

#include "actors/dht/counters.hpp"
#include "actors/dht/logic/lookup.hpp"
#include "actors/dht/logic/record.hpp"
#include "actors/dht/logic/tokens.hpp"
#include "actors/dht/settings.hpp"
#include "messages/dht.capnp.h"
#include "messages/links.capnp.h"
#include "runtime/actor/actor.hpp"

namespace troupe::dht {

inline constexpr std::size_t kProvidersOfHostMax = 3;  // our choice: some nodes share an address
inline constexpr std::size_t kStaleMax = 8;            // our choice: stale replicas reported per search; the next
                                                       // search finds the rest

class LookupActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "lookup";

  /// What the head knows when the search starts.
  struct Start {
    std::shared_ptr<const DhtSettings> settings;
    std::vector<dht::Start> contacts;  ///< nearest first
    std::vector<Key> failing{};        ///< known contacts that do not answer, and are not asked
    std::set<Key> gone{};              ///< contacts in `failing` that have been silent for kGoneAfter
    RoundTrip round_trip;
    std::optional<NetworkSize> network;
    std::optional<Version> own_copy;
    base::Bytes own_record;
    std::vector<Contact> own_providers;
    std::map<base::NodeId, Token> tokens;  ///< from contacts that answered recently
    std::uint64_t group = 0;               ///< of ProvidersFound; 0: report providers only at the end
  };
  explicit LookupActor(Start start) : start_(std::move(start)) {}

  void receive(runtime::Handlers& on) override;
  void check() const override;

  // For simulations.
  base::Instant began() const { return began_; }

 private:
  struct Tick {};
  struct Enough {};
  struct StoreAgain {};

  // lookup_actor.cpp
  void begin(wire::Search::Reader search, runtime::Reply<wire::SearchResult> reply);
  void act(const Decisions& decisions);
  void send(const Ask& question);
  template <class Q, class A, class Fill, class Take>
  void ask_node(const Ask& question, Fill fill, Take take);
  std::optional<base::Error> take_value(const Ask& question, LookupAnswer& said, wire::FoundValue::Reader found);
  void answered(const Ask& question, base::Instant asked_at, LookupAnswer answer, capnp::Data::Reader token);
  void count_answer(Asked kind, base::Duration took);
  void count_failure(Asked kind, const base::Error& why);
  Asked asked() const;
  void failed(const Ask& question, const base::Error& why, bool here = false);
  void note_heard(const Contact& whom, base::Instant asked_at);
  base::Result<Version, RecordError> take_record(base::ByteView record, std::chrono::seconds lasts);
  std::vector<Contact> take_contacts(const Contact& from, capnp::List<messages::wire::Contact>::Reader list);
  void accuse(const Contact& whom, net::wire::Violation how, std::string_view what);
  void searched(const LookupOutcome& outcome);
  void cancel_search();
  void finish_with(wire::SearchResult::Builder out);
  void write_reached(wire::SearchResult::Builder out) const;
  void write_items(wire::SearchResult::Builder out) const;
  void answer();
  void describe(wire::LookupState::Builder state);

  // lookup_actor_providers.cpp
  std::size_t take_providers(const std::vector<Contact>& named);
  bool take_provider(const Contact& one);
  void take_rest();

  // lookup_actor_store.cpp
  void store();
  void store_at(const Contact& holder);
  void store_here();
  void unstored(const base::Error& why);
  void unstored_at(const base::NodeId& whom, const base::Error& why);
  bool spared(const base::NodeId& whom) const;
  void renew_token(const Contact& whom);
  void search_anew();
  /// A node's answer; nullopt: it has accepted an announcement.
  using StoreAnswer = base::Outcome<std::optional<wire::StoreDone::Reader>>;
  /// Asks a node, or this node if `whom` is null. Actors of this node need no token.
  void ask_to_store(Asked kind, const Contact* whom, const Key& key, base::ByteView record,
                    base::Callback<void(const StoreAnswer&)> ended);
  Asked stores_by() const { return goal_ == wire::Search::Goal::PROVIDE ? Asked::add_provider : Asked::store; }
  void noted(std::size_t group, const std::optional<wire::StoreDone::Reader>& said, const base::NodeId& holder);
  void end_stores_if_done();
  /// Returns the number of a node's address group among the nodes asked to store; null means this node.
  std::size_t group_of(const Contact* holder);
  std::size_t needed(const StoreCount& stores) const;
  std::vector<Key> silent() const;
  bool too_busy(std::size_t stores) const;

  // lookup_actor_region.cpp
  void take_region(capnp::List<wire::RegionItem>::Reader items);
  void store_region();
  void store_item(std::size_t item, const Contact* holder);
  void ask_for_item(std::size_t item, const std::optional<Contact>& holder);
  bool put_off(std::size_t item, const std::optional<Contact>& whom, const base::Error& why);
  void store_put_off();
  void noted(std::size_t item, std::size_t group, bool stored, bool newer);
  bool enough_of_all() const;

  const Start start_;
  runtime::Reply<wire::SearchResult> reply_;
  std::optional<Lookup> lookup_;
  std::optional<LookupOutcome> outcome_;
  base::Instant began_;
  wire::Search::Goal::Which goal_ = wire::Search::Goal::NODES;
  Space space_ = Space::pk;
  std::optional<Version> newest_;
  base::Bytes record_;             // `newest_`, or the record to store
  std::chrono::seconds lasts_{0};  // remaining lifetime of `record_` at the node that returned it
  std::optional<std::uint64_t> expected_;
  std::vector<Contact> providers_;
  std::set<base::NodeId> provider_ids_;
  std::map<Group, std::size_t> provider_hosts_;
  std::vector<std::vector<Contact>> rest_;  // from answers that named more providers than were accepted
  std::size_t providers_max_ = 0;
  std::map<base::NodeId, Token> tokens_;
  struct Heard {
    Contact whom;
    std::uint32_t microseconds;  // zero: it did not answer
  };
  std::vector<Heard> heard_;

  StoreCount stores_;  // for a region: over all its items
  std::size_t said_ = 0, silent_ = 0, silent_lately_ = 0, busy_ = 0;
  std::vector<Group> groups_;          // of the nodes asked to store, by number
  std::set<base::NodeId> overloaded_;  // as they or this node reported
  std::set<base::NodeId> unasked_;     // because of a limit of this node
  bool enough_ = false;
  std::set<base::NodeId> renewed_;  // asked for a new token because they refused an earlier search's token
  bool lost_ = false;               // a node that answered recently has not answered the store
  bool anew_ = false;               // the search was repeated, and all nodes are asked
  base::Instant stores_began_;
  struct Refusals {
    std::size_t times = 0;
    std::uint64_t present = 0;
    std::string why;
  };
  using RefusalsBy = std::map<wire::StoreDone::Result, Refusals>;
  static void count(RefusalsBy& refusals, wire::StoreDone::Reader said, const base::NodeId& holder);
  static void write_refusal(wire::StoreDone::Builder out, const RefusalsBy& refusals);
  RefusalsBy refusals_;
  std::string own_failure_;
  struct PutOff {  // stores postponed until the node accepts them
    std::size_t item;
    Contact whom;
  };
  std::vector<PutOff> put_off_;
  struct Item {  // of a region
    Key key;
    base::Bytes record;  // empty: a provider
    StoreCount stores{};
    StoreCount kept{};  // also counts nodes that keep a newer record instead
    RefusalsBy refusals{};
  };
  std::vector<Item> items_;
};

}  // namespace troupe::dht
