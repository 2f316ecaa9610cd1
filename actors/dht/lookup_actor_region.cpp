// The second phase of a search for a region: stores each key's record at the nodes found that are nearest to it.
#include <algorithm>

#include "actors/dht/api.hpp"
#include "actors/dht/lookup_actor.hpp"
#include "actors/dht/wire.hpp"

namespace troupe::dht {
namespace {

constexpr std::chrono::seconds kAgainFor{15};        // our choice: half of our own store's maximum
constexpr std::chrono::milliseconds kAgainGap{250};  // our choice: postponed stores are sent together
constexpr std::chrono::seconds kAgainSoon{1};        // our choice: a node that asks for a longer wait delays no other

}  // namespace

void LookupActor::take_region(capnp::List<wire::RegionItem>::Reader items) {
  for (const auto one : items) {
    const auto record = bytes_of(one.getRecord());
    items_.push_back({*read_key(one.getKey()), {record.begin(), record.end()}});
  }
}

void LookupActor::store_region() {
  const DhtSettings& settings = *start_.settings;
  const base::NodeId& own = settings.identity->id();
  std::vector<const Contact*> nodes;
  for (const Contact& one : outcome_->nearest)
    if (tokens_.contains(one.id)) nodes.push_back(&one);
  if (too_busy(nodes.size() + (settings.endpoint.dialable() ? 1 : 0))) return answer();
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const Key& key = items_[i].key;
    std::ranges::sort(nodes, {}, [&](const Contact* one) { return base::distance(one->id, key); });
    std::vector<Key> ids;
    for (const Contact* one : nodes) ids.push_back(one->id);
    const std::size_t holders = holders_among(ids, key, settings.copies, start_.network);
    for (std::size_t k = 0; k < holders; ++k) store_item(i, nodes[k]);
    const bool near_enough =
        holders < settings.copies || base::distance(own, key) < base::distance(ids[settings.copies - 1], key);
    if (near_enough && settings.endpoint.dialable()) store_item(i, nullptr);
  }
  if (stores_.asked == 0) answer();
}

/// Stores at another node, or at this node if `holder` is null; its actors need no token.
void LookupActor::store_item(std::size_t item, const Contact* holder) {
  const std::size_t group = group_of(holder);
  stores_.ask(group);
  items_[item].stores.ask(group);
  items_[item].kept.ask(group);
  ask_for_item(item, holder ? std::optional(*holder) : std::nullopt);
}

void LookupActor::ask_for_item(std::size_t item, const std::optional<Contact>& holder) {
  const Asked kind = items_[item].record.empty() ? Asked::add_provider : Asked::store;
  ask_to_store(kind, holder ? &*holder : nullptr, items_[item].key, items_[item].record,
               [this, item, holder, kind](const StoreAnswer& answer) {
                 using Result = wire::StoreDone::Result;
                 const std::size_t group = group_of(holder ? &*holder : nullptr);
                 auto& refusals = items_[item].refusals;
                 if (!answer.ok()) {
                   if (put_off(item, holder, answer.error())) return;
                   if (kind == Asked::store && answer.error().code == base::Code::no_space)
                     ++refusals[Result::NO_SPACE].times;
                   count_failure(kind, answer.error());
                   return noted(item, group, false, false);
                 }
                 count_answer(kind, now() - stores_began_);
                 const auto result = answer.value() ? answer.value()->getResult() : Result::STORED;
                 if (result != Result::STORED)
                   count(refusals, *answer.value(), holder ? holder->id : start_.settings->identity->id());
                 noted(item, group, result == Result::STORED, result == Result::OLDER || result == Result::TIED);
               });
}

/// A node limits how much it stores for other nodes per second, and says when it accepts more (logic/budgets.hpp).
bool LookupActor::put_off(std::size_t item, const std::optional<Contact>& whom, const base::Error& why) {
  const bool said_when = why.code == base::Code::overloaded && why.retry_after.count() > 0;
  if (!whom || !said_when || now() + why.retry_after >= stores_began_ + kAgainFor) return false;
  // A node that is asked too soon refuses again.
  if (put_off_.empty()) after<StoreAgain>(std::clamp<base::Duration>(why.retry_after, kAgainGap, kAgainSoon));
  put_off_.push_back({item, *whom});
  return true;
}

void LookupActor::store_put_off() {
  for (const PutOff& one : std::exchange(put_off_, {})) ask_for_item(one.item, one.whom);
}

void LookupActor::noted(std::size_t item, std::size_t group, bool stored, bool newer) {
  ++said_;
  if (stored) stores_.store(group);
  if (stored) items_[item].stores.store(group);
  if (stored || newer) items_[item].kept.store(group);
  if (said_ == stores_.asked) return answer();
  // As for one record: the other nodes get a moment.
  if (!enough_ && enough_of_all()) {
    enough_ = true;
    after<Enough>(start_.round_trip.timeout());
  }
}

bool LookupActor::enough_of_all() const {
  return std::ranges::all_of(items_, [this](const Item& one) { return one.stores.stored >= needed(one.stores); });
}

void LookupActor::write_items(wire::SearchResult::Builder out) const {
  auto items = out.initItems(size32(items_));
  auto results = out.initItemResults(size32(items_));
  for (unsigned i = 0; i < items.size(); ++i) {
    const Item& one = items_[i];
    // For republishing, a node with a newer record, or with the winner of two equal sequences, counts as well.
    items.set(i, one.kept.asked > 0 && one.kept.stored >= needed(one.kept));
    results[i].setAsked(static_cast<std::uint16_t>(one.stores.asked));
    results[i].setStored(static_cast<std::uint16_t>(one.stores.stored));
    results[i].setNeeded(static_cast<std::uint16_t>(needed(one.stores)));
    results[i].setSilent(static_cast<std::uint16_t>(silent_));
    results[i].setBusy(static_cast<std::uint16_t>(busy_));
    if (!one.refusals.empty()) write_refusal(results[i].initRefusal(), one.refusals);
  }
}

}  // namespace troupe::dht
