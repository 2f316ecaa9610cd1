#pragma once
// This node in the registry, and the nodes that it watches, at kPath.
//
// Tells    sends a heartbeat every period to kWatchers of the nodes nearest to its id, which the DHT names: the nearest
//          of each address group first. Sends its registration to watchers without it, and to the DHT: at /kv
//          under kRecordName, and as a provider at the DHT key of each capability (places_of()).
// Watches  the nodes that send it heartbeats (logic/watch.hpp), and requests late heartbeats.
// Keeps    watched nodes and its own registration in rows, and one row per node and hour of history
//          (logic/history.hpp). The current hour is in memory; a crash loses it.
// Spawns   `list`, which makes lists of all nodes.
// Reports  milestones of watched nodes to `/reputation` (logic/streak.hpp).
// Limits   RegistrySettings; kPullsMax requests at once; kHistoriesMax histories, of the nodes nearest to this one.
//          Their rows keep a reserve of free space; tidy() erases old ones. kWalksMax readers of other nodes at once.
#include <map>
#include <set>

#include "actors/registry/api.hpp"
#include "actors/registry/logic/streak.hpp"
#include "actors/registry/logic/sweep.hpp"
#include "actors/registry/own.hpp"
#include "actors/registry/settings.hpp"
#include "messages/registry.capnp.h"
#include "runtime/actor/budget_alarm.hpp"
#include "runtime/actor/followers.hpp"
#include "runtime/base/rate_budget.hpp"
#include "runtime/ports/hardware.hpp"

namespace troupe::registry {

inline constexpr std::string_view kRecordName = "registry";

class RegistryActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "registry";
  static constexpr std::size_t kPullsMax = 64;          // our choice
  static constexpr base::Rate kHistoryReads{256, 256};  // our choice: for all other nodes together
  // Our choice: 20,000 nodes that change their registration every 20 minutes. Each is a row of 4 KiB.
  static constexpr base::Rate kRegistrations{16, 512};
  static constexpr std::size_t kWalksMax = 64;             // our choice: 1 MiB per reader of another node
  static constexpr base::Rate kListedKiB{16'384, 32'768};  // our choice: a list of 20,000 nodes at once
  static constexpr std::size_t kPageBytes = 128u << 10;    // our choice: plus one more row
  explicit RegistryActor(RegistrySettings settings);

  void receive(runtime::Handlers& on) override;
  void start() override;
  void stop() override;
  void check() const override;

 private:
  struct RowsAgain {};
  struct HistoryAgain {};
  struct Pulse {};
  struct Late {};
  struct Tidy {};
  struct Seek {};
  struct Watcher {
    base::NodeId id;
    base::Contact contact;
    bool has_beat = false;           ///< it has this node's last heartbeat
    std::uint64_t registration = 0;  ///< sequence of the newest registration that it has
  };

  struct Heard {
    std::vector<Sample> hour;
    Streak streak{};
    base::AddressGroup group{};  ///< the group for which it is counted
  };

  // -- this node: registry_actor_own.cpp
  using Nothing = runtime::Reply<messages::wire::Nothing>;
  void tell_ready(Nothing reply);
  void loaded();
  void pulse();
  void located(const base::Endpoint& at);
  /// Signs what has changed about this node. Returns false, without any change, if the registration is too large.
  bool renew(const base::Endpoint& at);
  Registration told_now(const base::Endpoint& at) const;
  /// Updates measured capabilities, and tells watchers at once, because a node that takes tasks has to be found.
  void measured(const std::string& domain, Capabilities all);
  void publish_record();
  void announce();
  void beat();
  void find_watchers();
  /// Considers a newly watched node as a watcher: it may be nearer than this node's watchers, or these may be too few.
  void met(const base::NodeId& newcomer);
  void tell_watchers();
  void offer(const Watcher& watcher);
  void offer_to_all();
  void set_own(std::string_view request, const base::Digest& content, const std::function<void(Own&)>& change,
               runtime::Reply<wire::Registered> reply);
  store::RowChange own_row() const;
  void save_own();
  void answer(runtime::Reply<wire::Registered>& reply) const;

  // -- vouches of judges for this node: registry_actor_vouches.cpp
  void vouched(wire::HandVouch::Reader handed, runtime::Reply<wire::VouchTaken> reply);
  std::optional<base::Error> take_vouch(const Vouch& vouch, base::ByteView bytes);
  struct Vouched {
    std::uint64_t unix_ms = 0;
    base::Bytes bytes;
    base::AddressGroup group{};  ///< of its judge when the vouch arrived; after a restart derived from the judge's id
  };
  std::vector<Vouched>::const_iterator gives_way(const base::AddressGroup& newcomer, std::uint64_t today) const;
  void save_vouches();
  void restore_vouches(base::ByteView value);

