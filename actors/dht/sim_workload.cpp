#include "actors/dht/sim_workload.hpp"

#include <algorithm>

#include "actors/dht/api.hpp"
#include "actors/dht/bucket_actor.hpp"
#include "actors/dht/dht_actor.hpp"
#include "actors/dht/lookup_actor.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::dht {
namespace {

using sim::node_name;

constexpr unsigned kLackedSurveys = 3;  // our choice: a node that has just started still reads its rows
// Our choice: by a clock that is a tenth wrong, with time for the last answers.
constexpr std::chrono::seconds kSearchLongest = (kSearchDue + kCommitDue) * 5 / 4;
constexpr std::chrono::hours kLongWorld{24};  // our choice: half of a record's lifetime

}  // namespace

DhtWorkload::DhtWorkload(sim::Nodes& nodes, const sim::Scenario& scenario)
    : nodes_(nodes),
      copies_(scenario.count("dht.copies", kContactsMax)),
      long_(scenario.time > kLongWorld),
      clients_(nodes, ledger_, scenario),
      survey_(nodes, ledger_),
      closing_(nodes, [this](Check& check) { start(check); }) {
  for (const sim::Fault& fault : scenario.faults)
    if (fault.what == sim::FaultKind::pause || fault.what == sim::FaultKind::slow) slow_.insert(fault.node);
}

void DhtWorkload::perform(const sim::Operation& operation) {
  clients_.by_operation([&] { begin(operation); });
}

void DhtWorkload::begin(const sim::Operation& operation) {
  const auto with = [&](const char* name) { return operation.number(name); };
  const std::string what = operation.name();
  if (what == "put") return clients_.put(operation.node, ledger_.content(with("content"), with("bytes")));
  if (what == "set")
    return clients_.set(operation.node, with("name"), with("bytes"), std::chrono::seconds(with("seconds")));
  if (what == "get") return clients_.get(operation.node, ledger_.content(with("content"), with("bytes")), 0, false, {});
  if (what == "read" || what == "listen") {
    const auto owner = nodes_.id(std::min(static_cast<std::size_t>(with("owner")), nodes_.size() - 1));
    if (!owner) return;
    const SimSpot& spot = ledger_.named(*owner, node_name(static_cast<std::size_t>(with("owner"))), with("name"));
    if (what == "listen") return clients_.listen(operation.node, spot, std::chrono::seconds(with("seconds")));
    return clients_.get(operation.node, spot, static_cast<std::uint8_t>(with("quorum")), false, {});
  }
  if (what == "provide") return clients_.provide(operation.node, ledger_.topic(with("topic")));
  if (what == "find") return clients_.find(operation.node, ledger_.topic(with("topic")), {});
  if (what == "nearest") return clients_.nearest(operation.node, ledger_.topic(with("topic")));
  if (what == "push") return clients_.push(operation.node, static_cast<std::size_t>(with("to")));
  base::ensure(what == "lie", "an operation of this domain is in its spec");
  clients_.lie(operation.node, with("how"));
}

void DhtWorkload::died(std::size_t node) {
  clients_.died(node);
  survey_.died(node);
  std::erase_if(searches_, [&](const auto& one) { return one.first.first == node; });
  std::erase_if(healthy_, [&](const auto& one) { return one.first.first == node; });
  closing_.died(node);
}

// -- at each message -------------------------------------------------------------------------------------------------

void DhtWorkload::handled(std::size_t node, std::string_view path, const runtime::Actor& actor) {
  if (!path.starts_with(kPath)) return;
  if (path == kPath) {
    if (++looks_[node] % kTableLookEvery != 0) return;
    const auto* const head = dynamic_cast<const DhtActor*>(&actor);
    if (head == nullptr) return;
    look_at_table(node, *head);
    look_at_bans(node, *head);
  } else if (path.starts_with("/dht/bucket/")) {
    if (const auto* const bucket = dynamic_cast<const BucketActor*>(&actor)) look_at_bucket(node, path, *bucket);
  } else if (path.starts_with("/dht/lookup-")) {
    if (const auto* const search = dynamic_cast<const LookupActor*>(&actor)) check_search(node, path, *search);
  }
}

