#include "tests/actors/dht/network.hpp"

#include <algorithm>

#include "tests/actors/dht/contacts.hpp"

namespace troupe::dht::test {

Network::Network(std::size_t nodes, std::uint64_t seed, Faults faults) : random_(seed), faults_(faults) {
  std::set<Key> ids;
  while (ids.size() < nodes) ids.insert(random_point(random_));
  for (const Key& id : ids) {
    const std::size_t number = nodes_.size() + 1;
    Node node;
    node.contact = contact_at(id, "10." + std::to_string(number / 65'536) + "." + std::to_string(number / 256 % 256) +
                                      "." + std::to_string(number % 256) + ":4000");
    node.dead = random_.chance(faults.dead_percent, 100);
    node.liar = random_.chance(faults.liar_percent, 100);
    if (!node.dead) living_.push_back(node.contact);
    if (!node.dead && node.liar) liars_.push_back(node.contact);
    nodes_.push_back(std::move(node));
  }
}

std::size_t Network::draw_node() {
  while (true) {
    const std::size_t node = random_.below(nodes_.size());
    if (!nodes_[node].dead && !nodes_[node].liar) return node;
  }
}

Key Network::draw_key() { return random_point(random_); }

std::size_t Network::index_of(const Key& id) const {
  const auto at = std::ranges::lower_bound(nodes_, id, {}, [](const Node& node) { return node.contact.id; });
  base::ensure(at != nodes_.end() && at->contact.id == id, "a contact is a node of the network");
  return static_cast<std::size_t>(at - nodes_.begin());
}

/// The nodes that leave `node` at bit `prefix`: they lie side by side in the order of ids.
std::vector<std::size_t> Network::members_of(std::size_t node, std::size_t prefix) const {
  Key first = nodes_[node].contact.id;
  first.bytes[prefix / 8] = static_cast<std::uint8_t>(first.bytes[prefix / 8] ^ (0x80U >> prefix % 8));
  Key last = first;
  for (std::size_t bit = prefix + 1; bit < kRanges; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80U >> bit % 8);
    first.bytes[bit / 8] = static_cast<std::uint8_t>(first.bytes[bit / 8] & ~mask);
    last.bytes[bit / 8] = static_cast<std::uint8_t>(last.bytes[bit / 8] | mask);
  }
  const auto id = [](const Node& one) { return one.contact.id; };
  const auto begin = std::ranges::lower_bound(nodes_, first, {}, id) - nodes_.begin();
  const auto end = std::ranges::upper_bound(nodes_, last, {}, id) - nodes_.begin();
  std::vector<std::size_t> out;
  for (auto at = begin; at < end; ++at) out.push_back(static_cast<std::size_t>(at));
  return out;
}

void Network::draw_table(std::size_t node) {
  auto table = std::make_unique<Table>(nodes_[node].contact.id);
  base::Random random{node + 1};  // not the order in which tables are needed
  for (std::size_t prefix = 0; prefix < 40; ++prefix) {
    auto members = members_of(node, prefix);
    for (std::size_t i = 0; i < std::min(members.size(), kContactsMax); ++i) {
      std::swap(members[i], members[i + random.below(members.size() - i)]);
    }
    members.resize(std::min(members.size(), kContactsMax));
    Listing listing;
    for (const std::size_t member : members) listing.good.push_back(nodes_[member].contact);
    table->replace(Range{static_cast<std::uint8_t>(prefix)}, listing);
  }
  nodes_[node].table = std::move(table);
}

Table& Network::table_of(std::size_t node) {
  if (nodes_[node].table == nullptr) draw_table(node);
  return *nodes_[node].table;
}

std::vector<Contact> Network::nearest_of(const std::vector<Contact>& sorted, const Key& key, std::size_t count) const {
  std::vector<Contact> out = sorted;
  const auto nearer = [&](const Contact& one) { return base::distance(one.id, key); };
  const auto middle = out.begin() + static_cast<std::ptrdiff_t>(std::min(count, out.size()));
  std::ranges::partial_sort(out, middle, {}, nearer);
  out.erase(middle, out.end());
  return out;
}

std::vector<Contact> Network::truly_nearest(const Key& key, std::size_t count, std::size_t asking) const {
  auto out = nearest_of(living_, key, count + 1);
  std::erase(out, nodes_[asking].contact);
  out.resize(std::min(count, out.size()));
  return out;
}

LookupAnswer Network::answer_of(std::size_t node, std::size_t asking, const LookupQuestion& question) {
  LookupAnswer out;
  if (nodes_[node].liar) {
    out.contacts = nearest_of(liars_, question.target, kContactsMax + 1);
  } else {
    out.contacts = table_of(node).closest(question.target, kContactsMax + 1);
    const bool holds = question.kind == LookupKind::find_value && nodes_[node].values.contains(question.target);
    if (holds) out.version = Version{1, {}};
  }
  std::erase(out.contacts, nodes_[asking].contact);  // whoever answers leaves out who asks
  std::erase(out.contacts, nodes_[node].contact);
  out.contacts.resize(std::min(out.contacts.size(), kContactsMax));
  return out;
}

Reply Network::reply_to(const Ask& ask, base::Instant now, std::size_t asking, const LookupQuestion& question) {
  const std::size_t node = index_of(ask.whom.id);
  const auto answered_at = now + std::chrono::milliseconds(10 + random_.below(40));
  const bool lost = random_.chance(faults_.loss_percent, 100);
  const bool elsewhere = ask.whom.where != nodes_[node].contact.where;
  if (nodes_[node].dead || lost || elsewhere || answered_at >= ask.answer_due) return {ask.answer_due, std::nullopt};
  return {answered_at, answer_of(node, asking, question)};
}

Run Network::search(std::size_t node, LookupQuestion question) {
  std::vector<Start> starts;
  for (const Contact& one : table_of(node).closest(question.target, kStartMax)) starts.push_back({one, std::nullopt});
  question.own = id_of(node);
  question.network = table_of(node).network_size();
  question.round_trip = nodes_[node].round_trip;
  Lookup lookup{question, std::move(starts)};
  return drive(
      lookup, now_, [&](const Ask& ask, base::Instant now) { return reply_to(ask, now, node, question); },
      [&](const Contact&, bool answered, base::Instant) {
        if (answered) nodes_[node].round_trip.note(std::chrono::milliseconds{30});
      });
}

Run Network::search(std::size_t node, const Key& target, LookupKind kind, std::size_t nearest) {
  LookupQuestion question;
  question.target = target;
  question.kind = kind;
  question.nearest = nearest;
  question.deadline = now_ + std::chrono::seconds{60};
  return search(node, question);
}

std::size_t Network::put(std::size_t node, const Key& key, std::size_t copies) {
  const Run run = search(node, key, LookupKind::find_node, copies);
  for (const Contact& holder : run.outcome.nearest) {
    Node& at = nodes_[index_of(holder.id)];
    if (!at.liar) at.values.insert(key);
  }
  return run.requests + run.outcome.nearest.size();
}

}  // namespace troupe::dht::test
