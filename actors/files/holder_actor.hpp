#pragma once
// The actor for what this node stores for owners: claims, as logic/claims.hpp decides, and bytes, in the store.
//
// Serves  other nodes at kHolderPath; operators ListOwners and ReleaseOwner; inside the node MendContent and ListHeld.
//         The node that sends a request is the owner.
// Bytes   from another node are compared with their id before they are stored. A claim and its bytes are one commit,
//         the end of a claim is another; each is answered when synced. An object that the store cannot read is missing.
// States  loading: answers `unavailable`, permanently if rows are corrupted; then running.
// Doubt   a commit with an unknown outcome ends the actor, whose next incarnation reads the rows.
// Shares  quotas for stored data: logic/owners.hpp; for stores in progress and their bytes, checked before hashing, and
//         for as many binds and releases: store_shares.hpp; for reads: read_places.hpp. Other nodes' stores leave
//         FilesSettings::left_to_self of the device free, and their binds left_to_self_by_claims, so binds are limited.
// Limits  as in logic/claims.hpp; FilesSettings::stores_max, store_bytes_max, reads_max and reads_per_node_max, beyond
//         them `overloaded`.
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "actors/files/files_part.hpp"
#include "actors/files/read_places.hpp"
#include "actors/files/store_shares.hpp"
#include "messages/common.capnp.h"
#include "runtime/actor/actor.hpp"
#include "runtime/actor/budget_alarm.hpp"
#include "runtime/base/rate_budget.hpp"
#include "runtime/store/rows.hpp"

namespace troupe::files {

inline constexpr std::size_t kContentsAskedMax = 1024;  // messages/files.capnp: HasContents
inline constexpr std::size_t kContentsListed = 512;     // messages/files.capnp: HeldContents
inline constexpr std::size_t kOwnersListed = 512;       // messages/files.capnp: HeldOwners
inline constexpr std::size_t kOwnersEnded = 4;          // owners ended at once; our choice
inline constexpr std::chrono::minutes kIdleCheck{5};    // our choice: far below put_idle_max, and below a day
inline constexpr std::chrono::hours kRoomPeriod{1};     // issue 17: between two checks of the device's free space
inline constexpr std::chrono::seconds kRoomAgain{10};   // our choice: the same, while other nodes are refused for
                                                        // lack of free space
inline constexpr std::size_t kIdlePutsMax = 16;         // released at once; our choice
inline constexpr std::size_t kDamagedChecked = 32;      // our choice: with more, check() skips them

class HolderActor final : public FilesPart {
 public:
  static constexpr const char* kName = "holder";
  static constexpr base::Rate kLooks{200'000, 200'000};  // our choice: about 30 ms of every second
  /// `store` is the path of the store actor.
  HolderActor(FilesSettings settings, std::string store)
      : FilesPart(std::move(settings)),
        store_path_(store),
        rows_(*this, rows_setup(settings_, std::move(store))),
        shares_(std::make_shared<StoreShares>(settings_.stores_max, settings_.store_bytes_max)),
        ends_(std::make_shared<StoreShares>(settings_.stores_max, 0)),
        reads_(std::make_shared<ReadPlaces>(settings_.reads_max, settings_.reads_per_node_max)),
        read_rate_({settings_.read_kib_per_second, settings_.read_kib_per_second}, base::Instant{}) {}

  void receive(runtime::Handlers& on) override;
  void start() override;
  void check() const override;

 private:
  struct RowsAgain {};
  struct KeepHouse {};
  using Done = base::Callback<void(base::Outcome<void>)>;
  using Stored = runtime::Reply<wire::Stored>;
  using Released = runtime::Reply<wire::Released>;
  using Bound = runtime::Reply<wire::Bound>;

  /// Registers a handler. Before the rows have been read, requests are refused.
  template <class Q, class A>
  void serve(runtime::Handlers& on, void (HolderActor::*handler)(typename Q::Reader, runtime::Reply<A>)) {
    on.ask<Q, A>([this, handler](typename Q::Reader question, runtime::Reply<A> reply) {
      if (!claims_) return reply.refuse(closed());
      claims_->owners().heard(owner(), group());
      (this->*handler)(question, std::move(reply));
    });
  }
  void take_store(wire::StoreContent::Reader question, Stored reply);
  void take_bind(wire::BindClaim::Reader question, Bound reply);
  void take_release(wire::ReleaseClaim::Reader question, Released reply);
  void take_fetch(wire::FetchContent::Reader question, runtime::Reply<wire::Fetched> reply);
  void take_has(wire::HasContents::Reader question, runtime::Reply<wire::Has> reply);
  void take_owners(wire::ListOwners::Reader question, runtime::Reply<wire::HeldOwners> reply);
  void take_release_owner(wire::ReleaseOwner::Reader question, runtime::Reply<wire::OwnerReleased> reply);
  void take_list(wire::ListHeld::Reader question, runtime::Reply<wire::HeldContents> reply);
  void take_mend(wire::MendContent::Reader question, runtime::Reply<messages::wire::Nothing> reply);
  void show_counts();
  void describe(wire::HolderState::Builder state);

