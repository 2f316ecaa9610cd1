// The rows of known peers: read at the start, written as they change.
#include <utility>

#include "actors/peers/peers_actor.hpp"
#include "actors/peers/wire.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::peers {

store::Rows::Setup PeersActor::rows_setup(const Setup& setup) {
  return {.store = setup.store,
          .keyspace = kKeyspace,
          .what = "known peers",
          .source = "peers.store",
          .health = setup.health,
          .unread_is = observe::HealthState::degraded,
          .unread = store::Unread::goes_on,
          .waited = "peers: rows waited for the store"};
}

void PeersActor::load() {
  rows_.load([this](base::ByteView key, base::ByteView row) { return take(key, row); },
             [this](const base::Outcome<void>&) {
               loading_ = false;
               follow(false);
               act(peers_.start(setup_.seeds, now(), random()));
             });
}

/// Loads a row. A row whose key is not an id was not written by this program; it stays as it is.
store::Use PeersActor::take(base::ByteView key, base::ByteView row) {
  const auto id = base::NodeId::from(key);
  if (!id) return store::Use::keep;
  const auto kept = peers_.load(*id, row, moment());
  return kept.ok() && kept.value() ? store::Use::keep : store::Use::erase;
}

/// Writes the present rows of these peers: changed, or gone.
void PeersActor::save() {
  store::RowChange change;
  for (const base::NodeId& id : std::exchange(changed_, {})) {
    base::Bytes key(id.view().begin(), id.view().end());
    if (auto row = peers_.row(id, moment())) change.save.push_back({std::move(key), std::move(*row)});
    else if (rows_.behind().waiting() < kRowsWaitingMax) change.erase.push_back(std::move(key));
  }
  if (!change.empty() && !world().mutations.on("peers.rows_unsaved")) rows_.write(std::move(change));
}

void PeersActor::check() const {
  base::ensure(peers_.healthy() <= peers_.links(), "only peers with a link are healthy");
  base::ensure(!loading_ || (peers_.links() == 0 && commands_.empty()), "no peer is linked before the rows are read");
  rows_.check();
}

}  // namespace troupe::peers
