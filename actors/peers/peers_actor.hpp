#pragma once
// The actor of this node's peers: passes inputs to the logic (logic/peers.hpp), and performs its decisions.
//
// Serves  published at kPath: Ping and Exchange for linked nodes; ListPeers, ConnectPeer, DropPeer, ForgetPeer and
//         PardonPeer for operators. Inside the node: ListKnown and WhereAmI for other domains; WhereIs and NotThere for
//         links that dial; Misbehaved.
// Bans    `/links` is notified of each ban, restored bans too: it enforces them for links, datagrams and the DHT.
// States  loading: reads its rows, and does not follow links yet; then running. A restart starts with loading, and
//         learns from `/links` which links are up.
// Rows    keyspace kKeyspace, by node id, written behind (runtime/store/rows.hpp).
// Limits  the logic's; kRowsWaitingMax; kExchangesPerSecond over all peers, beyond it `overloaded`. A peer's messages
//         are bounded by their kind and by its link.
// Fails   without a store the node starts without known peers; without `/links` dials fail and are repeated.
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/peers/api.hpp"
#include "actors/peers/logic/dates.hpp"
#include "actors/peers/logic/own_address.hpp"
#include "actors/peers/logic/peers.hpp"
#include "messages/links.capnp.h"
#include "runtime/actor/actor.hpp"
#include "runtime/base/rate_budget.hpp"
#include "runtime/observe/domain_log.hpp"
#include "runtime/observe/health.hpp"
#include "runtime/store/rows.hpp"

namespace troupe::peers {

inline constexpr const char* kKeyspace = "peers";
inline constexpr std::size_t kPeerRowsMax = 2000;              // messages/peers.capnp
inline constexpr std::size_t kRowsWaitingMax = 2 * kKnownMax;  // beyond it, erased rows stay in the store for longer
inline constexpr std::chrono::seconds kTrafficTimeout{1};      // issue: an operator does not wait for byte counts
inline constexpr std::uint32_t kExchangesPerSecond =
    256;                                                 // our choice: for all peers, each of which asks twice a minute
inline constexpr std::uint32_t kVoicesPerSecond = 64;    // our choice: for all links, each of which reports twice a
                                                         // minute
inline constexpr std::size_t kWhatBytesMax = 200;        // messages/links.capnp
inline constexpr std::chrono::seconds kGrace{10};        // our choice: delay before too few peers degrade health
inline constexpr std::chrono::minutes kUnknownGrace{5};  // our choice: delay before an unknown own address does so
inline constexpr std::chrono::seconds kSayAgain{60};  // our choice: between log lines about a seed that does not answer
inline constexpr std::chrono::seconds kFollowAgain{
    60};  // our choice: the longest time without links after a restart of `/links`

class PeersActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "peers";
  static constexpr const char* kDates = "peers.dates";  // sources of health
  static constexpr const char* kIdentity = "peers.identity";
  static constexpr const char* kAddress = "peers.address";

  struct Setup {
    Policy policy;
    Contact self;  ///< key and nonce are ours; the endpoint is the advertised address, see Peers::advertised
    IdOf id_of;
    std::vector<Target> seeds;     ///< to join through
    std::string links = "/links";  ///< paths of the actors that it needs
    std::string store = "/store";
    observe::Health* health = nullptr;  ///< outlives the actor; may be null
    observe::DomainLog log{};
    /// Returns when another running node last proved this node's key.
    std::function<std::optional<base::Instant>()> own_id_met = [] { return std::nullopt; };
    /// Returns whether a linked peer owes this node an answer.
    std::function<bool(const base::NodeId&)> owes_answer = [](const base::NodeId&) { return false; };
  };

  /// Breaks an invariant if the policy exceeds the limits of the messages, or the identity lacks its work.
  explicit PeersActor(Setup setup);

  void receive(runtime::Handlers& on) override;
  void start() override;
  void stop() override { rows_.stop(); }
  void check() const override;

  // For simulations.
  const Peers& peers() const { return peers_; }
  bool loading() const { return loading_; }
  /// Returns whether all rows were read; false if reading was given up.
  bool rows_read() const { return rows_.complete(); }
  /// Returns whether the store has the latest state of all rows.
  bool saved() const { return !loading_ && rows_.behind().idle(); }

