#include "apps/sim/dht_model/eclipse.hpp"

#include <algorithm>
#include <limits>
#include <set>

#include "apps/sim/dht_model/draw.hpp"
#include "apps/sim/dht_model/drive.hpp"

namespace troupe::dht::model {
namespace {

using namespace std::chrono_literals;

constexpr base::Instant kStart{1h};

GroupLimits limits_of(bool limited) {
  GroupLimits out;
  if (!limited) out.group_of.v4_bits = 32;  // each address is its own group, and there are enough of them
  return out;
}

/// Returns a key at that distance from `key` in its first 64 bits; the rest is random.
Key near(const Key& key, std::uint64_t distance, base::Random& random) {
  Key out = draw_key(random);
  for (std::size_t i = 0; i < 8; ++i) out.bytes[i] = key.bytes[i] ^ static_cast<std::uint8_t>(distance >> (56 - 8 * i));
  return out;
}

std::vector<Contact> nearest(std::vector<Contact> all, const Key& key, std::size_t count) {
  count = std::min(count, all.size());
  std::ranges::partial_sort(all, all.begin() + static_cast<std::ptrdiff_t>(count), {},
                            [&](const Contact& one) { return base::distance(one.id, key); });
  all.resize(count);
  return all;
}

std::uint64_t high_distance(const Key& a, const Key& b) { return a.high() ^ b.high(); }

/// The table of a node that receives responses, as its head and buckets together maintain it.
class Listener {
 public:
  Listener(const Key& own, const GroupLimits& limits)
      : own_(own), limits_(limits), table_(std::make_unique<Table>(own, limits)) {}

  void take(const std::map<Range, Bucket>& buckets) {
    buckets_ = buckets;
    for (const auto& [range, bucket] : buckets_) table_->replace(range, bucket.listing());
  }
  void hear(const Contact& who, base::Instant now) {
    const auto range = table_->offer(who, Evidence::answered, now);
    if (!range.ok()) return;
    Bucket& bucket = buckets_.try_emplace(range.value(), own_, range.value(), limits_).first->second;
    (void)bucket.hear(who, Evidence::answered, now);
    table_->replace(range.value(), bucket.listing());
    table_->settled(who.id);
  }
  /// If so, further responses do not change what the table returns.
  bool full(Range range) const {
    const auto bucket = buckets_.find(range);
    return bucket != buckets_.end() && bucket->second.listed().size() == kContactsMax &&
           bucket->second.spares().size() == kSparesMax;
  }
  const Table& table() const { return *table_; }
  std::unique_ptr<Table> give() { return std::move(table_); }

