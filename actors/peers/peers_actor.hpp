#pragma once
// The peers of this node behind a mailbox: passes inputs to the logic (logic/peers.hpp), and performs its decisions.
//
// Serves  published at kPath: Ping and Exchange of linked nodes; ListPeers, ConnectPeer, DropPeer and PardonPeer of
//         operators. Inside the node: ListKnown and WhereAmI of other domains; WhereIs and NotThere of links that dial;
//         Misbehaved.
// Bans    `/links` is told each ban, restored bans too: it enforces them for links, datagrams and the DHT.
// States  loading: reads its rows in slices, and does not follow links yet; then running. A restart starts with
//         loading, and learns from `/links` which links are up.
// Rows    keyspace kKeyspace, by node id. One commit at a time; later changes go with the next commit. A failed commit
//         is counted, shown as a reason of health, and repeated.
// Limits  those of the logic; kRowsWaitingMax. A peer's messages are bounded by their kind and by its link.
// Fails   without a store the node starts without known peers; without `/links` dials fail and are repeated.
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
#include "runtime/observe/domain_log.hpp"
#include "runtime/observe/health.hpp"

namespace troupe::peers {

inline constexpr const char* kKeyspace = "peers";
inline constexpr std::size_t kSliceRows = 256;     // our choice: 64 KiB for a slice or a commit
inline constexpr std::size_t kPeerRowsMax = 2000;  // of messages/peers.capnp
inline constexpr std::size_t kLoadTriesMax = 3;    // our choice: half a minute, then a start without known peers
inline constexpr std::size_t kRowsWaitingMax =
    2 * kKnownMax;                                         // beyond it, rows to erase stay in the store a while longer
inline constexpr std::chrono::seconds kStoreTimeout{10};   // our choice: a sync on a busy disk takes one or two
inline constexpr std::chrono::seconds kStoreAgain{5};      // our choice: a full disk is not freed any faster
inline constexpr std::chrono::seconds kTrafficTimeout{1};  // issue: an operator does not wait for byte counts
inline constexpr std::size_t kWhatBytesMax = 200;          // of messages/links.capnp
inline constexpr std::chrono::seconds kSayAgain{60};  // our choice: between log lines about a seed that does not answer
inline constexpr std::chrono::seconds kFollowAgain{
    60};  // our choice: the longest time without links after a restart of `/links`

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

  /// Broken invariant: a policy beyond the limits of the messages, or an identity without its work.
  explicit PeersActor(Setup setup);

  void receive(runtime::Handlers& on) override;
  void start() override;
  void stop() override;
  void check() const override;

  // What a simulation looks at.
  const Peers& peers() const { return peers_; }
  bool loading() const { return loading_; }
  /// Whether all rows were read; false if reading was given up.
  bool rows_read() const { return !loading_ && loads_failed_ < kLoadTriesMax; }
  /// Whether the store has the latest state of all rows.
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
  void misbehaved(const base::NodeId& peer, Violation how, std::string_view what);
  void describe(wire::PeersState::Builder state);
  std::optional<base::NodeId> linked_caller();
  void note_seen(const base::NodeId& by, capnp::Data::Reader seen);
  void punish(const base::NodeId& peer, const char* why);

  // What was decided (peers_actor_perform.cpp).
  void act(const Decisions& decisions);
  void perform(const Dial& dial);
  void perform(const Drop& drop);
  void perform(const Ban& ban);
  void perform(const Unban& unban);
  void tell_ban(const base::NodeId& peer, base::Duration span);
  void perform(const SendPing& ping);
  void perform(const AskContacts& question);
  void perform(const SaveRow& row) { changed(row.id); }
  void perform(const EraseRow& row) { changed(row.id); }
  void dial_ended(const Dial& dial, runtime::Answer<net::wire::Dialled>& answer);
  void no_answer(const Target& seed, const base::Error& why);
  void ponged(const base::NodeId& peer, base::Instant asked_at, runtime::Answer<wire::Pong>& answer);
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
  std::set<base::NodeId> waiting_;  // rows whose latest state the store lacks
  bool saving_ = false;             // a commit is under way, or waits to be tried again
  std::uint32_t saves_failed_ = 0;
  std::uint64_t bans_ = 0;
  std::string health_shown_;  // empty: no fault
  struct Silence {
    std::string text;
    base::Instant said;
  };
  std::map<std::string, Silence> silent_seeds_;  // by the text of their address; at most kSeedsMax
};

/// For operators: `conflict`, `overloaded`, `not_found`.
base::Error to_error(CommandError error);
/// For the runtime: `not_found`, `unavailable`.
base::Error to_error(Nowhere why);

}  // namespace troupe::peers
