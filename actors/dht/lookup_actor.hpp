#pragma once
// One search behind a mailbox: asks the nodes that the lookup names, keeps what they bring, and answers its Search.
//
// Phases  search (lookup_actor.cpp, lookup_actor_providers.cpp), then the stores at the nodes found
//         (lookup_actor_store.cpp; of a region of keys lookup_actor_region.cpp). CancelSearch ends both.
// Stored  when stores_needed() nodes have acknowledged; a time-out later the search ends without the others.
// Tokens  nodes that answered an earlier search lately are stored at without a question. If too many of them are gone,
//         the whole search is done once more.
// Checks  contacts by the work of their ids, records by their validators. A node that says what no honest node says is
//         reported to `/peers`; a silent or late one is not.
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

inline constexpr std::size_t kProvidersOfHostMax = 3;  // our choice: some live behind one line
inline constexpr std::size_t kStaleMax = 8;            // our choice: told of one search; the next one finds the others

class LookupActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "lookup";

  /// What the head knows.
  struct Start {
    std::shared_ptr<const DhtSettings> settings;
    std::vector<dht::Start> contacts;  ///< nearest first
    std::vector<Key> failing{};        ///< known, and not asked, as they do not answer
    std::set<Key> gone{};              ///< of those, that have been so for kGoneAfter
    RoundTrip round_trip;
    std::optional<NetworkSize> network;
    std::optional<Version> own_copy;
    base::Bytes own_record;
    std::vector<Contact> own_providers;
    std::map<base::NodeId, Token> tokens;  ///< of those contacts that answered lately
    std::uint64_t group = 0;               ///< of ProvidersFound; 0: providers are told at the end alone
  };
  explicit LookupActor(Start start) : start_(std::move(start)) {}

  void receive(runtime::Handlers& on) override;
  void check() const override;

  // What a simulation looks at.
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
  /// What a node said; nothing: it has taken an announcement.
  using StoreAnswer = base::Outcome<std::optional<wire::StoreDone::Reader>>;
  /// Asks a node, or with null this one, whose actors need no token.
  void ask_to_store(Asked kind, const Contact* whom, const Key& key, base::ByteView record,
                    base::Callback<void(const StoreAnswer&)> ended);
  Asked stores_by() const { return goal_ == wire::Search::Goal::PROVIDE ? Asked::add_provider : Asked::store; }
  void noted(std::size_t group, const std::optional<wire::StoreDone::Reader>& said, const base::NodeId& holder);
  void end_stores_if_done();
  /// The number of the address group of a node, or with null of this one, among those that are asked to store.
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
  base::Bytes record_;             // of `newest_`, or to be stored
  std::chrono::seconds lasts_{0};  // where `record_` was found
  std::optional<std::uint64_t> expected_;
  std::vector<Contact> providers_;
  std::set<base::NodeId> provider_ids_;
  std::map<Group, std::size_t> provider_hosts_;
  std::vector<std::vector<Contact>> rest_;  // of answers that named more than were taken
  std::size_t providers_max_ = 0;
  std::map<base::NodeId, Token> tokens_;
  struct Heard {
    Contact whom;
    std::uint32_t microseconds;  // zero: it did not answer
  };
  std::vector<Heard> heard_;

  StoreCount stores_;  // of a region: of all its items
  std::size_t said_ = 0, silent_ = 0, silent_lately_ = 0, busy_ = 0;
  std::vector<Group> groups_;          // of the nodes that are asked to store, by their numbers
  std::set<base::NodeId> overloaded_;  // by what they or this node said
  std::set<base::NodeId> unasked_;     // by a limit of this node
  bool enough_ = false;
  std::set<base::NodeId> renewed_;  // were asked for a token as they refused that of an earlier search
  bool lost_ = false;               // one that answered lately has not answered the store
  bool anew_ = false;               // the search was done again without those
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
  struct PutOff {  // until it is no longer too much for them
    std::size_t item;
    Contact whom;
  };
  std::vector<PutOff> put_off_;
  struct Item {  // of a region
    Key key;
    base::Bytes record;  // empty: a provider
    StoreCount stores{};
    StoreCount kept{};  // by those too that hold a newer one, which stays in its place
    RefusalsBy refusals{};
  };
  std::vector<Item> items_;
};

}  // namespace troupe::dht
