#pragma once
// Keeps in the network what this node has published: at `/dht/republish`, after logic/republish.hpp.
//
// Rows    keyspace kPublishedRows, written behind (runtime/store/rows.hpp). Due records are read back, so memory holds
//         only keys, unless nothing is on disk. What finds no room to wait is not published again (`dht-published`).
// Served  region by region, by searches of at most kRegionItemsMax items. An item that is withdrawn or put anew while
//         its region is read is not sent as it was.
// Ended   an expired record is dropped when it is due and the clock is trusted (logic/clock_guard.hpp). Announcements
//         are dropped when they are withdrawn.
// Health  `dht-republish` while the sweep is late by more than an eighth of the period.
#include <map>
#include <set>
#include <vector>

#include "actors/dht/api.hpp"
#include "actors/dht/logic/republish.hpp"
#include "actors/dht/settings.hpp"
#include "messages/common.capnp.h"
#include "messages/dht.capnp.h"
#include "runtime/actor/actor.hpp"
#include "runtime/store/rows.hpp"

namespace troupe::dht {

inline constexpr std::size_t kRegionBytesMax = 512 * 1024;  // our choice: some large values
inline constexpr std::chrono::seconds kRegionPause{1};      // our choice: between two searches
inline constexpr std::chrono::minutes kRepublishLook{1};    // a date may step: the sweep is looked at this often

class RepublishActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "republish";
  explicit RepublishActor(std::shared_ptr<const DhtSettings> settings)
      : settings_(std::move(settings)),
        clock_(settings_->values == Values::on_disk ? Expired::kept : Expired::dropped),
        rows_(*this, settings_->rows(kPublishedRows, "what this node keeps published")) {}

  void receive(runtime::Handlers& on) override;
  void start() override;
  void stop() override { rows_.stop(); }
  void check() const override { rows_.check(); }

 private:
  struct Wake {};
  struct RowsAgain {};
  struct Due {  // of the region under way
    Item item;
    base::Bytes record;
  };
  void load();
  void published(wire::Published::Reader what);
  void wake();
  void begin(const Region& region);
  void read_next();
  void took(const Item& item, base::Bytes record);
  void serve();
  void served();
  void drop(const Item& item, store::Rows::Done erased = {});
  void turn_away(const Item& item);
  void answer(wire::Withdraw::Reader order, runtime::Reply<wire::WithdrawDone> reply);
  struct Damaged {
    std::vector<base::Bytes> keys;
    std::vector<bool> dropped;  // those looked at so far
    runtime::Reply<wire::RowsDropped> reply;
    std::size_t open = 1;  // rows that are being erased, and the walk
    std::optional<base::Error> failed{};
  };
  void answer(wire::DropRows::Reader request, runtime::Reply<wire::RowsDropped> reply);
  void drop_damaged(const std::shared_ptr<Damaged>& all);
  void dropped_one(Damaged& all);
  void forget(base::ByteView key, RowChange& change);
  void erase(RowChange change, std::vector<bool> dropped, runtime::Reply<wire::RowsDropped> reply);
  bool still(const Item& item);
  void arm(base::Duration at_least);
  void show_health();

  const std::shared_ptr<const DhtSettings> settings_;
  std::optional<Republish> republish_;
  ClockGuard clock_;
  store::Rows rows_;
  std::map<Item, base::Bytes> kept_;  // Values::in_memory
  std::vector<Item> unread_;          // of the region under way, the last first
  std::vector<Due> due_;
  std::set<Item> failed_;                  // of the region so far
  std::set<Item> anew_;                    // put while a region is under way
  bool met_nobody_ = false;                // as it was served so far
  std::map<Item, std::uint64_t> unnoted_;  // what found no room, with its sequence; at most items_max
  std::set<Item> turned_away_;             // since there was room; at most items_max
  std::uint64_t regions_ = 0, served_ = 0;
};

}  // namespace troupe::dht