  // -- other nodes: registry_actor_watch.cpp
  base::User<base::NodeId> user(const base::NodeId& id) const;
  bool may_tell(const base::NodeId& id) const;
  void heard(wire::Beat::Reader told, runtime::Reply<wire::BeatNoted> reply);
  void offered(wire::OfferRegistration::Reader told, runtime::Reply<wire::BeatNoted> reply);
  void answer(runtime::Reply<wire::BeatNoted>& reply, const base::NodeId& id) const;
  void pulled(const base::NodeId& id, runtime::Answer<wire::PulledBeat>& answer);
  void take(const base::User<base::NodeId>& from, const Heartbeat& beat, base::ByteView bytes, Watched::Way way);
  void look_at_late();
  void arm_late();
  void forget_rows();
  /// A row of a page; its bytes belong to the registry.
  struct ListedRow {
    base::ByteView registration, beat;
    Status status;
    base::Duration heard;
    bool unheard = false;
    base::AddressGroup site{};
    std::vector<base::ByteView> vouches{};
  };
  void list(wire::ListWatched::Reader question, runtime::Reply<wire::WatchedPage> reply);
  void write(const ListedRow& row, wire::WatchedRow::Builder out) const;
  store::Use restore(base::ByteView key, base::ByteView value);
  /// Saves a watched node. `last`: the node is stopping, and does not wait for its store.
  void save(const base::NodeId& id, bool last = false);
  Heard* heard_of(const base::NodeId& id);
  void forget_history(const base::NodeId& id);
  void note(const base::NodeId& id, const Sample& sample);
  void observe(const base::NodeId& id, const char* milestone, std::uint64_t number);
  void flush(const base::NodeId& id, bool last = false);
  void tidy();
  template <class A>
  bool refuse_much(runtime::Reply<A>& reply);
  void get_history(wire::GetHistory::Reader question, runtime::Reply<wire::History> reply);
  void get_uptime(wire::GetUptime::Reader question, runtime::Reply<wire::UptimeIs> reply);
  /// A read through a node's blocks. Another node's read holds its slot until it ends, even if that node has left.
  struct Walk {
    base::NodeId id;
    std::optional<base::User<base::NodeId>> holder{};  ///< the user of its slot; nullopt: this node
    base::Callback<void(base::ByteView)> take;
    base::Callback<void(base::Outcome<void>)> then;
    std::size_t blocks = 0;  ///< read so far
  };
  /// Calls `take` with each block from a time on, then `then`. The last block has less than an hour.
  void walk(const base::NodeId& id, std::uint64_t from_ms, base::Callback<void(base::ByteView)> take,
            base::Callback<void(base::Outcome<void>)> then);
  void go_on(std::unique_ptr<Walk> walk, const base::Bytes& from);
  void end(Walk& walk, const base::Outcome<void>& read);
  std::uint64_t unix_ms() const { return base::unix_milliseconds(wall()); }

  const RegistrySettings settings_;
  store::Rows rows_, history_;
  runtime::Followers<wire::FollowOwnRegistration, wire::OwnRegistrationChanged> followers_;
  Watched watched_;
  base::RateBudget<base::NodeId> budget_;
  base::RateBudget<base::NodeId> registrations_;
  base::RateBudget<base::NodeId> reads_;  // reads of histories
  base::ShareBudget<base::NodeId> walks_{kWalksMax};
  base::RateBudget<base::NodeId> lists_;  // KiB of pages
  runtime::BudgetAlarm full_{"registry.beats"};
  bool ready_ = false;  // the rows are loaded, and this node's resources are known
  Nothing awaited_;     // reply to send once `ready_`

  Own own_;
  std::vector<Vouched> vouches_;  // for this node, oldest first
  Registration registration_;     // the one encoded in own_.registration
  ports::Hardware::Has has_;
  std::map<std::string, Capabilities> measured_;  // by domain
  std::uint64_t disk_bytes_ = 0;
  base::Instant started_;
  base::Bytes beat_bytes_;
  std::vector<Watcher> watchers_;
  base::Instant search_at_;  // when watchers are searched again
  bool searching_ = false;
  bool newcomers_ = false;       // new nodes are watched since the last search
  base::Duration seek_again_{};  // delay after a search that found too few watchers
  bool published_ = false, publishing_ = false;
  std::vector<base::NodeId> to_announce_;  // DHT keys of capabilities
  base::Instant announce_at_;              // when all of them are due again
  bool announcing_ = false;
  std::map<base::NodeId, Heard> heard_;  // of watched nodes, up to kHistoriesMax
  /// `heard_` by group: distance from this node, and id.
  std::map<base::AddressGroup, std::set<std::pair<base::NodeId, base::NodeId>>> heard_by_group_;
  base::Bytes tidied_;                            // the key from which tidy() continues
  base::Instant late_at_ = base::Instant::max();  // when late nodes are checked; max: never
  std::size_t pulling_ = 0;
};

}  // namespace troupe::registry
