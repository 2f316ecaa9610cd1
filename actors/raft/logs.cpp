#include "actors/raft/logs.hpp"

#include <algorithm>
#include <iterator>

#include "runtime/base/ensure.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::raft {

using store::StoreError;
using store::StoreResult;

namespace {

constexpr std::uint8_t kRecordVersion = 1;
constexpr std::uint8_t kHasState = 1, kHasVote = 2, kRestarts = 4, kHasFloor = 8;
constexpr std::size_t kEntryHead = 8 + 1 + 4;
constexpr std::size_t kHeadBytes = 128;  // at most, for a record without its entries
constexpr std::size_t kSizesBytesMax = std::size_t{1} << 20;
/// In the last word of a record's id: its writer keeps the sizes.
constexpr std::uint64_t kKeepsSizes = std::uint64_t{1} << 63;
/// Our choice: more records than are written between two notes of the sizes.
constexpr std::uint64_t kNumbersSkipped = std::uint64_t{1} << 32;

base::Digest id_of(Incarnation log, std::uint64_t number, Index first, std::size_t entries) {
  base::Bytes out;
  base::append_number(out, log);
  base::append_number(out, number);
  base::append_number(out, first.value);
  base::append_number(out, static_cast<std::uint64_t>(entries) | kKeepsSizes);
  return *base::Digest::from(out);
}
/// Next to the directory's root, so that an older copy of the directory is noticed.
std::string sizes_path(std::string directory) {
  std::ranges::replace(directory, '/', '-');
  return directory + ".sizes";
}
bool keeps_sizes(const base::Digest& id) { return base::load<std::uint64_t>(id.view(), 24) & kKeepsSizes; }

}  // namespace

struct Logs::Content {
  Incarnation log = 0;
  bool restarts = false;
  std::optional<HardState> state{};
  struct Floor {
    Index to, last;  ///< entries up to `to` are obsolete, and there were none after `last`
  };
  std::optional<Floor> floor{};
  Index first{};
  std::vector<Entry> entries{};

  bool says_nothing() const { return !restarts && !state && !floor && entries.empty(); }
};

// -- bytes -----------------------------------------------------------------------------------------------------------

base::Bytes Logs::encode(const Content& content) {
  base::Bytes out;
  std::size_t bytes = kHeadBytes;
  for (const Entry& entry : content.entries) bytes += kEntryHead + entry.view().size();
  out.reserve(bytes);
  out.push_back(kRecordVersion);
  const bool votes = content.state && content.state->vote;
  out.push_back(static_cast<std::uint8_t>((content.state ? kHasState : 0) | (votes ? kHasVote : 0) |
                                          (content.restarts ? kRestarts : 0) | (content.floor ? kHasFloor : 0)));
  base::append_number(out, content.log);
  if (content.state) {
    base::append_number(out, content.state->term.value);
    base::append_number(out, content.state->commit.value);
    if (votes) {
      base::append(out, content.state->vote->node.view());
      base::append_number(out, content.state->vote->incarnation);
    }
  }
  if (content.floor) {
    base::append_number(out, content.floor->to.value);
    base::append_number(out, content.floor->last.value);
  }
  base::append_number(out, content.first.value);
  base::append_number(out, static_cast<std::uint32_t>(content.entries.size()));
  for (const Entry& entry : content.entries) {
    base::append_number(out, entry.term.value);
    out.push_back(static_cast<std::uint8_t>(entry.kind));
    base::append_number(out, static_cast<std::uint32_t>(entry.view().size()));
    base::append(out, entry.view());
  }
  return out;
}

