#pragma once
// Keeps in the network what this node has published: at `/dht/republish`, after logic/republish.hpp.
//
// Rows    keyspace kPublishedRows. What is due is read back from there, so that memory holds keys alone; a node that
//         keeps nothing on disk keeps the records in memory. One commit at a time: what it could not write goes into
//         the next, under what has changed since. What is erased goes first and by itself, as a full device takes that
//         (runtime/store/commit.hpp); the cursor goes last. Above kUnwrittenBytesMax nothing more waits, and
//         `dht-published` says so.
// Served  region by region, each by searches of at most kRegionItemsMax items (Search, `region`). A region is done when
//         enough nodes have acknowledged every item; those that they have not are tried again.
// Hurried what few have is tried as soon as the table lists somebody.
// Ended   records that have expired are dropped when they are due and the date is believed (logic/date_watch.hpp);
//         until then they are tried again, as those are that a clock that was set back finds in the future.
//         Announcements are dropped when they are withdrawn: `/files/announce` looks each hour for those of contents
//         that are here no more.
// Late    more than an eighth of the period is a reason of health, `dht-republish`; so is `dht-published`, while there
//         is no room and something was put that is not published again.
#include <map>
#include <set>
#include <vector>

#include "actors/dht/api.hpp"
#include "actors/dht/logic/republish.hpp"
#include "actors/dht/settings.hpp"
#include "messages/dht.capnp.h"
#include "runtime/actor/actor.hpp"

namespace troupe::dht {

inline constexpr std::size_t kRegionBytesMax = 512 * 1024;           // the same
inline constexpr std::size_t kUnwrittenBytesMax = 16 * 1024 * 1024;  // our choice: some hundred large values
inline constexpr std::chrono::seconds kRegionPause{1};               // our choice: between two searches
inline constexpr std::chrono::minutes kRepublishLook{1};  // a date may step: the sweep is looked at this often

class RepublishActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "republish";
  explicit RepublishActor(std::shared_ptr<const DhtSettings> settings)
      : settings_(std::move(settings)),
        date_(settings_->values == Values::on_disk ? Expired::kept : Expired::dropped) {}

  void receive(runtime::Handlers& on) override;
  void start() override;

 private:
  struct Wake {};
  struct WriteAgain {};
  using Written = base::Callback<void(const base::Error*)>;
  struct Unwritten {
    std::map<base::Bytes, std::optional<base::Bytes>> rows{};  // nothing: erased
    std::size_t bytes = 0;
    std::size_t erased = 0;       // so many of them
    std::vector<Written> done{};  // once what is erased is
  };

  struct Due {  // of the region under way
    Item item;
    base::Bytes record;
  };
  void load(base::Bytes from);
  void published(wire::Published::Reader what);
  void wake();
  void begin(const Region& region);
  void read_next();
  void took(const Item& item, base::Bytes record);
  void serve();
  void served();
  void drop(const Item& item);
  void answer(wire::DropRows::Reader order, runtime::Reply<wire::RowsDropped> reply);
  void commit(const RowChange& rows, Written done = {});
  void write_rows();
  const std::optional<base::Bytes>* unwritten_row(const base::Bytes& key) const;
  void written(const base::Error* why);
  bool add(Unwritten& to, const base::Bytes& key, std::optional<base::Bytes> value);
  void arm(base::Duration at_least);
  void show_health();

  const std::shared_ptr<const DhtSettings> settings_;
  std::optional<Republish> republish_;
  DateWatch date_;
  bool loading_ = true;
  std::map<Item, base::Bytes> kept_;  // Values::in_memory
  std::vector<Item> unread_;          // of the region under way, the last first
  std::vector<Due> due_;
  std::set<Item> failed_;             // of the region so far
  bool met_nobody_ = false;           // as it was served so far
  Unwritten unwritten_;               // after the commit under way
  std::optional<Unwritten> writing_;  // by it
  std::uint64_t unnoted_ = 0;         // rows that found no room to wait, since the start
  std::uint64_t turned_away_ = 0;     // since there was room
  std::uint64_t regions_ = 0, served_ = 0;
};

}  // namespace troupe::dht
