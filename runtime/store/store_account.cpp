// Whether the index still names all that it should: bytes of a pack are live, given up on purpose, or lost.
//
// Given up  Counted per pack, in the same batch that drops or moves a record, so that a restart knows it.
// Void      A crash leaves at most one group without its rows, kOrphansMax; it is given up at the next start.
// Lost      More than that means that rows are missing. A damaged or exchanged database must never be a reason to
//           delete payloads: such packs are never reclaimed, and count as damage.
#include <utility>

#include "runtime/store/own_rows.hpp"
#include "runtime/store/store.hpp"

namespace troupe::store {
namespace {

constexpr std::string_view kDroppedPrefix = "dropped.";
constexpr std::string_view kSuspectPrefix = "suspect.";
constexpr std::uint64_t kOrphansMax = 2 * kCommitBytesMax;  // a group, and the commit that filled it

std::string key_of(std::string_view prefix, std::uint32_t pack) { return std::string(prefix) + std::to_string(pack); }

}  // namespace

/// Reads the account of the existing packs.
StoreResult<void> Store::load_account() {
  for (const PackInfo& pack : packs_->packs()) {
    const auto dropped = database_->get(*own_, base::as_bytes(key_of(kDroppedPrefix, pack.number)));
    if (dropped.ok()) dropped_[pack.number] = decode_number(dropped.value());
    else if (dropped.error() != StoreError::not_found) return dropped.error();
    const auto suspect = database_->get(*own_, base::as_bytes(key_of(kSuspectPrefix, pack.number)));
    if (suspect.ok()) suspect_packs_.insert(pack.number);
    else if (suspect.error() != StoreError::not_found) return suspect.error();
  }
  return {};
}

/// The first row of a new database is the number of its groups, before there is any pack. So packs with a database that
/// lacks this row belong to another database, which is lost.
StoreResult<void> Store::mark_lost_index() {
  Batch batch;
  for (const PackInfo& pack : packs_->packs()) {
    if (pack.bytes <= kPackHeaderBytes) continue;
    batch.put(*own_, base::as_bytes(key_of(kSuspectPrefix, pack.number)), {});
    suspect_packs_.insert(pack.number);
  }
  batch.put(*own_, base::as_bytes(kGroupKey), encode_number(0));
  return database_->write(batch, Sync::yes);
}

/// Called once the live bytes are counted. Bytes that are neither live nor given up are void if a crash can have left
/// them.
StoreResult<void> Store::settle_account() {
  Batch batch;
  for (const PackInfo& pack : packs_->packs()) {
    const std::uint64_t dead = index_.dead(pack);
    std::uint64_t& dropped = dropped_[pack.number];
    if (dead <= dropped) continue;
    if (dead - dropped <= kOrphansMax && !suspect_packs_.contains(pack.number)) {
      dropped = dead;
      batch.put(*own_, base::as_bytes(key_of(kDroppedPrefix, pack.number)), encode_number(dropped));
    } else if (suspect_packs_.insert(pack.number).second) {
      batch.put(*own_, base::as_bytes(key_of(kSuspectPrefix, pack.number)), {});
    }
  }
  settled_ = true;
  if (batch.empty()) return {};
  return database_->write(batch, Sync::yes);
}

/// Adds to a batch the bytes that its changes give up, and the void bytes. Changes nothing else, because the batch may
/// still fail.
void Store::account(Batch& batch, const Changes& changes) const {
  std::map<std::uint32_t, std::uint64_t> given_up;
  for (const std::uint32_t pack : void_packs_) given_up[pack] = 0;
  for (const auto& [id, change] : changes) {
    if (change.before && change.before != change.after)
      given_up[change.before->pack] += record_bytes(change.before->length);
  }
  for (const auto& [pack, bytes] : given_up) {
    const auto earlier = dropped_.find(pack);
    const std::uint64_t all = (earlier == dropped_.end() ? 0 : earlier->second) + bytes;
    batch.put(*own_, base::as_bytes(key_of(kDroppedPrefix, pack)), encode_number(all));
  }
}

/// Notes that the batch which account() has extended is durable. Groups do not overlap, so nothing came between.
void Store::accounted(const Changes& changes) {
  for (const auto& [id, change] : changes) {
    if (change.before && change.before != change.after)
      dropped_[change.before->pack] += record_bytes(change.before->length);
  }
  void_packs_.clear();
}

/// Voids the bytes that a failed group has left in the packs; the next batch records that.
void Store::give_up(const Changes& changes) {
  for (const auto& [id, change] : changes) {
    if (!change.after || change.before == change.after) continue;
    dropped_[change.after->pack] += record_bytes(change.after->length);
    void_packs_.insert(change.after->pack);
  }
}

}  // namespace troupe::store
