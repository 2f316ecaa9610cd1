// The second phase of a search around which many keys lie: each of their records is stored at those of the nodes found
// that are nearest to it.
#include <algorithm>

#include "actors/dht/api.hpp"
#include "actors/dht/lookup_actor.hpp"
#include "actors/dht/wire.hpp"

namespace troupe::dht {
namespace {

constexpr std::chrono::seconds kAgainFor{15};        // our choice: half of what our own store may take
constexpr std::chrono::milliseconds kAgainGap{250};  // our choice: what is put off goes together

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
  if (stores_ == 0) answer();
}

/// At another node, or with null at this one, whose actors need no token.
void LookupActor::store_item(std::size_t item, const Contact* whom) {
  ++stores_;
  ++items_[item].asked;
  ask_to_store(item, whom ? std::optional(*whom) : std::nullopt);
}

void LookupActor::ask_to_store(std::size_t item, const std::optional<Contact>& whom) {
  const runtime::Handle there = whom ? node().reach(whom->where, kPath) : node().find(kPath);
  const base::Instant due = now() + (whom ? base::Duration(kStoreDue) : base::Duration(kCommitDue));
  const auto fill = [&](auto out) {
    write_asker(out.initAsker(), *start_.settings);
    if (whom) out.setToken(data_of(tokens_.at(whom->id).view()));
    out.setKey(data_of(items_[item].key.view()));
  };
  if (items_[item].record.empty()) {
    return ask<wire::AddProvider, wire::Added>(
        there, due, [&](wire::AddProvider::Builder out) { fill(out); },
        [this, item, whom](runtime::Answer<wire::Added> answer) {
          if (!answer.ok() && put_off(item, whom, answer.error())) return;
          if (!answer.ok()) count_failure(Asked::add_provider, answer.error());
          else count_answer(Asked::add_provider, now() - stores_began_);
          noted(item, answer.ok(), false);
        });
  }
  ask<wire::Store, wire::StoreDone>(
      there, due,
      [&](wire::Store::Builder out) {
        fill(out);
        out.setRecord(data_of(items_[item].record));
      },
      [this, item, whom](runtime::Answer<wire::StoreDone> answer) {
        if (!answer.ok() && put_off(item, whom, answer.error())) return;
        noted(item, answer);
      });
}

/// Each node takes so many of us in a second, and says when it takes more (logic/store_budget.hpp).
bool LookupActor::put_off(std::size_t item, const std::optional<Contact>& whom, const base::Error& why) {
  const bool said_when = why.code == base::Code::overloaded && why.retry_after.count() > 0;
  if (!whom || !said_when || now() + why.retry_after >= stores_began_ + kAgainFor) return false;
  // Who is asked too soon says so again.
  if (put_off_.empty()) after<StoreAgain>(std::max<base::Duration>(why.retry_after, kAgainGap));
  put_off_.push_back({item, *whom});
  return true;
}

void LookupActor::store_put_off() {
  for (const PutOff& one : std::exchange(put_off_, {})) ask_to_store(one.item, one.whom);
}

void LookupActor::noted(std::size_t item, runtime::Answer<wire::StoreDone>& answer) {
  if (!answer.ok()) {
    if (answer.error().code == base::Code::no_space) ++items_[item].refusals[wire::StoreDone::Result::NO_SPACE].times;
    count_failure(Asked::store, answer.error());
    return noted(item, false, false);
  }
  count_answer(Asked::store, now() - stores_began_);
  const auto result = answer.value().getResult();
  if (result != wire::StoreDone::Result::STORED) count(items_[item].refusals, answer.value());
  const bool newer = result == wire::StoreDone::Result::OLDER || result == wire::StoreDone::Result::TIED;
  noted(item, result == wire::StoreDone::Result::STORED, newer);
}

void LookupActor::noted(std::size_t item, bool stored, bool newer) {
  ++said_;
  stored_ += stored;
  items_[item].stored += stored;
  items_[item].newer += newer;
  if (said_ == stores_) return answer();
  // As with one: the others have a moment.
  if (!enough_ && enough_of_all()) {
    enough_ = true;
    after<Enough>(start_.round_trip.timeout());
  }
}

bool LookupActor::enough_of_all() const {
  return std::ranges::all_of(items_, [this](const Item& one) { return one.stored >= needed(one.asked); });
}

void LookupActor::write_items(wire::SearchResult::Builder out) const {
  auto items = out.initItems(static_cast<unsigned>(items_.size()));
  auto results = out.initItemResults(static_cast<unsigned>(items_.size()));
  for (unsigned i = 0; i < items.size(); ++i) {
    const Item& one = items_[i];
    // For whoever keeps a record in the network, a node that holds a newer one, or the one of two
    // with its number that stays, has what is wanted of it.
    items.set(i, one.asked > 0 && one.stored + one.newer >= needed(one.asked));
    results[i].setAsked(static_cast<std::uint16_t>(one.asked));
    results[i].setStored(static_cast<std::uint16_t>(one.stored));
    results[i].setNeeded(static_cast<std::uint16_t>(needed(one.asked)));
    results[i].setSilent(static_cast<std::uint16_t>(silent_));
    if (!one.refusals.empty()) write_refusal(results[i].initRefusal(), one.refusals);
  }
}

}  // namespace troupe::dht