  using Ticket = std::shared_ptr<const StoreTicket>;  // null for this node's own stores
  Ticket end_ticket();
  base::Error too_many_ends();

  /// One store in progress.
  struct Storing {
    Claim claim;
    ContentKey key;
    base::AddressGroup group;
    Ticket ticket;
  };
  /// Stores an object. `kept` has the bytes if no message has them any longer, after the store has waited.
  void store(const Storing& storing, base::ByteView bytes, std::shared_ptr<const base::Bytes> kept, Stored reply);
  void bind(const base::NodeId& owner, const PutId& put, const Cid& cid, const Ticket& ticket, Bound reply);
  void release(const Claim& claim, std::uint32_t ended, const Ticket& ticket, Released reply);
  using Ended = base::Callback<void(base::Outcome<std::uint64_t>)>;
  void keep_house();
  void look_at_room();
  void end_owners();
  void end_owner(const base::NodeId& owner, std::uint64_t ended, Ended done);
  /// Makes a plan durable, with the bytes of `key` if there are any; then calls `done`.
  void commit(ClaimPlan plan, const ContentKey& key, base::ByteView bytes, Done done,
              store::Whose whose = store::Whose::own);
  /// Stores the bytes of a claimed object. The object's last claim may be released before they are stored.
  void keep(const ContentKey& key, base::ByteView bytes, Done done);
  /// Returns whether a request can wait for a commit. Tickets limit the waiting requests; this node has a reserve.
  bool may_wait() const { return commits_ > 0; }
  /// Wakes requests that wait for any commit, and stores that wait for one of these objects.
  void wake(const std::vector<ContentKey>& unlocked);
  /// Announces that this node has an object.
  void announce(const ContentKey& key, const base::NodeId& owner, const base::AddressGroup& group) {
    tell<wire::Holds>(node().find(kAnnouncePath), [&](wire::Holds::Builder out) {
      write(out.initContent(), key);
      write_owner(out.initOwner(), owner, group);
    });
  }
  /// Announces that this node no longer has the object.
  void announce_gone(const ContentKey& key) {
    tell<wire::Holds>(node().find(kAnnouncePath), [&](wire::Holds::Builder out) {
      write(out.initContent(), key);
      out.setGone(true);
    });
  }

  struct Read;
  void read(std::shared_ptr<Read> read);

  static store::Rows::Setup rows_setup(const FilesSettings& settings, std::string store);
  void load();
  base::Error closed() const;
  base::NodeId owner() const { return caller().node.value_or(settings_.self); }
  base::AddressGroup group() const {
    const auto at = caller().at;
    return at ? base::group_of(*at) : base::AddressGroup{};
  }
  runtime::Handle store_handle() const { return node().find(store_path_); }

  const std::string store_path_;
  std::unique_ptr<Claims> claims_;   // null while loading
  std::unique_ptr<Claims> loading_;  // what was read so far
  store::Rows rows_;
  std::shared_ptr<StoreShares> shares_;
  std::shared_ptr<StoreShares> ends_;  // for binds and releases: slots only
  runtime::BudgetAlarm stores_full_{"stores in progress"}, space_full_{"bytes stored for other nodes"},
      claims_full_{"claims"}, reads_full_{"reads of stored contents"}, ends_full_{"binds and releases of claims"};
  base::Instant room_looked_at_;
  base::Instant room_at_;  // time of the next check
  std::set<base::NodeId> owners_ending_;
  std::optional<base::NodeId> last_ending_;  // the last owner of this round
  bool in_end_owners_ = false;
  std::set<ContentKey> damaged_;  // claimed objects that are corrupted
  std::vector<base::Callback<void()>> waiting_;
  std::map<ContentKey, std::vector<base::Callback<void()>>> stores_waiting_;
  std::size_t commits_ = 0;  // number in progress
  std::shared_ptr<ReadPlaces> reads_;
  base::RateBudget<base::NodeId> read_rate_;                           // in KiB, for other nodes
  base::RateBudget<base::NodeId> look_rate_{kLooks, base::Instant{}};  // objects that other nodes ask about
};

}  // namespace troupe::files
