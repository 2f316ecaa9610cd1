#include "actors/dht/republish_actor.hpp"

#include "actors/dht/api.hpp"
#include "actors/dht/logic/record.hpp"
#include "actors/dht/logic/regions.hpp"
#include "actors/dht/wire.hpp"
#include "messages/store.capnp.h"

namespace troupe::dht {
namespace {

using base::Code;

constexpr std::chrono::seconds kReadDue{10};
constexpr std::chrono::seconds kLoadAgain{2};
constexpr std::uint32_t kSliceRows = 512;
constexpr std::size_t kKeysListed = 1024;              // of messages/dht.capnp
constexpr std::size_t kRowBytes = 128;                 // around key and value, in a commit
constexpr std::size_t kCommitBytes = 2 * 1024 * 1024;  // half of what one may have

std::size_t cost_of(const base::Bytes& key, const std::optional<base::Bytes>& value) {
  return kRowBytes + key.size() + (value ? value->size() : 0);
}

}  // namespace

void RepublishActor::receive(runtime::Handlers& on) {
  on.tell<wire::Published>([this](wire::Published::Reader what) { published(what); });
  on.tell<wire::Withdrawn>([this](wire::Withdrawn::Reader what) {
    if (const auto key = read_key(what.getKey())) drop({*key, static_cast<Published>(what.getWhat())});
  });
  on.ask<wire::ListPublished, wire::PublishedKeys>(
      [this](wire::ListPublished::Reader question, runtime::Reply<wire::PublishedKeys> reply) {
        if (loading_)
          return reply.refuse({Code::unavailable, "what is published is still being read", std::chrono::seconds(1)});
        const auto keys =
            republish_->keys(static_cast<Published>(question.getWhat()), read_key(question.getBehind()), kKeysListed);
        reply.send([&](wire::PublishedKeys::Builder out) {
          auto list = out.initKeys(static_cast<unsigned>(keys.size()));
          for (unsigned i = 0; i < list.size(); ++i) list.set(i, data_of(keys[i].view()));
          out.setMore(keys.size() == kKeysListed);
        });
      });
  on.ask<wire::DropRows, wire::RowsDropped>(
      [this](wire::DropRows::Reader order, runtime::Reply<wire::RowsDropped> reply) {
        answer(order, std::move(reply));
      });
  on.timer<WriteAgain>([this] { write_rows(); });
  on.timer<Wake>([this] { loading_ ? load({}) : wake(); });
  on.describe<wire::RepublishState>([this](wire::RepublishState::Builder state) {
    if (!republish_) return;
    state.setItems(republish_->items());
    state.setRetries(static_cast<std::uint32_t>(republish_->retries()));
    state.setLateMs(static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(republish_->late(wall())).count()));
    state.setRegions(regions_);
    state.setRepublished(served_);
    state.setHurried(republish_->hurried());
  });
}

void RepublishActor::start() {
  republish_.emplace(settings_->republish, wall());
  date_.look(now(), wall());
  if (settings_->values == Values::on_disk) {
    republish_->await_rows();
    return load({});
  }
  loading_ = false;
}

// -- rows ------------------------------------------------------------------------------------------------------------

void RepublishActor::load(base::Bytes from) {
  ask<store::wire::Scan, store::wire::Slice>(
      node().find(settings_->store), now() + kReadDue,
      [&](store::wire::Scan::Builder scan) {
        scan.setKeyspace(std::string(kPublishedRows));
        scan.setFrom(data_of(from));
        scan.setRowsMax(kSliceRows);
      },
      [this](runtime::Answer<store::wire::Slice> answer) {
        if (!answer.ok()) return after<Wake>(kLoadAgain);  // from the beginning: a row that is there twice is one
        RowChange bad;
        for (const auto row : answer.value().getRows()) {
          const auto key = bytes_of(row.getKey());
          if (!republish_->load(key, bytes_of(row.getValue()), wall()).ok())
            bad.erase.push_back({{key.begin(), key.end()}});
        }
        commit(bad);
        const auto slice = answer.value();
        if (slice.getMore()) return load({slice.getNext().begin(), slice.getNext().end()});
        loading_ = false;
        republish_->rows_read();
        tell<wire::LastSigned>(node().find(kPath),
                               [this](wire::LastSigned::Builder out) { out.setSequence(republish_->sequence_max()); });
        arm(base::Duration::zero());
      });
}

