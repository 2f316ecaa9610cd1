#include "runtime/store/pack.hpp"

#include <algorithm>
#include <utility>

#include "runtime/store/crc32c.hpp"
#include "runtime/store/pack_walk.hpp"

namespace troupe::store {
namespace {

constexpr std::array<std::uint8_t, kRecordAlignment> kZeros{};

Location location_of(std::uint32_t pack, const RecordHeader& header) { return {pack, header.offset, header.length}; }

StoreError no_such_pack(std::uint32_t number) { return {StoreError::not_found, "no pack " + pack_name(number)}; }

}  // namespace

std::string Packs::path(std::uint32_t number) const { return directory_ + "/" + pack_name(number); }

StoreError Packs::failure(ports::DiskError error, std::uint32_t number) const {
  return disk_failure(error, path(number));
}

void Packs::note(std::vector<Damage>& list, const Damage& damage) const {
  if (list.size() < kDamagesMax) list.push_back(damage);
}

std::uint64_t Packs::unsynced() const { return written_ + gathered_.size() - synced_; }

std::vector<PackInfo> Packs::packs() const {
  std::vector<PackInfo> out;
  for (const auto& [number, pack] : packs_) out.push_back({number, pack.bytes, pack.dead});
  return out;
}

void Packs::drop(const Location& where) {
  const auto found = packs_.find(where.pack);
  if (found == packs_.end()) return;
  Pack& pack = found->second;
  pack.dead = std::min(pack.dead + record_bytes(where.length), pack.bytes - kPackHeaderBytes);
}

void Packs::set_dead(std::uint32_t number, std::uint64_t bytes) {
  const auto found = packs_.find(number);
  if (found != packs_.end()) found->second.dead = std::min(bytes, found->second.bytes - kPackHeaderBytes);
}

/// Makes the next pack and activates it. Its header and name are durable before any record is accepted, so a pack
/// without them has never had a record.
StoreResult<void> Packs::begin_pack() {
  const std::uint32_t number = std::max(after_, packs_.empty() ? 0 : packs_.rbegin()->first) + 1;
  if (!parse_pack_name(pack_name(number))) return StoreError{StoreError::too_large, "no pack number is left"};
  const PackHeader header{kPackVersion, number, salts_.next()};
  auto file = disk_.open(path(number), ports::OpenMode::replace);
  if (!file.ok()) return failure(file.error(), number);
  auto done = file.value()->append(encode(header));
  if (done.ok()) done = file.value()->sync();
  if (done.ok()) done = disk_.sync_directory(directory_);
  if (!done.ok()) {
    // If this fails too, the next attempt replaces the file, and a start drops it.
    static_cast<void>(disk_.remove(path(number)));
    return failure(done.error(), number);
  }
  packs_[number] = Pack{kPackHeaderBytes, 0, header.salt, std::move(file).value()};
  active_ = number;
  written_ = synced_ = kPackHeaderBytes;
  return {};
}

/// Syncs the active pack and makes it an ordinary pack.
StoreResult<void> Packs::close_active() {
  if (active_ == 0) return {};
  if (const auto synced = sync_unasked(); !synced.ok()) return synced;
  packs_.at(active_).file.reset();
  active_ = 0;
  written_ = synced_ = 0;
  return {};
}

StoreResult<void> Packs::begin_after(std::uint32_t number) {
  after_ = std::max(after_, number);
  return active_ > number ? StoreResult<void>{} : close_active();
}

StoreResult<Location> Packs::append(const base::Digest& id, base::ByteView payload) {
  return store(id, payload, Reserve::keep);
}

StoreResult<Location> Packs::store(const base::Digest& id, base::ByteView payload, Reserve reserve) {
  if (stuck_) return *stuck_;
  if (voided_) return *voided_;
  if (payload.size() > kRecordBytesMax) {
    return StoreError{StoreError::too_large, "a record of " + std::to_string(payload.size()) + " bytes"};
  }
  const std::uint64_t bytes = record_bytes(payload.size());
  if (reserve == Reserve::keep) {
    const auto free = disk_.free_bytes();
    if (!free.ok()) return disk_failure(free.error(), directory_);
    if (free.value() < options_.reserve_bytes + gathered_.size() + bytes) {
      return nearly_full(directory_, free.value(), options_.reserve_bytes);
    }
  }
  if (active_ != 0) {
    const std::uint64_t end = packs_.at(active_).bytes;
    if (end > kPackHeaderBytes && end + bytes > options_.pack_bytes_max) {
      if (const auto closed = close_active(); !closed.ok()) return closed.error();
    }
  }
  if (active_ == 0) {
    if (const auto begun = begin_pack(); !begun.ok()) return begun.error();
  }
  Pack& pack = packs_.at(active_);
  RecordHeader header;
  header.length = static_cast<std::uint32_t>(payload.size());
  header.salt = *pack.salt;
  header.id = id;
  header.offset = static_cast<std::uint32_t>(pack.bytes);
  header.synced = static_cast<std::uint32_t>(synced_);
  header.payload_crc = crc32c({kZeros.data(), padding(payload.size())}, crc32c(payload));
  const std::size_t gathered_before = gathered_.size();
  if (const auto done = write(encode(header), payload); !done.ok()) {
    gathered_.resize(gathered_before);
    return undo(done.error(), written_);
  }
  pack.bytes += bytes;
  return location_of(active_, header);
}

/// Appends one record after the gathered bytes. After an error `written_` and the earlier part of `gathered_` are still
/// valid; the file may be longer.
ports::DiskResult<void> Packs::write(base::ByteView header, base::ByteView payload) {
  ports::File& file = *packs_.at(active_).file;
  const auto zeros = kZeros.begin();
  const auto zeros_end = zeros + static_cast<std::ptrdiff_t>(padding(payload.size()));
  gathered_.insert(gathered_.end(), header.begin(), header.end());
  if (payload.size() >= kDirectBytes) {
    if (const auto done = file.append(gathered_); !done.ok()) return done;
    if (const auto done = file.append(payload); !done.ok()) return done;
    written_ += gathered_.size() + payload.size();
    gathered_.assign(zeros, zeros_end);
    return {};
  }
  gathered_.insert(gathered_.end(), payload.begin(), payload.end());
  gathered_.insert(gathered_.end(), zeros, zeros_end);
  if (gathered_.size() < kGatherBytes) return {};
  if (const auto done = file.append(gathered_); !done.ok()) return done;
  written_ += gathered_.size();
  gathered_.clear();
  return {};
}

StoreResult<void> Packs::flush() {
  if (stuck_) return *stuck_;
  if (gathered_.empty()) return {};
  if (const auto done = packs_.at(active_).file->append(gathered_); !done.ok()) return undo(done.error(), written_);
  written_ += gathered_.size();
  gathered_.clear();
  return {};
}

/// Cuts from the active file the bytes beyond `to` that a failed write has left.
StoreError Packs::undo(ports::DiskError why, std::uint64_t to) {
  const StoreError error = failure(why, active_);
  if (!packs_.at(active_).file->truncate(to).ok()) stuck_ = error;
  return error;
}

/// Voids all records since the last sync: after a failed sync their state is unknown, and a later success proves
/// nothing.
void Packs::undo_all() {
  gathered_.clear();
  written_ = synced_;
  Pack& pack = packs_.at(active_);
  pack.bytes = synced_;
  pack.dead = std::min(pack.dead, pack.bytes - kPackHeaderBytes);
}

StoreResult<void> Packs::sync_active() {
  if (stuck_) return *stuck_;
  if (active_ == 0 || unsynced() == 0) return {};
  ports::File& file = *packs_.at(active_).file;
  auto done = gathered_.empty() ? ports::DiskResult<void>{} : file.append(gathered_);
  if (done.ok()) done = file.sync();
  if (!done.ok()) {
    undo_all();
    return undo(done.error(), synced_);
  }
  written_ += gathered_.size();
  gathered_.clear();
  synced_ = written_;
  return {};
}

/// Syncs without a caller's request. A caller that has appended and not yet synced must receive the failure later.
StoreResult<void> Packs::sync_unasked() {
  auto done = sync_active();
  if (!done.ok()) voided_ = done.error();
  return done;
}

StoreResult<void> Packs::sync() {
  if (voided_) return *std::exchange(voided_, std::nullopt);
  return sync_active();
}

/// Returns the file of a pack, opened if necessary.
StoreResult<const ports::File*> Packs::reading(std::uint32_t number) {
  Pack& pack = packs_.at(number);
  if (pack.file) return static_cast<const ports::File*>(pack.file.get());
  const auto is_open = [](const auto& entry) { return entry.second.file != nullptr; };
  if (std::count_if(packs_.begin(), packs_.end(), is_open) >= static_cast<std::ptrdiff_t>(kPacksOpenMax)) {
    for (auto& [other, its] : packs_) {
      if (other != active_) its.file.reset();
    }
  }
  auto file = disk_.open(path(number), ports::OpenMode::read);
  if (!file.ok()) return failure(file.error(), number);
  pack.file = std::move(file).value();
  return static_cast<const ports::File*>(pack.file.get());
}

StoreResult<base::Bytes> Packs::read(const base::Digest& id, const Location& where) {
  const auto found = packs_.find(where.pack);
  if (found == packs_.end()) return no_such_pack(where.pack);
  const auto bad = [&](const char* what) {
    return StoreError{StoreError::corrupt, path(where.pack) + " at " + std::to_string(where.offset) + ": " + what};
  };
  if (where.length > kRecordBytesMax || where.offset + record_bytes(where.length) > found->second.bytes) {
    return bad("the record is beyond the end of the pack");
  }
  if (where.pack == active_ && where.offset + record_bytes(where.length) > written_) {
    if (const auto flushed = flush(); !flushed.ok()) return flushed.error();
  }
  const auto file = reading(where.pack);
  if (!file.ok()) return file.error();
  std::array<std::uint8_t, kRecordHeaderBytes> front{};
  auto got = file.value()->read(where.offset, front);
  if (!got.ok()) return failure(got.error(), where.pack);
  const auto header = decode_record_header({front.data(), got.value()});
  if (!header || header->offset != where.offset) return bad("no record");
  if (header->id != id || header->length != where.length) return bad("another record");
  base::Bytes body(where.length + padding(where.length));
  got = file.value()->read(where.offset + kRecordHeaderBytes, body);
  if (!got.ok()) return failure(got.error(), where.pack);
  if (got.value() != body.size() || crc32c(body) != header->payload_crc) return bad("the payload fails its checksum");
  body.resize(where.length);
  return body;
}

StoreResult<ScanReport> Packs::scan(std::uint32_t number, Check check, const Visitor& visit) {
  const auto found = packs_.find(number);
  if (found == packs_.end()) return no_such_pack(number);
  if (number == active_) {
    if (const auto flushed = flush(); !flushed.ok()) return flushed.error();
  }
  const auto file = reading(number);
  if (!file.ok()) return file.error();
  const Pack& pack = found->second;
  ScanReport report;
  const auto damaged = [&](std::uint64_t offset, std::uint64_t bytes) {
    report.damaged_bytes += bytes;
    note(report.damages, {number, offset, bytes, Damage::rotten});
  };
  if (!pack.salt) damaged(0, kPackHeaderBytes);
  PackWalk walk(*file.value(), pack.salt, kPackHeaderBytes, pack.bytes, check == Check::payloads ? 0 : pack.bytes);
  for (;;) {
    const auto next = walk.next();
    if (!next.ok()) return failure(next.error(), number);
    if (!next.value()) return report;
    const Stretch& stretch = *next.value();
    if (!stretch.record) {
      damaged(stretch.offset, stretch.bytes);
      continue;
    }
    ++report.records;
    visit(stretch.record->id, location_of(number, *stretch.record));
  }
}

StoreResult<CompactStep> Packs::compact(std::uint32_t number, std::uint64_t from, OnDamage on_damage,
                                        const IsLive& is_live, const Commit& commit) {
  const auto found = packs_.find(number);
  if (found == packs_.end()) return no_such_pack(number);
  if (voided_) return *voided_;
  // From here on unsynced records are this function's, and a failure to sync them concerns no caller.
  if (const auto synced = sync_unasked(); !synced.ok()) return synced.error();
  if (number == active_) {
    if (const auto closed = close_active(); !closed.ok()) return closed.error();
  }
  // A separate handle, because opening the target pack may close the files that are kept for reading.
  const auto file = disk_.open(path(number), ports::OpenMode::read);
  if (!file.ok()) return failure(file.error(), number);
  const std::uint64_t begin = std::max<std::uint64_t>(from, kPackHeaderBytes);
  PackWalk walk(*file.value(), found->second.salt, begin, found->second.bytes, begin);
  std::vector<Moved> moved;
  std::uint64_t copied = 0;
  CompactStep step{begin, false};
  std::optional<StoreError> failed;
  bool at_end = false;
  while (!failed && !at_end && step.next - begin < 4 * kCompactBytes && copied < kCompactBytes &&
         moved.size() < kCompactRecords) {
    const auto next = walk.next();
    if (!next.ok()) {
      failed = failure(next.error(), number);
    } else if (!next.value()) {
      at_end = true;
    } else if (const Stretch& stretch = *next.value(); !stretch.record && on_damage == OnDamage::stop) {
      failed = StoreError{StoreError::corrupt, path(number) + " at " + std::to_string(stretch.offset) + ": " +
                                                   std::to_string(stretch.bytes) + " bytes are damaged"};
    } else {
      if (stretch.record && is_live(stretch.record->id, location_of(number, *stretch.record))) {
        const auto copy = store(stretch.record->id, stretch.payload, Reserve::use);
        if (!copy.ok()) {
          failed = copy.error();
          continue;
        }
        moved.push_back({stretch.record->id, location_of(number, *stretch.record), copy.value()});
        copied += stretch.bytes;
      }
      step.next = stretch.offset + stretch.bytes;
    }
  }
  if (voided_) return *std::exchange(voided_, std::nullopt);  // its copies are void too
  if (!moved.empty()) {
    if (const auto synced = sync_active(); !synced.ok()) return synced.error();
    if (const auto committed = commit(moved); !committed.ok()) {
      for (const Moved& record : moved) drop(record.to);
      return committed.error();
    }
    for (const Moved& record : moved) drop(record.from);
  }
  if (failed) return *failed;
  if (at_end) {
    if (const auto removed = remove(number); !removed.ok()) return removed.error();
    step.done = true;
  }
  return step;
}

StoreResult<void> Packs::remove(std::uint32_t number) {
  const auto found = packs_.find(number);
  if (found == packs_.end()) return no_such_pack(number);
  const auto removed = disk_.remove(path(number));
  if (!removed.ok() && removed.error() != ports::DiskError::not_found) return failure(removed.error(), number);
  if (number == active_) {
    active_ = 0;
    gathered_.clear();
    written_ = synced_ = 0;
    stuck_.reset();
  }
  packs_.erase(found);  // and its open file, which would keep its space
  std::erase_if(damages_, [&](const Damage& damage) { return damage.pack == number; });
  if (const auto synced = disk_.sync_directory(directory_); !synced.ok()) {
    return disk_failure(synced.error(), directory_);
  }
  return {};
}

}  // namespace troupe::store
