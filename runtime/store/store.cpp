#include "runtime/store/store.hpp"

#include <algorithm>
#include <utility>

#include "runtime/store/own_rows.hpp"

namespace troupe::store {
namespace {

constexpr std::string_view kOwnKeyspace = ".store";
constexpr std::string_view kBlobsKeyspace = ".blobs";
constexpr std::uint64_t kPackBytesLeast = 8 * 1024 * 1024;  // our choice: two groups

base::Error not_a_key(base::ByteView key) {
  return {base::Code::malformed, "a key of " + std::to_string(key.size()) + " bytes"};
}

}  // namespace

Store::Store(ports::Disk& disk, std::string directory, std::uint64_t seed, StoreOptions options)
    : disk_(disk),
      directory_(std::move(directory)),
      options_(options),
      seeds_(seed),
      ballast_(disk, directory_, options.ballast_bytes, options.reserve_bytes, seeds_.next()) {}

StoreResult<std::unique_ptr<Store>> Store::open(ports::Disk& disk, const std::string& directory, Background background,
                                                std::uint64_t seed, StoreOptions options) {
  for (;;) {
    std::unique_ptr<Store> out(new Store(disk, directory, seed, options));
    const auto started = out->start(background);
    if (started.ok()) return out;
    if (started.error() != StoreError::no_space || !out->ballast_.release()) return started.error();
  }
}

StoreResult<void> Store::start(Background background) {
  DatabaseOptions options;
  options.background = background;
  auto database = Database::open(disk_, directory_ + "/db", std::move(options));
  if (!database.ok()) return database.error();
  database_ = std::move(database).value();
  const auto own = database_->keyspace(kOwnKeyspace);
  if (!own.ok()) return own.error();
  own_ = own.value();
  const auto blobs = database_->keyspace(kBlobsKeyspace);
  if (!blobs.ok()) return blobs.error();
  blobs_ = blobs.value();
  const auto group = database_->get(*own_, base::as_bytes(kGroupKey));
  if (group.ok()) group_ = decode_number(group.value());
  else if (group.error() != StoreError::not_found) return group.error();
  auto packs = open_packs();
  if (!packs.ok()) return packs.error();
  packs_ = std::move(packs).value();
  if (!group.ok()) return mark_lost_index();
  return load_account();
}

StoreResult<std::unique_ptr<Packs>> Store::open_packs() {
  // Small packs on a small device: a pack is removed when it is all dead, and copying its live records needs space.
  const auto free = disk_.free_bytes();
  const std::uint64_t share = free.ok() ? free.value() / kDeviceParts : options_.pack_bytes_max;
  const std::uint64_t pack_bytes_max = std::min(options_.pack_bytes_max, std::max(share, kPackBytesLeast));
  return Packs::open(
      disk_, directory_ + "/packs",
      {.seed = seeds_.next(), .pack_bytes_max = pack_bytes_max, .reserve_bytes = options_.reserve_bytes});
}

StoreResult<Keyspace> Store::keyspace(std::string_view name) {
  if (const auto known = keyspaces_.find(name); known != keyspaces_.end()) return known->second;
  auto made = database_->keyspace(name);
  if (made.ok()) keyspaces_.emplace(name, made.value());
  return made;
}

base::Outcome<Keyspace> Store::domain_keyspace(std::string_view name) {
  if (const auto named = check_keyspace(name); !named.ok()) return named.error();
  const auto out = keyspace(name);
  if (!out.ok()) return to_error(out.error());
  return out.value();
}

// -- commit ----------------------------------------------------------------------------------------------------------

bool Store::fits(const Commit& commit) const {
  return batch_.empty() || batch_.bytes() + commit.batch_bytes() <= kCommitBytesMax;
}

bool Store::mixes(const Commit& commit) const {
  return !batch_.empty() && commit.deletes() != (need_ == Need::deletes);
}

base::Outcome<void> Store::add(const Commit& commit) {
  if (const auto checked = commit.check(); !checked.ok()) return checked;
  base::ensure(fits(commit), "a commit that does not fit waits for the next group");
  if (doubt_ || database_->failure()) {  // about what is looked up below; a keyspace may have to be made too
    const auto resolved = resolve(commit.deletes() ? Need::deletes : Need::grows);
    if (!resolved.ok()) return to_error(resolved.error());
  }
  std::vector<Keyspace> where;
  for (const Commit::Row& row : commit.rows) {
    const auto found = keyspace(row.keyspace);
    if (!found.ok()) return to_error(found.error());
    where.push_back(found.value());
  }

  Changes staged;
  std::vector<const Commit::Blob*> fresh;
  std::set<base::Digest> kept;
  for (const Commit::Blob& blob : commit.keep) {
    if (!kept.insert(blob.id).second) continue;
    if (const auto known = stage(blob.id, staged); !known.ok()) return to_error(known.error());
    const bool stored = staged.at(blob.id).after.has_value();
    const bool rewritten = changes_.contains(blob.id);  // the damaged record is no longer the stored record
    if (!stored || (index_.damaged(blob.id) && !rewritten)) fresh.push_back(&blob);
    else staged.erase(blob.id);
  }
  // Keeping an already stored blob writes nothing except the rows.
  const bool puts = std::any_of(commit.rows.begin(), commit.rows.end(), [](const auto& row) { return row.value; });
  const bool writes = !fresh.empty() || !commit.rows.empty() || !commit.drop.empty();
  const Need need = commit.deletes() || !writes ? Need::deletes : puts || !fresh.empty() ? Need::grows : Need::little;
  if (writes) {
    if (const auto room = check_room(need); !room.ok()) return to_error(room.error());
  }
  for (const Commit::Blob* blob : fresh) {
    // If a later append fails, the earlier blobs have no row: they are dead.
    if (const auto done = append(*blob, staged.at(blob->id)); !done.ok()) return to_error(done.error());
  }
  for (const base::Digest& id : commit.drop) {
    if (kept.contains(id) || staged.contains(id)) continue;
    if (const auto known = stage(id, staged); !known.ok()) return to_error(known.error());
    staged.at(id).after.reset();
  }

  need_ = std::max(need_, need);
  for (std::size_t i = 0; i < where.size(); ++i) {
    const Commit::Row& row = commit.rows[i];
    if (row.value) batch_.put(where[i], row.key, *row.value);
    else batch_.erase(where[i], row.key);
  }
  for (const auto& [id, change] : staged) {
    if (change.after) batch_.put(*blobs_, id.view(), encode(*change.after));
    else batch_.erase(*blobs_, id.view());
    changes_[id] = change;
  }
  return {};
}

/// Notes in `staged` where a blob is now and where it was before the group.
StoreResult<void> Store::stage(const base::Digest& id, Changes& staged) {
  if (const auto gathered = changes_.find(id); gathered != changes_.end()) {
    staged[id] = gathered->second;
    return {};
  }
  const auto where = find(id);
  if (!where.ok()) return where.error();
  staged[id] = {where.value(), where.value()};
  return {};
}

StoreResult<void> Store::append(const Commit::Blob& blob, BlobIndex::Change& change) {
  const auto where = packs_->append(blob.id, blob.bytes);
  if (!where.ok()) {
    packs_failed_ = where.error();
    return where.error();
  }
  change.after = where.value();
  return {};
}

/// The database's log and tables need some space even to note deletions; running out of it there is the worst case.
StoreResult<void> Store::check_room(Need need) {
  const auto free = disk_.free_bytes();
  if (!free.ok()) return disk_failure(free.error(), directory_);
  const std::uint64_t least = options_.reserve_bytes / (need == Need::grows ? kRowsReservePart : kEraseReservePart);
  if (free.value() >= least) return {};
  if (need == Need::deletes && ballast_.release()) return check_room(need);
  return nearly_full(directory_, free.value(), least);
}

base::Outcome<void> Store::flush() {
  Batch batch = std::exchange(batch_, {});
  Changes changes = std::exchange(changes_, {});
  const Need need = std::exchange(need_, Need::deletes);
  const bool appended = packs_->unsynced() != 0;
  if (batch.empty()) {
    // An earlier sync inside append() failed: sync now to take that error, so that no later group receives it.
    if (packs_failed_) static_cast<void>(packs_->sync());
    return {};
  }
  if (const auto synced = packs_->sync(); !synced.ok()) {
    packs_failed_ = synced.error();
    return to_error(synced.error());
  }
  if (appended) packs_failed_.reset();
  return write(std::move(batch), std::move(changes), need);
}

/// Writes one batch, whole or not at all.
base::Outcome<void> Store::write(Batch batch, Changes changes, Need need) {
  if (const auto resolved = resolve(need); !resolved.ok()) return to_error(resolved.error());
  const std::uint64_t group = group_ + 1;
  account(batch, changes);
  batch.put(*own_, base::as_bytes(kGroupKey), encode_number(group));
  for (bool last = need != Need::deletes;; last = true) {
    const auto written = database_->write(batch, Sync::yes);
    if (written.ok()) {
      group_ = group;
      apply(changes);
      return {};
    }
    doubt_ = Doubt{group, changes};
    if (!resolve(need).ok()) return base::Error{base::Code::unknown_outcome, written.error().message};
    if (group_ == group) return {};
    // The database was reopened, so there is space for a deletion now. The deletion has left nothing in the packs.
    if (last || written.error() != StoreError::no_space) return to_error(written.error());
  }
}

/// For a commit. A deletion may use the ballast for it. All other commits get the result of the last attempt until
/// tidy() has made another, because an attempt costs the device kReviveBytes and a sync while reads wait.
StoreResult<void> Store::resolve(Need need) {
  if (unresolved_) {
    const bool helps = need == Need::deletes && *unresolved_ == StoreError::no_space && ballast_.bytes() > 0;
    if (!helps) return *unresolved_;
  }
  auto resolved = resolve();
  if (!resolved.ok() && resolved.error() == StoreError::no_space && need == Need::deletes && ballast_.release())
    resolved = resolve();
  return resolved;
}

/// Resolves the effects of a failed write.
StoreResult<void> Store::resolve() {
  auto settled = settle();
  unresolved_.reset();
  if (!settled.ok()) unresolved_ = settled.error();
  return settled;
}

/// Lets the database recover from a failed write, and finds out whether the group in doubt is stored.
StoreResult<void> Store::settle() {
  if (!doubt_ && !database_->failure()) return {};
  if (const auto opened = database_->write(Batch{}, Sync::yes); !opened.ok()) return opened;
  if (!doubt_) return {};
  const auto group = database_->get(*own_, base::as_bytes(kGroupKey));
  if (!group.ok() && group.error() != StoreError::not_found) return group.error();
  if (group.ok() && decode_number(group.value()) == doubt_->group) {
    group_ = doubt_->group;
    apply(doubt_->changes);
  } else {
    give_up(doubt_->changes);
  }
  doubt_.reset();
  return {};
}

void Store::apply(const Changes& changes) {
  accounted(changes);
  for (const auto& [id, change] : changes) {
    index_.apply(id, change);
    if (!change.before) continue;
    // Perhaps that was the last damaged record. Only tidying can find out.
    if (const auto broken = broken_packs_.find(change.before->pack); broken != broken_packs_.end())
      broken->second = true;
  }
}

// -- read ------------------------------------------------------------------------------------------------------------

base::Outcome<base::Bytes> Store::get(std::string_view name, base::ByteView key) {
  const auto where = domain_keyspace(name);
  if (!where.ok()) return where.error();
  if (key.size() > kKeyBytesMax) return not_a_key(key);
  auto out = database_->get(where.value(), key);
  if (!out.ok()) return to_error(out.error());
  return std::move(out).value();
}

base::Outcome<Slice> Store::scan(std::string_view name, base::ByteView from, std::size_t rows_max,
                                 std::size_t bytes_max, base::ByteView prefix) {
  const auto where = domain_keyspace(name);
  if (!where.ok()) return where.error();
  if (from.size() > kKeyBytesMax) return not_a_key(from);
  if (prefix.size() > kKeyBytesMax) return not_a_key(prefix);
  auto out = database_->scan(where.value(), from, rows_max, bytes_max, prefix);
  if (!out.ok()) return to_error(out.error());
  return std::move(out).value();
}

/// Returns where the blob is. A row that is not a location is damage, and counts as no row.
StoreResult<std::optional<Location>> Store::find(const base::Digest& id) {
  const auto row = database_->get(*blobs_, id.view());
  if (!row.ok()) {
    if (row.error() == StoreError::not_found) return std::optional<Location>();
    return row.error();
  }
  const auto where = decode_location(row.value());
  if (!where) index_.note_damaged(id, std::nullopt);
  return where;
}

base::Outcome<base::Bytes> Store::read(const base::Digest& id) {
  const auto where = find(id);
  if (!where.ok()) return to_error(where.error());
  if (!where.value()) {
    if (index_.damaged(id)) return base::Error{base::Code::corrupt, "the index of the blob is damaged"};
    return base::Error{base::Code::not_found, "no such blob"};
  }
  auto out = packs_->read(id, *where.value());
  if (out.ok()) return std::move(out).value();
  base::Error error = to_error(out.error());
  if (out.error() == StoreError::corrupt || out.error() == StoreError::not_found) {
    index_.note_damaged(id, where.value()->pack);
    error.code = base::Code::corrupt;  // a missing pack leaves a row without its record
  }
  return error;
}

base::Outcome<bool> Store::has(const base::Digest& id) {
  const auto where = find(id);
  if (!where.ok()) return to_error(where.error());
  return where.value().has_value() && !index_.damaged(id);
}

base::Outcome<Checked> Store::check(base::ByteView from) {
  const auto slice = database_->scan(*blobs_, from, kCheckBlobsMax, kScanBytesMax);
  if (!slice.ok()) return to_error(slice.error());
  Checked out;
  out.next = slice.value().next;
  std::uint64_t bytes = 0;
  for (const Row& row : slice.value().rows) {
    if (bytes >= kCheckBytesMax) {
      out.next = row.key;
      break;
    }
    const auto id = base::Digest::from(row.key);
    if (!id) continue;  // the count has reported it
    ++out.checked;
    if (const auto where = decode_location(row.value)) bytes += where->length;
    const auto got = read(*id);
    if (got.ok()) continue;
    if (got.error().code != base::Code::corrupt) return got.error();
    out.damaged.push_back(*id);
  }
  return out;
}

bool Store::leaves(const Commit& commit, std::uint64_t bytes) {
  const auto free = disk_.free_bytes();
  if (!free.ok()) return true;
  std::uint64_t needed = packs_->unsynced() + commit.batch_bytes();
  for (const Commit::Blob& blob : commit.keep) needed += blob.bytes.size();
  return free.value() >= needed && free.value() - needed >= bytes;
}

StoreUsage Store::usage() {
  StoreUsage out;
  out.blobs = index_.blobs();
  out.blob_bytes = index_.bytes();
  out.counted = index_.complete();
  for (const PackInfo& pack : packs_->packs()) out.dead_bytes += index_.dead(pack);
  out.ballast_bytes = ballast_.bytes();
  out.damages = damage().places;
  const auto free = disk_.free_bytes();
  if (free.ok()) out.free_bytes = free.value();
  out.failure = failure();
  return out;
}

std::string Store::failure() {
  if (database_->failure()) return database_->failure()->message;
  if (packs_failed_) return packs_failed_->message;
  const auto free = disk_.free_bytes();
  if (!free.ok()) return disk_failure(free.error(), directory_).message;
  if (free.value() < options_.reserve_bytes)
    return nearly_full(directory_, free.value(), options_.reserve_bytes).message;
  return {};
}

}  // namespace troupe::store