std::optional<Logs::Content> Logs::decode(base::ByteView bytes) {
  base::FieldReader in(bytes);
  if (in.number<std::uint8_t>() != kRecordVersion) return std::nullopt;
  const auto flags = in.number<std::uint8_t>();
  if (flags > (kHasState | kHasVote | kRestarts | kHasFloor) || ((flags & kHasVote) && !(flags & kHasState)))
    return std::nullopt;
  Content out;
  out.log = in.number<std::uint64_t>();
  out.restarts = flags & kRestarts;
  if (flags & kHasState) {
    HardState state;
    state.term = Term{in.number<std::uint64_t>()};
    state.commit = Index{in.number<std::uint64_t>()};
    if (flags & kHasVote) {
      const auto node = in.fixed<base::NodeId>();
      state.vote = MemberId{node, in.number<std::uint64_t>()};
    }
    out.state = state;
  }
  if (flags & kHasFloor) {
    const Index to{in.number<std::uint64_t>()};
    out.floor = Content::Floor{to, Index{in.number<std::uint64_t>()}};
    if (out.floor->to.value > kNumberMax || out.floor->last.value > kNumberMax) return std::nullopt;
  }
  out.first = Index{in.number<std::uint64_t>()};
  const auto count = in.number<std::uint32_t>();
  if (count > bytes.size() / kEntryHead || out.first.value > kNumberMax) return std::nullopt;
  out.entries.reserve(count);
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    Entry entry{.index = out.first + i, .term = Term{in.number<std::uint64_t>()}};
    const auto kind = in.number<std::uint8_t>();
    const auto size = in.number<std::uint32_t>();
    if (kind > kEntryKindMax || size > kEntryBytesLimit) return std::nullopt;
    entry.kind = static_cast<EntryKind>(kind);
    const base::ByteView data = in.take(size);
    if (size > 0) entry.data = std::make_shared<const base::Bytes>(data.begin(), data.end());
    out.entries.push_back(std::move(entry));
  }
  if (!in.ended()) return std::nullopt;
  return out;
}

// -- start -----------------------------------------------------------------------------------------------------------

Logs::Logs(ports::Disk& disk, const std::string& directory, std::unique_ptr<store::Packs> packs,
           std::uint64_t pack_bytes_max)
    : disk_(disk),
      directory_(directory),
      sizes_path_(sizes_path(directory)),
      packs_(std::move(packs)),
      pack_bytes_max_(pack_bytes_max) {}

StoreResult<std::unique_ptr<Logs>> Logs::open(ports::Disk& disk, const std::string& directory, std::uint64_t seed,
                                              std::uint64_t pack_bytes_max) {
  auto packs = store::Packs::open(disk, directory,
                                  {.seed = seed, .pack_bytes_max = pack_bytes_max, .reserve_bytes = kLogReserveBytes});
  if (!packs.ok()) return packs.error();
  std::unique_ptr<Logs> logs(new Logs(disk, directory, std::move(packs).value(), pack_bytes_max));
  if (const auto started = logs->start(); !started.ok()) return started.error();
  return logs;
}

StoreResult<void> Logs::start() {
  // After moves, records may be out of order: they are sorted first.
  std::map<Number, std::pair<base::Digest, store::Location>> found;
  for (const store::PackInfo& pack : packs_->packs()) {
    const auto report = packs_->scan(pack.number, store::Packs::Check::payloads,
                                     [&](const base::Digest& id, const store::Location& at) {
                                       const Number number = base::load<std::uint64_t>(id.view(), 8);
                                       const auto [known, fresh] = found.try_emplace(number, id, at);
                                       // An unfinished move leaves two identical copies.
                                       if (!fresh) packs_->drop(at);
                                     });
    if (!report.ok()) return report.error();
    if (report.value().damaged_bytes > 0) damaged_packs_[pack.number] = report.value().damaged_bytes;
  }
  for (const auto& [number, record] : found) {
    const auto& [id, where] = record;
    auto bytes = packs_->read(id, where);
    if (!bytes.ok()) return bytes.error();
    const auto content = decode(bytes.value());
    last_ = newest_ = number;
    if (!keeps_sizes(id)) by_older_ = number;
    if (!content || content->log != base::load<std::uint64_t>(id.view()) || number == 0) {
      damaged_packs_[where.pack] += store::record_bytes(where.length);
      continue;
    }
    if (content->says_nothing()) {  // it covers earlier records, and does not create a log
      packs_->drop(where);
      continue;
    }
    records_.emplace(number, Record{content->log, id, where});
    numbers_.emplace(id, number);
    replay(number, *content);
    if (records_.at(number).live == 0) release(number);
  }
  settle();
  if (const auto checked = check_sizes(); !checked.ok()) return checked;
  static_cast<void>(note_sizes());  // the packs synced what they kept
  return {};
}