 private:
  struct Tick {};
  struct Follow {};
  struct Grace {};
  struct RowsAgain {};

  // Requests from other nodes, `/links` and operators (peers_actor.cpp).
  void answer(wire::Ping::Reader ping, runtime::Reply<wire::Pong> reply);
  void answer(wire::Exchange::Reader question, runtime::Reply<wire::Contacts> reply);
  void answer(wire::ListKnown::Reader question, runtime::Reply<wire::KnownContacts> reply);
  void answer(wire::WhereAmI::Reader question, runtime::Reply<wire::OwnPlace> reply);
  void answer(wire::ListPeers::Reader question, runtime::Reply<wire::PeerRows> reply);
  void answer(wire::ConnectPeer::Reader command, runtime::Reply<wire::Connected> reply);
  void answer(wire::DropPeer::Reader command, runtime::Reply<messages::wire::Nothing> reply);
  void answer(wire::ForgetPeer::Reader command, runtime::Reply<messages::wire::Nothing> reply);
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
  void note_date(const base::NodeId& peer, std::uint32_t date_s);
  void punish(const base::NodeId& peer, const char* why);

  // Decisions (peers_actor_perform.cpp).
  void act(const Decisions& decisions);
  void perform(const Dial& dial);
  void perform(const Drop& drop);
  void perform(const Ban& ban);
  void perform(const Unban& unban);
  void tell_ban(const base::NodeId& peer, base::Duration span);
  void perform(const SendPing& ping);
  void perform(const AskContacts& question);
  void perform(const SaveRow& row) { changed_.insert(row.id); }
  void perform(const EraseRow& row) { changed_.insert(row.id); }
  void dial_ended(const Dial& dial, runtime::Answer<net::wire::Dialled>& answer);
  void no_answer(const Target& seed, const base::Error& why);
  void ponged(const base::NodeId& peer, base::Instant asked_at, runtime::Answer<wire::Pong>& answer);
  void follow(bool again);
  void show_health();
  void show(const char* source, std::string& shown, const std::string& text);

  // One identity at two running nodes (peers_actor_identity.cpp).
  void write_before(wire::Pong::Builder pong, const base::NodeId& asker, const base::Endpoint& now_at) const;
  void look_for_other(wire::Pong::Reader pong);
  bool used_elsewhere() const;
  void note_elsewhere(const base::NodeId& peer, bool elsewhere);
  void tell_elsewhere();
  void show_identity();
  void show_address();
  runtime::Handle links() const { return node().find(setup_.links); }

  // Rows (peers_actor_rows.cpp).
  static store::Rows::Setup rows_setup(const Setup& setup);
  void load();
  store::Use take(base::ByteView key, base::ByteView row);
  void save();
  Moment moment() const { return {now(), wall()}; }

  const Setup setup_;
  Peers peers_;
  OwnAddress own_address_;
  base::RateBudget<base::NodeId> exchanges_;
  base::RateBudget<base::NodeId> voices_;                              // reports of the address at which peers see this
                                                                       // node
  std::map<std::uint64_t, runtime::Reply<wire::Connected>> commands_;  // by ticket of their dial
  bool loading_ = true;
  store::Rows rows_;
  std::set<base::NodeId> changed_;  // peers whose rows are written after all decisions
  std::uint64_t bans_ = 0;
  std::string health_shown_;                    // empty: no fault
  std::optional<base::Instant> too_few_since_;  // since when too few peers are healthy
  Dates dates_;
  std::string dates_shown_, identity_shown_, address_shown_;
  std::optional<base::Instant> unknown_since_;       // since when linked peers do not agree on this node's address
  std::map<base::NodeId, base::Instant> elsewhere_;  // linked peers that say that their identity is used elsewhere
  base::Instant look_for_other_at_{};                // earliest time of the next check
  std::optional<base::Instant> told_elsewhere_;      // the own_id_met() that peers were notified of
  struct Silence {
    std::string text;
    base::Instant said;
  };
  std::map<std::string, Silence> silent_seeds_;  // by the text of their address; at most kSeedsMax
};

/// Returns the error for operators: `conflict`, `overloaded` or `not_found`.
base::Error to_error(CommandError error);
/// Returns the error for the runtime: `not_found` or `unavailable`.
base::Error to_error(Nowhere why);

}  // namespace troupe::peers
