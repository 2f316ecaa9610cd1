// The second phase of a search around which many keys lie: each of their records is stored at those of the nodes found
// that are nearest to it.
#include <algorithm>

#include "actors/dht/api.hpp"
#include "actors/dht/lookup_actor.hpp"
#include "actors/dht/wire.hpp"

namespace troupe::dht {

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
    const std::size_t most = std::min(settings.copies, nodes.size());
    std::ranges::partial_sort(nodes, nodes.begin() + static_cast<std::ptrdiff_t>(most), {},
                              [&](const Contact* one) { return base::distance(one->id, key); });
    for (std::size_t k = 0; k < most; ++k) store_item(i, nodes[k]);
    const bool near_enough =
        most < settings.copies || base::distance(own, key) < base::distance(nodes[most - 1]->id, key);
    if (near_enough && settings.endpoint.dialable()) store_item(i, nullptr);
  }
  if (stores_ == 0) answer();
}

/// At another node, or with null at this one, whose actors need no token.
void LookupActor::store_item(std::size_t item, const Contact* whom) {
  ++stores_;
  ++items_[item].asked;
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
        [this, item](runtime::Answer<wire::Added> answer) { noted(item, answer.ok()); });
  }
  ask<wire::Store, wire::StoreDone>(
      there, due,
      [&](wire::Store::Builder out) {
        fill(out);
        out.setRecord(data_of(items_[item].record));
      },
      [this, item](runtime::Answer<wire::StoreDone> answer) {
        // A node that holds a newer one has what is wanted of it, and more.
        const bool has = answer.ok() && (answer.value().getResult() == wire::StoreDone::Result::STORED ||
                                         answer.value().getResult() == wire::StoreDone::Result::OLDER);
        noted(item, has);
      });
}

void LookupActor::noted(std::size_t item, bool stored) {
  ++said_;
  stored_ += stored;
  items_[item].stored += stored;
  if (said_ == stores_) answer();
}

}  // namespace troupe::dht