/// Calls back once the rows to be erased are, or their commit has failed; then they wait for the next one.
void RepublishActor::commit(const RowChange& change, Written done) {
  if (settings_->values == Values::in_memory || change.empty()) return done ? done(nullptr) : void();
  bool room = true;
  for (const EraseRow& one : change.erase) room = add(unwritten_, one.key, std::nullopt) && room;
  for (const SaveRow& one : change.save) room = add(unwritten_, one.key, one.value) && room;
  if (done && !room) {
    const base::Error full{Code::no_space, "too much waits for the store, which takes nothing now", kLoadAgain};
    done(&full);
  } else if (done) {
    unwritten_.done.push_back(std::move(done));
  }
  write_rows();
}

/// What is there already gives way. False if there is no room.
bool RepublishActor::add(Unwritten& to, const base::Bytes& key, std::optional<base::Bytes> value) {
  const std::size_t bytes = cost_of(key, value);
  const auto known = to.rows.find(key);
  const std::size_t before = known == to.rows.end() ? 0 : cost_of(key, known->second);
  if (to.bytes - before + bytes > kUnwrittenBytesMax) {
    ++unnoted_;
    return false;
  }
  to.bytes = to.bytes - before + bytes;
  to.erased += !value;
  if (known != to.rows.end()) to.erased -= !known->second;
  to.rows.insert_or_assign(key, std::move(value));
  return true;
}

/// As it will be once what waits is written; null if nothing of it waits.
const std::optional<base::Bytes>* RepublishActor::unwritten_row(const base::Bytes& key) const {
  if (const auto next = unwritten_.rows.find(key); next != unwritten_.rows.end()) return &next->second;
  if (!writing_) return nullptr;
  const auto now = writing_->rows.find(key);
  return now == writing_->rows.end() ? nullptr : &now->second;
}

void RepublishActor::write_rows() {
  if (writing_ || unwritten_.rows.empty()) return;
  Unwritten next;
  const bool erases = unwritten_.erased > 0;
  for (auto end = unwritten_.rows.end(); end != unwritten_.rows.begin() && next.bytes < kCommitBytes;) {
    const auto row = std::prev(end);
    if (erases && row->second) {
      end = row;
      continue;
    }
    const std::size_t bytes = cost_of(row->first, row->second);
    unwritten_.bytes -= bytes;
    unwritten_.erased -= !row->second;
    next.bytes += bytes;
    next.rows.insert(unwritten_.rows.extract(row));
  }
  if (unwritten_.erased == 0) next.done.swap(unwritten_.done);
  writing_ = std::move(next);
  const std::string name(kPublishedRows);
  ask<store::wire::Commit, messages::wire::Nothing>(
      node().find(settings_->store), now() + kCommitDue,
      [&](store::wire::Commit::Builder out) {
        auto rows = out.initRows(static_cast<unsigned>(writing_->rows.size()));
        unsigned i = 0;
        for (const auto& [key, value] : writing_->rows) {
          rows[i].setKeyspace(name);
          rows[i].setKey(data_of(key));
          if (value) rows[i++].getValue().setPut(data_of(*value));
          else rows[i++].getValue().setErase();
        }
      },
      [this](runtime::Answer<messages::wire::Nothing> answer) {
        if (answer.ok()) return written(nullptr);
        const base::Error why = answer.error();
        written(&why);
      });
}

void RepublishActor::written(const base::Error* why) {
  Unwritten done = *std::exchange(writing_, std::nullopt);
  if (why != nullptr) {
    for (auto& [key, value] : done.rows)
      if (!unwritten_.rows.contains(key)) add(unwritten_, key, std::move(value));
    for (Written& one : std::exchange(unwritten_.done, {})) done.done.push_back(std::move(one));
  }
  for (Written& one : done.done) one(why);
  show_health();
  if (why == nullptr) return write_rows();
  after<WriteAgain>(kLoadAgain);
}