void DhtWorkload::look_at_table(std::size_t node, const DhtActor& head) {
  const Table& table = head.table();
  for (std::size_t i = 0; i < kRanges; ++i) {
    for (const Contact& one : table.good(Range{static_cast<std::uint8_t>(i)})) {
      if (nodes_.existed(one.id) && one.id != table.own()) continue;
      return nodes_.violated("strangers", node_name(node) + " lists " + one.id.hex() + " in its table");
    }
  }
}

void DhtWorkload::look_at_bucket(std::size_t node, std::string_view path, const BucketActor& bucket) {
  if (!nodes_.serving(node)) return;  // an actor that ends with its machine; another node may have its slot already
  auto& [began, before] = healthy_[{node, std::string(path)}];
  if (std::exchange(began, bucket.began()) != bucket.began())
    before.clear();  // a new bucket, at the path of an ended one
  std::map<Key, Contact> after;
  for (const Listed& one : bucket.bucket().listed()) {
    if (one.failures == 0) after.emplace(one.contact.id, one.contact);
    if (const auto was = before.find(one.contact.id); was != before.end() && was->second != one.contact)
      nodes_.violated("moved", node_name(node) + " moves " + one.contact.id.hex() + " to " +
                                   one.contact.where.endpoint.text() + ", though it has not failed at " +
                                   was->second.where.endpoint.text());
  }
  before.swap(after);
}

void DhtWorkload::look_at_bans(std::size_t node, const DhtActor& head) {
  for (const auto& [id, until] : head.banned()) {
    const auto who = nodes_.find(id);
    if (who && !clients_.lies(*who) && !nodes_.lost_data(*who))
      return nodes_.violated("honest", node_name(node) + " bans " + node_name(*who) + ", which has never lied");
  }
}

void DhtWorkload::check_search(std::size_t node, std::string_view path, const LookupActor& search) {
  if (slow_.contains(node)) return;
  Search& known = searches_.try_emplace({node, std::string(path)}, Search{search.began(), nodes_.time()}).first->second;
  if (known.began != search.began()) known = {search.began(), nodes_.time()};
  if (nodes_.time() - known.seen > kSearchLongest)
    nodes_.violated("deadline", node_name(node) + " still works on " + std::string(path));
}

// -- convergence -----------------------------------------------------------------------------------------------------

void DhtWorkload::probe() {
  check_kept();
  survey_.begin();
  closing_.probe();
}

/// Checks that acknowledged data is missing only at nodes that lost data.
void DhtWorkload::check_kept() {
  if (!survey_.complete() || !survey_.gaps().empty() || !clients_.under_way().empty()) return;
  const std::string what = lacking();
  lacked_ = what.empty() ? 0 : lacked_ + 1;
  if (lacked_ == kLackedSurveys) nodes_.violated("kept", what);
}

std::string DhtWorkload::lacking() const {
  if (long_) return "";
  for (const SimSpot& spot : ledger_.spots()) {
    for (const SimWrite& write : spot.writes) {
      if (write.stored.nodes == 0 || !clients_.lasts(spot, write)) continue;
      auto what = lacking(spot.name, write.stored, [&](const SimReport& report) {
        const auto held = report.records.find(spot.place());
        return held != report.records.end() && held->second >= write.sequence;
      });
      if (!what.empty()) return what;
    }
  }
  for (const auto& [number, topic] : ledger_.topics()) {
    for (const auto& [id, stored] : topic.announced) {
      auto what = lacking(topic.name, stored, [&, &topic = topic, &id = id](const SimReport& report) {
        const auto held = report.providers.find(topic.key);
        return held != report.providers.end() && held->second.contains(id);
      });
      if (!what.empty()) return what;
    }
  }
  return "";
}

std::string DhtWorkload::lacking(const std::string& name, const SimStored& stored,
                                 const std::function<bool(const SimReport&)>& holds) const {
  std::size_t there = 0;
  for (const auto& [node, report] : survey_.reports()) {
    if (clients_.excused(node)) continue;
    if (holds(report)) ++there;
    else if (const auto id = nodes_.id(node); id && stored.all.contains(*id))
      return node_name(node) + " no longer stores " + name + ", which it has acknowledged";
  }
  if (there + clients_.excused_count() >= stored.nodes) return "";
  return std::to_string(there) + " nodes that have lost nothing store " + name + ", of " +
         std::to_string(stored.nodes) + " that have acknowledged it";
}