// -- sizes -----------------------------------------------------------------------------------------------------------

/// A file that cannot be read counts as missing: only one of its own bytes may have changed.
StoreResult<void> Logs::read_sizes() {
  const std::string& path = sizes_path_;
  const auto file = disk_.open(path, ports::OpenMode::read);
  if (!file.ok() && file.error() == ports::DiskError::not_found) return {};
  if (!file.ok()) return store::disk_failure(file.error(), path);
  base::Bytes bytes(kSizesBytesMax);
  const auto got = file.value()->read(0, bytes);
  if (!got.ok()) return store::disk_failure(got.error(), path);
  bytes.resize(got.value());
  const auto sizes = LogSizes::decode(bytes);
  if (sizes && sizes->last >= by_older_) noted_ = *sizes;
  return {};
}

StoreResult<void> Logs::check_sizes() {
  if (const auto got = read_sizes(); !got.ok()) return got;
  std::map<std::uint32_t, std::uint64_t> there;
  for (const store::PackInfo& pack : packs_->packs()) there[pack.number] = pack.bytes;
  for (const auto& [pack, noted] : noted_.packs) there.try_emplace(pack, 0);
  for (const auto& [pack, bytes] : there) {
    const auto noted = noted_.packs.find(pack);
    const LogSizes::Pack before = noted == noted_.packs.end() ? LogSizes::Pack{} : noted->second;
    const auto damaged = damaged_packs_.find(pack);
    const std::uint64_t unreadable = damaged == damaged_packs_.end() ? 0 : std::min(damaged->second, bytes);
    const std::uint64_t had = std::max(before.bytes, bytes), lost = had - bytes + unreadable;
    if (lost == 0) continue;
    if (lost > before.lost) all_suspect_ = true;
    if (loss_.empty())
      loss_ = directory_ + "/" + store::pack_name(pack) +
              (had > bytes ? " was cut: it has " + std::to_string(bytes - unreadable) +
                                 " bytes that can be read, and had " + std::to_string(had)
                           : " has " + std::to_string(unreadable) + " bytes that cannot be read") +
              "; restore it from a copy";
    lost_[pack] = {had, std::max(lost, before.lost)};
  }
  if (lost_.empty()) return {};
  if (!all_suspect_) suspects_ = noted_.suspects;
  if (!all_suspect_ && suspects_.empty()) {
    lost_.clear();
    loss_.clear();
    return {};
  }
  if (damaged_packs_.empty()) loss_ += ", or remove " + sizes_path_ + " to give up the lost data";
  // So that a restored pack is recognised by its size, and has no numbers of later records.
  last_ = std::max(last_, noted_.last) + kNumbersSkipped;
  return packs_->begin_after(lost_.rbegin()->first);
}

/// Returns the sizes to note once everything is synced.
LogSizes Logs::sizes() const {
  LogSizes out{.packs = lost_, .suspects = suspects_, .last = newest_};
  for (const store::PackInfo& pack : packs_->packs()) {
    const auto damaged = damaged_packs_.find(pack.number);
    out.packs.try_emplace(pack.number,
                          LogSizes::Pack{pack.bytes, damaged == damaged_packs_.end() ? 0 : damaged->second});
  }
  return out;
}

StoreResult<void> Logs::note_sizes() {
  // A pack's size includes unsynced bytes, and only synced sizes are noted.
  if (all_suspect_ || packs_->unsynced() > 0) return {};
  return write_sizes(sizes());
}

