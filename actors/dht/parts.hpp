#pragma once
// The parts of the DHT's head (dht_actor.hpp) at its path: operators' requests, notices to listeners, and the head's
// interface to them.
//
// Search  a Search message (messages/dht.capnp) is passed unchanged from the part, another actor of this node or the
//         head to `/dht/lookup-N`.
// Parsed  a record is verified by the actor that receives it, and parsed only once, by the head, for all its readers.
// Batches keys with nearly the same holders share searches: kBatchesMax batches of kRegionItemsMax values.
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "actors/dht/logic/held.hpp"
#include "actors/dht/logic/listeners.hpp"
#include "actors/dht/logic/record.hpp"
#include "actors/dht/logic/republish.hpp"
#include "actors/dht/logic/tokens.hpp"
#include "actors/dht/settings.hpp"
#include "messages/dht.capnp.h"
#include "runtime/actor/part.hpp"
#include "runtime/base/share_budget.hpp"

namespace troupe::dht {

inline constexpr std::size_t kListenersPingedMax = 512;  // at once; our choice: a twentieth of all possible listeners

/// How a search ended; valid during its callback.
struct Searched {
  runtime::Answer<wire::SearchResult>& answer;
  const Record* record = nullptr;  ///< the record found, or null
};

/// The asker's context, apart from the search message.
struct SearchFor {
  runtime::Handle asker{};        ///< the search ends with this actor; null: no particular actor
  std::uint64_t group = 0;        ///< searches that end together; 0: none
  std::vector<Contact> starts{};  ///< contacts known to be near, in addition to the table's
};

class Head {
 public:
  using Found = base::Callback<void(const Searched&)>;

  /// Starts a search. `words` is a wire::Search that search_error() accepts.
  virtual void search(runtime::Envelope words, SearchFor from, Found found) = 0;
  template <class Fill>
  void search_for(SearchFor from, Fill&& fill, Found found) {
    search(runtime::Envelope::build<wire::Search>({}, std::forward<Fill>(fill)), std::move(from), std::move(found));
  }
  virtual std::uint64_t new_group() = 0;
  virtual void stop_group(std::uint64_t group) = 0;
  /// Keeps the record published from now on; `stored` nodes have it already. Does not wait for confirmation.
  virtual void publish(Published what, const Key& key, base::ByteView record, std::size_t stored) = 0;

  /// Calls back with this node's stored record, for `reader`; with empty bytes if there is none, or if no read slot is
  /// free for another node now.
  virtual void read(const RecordKey& place, const base::User<base::NodeId>& reader,
                    base::Callback<void(base::ByteView)> found) = 0;
  /// Returns the facts of the record that this node stores there.
  virtual std::optional<Facts> held_facts(const RecordKey& place) const = 0;
  std::optional<std::uint64_t> held_sequence(const RecordKey& place) const {
    const auto held = held_facts(place);
    return held ? std::optional(held->sequence) : std::nullopt;
  }
  virtual std::vector<Contact> held_providers(const Key& key, std::size_t most) = 0;
  /// Returns the number of leading bits that the keys of one region share.
  virtual unsigned region_bits() const = 0;
  /// Returns the settings; they change once the node knows its address.
  virtual const DhtSettings& settings() const = 0;

 protected:
  ~Head() = default;
};

/// Puts and gets of single values, and nodes near an id (operators.cpp).
class Operators final : public runtime::Part {
 public:
  Operators(runtime::Actor& owner, Head& head) : Part(owner), head_(head) {}

  /// Stores a value. A /kv is signed here, with a sequence above every sequence of its name that this node knows. A
  /// record that enough nodes have stored is kept published.
  void put(wire::Put::Reader request, runtime::Reply<wire::PutDone> reply);
  void get(wire::GetValue::Reader question, runtime::Reply<wire::GotValue> reply);
  void nearest(wire::FindNearest::Reader question, runtime::Reply<wire::Nearest> reply);

  /// Sets the highest sequence that this node has signed, according to its rows.
  void continue_from(std::uint64_t sequence);

  // For batches.
  struct Sought {
    Key key;
    std::optional<base::Digest> digest{};
  };
  /// Returns the key to search for, given a content id, a key, or a name of this node; nullopt if a length is wrong.
  std::optional<Sought> sought(base::ByteView digest, base::ByteView key, base::ByteView name) const;
  KvRecord dated(KvRecord record, const Key& place, std::chrono::seconds lasts, std::optional<std::uint64_t> expected);
  static bool may_be_stored(Published what, const base::Error& why);
  /// Returns why there is no value to return, or nullopt if there is one.
  static std::optional<base::Error> unread(const Searched& end, const std::optional<base::Digest>& digest);
  void write_got(wire::GotValue::Builder out, const Searched& end) const;

