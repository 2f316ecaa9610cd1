#include "actors/dht/republish_actor.hpp"

#include <algorithm>

#include "actors/dht/api.hpp"
#include "actors/dht/logic/audit.hpp"
#include "actors/dht/logic/record.hpp"
#include "actors/dht/logic/regions.hpp"
#include "actors/dht/wire.hpp"

namespace troupe::dht {
namespace {

using base::Code;

constexpr std::chrono::seconds kTableDue{10};
constexpr std::size_t kKeysListed = 1024;  // messages/dht.capnp

void say_dropped(runtime::Reply<wire::RowsDropped>& reply, const std::vector<bool>& dropped) {
  reply.send([&](wire::RowsDropped::Builder out) {
    auto list = out.initDropped(size32(dropped));
    for (unsigned i = 0; i < list.size(); ++i) list.set(i, dropped[i]);
  });
}

}  // namespace

void RepublishActor::receive(runtime::Handlers& on) {
  on.tell<wire::Published>([this](wire::Published::Reader what) { published(what); });
  on.tell<wire::Withdrawn>([this](wire::Withdrawn::Reader what) {
    if (const auto key = read_key(what.getKey())) drop({*key, static_cast<Published>(what.getWhat())});
    show_health();
  });
  on.ask<wire::ListPublished, wire::PublishedKeys>(
      [this](wire::ListPublished::Reader question, runtime::Reply<wire::PublishedKeys> reply) {
        if (rows_.reading())
          return reply.refuse(
              {Code::unavailable, "this node is still reading its published items", std::chrono::seconds(1)});
        const auto keys =
            republish_->keys(static_cast<Published>(question.getWhat()), read_key(question.getBehind()), kKeysListed);
        reply.send([&](wire::PublishedKeys::Builder out) {
          auto list = out.initKeys(size32(keys));
          for (unsigned i = 0; i < list.size(); ++i) list.set(i, data_of(keys[i].view()));
          out.setMore(keys.size() == kKeysListed);
        });
      });
  on.ask<wire::Withdraw, wire::WithdrawDone>([this](auto order, auto reply) { answer(order, std::move(reply)); });
  on.ask<wire::DropRows, wire::RowsDropped>([this](auto request, auto reply) { answer(request, std::move(reply)); });
  rows_.receive<RowsAgain>(on);
  on.timer<Wake>([this] { wake(); });
  on.describe<wire::RepublishState>([this](wire::RepublishState::Builder state) {
    if (!republish_) return;
    state.setItems(republish_->items());
    state.setRetries(static_cast<std::uint32_t>(republish_->retries()));
    state.setLateMs(ms_of(republish_->late(wall())));
    state.setRegions(regions_);
    state.setRepublished(served_);
    state.setHurried(republish_->under_replicated());
  });
}

void RepublishActor::start() {
  republish_.emplace(settings_->republish, wall());
  clock_.look(now(), wall());
  republish_->await_rows();
  node().publish<wire::Withdraw>(kRepublishPath, self());
  load();
}

// -- rows ------------------------------------------------------------------------------------------------------------

/// Reads the rows back. Corrupt rows are no longer published.
void RepublishActor::load() {
  rows_.load(
      [this](base::ByteView key, base::ByteView value) {
        const auto took = republish_->load(key, value, wall());
        if (took.ok()) return store::Use::keep;
        if (took.error() != RowError::full) return store::Use::erase;
        if (const auto item = Republish::read_row_key(key)) turn_away(*item);  // for a start with more space
        return store::Use::keep;
      },
      [this](const base::Outcome<void>&) {
        rows_.write(republish_->rows_read(wall()));
        tell<wire::LastSigned>(node().find(kPath),
                               [this](wire::LastSigned::Builder out) { out.setSequence(republish_->sequence_max()); });
        arm(base::Duration::zero());
      });
}

void RepublishActor::published(wire::Published::Reader what) {
  const auto key = read_key(what.getKey());
  if (!key) return;
  const Item item{*key, static_cast<Published>(what.getWhat())};
  const auto record = bytes_of(what.getRecord());
  const auto lost = unnoted_.find(item);
  if (lost != unnoted_.end() && sequence_in(item, record) < lost->second) return;
  const bool first = republish_->items() == 0;
  const bool known = item.what != Published::kv && republish_->contains(item);  // its row would be the same
  const auto row = republish_->add(item, record, wall());
  if (!row.ok() && row.error() == PublishError::older) return;  // a newer put was acknowledged first
  if (!row.ok()) {
    turn_away(item);
    return show_health();
  }
  if (settings_->values == Values::in_memory) kept_.insert_or_assign(item, base::Bytes(record.begin(), record.end()));
  if (!known && !rows_.behind().has_room(row.value().key, record.size())) {
    const std::uint64_t sequence = republish_->sequence(item);
    drop(item);  // the item that it replaced must not return
    if (unnoted_.size() < settings_->republish.items_max) unnoted_.emplace(item, sequence);
    return show_health();
  }
  unnoted_.erase(item);
  if (republish_->under_way()) anew_.insert(item);
  RowChange rows = what.getHurry() ? republish_->add_under_replicated(item, wall()) : RowChange();
  if (!known || !rows_.behind().full()) rows.save.push_back(std::move(row).value());
  if (first && !rows_.reading()) rows.save.push_back(republish_->cursor_row());  // later, the saved cursor counts
  rows_.write(std::move(rows));
  arm(base::Duration::zero());
}

/// Counts an item once, however often it is put or read.
void RepublishActor::turn_away(const Item& item) {
  if (turned_away_.size() < settings_->republish.items_max) turned_away_.insert(item);
}

void RepublishActor::drop(const Item& item, store::Rows::Done erased) {
  kept_.erase(item);
  unnoted_.erase(item);
  rows_.write(republish_->remove(item), std::move(erased));
}

void RepublishActor::answer(wire::Withdraw::Reader order, runtime::Reply<wire::WithdrawDone> reply) {
  if (rows_.reading())
    return reply.refuse({Code::unavailable, "this node is still reading its published items", std::chrono::seconds(1)});
  const auto space = space_of(order.getSpace());
  const auto key = order.getKey().size() > 0
                       ? read_key(order.getKey())
                       : std::optional(key_of_name(settings_->identity->public_key(), bytes_of(order.getName())));
  if (!space || !key) return reply.refuse({Code::malformed, "invalid key: a key has 20 bytes and a space"});
  const Item item{*key, static_cast<Published>(*space)};
  if (!republish_->contains(item)) return reply.refuse({Code::not_found, "this node does not publish that key"});
  drop(item, [item, reply = std::move(reply)](const base::Outcome<void>& erased) mutable {
    if (!erased.ok()) return reply.refuse(erased.error());
    reply.send([&](wire::WithdrawDone::Builder out) { out.setKey(data_of(item.key.view())); });
  });
  show_health();
}

/// Drops expired rows before they are due, but not while the date is not trusted; or corrupt rows, unless a valid row
/// has been written since.
void RepublishActor::answer(wire::DropRows::Reader request, runtime::Reply<wire::RowsDropped> reply) {
  if (rows_.reading())
    return reply.refuse({Code::unavailable, "this node is still reading its published items", std::chrono::seconds(1)});
  const auto keys = request.getKeys();
  if (!request.getExpired()) {
    std::vector<base::Bytes> damaged;
    for (const auto key : keys) damaged.emplace_back(key.begin(), key.end());
    return drop_damaged(std::make_shared<Damaged>(Damaged{std::move(damaged), {}, std::move(reply)}));
  }
  const bool trusted = clock_.look(now(), wall()) == Expired::dropped;
  const auto sequences = request.getSequences();
  std::vector<bool> dropped;
  RowChange change;
  for (unsigned i = 0; i < keys.size(); ++i) {
    const auto item = Republish::read_row_key(bytes_of(keys[i]));
    dropped.push_back(trusted && item && i < sequences.size() && republish_->sequence(*item) <= sequences[i]);
    if (dropped.back()) forget(bytes_of(keys[i]), change);
  }
  erase(std::move(change), std::move(dropped), std::move(reply));
}

/// Reads each row once more and erases it at once, one after the other: a put that comes later stays.
void RepublishActor::drop_damaged(const std::shared_ptr<Damaged>& all) {
  if (all->dropped.size() == all->keys.size()) return dropped_one(*all);
  const base::Bytes& key = all->keys[all->dropped.size()];
  rows_.get(key, [this, all, &key](const base::Outcome<store::Rows::Value>& row) {
    const bool unreadable = !row.ok() && row.error().code != Code::corrupt;
    const bool sound =
        row.ok() && row.value() &&
        judge(kPublishedRows, key, *row.value(), wall(), {.work_bits = settings_->work_bits}).state == RowState::sound;
    const bool goes = !unreadable && !sound && rows_.behind().find(key) == nullptr;  // otherwise it is being written
    all->dropped.push_back(goes);
    if (goes) {
      RowChange change;
      forget(key, change);
      ++all->open;
      rows_.write(std::move(change), [this, all](const base::Outcome<void>& erased) {
        if (!erased.ok()) all->failed = erased.error();
        dropped_one(*all);
      });
    }
    drop_damaged(all);
  });
}

void RepublishActor::dropped_one(Damaged& all) {
  if (--all.open > 0) return;
  show_health();
  if (all.failed) return all.reply.refuse(*all.failed);
  say_dropped(all.reply, all.dropped);
}

void RepublishActor::forget(base::ByteView key, RowChange& change) {
  change.erase.emplace_back(key.begin(), key.end());  // also an unknown key
  const auto item = Republish::read_row_key(key);
  if (!item) return;
  kept_.erase(*item);
  unnoted_.erase(*item);
  change.add(republish_->remove(*item));
}

void RepublishActor::erase(RowChange change, std::vector<bool> dropped, runtime::Reply<wire::RowsDropped> reply) {
  show_health();
  auto answer = [reply = std::move(reply), dropped = std::move(dropped)](const base::Outcome<void>& erased) mutable {
    if (!erased.ok()) return reply.refuse(erased.error());
    say_dropped(reply, dropped);
  };
  if (!change.empty()) rows_.write(std::move(change), std::move(answer));
  else answer({});
}

// -- the sweep -------------------------------------------------------------------------------------------------------

void RepublishActor::arm(base::Duration at_least) {
  if (rows_.reading()) return;
  show_health();
  const auto at = republish_->wake_at();
  if (!at) return;
  after<Wake>(std::clamp<base::Duration>(*at - wall(), at_least, std::max<base::Duration>(kRepublishLook, at_least)));
}

void RepublishActor::wake() {
  clock_.look(now(), wall());
  const auto region = republish_->next(wall());
  if (!region) return arm(kRegionPause);
  // A region's width depends on the number of nodes.
  ask<wire::GetTable, wire::TableRows>(
      node().find(kPath), now() + kTableDue, [](wire::GetTable::Builder) {},
      [this, region = *region](runtime::Answer<wire::TableRows> answer) {
        if (!answer.ok()) return begin(region);
        republish_->set_region_bits(region_bits(NetworkSize{answer.value().getNodes()}, settings_->copies));
        if (region.turn == Turn::sweep || answer.value().getBuckets().size() > 0) return begin(region);
        rows_.write(republish_->met_nobody(wall()));
        arm(kRegionPause);
      });
}

void RepublishActor::begin(const Region& region) {
  unread_.assign(region.items.rbegin(), region.items.rend());
  due_.clear();
  failed_.clear();
  anew_.clear();
  met_nobody_ = false;
  read_next();
}

/// Reads one after the other: a sweep has a day for what a put does at once.
void RepublishActor::read_next() {
  std::size_t bytes = 0;
  for (const Due& one : due_) bytes += one.record.size();
  if (due_.size() == kRegionItemsMax || bytes + kRecordBytesMax > kRegionBytesMax || unread_.empty()) return serve();
  const Item item = unread_.back();
  unread_.pop_back();
  if (item.what == Published::provider) return took(item, {});
  if (settings_->values == Values::in_memory) return took(item, kept_.contains(item) ? kept_.at(item) : base::Bytes());
  const base::Bytes key = Republish::row_key(item);
  if (const auto* const waiting = rows_.behind().find(key)) return took(item, waiting->value_or(base::Bytes()));
  rows_.get(key, [this, item](const base::Outcome<store::Rows::Value>& record) {
    if (record.ok()) {
      const base::ByteView found = record.value().value_or(base::ByteView());
      return took(item, {found.begin(), found.end()});
    }
    failed_.insert(item);  // the store does not answer now: it is due again
    read_next();
  });
}

/// Returns whether it still has to be published as it was read. An item put again while the region is read is due
/// again.
bool RepublishActor::still(const Item& item) {
  if (!republish_->contains(item)) return false;
  if (anew_.contains(item)) failed_.insert(item);
  return !anew_.contains(item);
}

void RepublishActor::took(const Item& item, base::Bytes bytes) {
  if (!still(item)) return read_next();
  if (item.what == Published::provider) {
    due_.push_back({item, {}});
    return read_next();
  }
  const auto record = parse(bytes);
  const auto good = record.ok() ? validate(record.value(), item.key, wall(), settings_->work_bits) : record.error();
  const auto over = [&] {
    return good.error() == RecordError::expired && clock_.look(now(), wall()) == Expired::dropped;
  };
  if (good.ok()) due_.push_back({item, std::move(bytes)});
  else if (bytes.empty() || no_good_ever(bytes, good.error()) || over()) drop(item);
  else failed_.insert(item);  // invalid only by the date, which may be wrong: it is due again
  read_next();
}

void RepublishActor::serve() {
  std::erase_if(due_, [this](const Due& one) { return !still(one.item); });
  if (due_.empty()) return unread_.empty() ? served() : read_next();
  const Key middle = due_[due_.size() / 2].item.key;
  ask<wire::Search, wire::SearchResult>(
      node().find(kPath), now() + 2 * kSearchDue + kCommitDue,
      [&](wire::Search::Builder out) {
        out.setKey(data_of(middle.view()));
        auto items = out.getGoal().initRegion(size32(due_));
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
  rows_.write(met_nobody_       ? republish_->met_nobody(wall())
              : failed_.empty() ? republish_->done(wall())
                                : republish_->failed(failed_, wall()));
  arm(kRegionPause);
}

void RepublishActor::show_health() {
  const base::Duration late = republish_->late(wall());
  settings_->counters->published = republish_->items();
  settings_->counters->republish_late_ms = ms_of(late);
  if (settings_->health == nullptr) return;
  if (republish_->items() < settings_->republish.items_max) turned_away_.clear();
  std::string lost;
  if (!unnoted_.empty())
    lost = "the store did not accept this node's publications, and " + std::to_string(unnoted_.size()) +
           " keys found no space to wait: they are not republished. Check the store with 'troupe status', "
           "and put the keys again";
  if (!turned_away_.empty())
    lost += (lost.empty() ? "" : "; ") + std::string("this node keeps the maximum published (") +
            std::to_string(settings_->republish.items_max) + " keys), and " + std::to_string(turned_away_.size()) +
            " later keys are not republished: they disappear when their copies expire. "
            "Withdraw some, or publish from another node";
  if (lost.empty()) settings_->health->clear("dht-published");
  else settings_->health->raise("dht-published", observe::HealthState::degraded, lost);
  const auto much = settings_->republish.period / 8;
  if (late < much) return settings_->health->clear("dht-republish");
  settings_->health->raise("dht-republish", observe::HealthState::degraded,
                           republish_->untaken(wall()) >= much
                               ? std::to_string(republish_->under_replicated()) +
                                     " published items are on at most one node, and "
                                     "for more than an eighth of the period no node has stored one: check with 'troupe "
                                     "peers' whether this node has links"
                               : "republication is late by more "
                                 "than an eighth of the period");
}

}  // namespace troupe::dht
