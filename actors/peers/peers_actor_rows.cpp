// The rows of known peers: read at the start, written as they change.
#include <algorithm>
#include <utility>

#include "actors/peers/peers_actor.hpp"
#include "actors/peers/wire.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::peers {
namespace {

constexpr const char* kStoreSource = "peers.store";  // of a reason of health

}  // namespace

// --- read

void PeersActor::load() {
  ask<store::wire::Scan, store::wire::Slice>(
      store(), now() + kStoreTimeout,
      [this](store::wire::Scan::Builder question) {
        question.setKeyspace(kKeyspace);
        question.setFrom(data_of(load_from_));
        question.setRowsMax(kSliceRows);
      },
      [this](runtime::Answer<store::wire::Slice> slice) {
        if (slice.ok()) return take(slice.value());
        show_store(&slice.error());
        if (++loads_failed_ >= kLoadTriesMax) return loaded();
        after<LoadAgain>(kStoreAgain);
      });
}

/// A row that is of no use is erased; one under a key that is no id was written by nobody, and is left alone.
void PeersActor::take(store::wire::Slice::Reader slice) {
  for (const auto row : slice.getRows()) {
    const auto id = node_id(row.getKey());
    if (!id) continue;
    const auto kept = peers_.load(*id, bytes_of(row.getValue()), moment());
    if (!kept.ok() || !kept.value()) changed(*id);
  }
  const base::ByteView next = bytes_of(slice.getNext());
  const bool onward = slice.getMore() && std::ranges::lexicographical_compare(load_from_, next);
  if (!onward) {
    show_store(nullptr);
    return loaded();
  }
  load_from_.assign(next.begin(), next.end());
  load();
}

void PeersActor::loaded() {
  loading_ = false;
  follow(false);
  act(peers_.start(setup_.seeds, now(), random()));
}

// --- write

/// Notes that the store does not have this row as it is: changed, or gone.
void PeersActor::changed(const base::NodeId& id) {
  if (world().mutations.on("peers.rows_unsaved")) return;
  const auto gone = [this](const base::NodeId& one) { return peers_.book().find(one) == nullptr; };
  if (waiting_.size() >= kRowsWaitingMax && !waiting_.contains(id)) {
    if (gone(id)) return;
    std::erase_if(waiting_, gone);
  }
  waiting_.insert(id);
}

void PeersActor::save() {
  if (saving_ || waiting_.empty()) return;
  saving_ = true;
  const auto end = std::next(waiting_.begin(), static_cast<std::ptrdiff_t>(std::min(waiting_.size(), kSliceRows)));
  std::vector<base::NodeId> rows(waiting_.begin(), end);
  waiting_.erase(waiting_.begin(), end);
  ask<store::wire::Commit, messages::wire::Nothing>(
      store(), now() + kStoreTimeout,
      [&](store::wire::Commit::Builder commit) {
        auto changes = commit.initRows(size32(rows));
        for (std::uint32_t i = 0; i < changes.size(); ++i) {
          changes[i].setKeyspace(kKeyspace);
          changes[i].setKey(data_of(rows[i].view()));
          if (const auto row = peers_.row(rows[i], moment())) changes[i].getValue().setPut(data_of(*row));
          else changes[i].getValue().setErase();
        }
      },
      [this, rows](runtime::Answer<messages::wire::Nothing> answer) { saved(rows, answer); });
}

void PeersActor::saved(const std::vector<base::NodeId>& rows, runtime::Answer<messages::wire::Nothing>& answer) {
  if (answer.ok()) {
    show_store(nullptr);
    saving_ = false;
    return save();
  }
  ++saves_failed_;
  world().mutations.sometimes("peers: rows waited for the store");
  show_store(&answer.error());
  for (const base::NodeId& id : rows) changed(id);
  after<SaveAgain>(kStoreAgain);
}

/// A last word: the store ends after the domains.
void PeersActor::stop() {
  saving_ = false;
  save();
}

void PeersActor::check() const {
  base::ensure(peers_.healthy() <= peers_.links(), "only peers with a link are healthy");
  base::ensure(!loading_ || (peers_.links() == 0 && commands_.empty()), "nobody is linked before the rows are read");
  base::ensure(waiting_.size() <= kRowsWaitingMax, "few rows wait for the store");
  base::ensure(loading_ || saving_ || waiting_.empty(), "rows wait for a commit that is under way, or for its turn");
}

void PeersActor::show_store(const base::Error* fault) const {
  if (setup_.health == nullptr) return;
  if (fault == nullptr) return setup_.health->clear(kStoreSource);
  setup_.health->raise(kStoreSource, observe::HealthState::degraded,
                       "known peers are not " + std::string(loading_ ? "read" : "saved") + ": " + fault->message);
}

}  // namespace troupe::peers