 private:
  Key own_;
  GroupLimits limits_;
  std::unique_ptr<Table> table_;
  std::map<Range, Bucket> buckets_;
};

}  // namespace

struct Eclipse::Round {
  Defences defences;
  base::Random random;
  Key key;
  std::vector<Contact> attackers{};  // nearest to the key first
  std::map<std::size_t, std::unique_ptr<Table>> tables{};
  std::set<std::size_t> holders{};
};

Eclipse::Eclipse(std::size_t honest, std::size_t rounds, std::uint64_t seed) : rounds_(rounds), seed_(seed) {
  base::Random random(seed);
  std::set<Key> ids;
  while (ids.size() < honest) ids.insert(draw_key(random));
  for (const Key& id : ids) nodes_.push_back({contact_at(id, spread_address(nodes_.size())), {}});
}

std::size_t Eclipse::index_of(const Key& id) const {
  const auto at = std::ranges::lower_bound(nodes_, id, {}, [](const Node& node) { return node.contact.id; });
  return at != nodes_.end() && at->contact.id == id ? static_cast<std::size_t>(at - nodes_.begin()) : nodes_.size();
}

const std::map<Range, Bucket>& Eclipse::buckets_of(Node& node, bool limited) {
  auto& buckets = node.buckets[limited ? 1 : 0];
  if (!buckets.empty()) return buckets;
  base::Random random(node.contact.id.high());  // independent of the order in which tables are needed
  std::vector<const Node*> others;
  for (const Node& one : nodes_)
    if (&one != &node) others.push_back(&one);
  random.shuffle(others);
  for (const Node* one : others) {
    const Range range = *range_of(node.contact.id, one->contact.id);
    Bucket& bucket = buckets.try_emplace(range, node.contact.id, range, limits_of(limited)).first->second;
    if (bucket.listed().size() < kContactsMax) (void)bucket.hear(one->contact, Evidence::answered, kStart);
  }
  return buckets;
}

std::unique_ptr<Table> Eclipse::table_of(Round& round, std::size_t number) {
  Node& node = nodes_[number];
  Listener listener(node.contact.id, limits_of(round.defences.groups));
  listener.take(buckets_of(node, round.defences.groups));
  auto order = round.attackers;
  base::Random random(node.contact.id.high() ^ round.key.high());
  random.shuffle(order);
  for (const Contact& one : order)
    if (!listener.full(*range_of(node.contact.id, one.id))) listener.hear(one, kStart);
  return listener.give();
}

LookupAnswer Eclipse::answer(Round& round, std::size_t number, const LookupQuestion& question) {
  LookupAnswer out;
  if (number == nodes_.size()) {
    out.contacts = nearest(round.attackers, question.target, kContactsMax);
    return out;
  }
  auto& table = round.tables[number];
  if (table == nullptr) table = table_of(round, number);
  out.contacts = table->closest(question.target, kContactsMax + 1);
  std::erase_if(out.contacts, [&](const Contact& one) { return one.id == question.own; });
  if (out.contacts.size() > kContactsMax) out.contacts.resize(kContactsMax);
  if (question.kind == LookupKind::find_value && round.holders.contains(number)) out.version = Version{1, {}};
  return out;
}

LookupOutcome Eclipse::search(Round& round, std::size_t from, LookupKind kind) {
  auto& table = round.tables[from];
  if (table == nullptr) table = table_of(round, from);
  LookupQuestion question;
  question.target = round.key;
  question.own = nodes_[from].contact.id;
  question.kind = kind;
  question.network = table->network_size();
  question.groups = limits_of(round.defences.groups);
  if (!round.defences.paths) question.paths = 1;
  if (!round.defences.region) question.region_max = question.nearest;
  std::vector<Start> starts;
  for (const Contact& one : table->closest(round.key, kStartMax)) starts.push_back({one, std::nullopt});
  Lookup lookup(question, std::move(starts));
  base::Instant now = kStart;
  return drive(
             lookup, now,
             [&](const Ask& ask, base::Instant asked) {
               const std::size_t there = index_of(ask.whom.id);
               // Attackers have fast connections.
               const auto takes = there == nodes_.size() ? 5ms : 20ms + draw_below(round.random, 40ms);
               return Reply{asked + takes, answer(round, there, question)};
             },
             [](const Contact&, bool, base::Instant) {})
      .outcome;
}

bool Eclipse::hidden(const Defences& defences, const Budget& budget, std::uint64_t number) {
  Round round{defences, base::Random(seed_ ^ (number + 1) * 0x9e37'79b9'7f4a'7c15), {}};
  round.key = draw_key(round.random);
  const std::size_t publisher = round.random.below(nodes_.size());
  const std::size_t asker = round.random.below(nodes_.size());
  std::uint64_t free = std::numeric_limits<std::uint64_t>::max();
  for (const Node& one : nodes_) free = std::min(free, high_distance(one.contact.id, round.key));
  for (std::size_t i = 0; i < budget.ids; ++i) {
    const Key id = near(round.key, round.random.below(std::max<std::uint64_t>(free, 1)), round.random);
    round.attackers.push_back(
        contact_at(id, rented_address(i % budget.groups, i / budget.groups), static_cast<std::uint16_t>(4'000 + i)));
  }
  round.attackers = nearest(std::move(round.attackers), round.key, budget.ids);

  const auto kind = defences.region ? LookupKind::store_region : LookupKind::find_node;
  const auto stored = search(round, publisher, kind).nearest;
  for (const Contact& one : stored)
    if (const std::size_t there = index_of(one.id); there < nodes_.size()) round.holders.insert(there);
  const bool near_enough = stored.size() < kContactsMax || base::distance(nodes_[publisher].contact.id, round.key) <
                                                               base::distance(stored[kContactsMax - 1].id, round.key);
  if (near_enough) round.holders.insert(publisher);
  if (round.holders.contains(asker)) return false;
  return search(round, asker, LookupKind::find_value).ending != Ending::found;
}

Ratio Eclipse::hide(const Defences& defences, const Budget& budget) {
  Ratio out;
  for (std::size_t i = 0; i < rounds_; ++i) out.note(hidden(defences, budget, i));
  return out;
}

Score Eclipse::score(const Defences& defences) {
  Score out{.defences = defences, .ids = {}, .groups = {}};
  std::vector<double> tries;
  for (std::size_t i = 0; i < rounds_; ++i) {
    base::Random random(seed_ ^ (i + 1) * 0x9e37'79b9'7f4a'7c15);
    const Key key = draw_key(random);
    std::uint64_t free = std::numeric_limits<std::uint64_t>::max();
    for (const Node& one : nodes_) free = std::min(free, high_distance(one.contact.id, key));
    tries.push_back(std::ldexp(1.0, 64) / static_cast<double>(std::max<std::uint64_t>(free, 1)));
  }
  std::ranges::nth_element(tries, tries.begin() + static_cast<std::ptrdiff_t>(tries.size() / 2));
  out.tries_each = tries[tries.size() / 2];

  const auto least = [&](std::size_t most, const auto& budget) -> std::optional<std::size_t> {
    const auto half = [&](std::size_t amount) { return 2 * hide(defences, budget(amount)).hits >= rounds_; };
    std::size_t high = 1;
    while (high < most && !half(high)) high = std::min(2 * high, most);
    if (high == most && !half(most)) return std::nullopt;
    std::size_t low = high / 2;  // which is not enough
    while (high - low > 1) (half((low + high) / 2) ? high : low) = (low + high) / 2;
    return high;
  };
  out.ids = least(kIdsTriedMax, [](std::size_t ids) { return Budget{ids, ids}; });
  if (out.ids) {
    const std::size_t ids = kIdsToSpare * *out.ids;
    out.groups = least(ids, [&](std::size_t groups) { return Budget{ids, groups}; });
  }
  return out;
}

// -- a flood ---------------------------------------------------------------------------------------------------------

Flood Eclipse::flood(bool limited, bool settled, const Budget& budget) {
  Flood out{limited, settled, budget};
  base::Random random(seed_ ^ 0x666c'6f6f'64);
  std::vector<Contact> all;
  for (std::size_t i = 0; i < budget.ids; ++i)
    all.push_back(contact_at(draw_key(random), rented_address(i % budget.groups, i / budget.groups),
                             static_cast<std::uint16_t>(4'000 + i)));
  const Node& victim = nodes_[random.below(nodes_.size())];
  std::vector<Contact> honest;
  for (const Node& one : nodes_)
    if (&one != &victim) honest.push_back(one.contact);
  random.shuffle(honest);
  Listener listener(victim.contact.id, limits_of(limited));
  base::Instant now = kStart;
  const auto hear_all = [&](const std::vector<Contact>& contacts) {
    for (const Contact& one : contacts) listener.hear(one, now = now + 10ms);
  };
  if (settled) hear_all(honest);
  hear_all(all);
  if (!settled) hear_all(honest);
  for (std::size_t i = 0; i < kRanges; ++i)
    for (const Contact& one : listener.table().good(Range{static_cast<std::uint8_t>(i)})) {
      ++out.contacts;
      out.false_ones += index_of(one.id) == nodes_.size() ? 1 : 0;
    }
  return out;
}

}  // namespace troupe::dht::model