StoreResult<void> Logs::write_sizes(const LogSizes& sizes) {
  not_noted_.reset();
  if (sizes == noted_) return {};
  const std::string& path = sizes_path_;
  if (const auto done = ports::write_durably(disk_, path, sizes.encode()); !done.ok())
    return not_noted_.emplace(store::disk_failure(done.error(), path));
  noted_ = sizes;
  return {};
}

/// Call it before a pack is removed. Returns false if the pack must stay, because the sizes would still require it.
StoreResult<bool> Logs::forget_size(std::uint32_t pack) {
  if (const auto synced = packs_->sync(); !synced.ok()) return synced.error();
  LogSizes without = sizes();
  if (LogSizes::Pack& one = without.packs[pack]; one.lost > 0) one.lost = one.bytes;
  else without.packs.erase(pack);
  if (const auto lost = lost_.find(pack); lost != lost_.end()) lost->second.lost = lost->second.bytes;
  if (write_sizes(without).ok()) return true;
  if (!suspects_.empty()) return false;  // no other file names them
  // Removing the pack frees space: better no sizes for a while.
  const auto gone = disk_.remove(sizes_path_);
  if (!gone.ok() && gone.error() != ports::DiskError::not_found) return false;
  noted_ = {};
  return disk_.sync_directory(".").ok();
}

/// Like take(), but dead records may be missing, so entries may have gaps until all are read. The last record with an
/// entry at an index counts.
void Logs::replay(Number number, const Content& content) {
  Held& held = logs_[content.log];
  auto& entries = replayed_[content.log];
  Record& record = records_.at(number);
  const auto drop = [&](auto from, auto to) {
    for (auto at = from; at != to; ++at)
      if (--records_.at(at->second.record).live == 0 && at->second.record != number) release(at->second.record);
    entries.erase(from, to);
  };
  if (content.restarts) {
    mark(held.restart_record, number);
    drop(entries.begin(), entries.end());
  }
  if (content.state) {
    mark(held.state_record, number);
    held.state = *content.state;
  }
  if (content.floor) {
    mark(held.floor_record, number);
    drop(entries.upper_bound(content.floor->last), entries.end());
    drop(entries.begin(), entries.upper_bound(content.floor->to));
    held.first = std::max(held.first, content.floor->to.next());
  }
  if (content.entries.empty()) return;
  drop(entries.lower_bound(content.first), entries.end());
  for (const Entry& entry : content.entries)
    entries[entry.index] = {entry.term, number, static_cast<std::uint32_t>(entry.bytes())};
  record.live += content.entries.size();
}

/// Keeps the entries after the last gap. Missing entries show as a larger first index.
void Logs::settle() {
  for (auto& [log, entries] : std::exchange(replayed_, {})) {
    Held& held = logs_.at(log);
    while (!entries.empty()) {
      const auto last = std::prev(entries.end());
      if (!held.entries.empty() && last->first.next() != held.first) break;
      held.first = last->first;
      held.entries.push_front(last->second);
      entries.erase(last);
    }
    for (const auto& [index, place] : entries)
      if (--records_.at(place.record).live == 0) release(place.record);
  }
}

/// The record replaces the previous record of a mark.
void Logs::mark(Number& mark, Number next) {
  ++records_.at(next).live;
  const Number before = std::exchange(mark, next);
  if (before != 0 && --records_.at(before).live == 0 && before != next) release(before);
}

// -- write -----------------------------------------------------------------------------------------------------------

