#pragma once
// The parts of the head of the DHT (dht_actor.hpp) at its path: what operators ask, and notices to listeners; and what
// the head does for them.
//
// Search  the words of a Search (messages/dht.capnp) go unchanged from the part, another actor of this node or the head
//         itself to `/dht/lookup-N`.
// Parsed  a record that was found is verified where it arrived and parsed once here, for all its readers.
// Batches keys whose holders are nearly the same nodes share their searches: kBatchesMax batches of kRegionItemsMax
//         values.
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

inline constexpr std::size_t kListenersPingedMax = 512;  // at once; our choice: a twentieth of all that may wait

/// How a search ended. Valid during its callback.
struct Searched {
  runtime::Answer<wire::SearchResult>& answer;
  const Record* record = nullptr;  ///< the one found; null: none
};

/// Who searches, beside the words of the search.
struct SearchFor {
  runtime::Handle asker{};        ///< the search ends with it; null: with no actor in particular
  std::uint64_t group = 0;        ///< searches that end together; 0: alone
  std::vector<Contact> starts{};  ///< known to be near, beside those of the table
};

class Head {
 public:
  using Found = base::Callback<void(const Searched&)>;

  /// `words` of a wire::Search that search_error() has nothing against.
  virtual void search(runtime::Envelope words, SearchFor from, Found found) = 0;
  template <class Fill>
  void search_for(SearchFor from, Fill&& fill, Found found) {
    search(runtime::Envelope::build<wire::Search>({}, std::forward<Fill>(fill)), std::move(from), std::move(found));
  }
  virtual std::uint64_t new_group() = 0;
  virtual void stop_group(std::uint64_t group) = 0;
  /// From now on it is kept in the network, where `stored` nodes have it. Does not wait for confirmation.
  virtual void publish(Published what, const Key& key, base::ByteView record, std::size_t stored) = 0;

  /// Calls back with the record at a place that this node holds, for `reader`; empty if there is none, or no place to
  /// read it for another node now.
  virtual void read(const RecordKey& place, const base::User<base::NodeId>& reader,
                    base::Callback<void(base::ByteView)> found) = 0;
  /// Of the record that this node holds there.
  virtual std::optional<Facts> held_facts(const RecordKey& place) const = 0;
  std::optional<std::uint64_t> held_sequence(const RecordKey& place) const {
    const auto held = held_facts(place);
    return held ? std::optional(held->sequence) : std::nullopt;
  }
  virtual std::vector<Contact> held_providers(const Key& key, std::size_t most) = 0;
  /// How many leading bits the keys of one region share.
  virtual unsigned region_bits() const = 0;
  /// They change once the node knows its address.
  virtual const DhtSettings& settings() const = 0;

 protected:
  ~Head() = default;
};

/// A value put or got, and the nodes near an id (operators.cpp).
class Operators final : public runtime::Part {
 public:
  Operators(runtime::Actor& owner, Head& head) : Part(owner), head_(head) {}

  /// A /kv is signed here, with a sequence above all that this node knows of its name. One that is stored by enough
  /// nodes is kept published.
  void put(wire::Put::Reader request, runtime::Reply<wire::PutDone> reply);
  void get(wire::GetValue::Reader question, runtime::Reply<wire::GotValue> reply);
  void nearest(wire::FindNearest::Reader question, runtime::Reply<wire::Nearest> reply);

  /// The highest sequence that this node has signed, as its rows say.
  void continue_from(std::uint64_t sequence);

  // For batches.
  struct Sought {
    Key key;
    std::optional<base::Digest> digest{};
  };
  /// What is asked for by a content id, a key, or a name of this node; nothing if one has a wrong length.
  std::optional<Sought> sought(base::ByteView digest, base::ByteView key, base::ByteView name) const;
  KvRecord dated(KvRecord record, const Key& place, std::chrono::seconds lasts, std::optional<std::uint64_t> expected);
  static bool may_be_stored(Published what, const base::Error& why);
  /// Why there is no value to give; nothing if there is.
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
  std::uint64_t last_sequence_ = 0;  // of what this node signed
};

/// Many values put or got at once (batches.cpp).
class Batches final : public runtime::Part {
 public:
  Batches(runtime::Actor& owner, Head& head, Operators& operators) : Part(owner), head_(head), operators_(operators) {}

  /// One search for the holders of each region, which then stores all records of it (lookup_actor_region.cpp).
  void put(wire::PutMany::Reader request, runtime::Reply<wire::PutManyDone> reply);
  /// Keys of one region begin their searches at nodes that a search for the region has met.
  void get(wire::GetMany::Reader question, runtime::Sink<wire::GotOne> sink);

 private:
  struct Puts;
  struct Gets;
  void go_on(const std::shared_ptr<Puts>& puts);
  void go_on(const std::shared_ptr<Gets>& gets);
  bool room();

  Head& head_;
  Operators& operators_;
  std::vector<std::shared_ptr<Gets>> gets_;  // those that are over are dropped later
  std::size_t puts_ = 0;
};

/// The providers of a content, told as they are found: those that the search knows at once, then those of each answer
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

/// Leases for changes at places that this node holds, and the notices to their listeners (notices.cpp).
class Notices final : public runtime::Part {
 public:
  Notices(runtime::Actor& owner, Head& head, const ListenerLimits& limits, const base::Mutations& mutations)
      : Part(owner), head_(head), listeners_(of(limits, head), mutations) {}

  /// Which node asks to be told, and how it showed that it may.
  struct Asker {
    Contact who;
    base::Endpoint at;             ///< where it really is, whatever it names
    bool inside = false;           ///< an actor of this node
    bool may = false;              ///< that, or it has shown a token
    std::optional<Token> token{};  ///< to answer with
  };
  void listen(wire::Listen::Reader question, const Topic& topic, const Asker& asker,
              runtime::Reply<wire::Listening> reply);
  /// Tells the listeners. The change is durable by now: it is told once it would also be found.
  void changed(const Topic& topic, const std::optional<Contact>& provider = {});
  std::size_t listeners() const { return listeners_.size(); }
  /// To be called in the owner's receive().
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
  std::vector<Notice> unsent_;                                    // under way, as listeners_ sees it: as many as may be
  base::ShareBudget<base::NodeId> pinging_{kListenersPingedMax};  // listeners whose address is being proven
};

}  // namespace troupe::dht
