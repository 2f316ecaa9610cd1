// A store's background work: repair, count, reclaim.
#include <algorithm>

#include "runtime/store/store.hpp"

namespace troupe::store {

Tidied Store::tidy() {
  base::ensure(batch_.empty() && changes_.empty(), "what is gathered is written before packs are moved");
  if (!repair().ok()) return Tidied::failed;
  const Tidied packs = tidy_packs();
  if (packs != Tidied::done) return packs;
  switch (ballast_.grow()) {
    case Ballast::Grown::more: return Tidied::more;
    case Ballast::Grown::waits: return Tidied::waits;
    case Ballast::Grown::whole: break;
  }
  return Tidied::done;
}

Tidied Store::tidy_packs() {
  if (count_failed_) return Tidied::done;
  if (!index_.complete()) return count().ok() ? Tidied::more : Tidied::failed;
  if (compared_to_) return compare().ok() ? Tidied::more : Tidied::failed;
  if (!settled_ && !settle_account().ok()) return Tidied::failed;
  const auto reclaimed = reclaim();
  if (!reclaimed.ok()) return Tidied::failed;
  if (reclaimed.value()) return Tidied::more;
  return packs_failed_ ? Tidied::failed : Tidied::done;
}

/// Reopens what has failed. Packs only if there is space for more: otherwise it is useless, and reclaiming may help.
StoreResult<void> Store::repair() {
  if (const auto resolved = resolve(); !resolved.ok()) return resolved;
  if (!packs_failed_) return {};
  const auto free = disk_.free_bytes();
  if (!free.ok()) return disk_failure(free.error(), directory_);
  if (free.value() < options_.reserve_bytes) return {};
  auto packs = open_packs();
  if (!packs.ok()) return packs.error();
  packs_ = std::move(packs).value();
  compared_to_.emplace();  // they have checked the last pack again: it may be damaged, or end earlier
  packs_failed_.reset();
  compaction_.reset();
  return {};
}

StoreResult<void> Store::count() {
  const auto slice = database_->scan(*blobs_, index_.counted_to(), kCountRows, kScanBytesMax);
  if (slice.ok()) {
    index_.count(slice.value(), packs_->packs(), packs_->damages());
    return {};
  }
  // An unreadable index cannot be counted, and without the count nothing is known to be dead.
  if (slice.error() == StoreError::corrupt) count_failed_ = true;
  return slice.error();
}

/// After packs were reopened: finds the blobs that the newly found damage concerns.
StoreResult<void> Store::compare() {
  const auto slice = database_->scan(*blobs_, *compared_to_, kCountRows, kScanBytesMax);
  if (!slice.ok()) {
    if (slice.error() == StoreError::corrupt) count_failed_ = true;
    return slice.error();
  }
  index_.compare(slice.value(), packs_->packs(), packs_->damages());
  compared_to_ = slice.value().next;
  return {};
}

/// Does one step; returns whether there was one.
StoreResult<bool> Store::reclaim() {
  if (!compaction_) {
    const auto worst = worst_pack();
    if (!worst) return false;
    if (index_.live(worst->number) == 0) {
      if (const auto removed = packs_->remove(worst->number); !removed.ok()) return removed.error();
      broken_packs_.erase(worst->number);
      dropped_.erase(worst->number);
      return true;
    }
    compaction_ = Compaction{worst->number};
  }
  if (const auto done = compact(); !done.ok()) return done.error();
  return true;
}

/// A pack is worth compacting once a third of it is dead. Untrusted nodes that reserve and release parts of each pack
/// can make this node keep half as much again as its live bytes, and copy two bytes for each byte that they release.
/// Among those packs the one with the least copying is chosen: on a full disk nothing else may work.
std::optional<PackInfo> Store::worst_pack() const {
  std::optional<PackInfo> worst;
  const auto packs = packs_->packs();
  const auto free = disk_.free_bytes();
  for (const PackInfo& pack : packs) {
    if (suspect_packs_.contains(pack.number)) continue;
    const std::uint64_t dead = index_.dead(pack);
    const std::uint64_t live = index_.live(pack.number);
    const bool grows = pack.number == packs.back().number;  // commits still append to it
    const auto broken = broken_packs_.find(pack.number);
    if (2 * dead <= live || (live > 0 && broken != broken_packs_.end() && !broken->second)) continue;
    if (dead < options_.tidy_bytes_min && (live > 0 || grows)) continue;
    // Copies that use the reserve would leave no space to note deletions.
    if (live > 0 && (!free.ok() || free.value() < options_.reserve_bytes + live)) continue;
    if (!worst || live < index_.live(worst->number)) worst = pack;
  }
  return worst;
}

StoreResult<void> Store::compact() {
  std::optional<StoreError> unreadable;
  const auto is_live = [&](const base::Digest& id, const Location& where) {
    const auto row = find(id);
    if (!row.ok()) unreadable = row.error();
    return !row.ok() || row.value() == where;
  };
  const auto commit = [&](std::span<const Moved> moved) { return unreadable ? *unreadable : move(moved); };
  Compaction& at = *compaction_;
  const auto step = packs_->compact(at.pack, at.from, at.on_damage, is_live, commit);
  if (step.ok()) {
    at.from = step.value().next;
    if (!step.value().done) return {};
    broken_packs_.erase(at.pack);
    compaction_.reset();
    return {};
  }
  if (step.error() == StoreError::not_found) {  // it is removed, only the sync of the removal has failed
    broken_packs_.erase(at.pack);
    compaction_.reset();
    return {};
  }
  if (step.error() != StoreError::corrupt || unreadable) return step.error();
  const auto dead = damage_is_dead(at.pack);
  if (!dead.ok()) return dead.error();
  if (dead.value() && at.on_damage == Packs::OnDamage::stop) {
    at.on_damage = Packs::OnDamage::skip;
    return {};
  }
  broken_packs_[at.pack] = false;
  compaction_.reset();
  return {};
}

/// Makes the new locations of copied records durable in the index.
StoreResult<void> Store::move(std::span<const Moved> moved) {
  Batch batch;
  Changes changes;
  for (const Moved& record : moved) {
    batch.put(*blobs_, record.id.view(), encode(record.to));
    changes[record.id] = {record.from, record.to};
  }
  const auto written = write(std::move(batch), std::move(changes), Need::grows);
  if (!written.ok()) return StoreError{StoreError::io, written.error().message};
  return {};
}

/// Returns whether all live records of a pack are in its undamaged part.
StoreResult<bool> Store::damage_is_dead(std::uint32_t pack) {
  std::uint64_t found = 0;
  std::optional<StoreError> unreadable;
  const auto visit = [&](const base::Digest& id, const Location& where) {
    const auto row = find(id);
    if (!row.ok()) unreadable = row.error();
    else if (row.value() == where) found += record_bytes(where.length);
  };
  const auto scanned = packs_->scan(pack, Packs::Check::payloads, visit);
  if (!scanned.ok()) return scanned.error();
  if (unreadable) return *unreadable;
  return found == index_.live(pack);
}

}  // namespace troupe::store