/// Counts the record.
void Logs::take(Number number, const Content& content) {
  Held& held = logs_[content.log];
  Record& record = records_.at(number);
  const auto cut = [&](Index from) {
    while (!held.entries.empty() && held.last() >= from) {
      const Number before = held.entries.back().record;
      held.entries.pop_back();
      if (--records_.at(before).live == 0 && before != number) release(before);
    }
  };
  if (content.restarts) {
    mark(held.restart_record, number);
    cut(Index{0});
  }
  if (content.state) {
    held.state = *content.state;
    mark(held.state_record, number);
  }
  if (content.floor) {
    mark(held.floor_record, number);
    cut(content.floor->last.next());
    while (!held.entries.empty() && held.first <= content.floor->to) {
      const Number before = held.entries.front().record;
      held.entries.pop_front();
      held.first = held.first.next();
      if (--records_.at(before).live == 0 && before != number) release(before);
    }
    if (held.entries.empty()) held.first = std::max(held.first, content.floor->to.next());
  }
  if (content.entries.empty()) return;
  cut(content.first);
  if (held.entries.empty()) held.first = content.first;
  else if (held.last().next() != content.first) {
    // The previous run knew of a compaction: entries before the gap are obsolete, or the log is damaged. The owner
    // decides by the index of its snapshot.
    cut(Index{0});
    held.first = content.first;
  }
  for (const Entry& entry : content.entries)
    held.entries.push_back({entry.term, number, static_cast<std::uint32_t>(entry.bytes())});
  record.live += content.entries.size();
}

void Logs::release(Number number) {
  const auto found = records_.find(number);
  packs_->drop(found->second.where);
  numbers_.erase(found->second.id);
  records_.erase(found);
}

StoreResult<void> Logs::write(Incarnation log, const Save& save) {
  Content content{.log = log, .restarts = save.restart.has_value(), .state = save.state};
  if (save.restart && !logs_.contains(log)) {
    begun_.insert(log);
    suspects_.erase(log);
  }
  std::size_t bytes = 0;
  if (!save.entries.empty()) content.first = save.entries.front().index;
  for (const Entry& entry : save.entries) {
    if (bytes + entry.bytes() > kLogRecordBytesMax - kHeadBytes && !content.entries.empty()) {
      if (auto stored = append(log, std::move(content)); !stored.ok()) return stored;
      content = {.log = log, .first = entry.index};
      bytes = 0;
    }
    bytes += entry.bytes();
    content.entries.push_back(entry);
  }
  return append(log, std::move(content));
}

StoreResult<void> Logs::append(Incarnation log, Content content) {
  const Number number = last_ + 1;
  const base::Digest id = id_of(log, number, content.first, content.entries.size());
  const auto where = packs_->append(id, encode(content));
  if (!where.ok()) return where.error();
  last_ = newest_ = number;
  records_.emplace(number, Record{log, id, where.value()});
  numbers_.emplace(id, number);
  take(number, content);
  if (records_.at(number).live == 0) release(number);
  return {};
}

/// Also notes changed suspects. Otherwise the next start would give up a log that has just begun.
StoreResult<void> Logs::sync() {
  if (const auto synced = packs_->sync(); !synced.ok()) return synced;
  if (suspects_ != noted_.suspects) static_cast<void>(note_sizes());
  return {};
}

StoreResult<void> Logs::cover() {
  if (records_.empty()) return {};
  const Incarnation log = records_.rbegin()->second.log;  // any of them
  return append(log, {.log = log});
}

// -- read ------------------------------------------------------------------------------------------------------------

std::optional<Logs::Found> Logs::find(Incarnation log) const {
  const auto found = logs_.find(log);
  if (found == logs_.end()) return std::nullopt;
  const Held& held = found->second;
  return Found{held.state, held.first, held.entries.empty() ? held.first.previous() : held.last()};
}

StoreResult<std::vector<Entry>> Logs::read(Incarnation log, Index from, Index to, std::size_t bytes_max) {
  std::vector<Entry> out;
  const auto found = logs_.find(log);
  if (found == logs_.end()) return out;
  const Held& held = found->second;
  if (held.entries.empty() || from < held.first) return out;
  std::size_t bytes = 0;
  for (Index at = from; at <= to && at <= held.last(); at = at.next()) {
    const Place& place = held.entries[at - held.first];
    if (!out.empty() && bytes + place.bytes > bytes_max) break;
    if (!read_ || read_->first != place.record) {
      const Record& record = records_.at(place.record);
      const auto stored = packs_->read(record.id, record.where);
      if (!stored.ok()) return stored.error();
      auto content = decode(stored.value());
      if (!content) return StoreError{StoreError::corrupt, "a record of a group's log cannot be read"};
      read_.emplace(place.record, std::move(content->entries));
    }
    const auto& entries = read_->second;
    if (entries.empty() || at < entries.front().index || at > entries.back().index)
      return StoreError{StoreError::corrupt, "a record of a group's log lacks an entry"};
    out.push_back(entries[at - entries.front().index]);
    bytes += place.bytes;
  }
  if (bytes_max < kLogRecordBytesMax) read_.reset();  // a follower that is behind: frees the memory
  return out;
}