 private:
  struct Put {
    std::optional<std::uint64_t> expected{};
    std::chrono::seconds lasts = kLifetimeDefault;
    bool explain = false;
    runtime::Handle asker{};
    runtime::Reply<wire::PutDone> reply{};
  };
  std::uint64_t date_number() const;
  void put_in_place(KvRecord record, Put put);
  void store(const Record& record, Put put);

  Head& head_;
  std::uint64_t last_sequence_ = 0;  // last sequence that this node signed
};

/// Puts and gets of many values at once (batches.cpp).
class Batches final : public runtime::Part {
 public:
  Batches(runtime::Actor& owner, Head& head, Operators& operators) : Part(owner), head_(head), operators_(operators) {}

  /// Runs one search for the holders per region, which then stores all its records (lookup_actor_region.cpp).
  void put(wire::PutMany::Reader request, runtime::Reply<wire::PutManyDone> reply);
  /// Gets values. Keys of one region start their searches at nodes that a search for the region has found.
  void get(wire::GetMany::Reader question, runtime::Sink<wire::GotOne> sink);

 private:
  struct Puts;
  struct Gets;
  void go_on(const std::shared_ptr<Puts>& puts);
  void go_on(const std::shared_ptr<Gets>& gets);
  bool room();

  Head& head_;
  Operators& operators_;
  std::vector<std::shared_ptr<Gets>> gets_;  // ended ones are dropped later
  std::size_t puts_ = 0;
};

/// Streams the providers of an object as they are found: first the providers known locally, then those in each answer
/// (ProvidersFound), which names the search by its group (provider_streams.cpp).
class ProviderStreams final : public runtime::Part {
 public:
  ProviderStreams(runtime::Actor& owner, Head& head) : Part(owner), head_(head) {}

  void find(wire::FindProviders::Reader question, runtime::Sink<wire::FoundProviders> sink);
  void found(wire::ProvidersFound::Reader more);

 private:
  struct Stream;

  Head& head_;
  std::map<std::uint64_t, std::shared_ptr<Stream>> streams_;  // by the groups of their searches
};

/// Leases for changes of topics that this node stores, and the notices to their listeners (notices.cpp).
class Notices final : public runtime::Part {
 public:
  Notices(runtime::Actor& owner, Head& head, const ListenerLimits& limits, const base::Mutations& mutations)
      : Part(owner), head_(head), listeners_(of(limits, head), mutations) {}

  /// The node that asks to be notified, and its proof that it may ask.
  struct Asker {
    Contact who;
    base::Endpoint at;             ///< its real address, whatever it claims
    bool inside = false;           ///< an actor of this node
    bool may = false;              ///< it is an actor of this node, or has shown a token
    std::optional<Token> token{};  ///< for the answer
  };
  void listen(wire::Listen::Reader question, const Topic& topic, const Asker& asker,
              runtime::Reply<wire::Listening> reply);
  /// Notifies the listeners. The change is already durable, so a listener that asks for it finds it.
  void changed(const Topic& topic, const std::optional<Contact>& provider = {});
  std::size_t listeners() const { return listeners_.size(); }
  /// Registers handlers; call it in the owner's receive().
  static void receive(runtime::Handlers& on, base::Callback<void()> again) { on.timer<Again>(std::move(again)); }
  /// Sends the notices that this node could not send before.
  void again();

 private:
  struct Again {};
  struct Question {
    Topic topic;
    std::chrono::seconds lease;
    std::optional<Tag> knows;
    std::optional<Token> token;
    base::User<base::NodeId> asker;
    runtime::Reply<wire::Listening> reply;
  };
  void give_lease(const Contact& who, Question question);
  void say_present(Question question);
  void send(const Notice& notice);
  void send(const Notice& notice, base::ByteView record);
  void read(const Key& key, const std::optional<Tag>& knows, const base::User<base::NodeId>& reader,
            base::Callback<void(base::ByteView)> found);

  static ListenerLimits of(ListenerLimits limits, const Head& head) {
    limits.self = head.settings().identity->id();
    return limits;
  }

  Head& head_;
  Listeners listeners_;
  std::vector<Notice> unsent_;                                    // counted by listeners_ as in flight, up to its limit
  base::ShareBudget<base::NodeId> pinging_{kListenersPingedMax};  // listeners whose address is being verified
};

}  // namespace troupe::dht
