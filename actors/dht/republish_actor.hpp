#pragma once
// Keeps this node's published records and announcements in the network: `/dht/republish`, by logic/republish.hpp.
//
// Rows    keyspace kPublishedRows, written behind (runtime/store/rows.hpp). Due records are read back, so memory
//         contains only keys, unless nothing is on disk. Items that find no space to wait are not republished
//         (`dht-published`).
// Served  items are published region by region, by searches of at most kRegionItemsMax items. An item that is withdrawn
//         or put again while its region is read is not sent in its old form.
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

inline constexpr std::size_t kRegionBytesMax = 512 * 1024;  // our choice: a few large values
inline constexpr std::chrono::seconds kRegionPause{1};      // our choice: between two searches
inline constexpr std::chrono::minutes kRepublishLook{1};    // between checks of the sweep, because the date may jump

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
  struct Due {  // an item of the current region
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
    std::vector<bool> dropped;  // for the keys checked so far
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
  std::vector<Item> unread_;          // of the current region, in reverse order
  std::vector<Due> due_;
  std::set<Item> failed_;                  // of the current region so far
  std::set<Item> anew_;                    // put during the current region
  bool met_nobody_ = false;                // in the current region so far
  std::map<Item, std::uint64_t> unnoted_;  // items that found no space, with their sequences; at most items_max
  std::set<Item> turned_away_;             // since space was last free; at most items_max
  std::uint64_t regions_ = 0, served_ = 0;
};

}  // namespace troupe::dht