// -- free ------------------------------------------------------------------------------------------------------------

StoreResult<void> Logs::compact(Incarnation log, Index to) {
  const auto found = logs_.find(log);
  if (found == logs_.end()) return {};
  const Held& held = found->second;
  const Index last = held.entries.empty() ? held.first.previous() : held.last();
  return append(log, {.log = log, .floor = Content::Floor{to, std::max(last, to)}});
}

void Logs::keep(const std::set<Incarnation>& logs) {
  std::erase_if(logs_, [&](const auto& log) { return !logs.contains(log.first); });
  std::vector<Number> dead;
  for (const auto& [number, record] : records_)
    if (!logs.contains(record.log)) dead.push_back(number);
  for (const Number number : dead) release(number);
  if (std::exchange(all_suspect_, false))
    std::ranges::set_difference(logs, begun_, std::inserter(suspects_, suspects_.end()));
  else std::erase_if(suspects_, [&](Incarnation log) { return !logs.contains(log); });
  if (suspects_.empty()) lost_.clear();
}

StoreResult<bool> Logs::tidy() {
  if (all_suspect_) return false;  // the list of logs is noted before a pack is removed
  // Unreadable packs are removed once no log is left that may have used them.
  if (!moving_ && suspects_.empty() && !damaged_packs_.empty()) moving_ = {damaged_packs_.begin()->first, 0};
  if (!moving_) {
    const auto all = packs_->packs();
    for (const store::PackInfo& pack : all) {
      const bool active = &pack == &all.back();
      if (pack.all_dead() && (!active || pack.bytes > pack_bytes_max_ / 2)) {
        // The marks that make them dead are durable first: forget_size() syncs them.
        if (const auto forgotten = forget_size(pack.number); !forgotten.ok() || !forgotten.value()) return forgotten;
        if (auto removed = packs_->remove(pack.number); !removed.ok()) return removed.error();
        return true;
      }
      if (!active && pack.dead * 3 >= pack.bytes && pack.bytes > pack_bytes_max_ / 4) moving_ = {pack.number, 0};
    }
    if (!moving_) return false;
  }
  const auto [pack, from] = *moving_;
  if (const auto forgotten = forget_size(pack); !forgotten.ok() || !forgotten.value()) return forgotten;
  const auto step = packs_->compact(
      pack, from, store::Packs::OnDamage::skip,
      [this, pack = pack](const base::Digest& id, const store::Location& where) {
        const auto found = numbers_.find(id);
        return found != numbers_.end() && records_.at(found->second).where == where;
      },
      [this](std::span<const store::Moved> moved) -> StoreResult<void> {
        for (const store::Moved& one : moved) records_.at(numbers_.at(one.id)).where = one.to;
        return {};
      });
  if (!step.ok()) {
    moving_.reset();
    if (!(step.error() == StoreError::not_found)) return step.error();
    damaged_packs_.erase(pack);  // removed, because all of it was dead
    return true;
  }
  if (step.value().done) {
    moving_.reset();
    damaged_packs_.erase(pack);
  } else {
    moving_->second = step.value().next;
  }
  return true;
}

Logs::Usage Logs::usage() const {
  Usage out{.logs = logs_.size()};
  for (const auto& [log, held] : logs_) out.entries += held.entries.size();
  for (const store::PackInfo& pack : packs_->packs()) {
    out.bytes += pack.bytes;
    out.dead_bytes += pack.dead;
  }
  return out;
}

}  // namespace troupe::raft
