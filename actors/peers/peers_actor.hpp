#pragma once
// The peers of this node behind a mailbox: tells the logic (logic/peers.hpp) what happens and does what it decides.
//
// Serves  published at kPath: Ping and Exchange of linked nodes; ListPeers, ConnectPeer, DropPeer and PardonPeer of
//         operators. Inside the node: ListKnown and WhereAmI of other domains; WhereIs and NotThere of links that dial;
//         Misbehaved.
// Bans    `/links` is told of each, also of those read back: it keeps them from links, datagrams and the DHT.
// States  loading: reads its rows from the store, in slices, and tells nobody that it wants links; then running.
//         A restart begins with loading, and learns from `/links` which links are up.
// Rows    keyspace kKeyspace, keyed by node id. One commit at a time; what changes meanwhile goes with the next one,
//         as it is by then. A failed one is no fault of the peers: counted, shown as a reason of health, tried again.
// Limits  those of the logic; kRowsWaitingMax. What a peer sends is bounded by its kind and by its link.
// Fails   without a store the node starts without known peers; without `/links` dials fail and are tried again.
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/peers/api.hpp"
#include "actors/peers/logic/own_address.hpp"
#include "actors/peers/logic/peers.hpp"
#include "messages/links.capnp.h"
#include "messages/store.capnp.h"
#include "runtime/actor/actor.hpp"
#include "runtime/observe/health.hpp"
#include "runtime/observe/domain_log.hpp"

namespace troupe::peers {

inline constexpr const char* kKeyspace = "peers";
inline constexpr std::size_t kSliceRows = 256;     // our choice: 64 KiB a slice or a commit
inline constexpr std::size_t kPeerRowsMax = 2000;  // of messages/peers.capnp
inline constexpr std::size_t kLoadTriesMax = 3;    // our choice: half a minute, then a start without known peers
inline constexpr std::size_t kRowsWaitingMax = 2 * kKnownMax;  // above it rows to erase stay in the store: known longer
inline constexpr std::chrono::seconds kStoreTimeout{10};       // our choice: a sync on a busy disk takes one or two
inline constexpr std::chrono::seconds kStoreAgain{5};          // our choice: a full disk is not emptied any faster
inline constexpr std::chrono::seconds kTrafficTimeout{1};      // issue: an operator does not wait for byte counts
inline constexpr std::size_t kWhatBytesMax = 200;              // of messages/links.capnp
inline constexpr std::chrono::seconds kSayAgain{60};           // our choice: of a seed in whose place nobody answers
inline constexpr std::chrono::seconds kFollowAgain{60};        // our choice: so long may a restart of `/links` blind us

class PeersActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "peers";

  struct Setup {
    Policy policy;
    Contact self;  ///< key and nonce are ours; the endpoint is what others are told, see Peers::advertised
    IdOf id_of;
    std::vector<Target> seeds;     ///< to join through
    std::string links = "/links";  ///< paths of the actors that it needs
    std::string store = "/store";
    observe::Health* health = nullptr;  ///< outlives the actor; null: not told
    observe::DomainLog log{};
  };

  /// A policy beyond the limits of the messages or an identity without its work is a broken invariant.
  explicit PeersActor(Setup setup);

  void receive(runtime::Handlers& on) override;
  void start() override;
  void stop() override;
  void check() const override;

  // What a simulation looks at.
  const Peers& peers() const { return peers_; }
  bool loading() const { return loading_; }
  /// Whether all rows were read, not given up.
  bool rows_read() const { return !loading_ && loads_failed_ < kLoadTriesMax; }
  /// Whether the store has all rows as they are.
  bool saved() const { return !loading_ && waiting_.empty() && !saving_; }

 private:
  struct Tick {};
  struct Follow {};
  struct LoadAgain {};
  struct SaveAgain {};

  // From other nodes, from `/links` and from operators (peers_actor.cpp).
  void answer(wire::Ping::Reader ping, runtime::Reply<wire::Pong> reply);
  void answer(wire::Exchange::Reader question, runtime::Reply<wire::Contacts> reply);
  void answer(wire::ListKnown::Reader question, runtime::Reply<wire::KnownContacts> reply);
  void answer(wire::WhereAmI::Reader question, runtime::Reply<wire::OwnPlace> reply);
  void answer(wire::ListPeers::Reader question, runtime::Reply<wire::PeerRows> reply);
  void answer(wire::ConnectPeer::Reader command, runtime::Reply<wire::Connected> reply);
  void answer(wire::DropPeer::Reader command, runtime::Reply<messages::wire::Nothing> reply);
  void answer(wire::PardonPeer::Reader command, runtime::Reply<messages::wire::Nothing> reply);
  void answer(net::wire::WhereIs::Reader question, runtime::Reply<net::wire::Whereabouts> reply);
  void link_up(net::wire::LinkUp::Reader up);
  void link_down(net::wire::LinkDown::Reader down);
  void not_there(net::wire::NotThere::Reader where);
  void misbehaved(net::wire::Misbehaved::Reader report);
  void misbehaved(const base::NodeId& whom, Violation how, std::string_view what);
  void describe(wire::PeersState::Builder state);
  std::optional<base::NodeId> linked_caller();
  void note_seen(const base::NodeId& by, capnp::Data::Reader seen);
  void punish(const base::NodeId& whom, const char* why);

  // What was decided (peers_actor_perform.cpp).
  void act(const Decisions& decisions);
  void perform(const Dial& dial);
  void perform(const Drop& drop);
  void perform(const Ban& ban);
  void perform(const Unban& unban);
  void tell_ban(const base::NodeId& whom, base::Duration span);
  void perform(const SendPing& ping);
  void perform(const AskContacts& question);
  void perform(const SaveRow& row) { changed(row.id); }
  void perform(const EraseRow& row) { changed(row.id); }
  void dial_ended(const Dial& dial, runtime::Answer<net::wire::Dialled>& answer);
  void no_answer(const Target& seed, const base::Error& why);
  void ponged(const base::NodeId& whom, base::Instant asked_at, runtime::Answer<wire::Pong>& answer);
  void follow(bool again);
  void show_health();
  runtime::Handle links() const { return node().find(setup_.links); }

  // Rows (peers_actor_rows.cpp).
  void load();
  void take(store::wire::Slice::Reader slice);
  void loaded();
  void changed(const base::NodeId& id);
  void save();
  void saved(const std::vector<base::NodeId>& rows, runtime::Answer<messages::wire::Nothing>& answer);
  void show_store(const base::Error* fault) const;
  runtime::Handle store() const { return node().find(setup_.store); }
  Moment moment() const { return {now(), wall()}; }

  const Setup setup_;
  Peers peers_;
  OwnAddress own_address_;
  std::map<std::uint64_t, runtime::Reply<wire::Connected>> commands_;  // by ticket of their dial
  bool loading_ = true;
  base::Bytes load_from_;  // the key to go on from
  std::size_t loads_failed_ = 0;
  std::set<base::NodeId> waiting_;  // rows that the store lacks as they are
  bool saving_ = false;             // a commit is under way, or waits to be tried again
  std::uint32_t saves_failed_ = 0;
  std::uint64_t bans_ = 0;
  std::string health_shown_;  // empty: nothing is amiss
  struct Silence {
    std::string text;
    base::Instant said;
  };
  std::map<std::string, Silence> silent_seeds_;  // by the text of their address; at most kSeedsMax
};

/// As operators read it: `conflict`, `overloaded`, `not_found`.
base::Error to_error(CommandError error);
/// As the runtime reads it: `not_found`, `unavailable`.
base::Error to_error(Nowhere why);

}  // namespace troupe::peers