void RepublishActor::published(wire::Published::Reader what) {
  const auto key = read_key(what.getKey());
  if (!key) return;
  const Item item{*key, static_cast<Published>(what.getWhat())};
  const auto record = bytes_of(what.getRecord());
  const bool first = republish_->items() == 0;
  const auto row = republish_->add(item, record, wall());
  if (!row.ok() && row.error() == PublishError::older) return;  // a newer put was acknowledged first
  if (!row.ok()) {
    ++turned_away_;
    return show_health();
  }
  if (settings_->values == Values::in_memory) kept_.insert_or_assign(item, base::Bytes(record.begin(), record.end()));
  RowChange rows = what.getHurry() ? republish_->hurry(item, wall()) : RowChange();
  rows.save.push_back(row.value());
  if (first) rows.save.push_back(republish_->cursor_row());
  commit(rows);
  arm(base::Duration::zero());
}

void RepublishActor::drop(const Item& item) {
  kept_.erase(item);
  commit(republish_->remove(item));
}

/// What has ended, before it is due; not while the date is doubted.
void RepublishActor::answer(wire::DropRows::Reader order, runtime::Reply<wire::RowsDropped> reply) {
  if (loading_)
    return reply.refuse({Code::unavailable, "what is published is still being read", std::chrono::seconds(1)});
  const bool believed = date_.look(now(), wall()) == Expired::dropped;
  const auto keys = order.getKeys();
  const auto sequences = order.getSequences();
  std::vector<bool> dropped;
  RowChange rows;
  for (unsigned i = 0; i < keys.size(); ++i) {
    const auto item = Republish::read_row_key(bytes_of(keys[i]));
    dropped.push_back(believed && item && i < sequences.size() && republish_->sequence(*item) <= sequences[i]);
    if (!dropped.back()) continue;
    rows.erase.push_back({Republish::row_key(*item)});  // also where an earlier order could not be written
    for (EraseRow& row : republish_->remove(*item).erase) rows.erase.push_back(std::move(row));
  }
  show_health();
  commit(rows, [reply = std::move(reply), dropped = std::move(dropped)](const base::Error* why) mutable {
    if (why != nullptr) return reply.refuse(*why);
    reply.send([&](wire::RowsDropped::Builder out) {
      auto list = out.initDropped(static_cast<unsigned>(dropped.size()));
      for (unsigned i = 0; i < list.size(); ++i) list.set(i, dropped[i]);
    });
  });
}

// -- the sweep -------------------------------------------------------------------------------------------------------

void RepublishActor::arm(base::Duration at_least) {
  if (loading_) return;
  show_health();
  const auto at = republish_->wake_at();
  if (!at) return;
  after<Wake>(std::clamp<base::Duration>(*at - wall(), at_least, std::max<base::Duration>(kRepublishLook, at_least)));
}

void RepublishActor::wake() {
  date_.look(now(), wall());
  const auto region = republish_->next(wall());
  if (!region) return arm(kRegionPause);
  // How wide a region is depends on how many nodes there are.
  ask<wire::GetTable, wire::TableRows>(
      node().find(kPath), now() + kReadDue, [](wire::GetTable::Builder) {},
      [this, region = *region](runtime::Answer<wire::TableRows> answer) {
        if (!answer.ok()) return begin(region);
        republish_->set_region_bits(region_bits(NetworkSize{answer.value().getNodes()}, settings_->copies));
        if (region.turn == Turn::sweep || answer.value().getBuckets().size() > 0) return begin(region);
        commit(republish_->met_nobody(wall()));
        arm(kRegionPause);
      });
}

void RepublishActor::begin(const Region& region) {
  unread_.assign(region.items.rbegin(), region.items.rend());
  due_.clear();
  failed_.clear();
  met_nobody_ = false;
  read_next();
}

/// One after the other: a sweep has a day for what a put does at once.
void RepublishActor::read_next() {
  std::size_t bytes = 0;
  for (const Due& one : due_) bytes += one.record.size();
  if (due_.size() == kRegionItemsMax || bytes + kRecordBytesMax > kRegionBytesMax || unread_.empty()) return serve();
  const Item item = unread_.back();
  unread_.pop_back();
  if (item.what == Published::provider) return took(item, {});
  if (settings_->values == Values::in_memory) return took(item, kept_.contains(item) ? kept_.at(item) : base::Bytes());
  if (const auto* const waiting = unwritten_row(Republish::row_key(item)))
    return took(item, waiting->value_or(base::Bytes()));
  ask<store::wire::Get, store::wire::Found>(
      node().find(settings_->store), now() + kReadDue,
      [&](store::wire::Get::Builder get) {
        get.setKeyspace(std::string(kPublishedRows));
        get.setKey(data_of(Republish::row_key(item)));
      },
      [this, item](runtime::Answer<store::wire::Found> answer) {
        if (answer.ok()) {
          const auto record = bytes_of(answer.value().getValue());
          return took(item, {record.begin(), record.end()});
        }
        if (answer.error().code == Code::not_found) return took(item, {});
        failed_.insert(item);  // the store does not answer now: it comes again
        read_next();
      });
}