std::vector<std::string> DhtWorkload::waits() const {
  std::vector<std::string> out = clients_.under_way();
  const auto add = [&out](std::vector<std::string> more) { out.insert(out.end(), more.begin(), more.end()); };
  add(survey_.gaps());
  add(closing_.waits());
  // The run must not end before check_kept() has run often enough.
  if (out.empty())
    if (std::string what = lacking(); !what.empty()) out.push_back(std::move(what));
  return out;
}

// -- the end ---------------------------------------------------------------------------------------------------------

void DhtWorkload::close() {
  std::size_t things = ledger_.topics().size();
  for (const SimSpot& spot : ledger_.spots()) things += spot.key ? 1 : 0;
  if (things == 0) return;
  const std::size_t askers = std::clamp<std::size_t>(kChecksMax / things, 1, nodes_.size());
  std::vector<std::size_t> order(nodes_.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto choose = [&] { nodes_.chance("dht.close").shuffle(order); };
  for (const SimSpot& spot : ledger_.spots()) {
    if (!spot.key) continue;
    choose();
    for (std::size_t i = 0; i < askers; ++i) closing_.add(order[i], {.spot = &spot});
  }
  for (const auto& [number, topic] : ledger_.topics()) {
    choose();
    for (std::size_t i = 0; i < askers; ++i) closing_.add(order[i], {.topic = &topic});
  }
  closing_.go_on();
}

void DhtWorkload::start(Check& check) {
  const auto then = [this, &check](const SimClients::Error& error, const SimSeen& seen) { ended(check, error, seen); };
  if (check.what.spot != nullptr) clients_.get(check.node, *check.what.spot, 0, true, then);
  else clients_.find(check.node, *check.what.topic, then);
}

void DhtWorkload::ended(Check& check, const SimClients::Error& error, const SimSeen& seen) {
  std::string why = sim::why_of(error);
  bool done = false;
  if (check.what.spot != nullptr) {
    done = seen.found || !due(check);
  } else {
    const auto wanted = providers_due(check);
    done = std::ranges::includes(seen.providers, wanted);
    if (!done)
      why = std::to_string(seen.providers.size()) + " of " + std::to_string(wanted.size()) + " providers found";
  }
  done = done || (clients_.excused(check.node) && check.tries >= sim::kTriesEnough);
  closing_.ended(check, done, std::move(why));
}

std::vector<std::size_t> DhtWorkload::responsible(const Key& key, std::size_t asker) const {
  std::vector<std::pair<Key, std::size_t>> all;
  for (std::size_t node = 0; node < nodes_.size(); ++node)
    if (const auto id = nodes_.id(node); id && node != asker) all.emplace_back(base::distance(*id, key), node);
  std::ranges::sort(all);
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < std::min(all.size(), copies_); ++i) out.push_back(all[i].second);
  return out;
}

/// Returns whether one of the nodes that a search asks stores it, and the asker's clock accepts it.
bool DhtWorkload::due(const Check& check) const {
  const SimSpot& spot = *check.what.spot;
  if (!std::ranges::any_of(spot.writes, [&](const SimWrite& one) { return clients_.lasts(spot, one); })) return false;
  return std::ranges::any_of(responsible(*spot.key, check.node), [&](std::size_t node) {
    const auto report = survey_.reports().find(node);
    return report != survey_.reports().end() && !clients_.lies(node) && report->second.records.contains(spot.place());
  });
}

std::set<base::NodeId> DhtWorkload::providers_due(const Check& check) const {
  std::set<base::NodeId> out;
  for (const std::size_t node : responsible(check.what.topic->key, check.node)) {
    const auto report = survey_.reports().find(node);
    if (report == survey_.reports().end() || clients_.lies(node)) continue;
    const auto held = report->second.providers.find(check.what.topic->key);
    if (held != report->second.providers.end()) out.insert(held->second.begin(), held->second.end());
  }
  if (out.size() >= kContactsMax) out.clear();  // a search ends with that many
  return out;
}

}  // namespace troupe::dht