void RepublishActor::took(const Item& item, base::Bytes bytes) {
  if (item.what == Published::provider) {
    due_.push_back({item, {}});
    return read_next();
  }
  const auto record = parse(bytes);
  const auto good = record.ok() ? validate(record.value(), item.key, wall(), settings_->work_bits) : record.error();
  const auto over = [&] {
    return good.error() == RecordError::expired && date_.look(now(), wall()) == Expired::dropped;
  };
  if (good.ok()) due_.push_back({item, std::move(bytes)});
  else if (bytes.empty() || no_good_ever(bytes, good.error()) || over()) drop(item);
  else failed_.insert(item);  // only the date speaks against it, which may be wrong: it comes again
  read_next();
}

void RepublishActor::serve() {
  if (due_.empty()) return served();
  const Key middle = due_[due_.size() / 2].item.key;
  ask<wire::Search, wire::SearchResult>(
      node().find(kPath), now() + 2 * kSearchDue + kCommitDue,
      [&](wire::Search::Builder out) {
        out.setKey(data_of(middle.view()));
        auto items = out.getGoal().initRegion(static_cast<unsigned>(due_.size()));
        for (unsigned i = 0; i < items.size(); ++i) {
          items[i].setKey(data_of(due_[i].item.key.view()));
          items[i].setRecord(data_of(due_[i].record));
        }
      },
      [this](runtime::Answer<wire::SearchResult> answer) {
        met_nobody_ = met_nobody_ || (answer.ok() && answer.value().getNearest().size() == 0);
        const auto items = answer.ok() ? answer.value().getItems() : capnp::List<bool>::Reader();
        for (unsigned i = 0; i < due_.size(); ++i) {
          const bool has = i < items.size() && items[i];
          served_ += has;
          if (!has) failed_.insert(due_[i].item);
        }
        due_.clear();
        if (unread_.empty()) return served();
        read_next();
      });
}

void RepublishActor::served() {
  ++regions_;
  commit(met_nobody_       ? republish_->met_nobody(wall())
         : failed_.empty() ? republish_->done(wall())
                           : republish_->failed(std::move(failed_), wall()));
  arm(kRegionPause);
}

void RepublishActor::show_health() {
  const base::Duration late = republish_->late(wall());
  settings_->counters->published = republish_->items();
  settings_->counters->republish_late_ms =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(late).count());
  if (settings_->health == nullptr) return;
  if (republish_->items() < settings_->republish.items_max) turned_away_ = 0;
  if (unnoted_ > 0)
    settings_->health->raise("dht-published", observe::HealthState::degraded,
                             "the store did not take what this node publishes, and " + std::to_string(unnoted_) +
                                 " changes of it found no room to wait: what was put then is not published again. See "
                                 "by 'troupe status' what the store says, and put it anew");
  else if (turned_away_ == 0) settings_->health->clear("dht-published");
  else
    settings_->health->raise("dht-published", observe::HealthState::degraded,
                             "this node keeps published as much as it may (" +
                                 std::to_string(settings_->republish.items_max) + " keys), and " +
                                 std::to_string(turned_away_) +
                                 " that came since are not published again: they are gone from the network once their "
                                 "holders drop them. Withdraw some, or publish from another node");
  if (late < settings_->republish.period / 8) return settings_->health->clear("dht-republish");
  settings_->health->raise("dht-republish", observe::HealthState::degraded,
                           republish_->hurried() > 0
                               ? std::to_string(republish_->hurried()) +
                                     " of the things that this node has published are known at one node at most, and "
                                     "for more than an eighth of the period nobody has taken one: see by 'troupe "
                                     "peers' whether this node has links"
                               : "what this node has published is published again too late: it falls behind by more "
                                 "than an eighth of the period");
}

}  // namespace troupe::dht
