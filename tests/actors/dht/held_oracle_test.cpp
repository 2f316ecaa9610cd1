// What a node holds against a plain map with the same rules, in random order, with restarts.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "actors/dht/logic/held.hpp"
#include "tests/actors/dht/records.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace std::chrono_literals;

namespace {

const base::NodeId kHolder = key(0x5a);

/// Real records, signed once: those of few names and sequences meet often.
const std::vector<Record>& pool() {
  static const std::vector<Record> records = [] {
    std::vector<Record> out;
    for (std::uint8_t owner = 1; owner <= 3; ++owner) {
      for (std::uint64_t i = 0; i < 24; ++i) {
        KvRecord record = unsigned_kv(1 + i % 3, std::string(10 + 20 * i, 'v'));
        record.name = bytes_of(i % 2 == 0 ? "a" : "b");
        record.created = kWall - 10min;
        record.expires = kWall + std::chrono::hours(1 + 7 * (i % 11));
        out.push_back(sign(secret_key(owner), record));
      }
      out.push_back(PkRecord{secret_key(owner).public_key(), owner});
    }
    for (std::size_t i = 0; i < 40; ++i) out.push_back(CidRecord{base::Bytes(7 * i, static_cast<std::uint8_t>(i))});
    return out;
  }();
  return records;
}

const std::set<RecordKey>& places() {
  static const std::set<RecordKey> all = [] {
    std::set<RecordKey> out;
    for (const Record& record : pool()) out.insert({space_of(record), key_of(record)});
    return out;
  }();
  return all;
}

/// The rules of held.hpp, read once more, without any index.
struct Plain {
  struct Row {
    Offer offer;
    base::WallTime expires;
  };
  HeldLimits limits;
  std::map<RecordKey, Row> rows;
  std::map<RecordKey, std::pair<std::uint64_t, base::WallTime>> outlived;  // what came after, and until when
  std::map<base::NodeId, Group> networks;                                  // of nodes that have stored something

  void expire(base::WallTime wall) {
    std::erase_if(rows, [&](const auto& row) { return row.second.expires <= wall; });
    forget_networks();
  }
  bool stores(const base::NodeId& node) const {
    return std::any_of(rows.begin(), rows.end(), [&](const auto& row) { return row.second.offer.from == node; });
  }
  void forget_networks() {
    std::erase_if(networks, [&](const auto& known) { return !stores(known.first); });
  }
  Site site(const base::NodeId& node, const std::optional<Group>& network = {}) const {
    const auto known = networks.find(node);
    return site_of(node, network || known == networks.end() ? network : known->second);
  }
  std::uint64_t sum(auto&& counted) const {
    std::uint64_t out = 0;
    for (const auto& [place, row] : rows) out += counted(row.offer) ? row.offer.encoded.size() : 0;
    return out;
  }
  static bool counts_for(const Owner& whose, const Offer& offer) {
    return offer.owner == whose || *Owner::from(offer.from.view()) == whose;
  }
  bool beyond_quota(const Owner& whose) const {
    const auto records =
        std::count_if(rows.begin(), rows.end(), [&](const auto& row) { return counts_for(whose, row.second.offer); });
    return static_cast<std::uint64_t>(records) > limits.owner_records_max ||
           sum([&](const Offer& offer) { return counts_for(whose, offer); }) > limits.owner_bytes_max;
  }
  bool full(Space space, bool of_space) const {
    if (of_space) {
      return sum([&](const Offer& offer) { return offer.place.space == space; }) >
             limits.space_bytes_max[static_cast<std::size_t>(space) - 1];
    }
    return sum([](const Offer&) { return true; }) > limits.bytes_max || rows.size() > limits.records_max;
  }
  static std::uint64_t weight(const Offer& offer) { return offer.encoded.size() + kRecordWeight; }
  using Share = std::map<Key, RecordKey, std::greater<>>;
  /// What those nodes have stored in one space, but for one place.
  Share share(Space space, const RecordKey& but, auto&& those) const {
    Share out;
    for (const auto& [place, row] : rows)
      if (place.space == space && those(row.offer.from) && place != but)
        out.emplace(base::distance(kHolder, place.key), place);
    return out;
  }
  Share share(Space space, const base::NodeId& storer, const RecordKey& but) const {
    return share(space, but, [&](const base::NodeId& node) { return node == storer; });
  }
  std::uint64_t weight(const Share& share) const {
    std::uint64_t out = 0;
    for (const auto& [distance, place] : share) out += weight(rows.at(place).offer);
    return out;
  }
  std::uint64_t weight(Space space, const Site& where, const RecordKey& but) const {
    return weight(share(space, but, [&](const base::NodeId& node) { return site(node) == where; }));
  }
  /// Removes what whoever had most `before` has farthest, until there is room for `offer`, which is there already.
  bool make_room(const Offer& offer, const std::map<RecordKey, Row>& before) {
    const auto all_full = [&] { return full(offer.place.space, true) || full(offer.place.space, false); };
    if (!all_full()) return true;
    using Rank = std::tuple<std::uint64_t, Key, base::NodeId>;
    using SiteRank = std::tuple<std::uint64_t, Rank, Rank>;  // of the site, of its largest peer, of the peer
    std::optional<std::pair<SiteRank, Space>> most;
    std::map<Space, std::set<SiteRank>> ranks;
    const Plain then{limits, before, {}, networks};
    for (const Space space : {Space::pk, Space::kv, Space::cid}) {
      if (full(offer.place.space, true) && space != offer.place.space) continue;
      std::map<Site, std::set<Rank>> peers;
      for (const auto& [place, row] : before) {
        if (place.space != space) continue;
        const auto share = then.share(space, row.offer.from, {});
        peers[site(row.offer.from)].insert(Rank{then.weight(share), share.begin()->first, row.offer.from});
      }
      for (const auto& [where, of_site] : peers)
        for (const Rank& one : of_site) ranks[space].insert({then.weight(space, where, {}), *of_site.rbegin(), one});
      if (ranks[space].empty()) continue;
      const SiteRank first = *ranks[space].rbegin();
      if (!most || first > most->first) most = {first, space};
    }
    if (!most) return false;
    const base::NodeId storer = std::get<2>(std::get<2>(most->first));
    const Site where = site(storer), mine_at = site(offer.from, offer.network);
    const auto weigh = [&](Space space, const base::NodeId& node, const Site& its) {
      return where != mine_at ? weight(space, its, offer.place) : weight(share(space, node, offer.place));
    };
    const std::uint64_t mine = weigh(offer.place.space, offer.from, mine_at) + weight(offer);
    while (all_full()) {
      const auto theirs = share(most->second, storer, offer.place);
      if (theirs.empty()) break;
      const auto& [distance, place] = *theirs.begin();
      const std::uint64_t left = weigh(most->second, storer, where) - weight(rows.at(place).offer);
      const bool less = storer != offer.from && mine <= left;
      if (!less && distance <= base::distance(kHolder, offer.place.key)) return false;
      rows.erase(place);
    }
    auto& others = ranks[most->second];
    for (others.erase(most->first); all_full() && !others.empty(); others.erase(std::prev(others.end()))) {
      const base::NodeId other = std::get<2>(std::get<2>(*others.rbegin()));
      const bool of_most = where != mine_at && site(other) == where;
      for (const auto& [distance, place] : share(most->second, other, offer.place)) {
        if (!all_full()) break;
        const std::uint64_t left = weigh(most->second, storer, where);
        const bool less = of_most && mine + weight(rows.at(place).offer) <= left;
        if (!less && distance <= base::distance(kHolder, offer.place.key)) break;
        rows.erase(place);
      }
    }
    return !all_full();
  }
  std::optional<StoreError> store(const Offer& offer, std::optional<std::uint64_t> expected, base::WallTime wall) {
    expire(wall);
    const auto before = rows;
    const base::WallTime expires = std::min(offer.expires, wall + limits.hold);
    const auto present = rows.find(offer.place);
    if (present != rows.end()) {
      Row& row = present->second;
      if (row.offer.tag == offer.tag) {
        if (expires - row.expires >= renewed_after(limits.hold)) row.expires = expires;
        return std::nullopt;
      }
      if (expected && *expected != row.offer.sequence) return StoreError::conflict;
      if (offer.sequence < row.offer.sequence) return StoreError::older;
      if (offer.sequence == row.offer.sequence && offer.tag < row.offer.tag) return StoreError::lost_tie;
    }
    const auto gone = outlived.find(offer.place);
    if (gone != outlived.end() && gone->second.second > wall && offer.sequence < gone->second.first)
      return StoreError::older;
    base::WallTime until = gone == outlived.end() ? wall : std::max(wall, gone->second.second);
    if (present != rows.end()) until = std::max(until, present->second.offer.expires);
    rows.insert_or_assign(offer.place, Row{offer, expires});
    const auto undo = [&](StoreError error) {
      rows = before;
      return error;
    };
    if (beyond_quota(offer.owner) || beyond_quota(*Owner::from(offer.from.view()))) return undo(StoreError::owner_full);
    const bool known = Plain{limits, before, {}, {}}.stores(offer.from);
    if (known && offer.network) networks[offer.from] = *offer.network;
    if (!make_room(offer, before)) return undo(StoreError::no_space);
    const auto others = std::count_if(rows.begin(), rows.end(), [&](const auto& row) {
      return row.second.offer.from == offer.from && row.first != offer.place;
    });
    if (others == 0) networks.erase(offer.from);
    forget_networks();
    if (offer.network) networks[offer.from] = *offer.network;
    if (offer.place.space != Space::kv) return std::nullopt;
    if (until > offer.expires) outlived.insert_or_assign(offer.place, std::pair(offer.sequence, until));
    else outlived.erase(offer.place);
    return std::nullopt;
  }
};

using Disk = std::map<base::Bytes, base::Bytes>;
void write(Disk& disk, const RowChange& change) {
  for (const store::Row& row : change.save) disk[row.key] = row.value;
  for (const base::Bytes& key : change.erase) disk.erase(key);
}

HeldLimits small_limits(base::Random& random) {
  HeldLimits limits;
  limits.space_bytes_max = {200, 500 + random.below(2000), 500 + random.below(2000)};
  limits.bytes_max = 1000 + random.below(3000);
  limits.records_max = 5 + random.below(30);
  limits.owner_bytes_max = 400 + random.below(2000);
  limits.owner_records_max = 2 + random.below(20);
  limits.cache_bytes_max = random.below(2000);
  return limits;
}

class OracleRun {
 public:
  explicit OracleRun(std::uint64_t seed) : random_(seed), limits_(small_limits(random_)), plain_{limits_, {}, {}, {}} {
    held_.emplace(kHolder, limits_, Values::on_disk, 0u);
  }

  void step() {
    switch (random_.below(12)) {
      case 0: wall_ = wall_ + std::chrono::minutes(random_.below(600)); break;
      case 1: write(disk_, held_->sweep(wall_)); break;
      case 2: restart(); break;
      case 3: forget(); break;
      default: store();
    }
    compare();
  }

 private:
  void store() {
    const Record& record = pool()[random_.below(pool().size())];
    const base::NodeId from = key(static_cast<std::uint8_t>(random_.below(5)));
    auto offer = admit(encode(record), key_of(record), from, wall_, 0);
    if (!offer.ok()) {
      RC_ASSERT(offer.error() == RecordError::expired);
      return;
    }
    // Of five nodes most live in one of two networks, where that is known.
    const std::string at = "192.0." + std::to_string(2 + (from == key(0) || random_.chance(1, 8))) + ".1:1";
    if (random_.chance(3, 4)) offer.value().network = GroupOf{.ten_net = TenNet::network}(*base::Endpoint::parse(at));
    std::optional<std::uint64_t> expected;
    if (random_.chance(1, 3)) expected = random_.below(4);
    const auto out = held_->store(offer.value(), expected, wall_);
    const auto error = plain_.store(offer.value(), expected, wall_);
    RC_ASSERT(out.ok() == !error.has_value());
    if (!out.ok()) {
      RC_ASSERT(out.error().why == *error);
      return;
    }
    write(disk_, out.value().rows);
  }

  void forget() {
    const Record& record = pool()[random_.below(pool().size())];
    const RecordKey place{space_of(record), key_of(record)};
    write(disk_, held_->forget(place));
    plain_.rows.erase(place);
    plain_.forget_networks();
  }

  void restart() {
    held_.emplace(kHolder, limits_, Values::on_disk, 0u);
    plain_.outlived.clear();
    plain_.networks.clear();
    for (const auto& [key, value] : disk_) {
      const auto loaded = held_->load(key, value, wall_);
      if (!loaded.ok()) RC_ASSERT(loaded.error() == RowError::expired);
    }
  }

  void compare() {
    std::uint64_t live = 0;
    for (const RecordKey& place : places()) {
      const auto reading = held_->read(place, wall_);
      const auto row = plain_.rows.find(place);
      const bool there = row != plain_.rows.end() && row->second.expires > wall_;
      RC_ASSERT(reading.has_value() == there);
      if (!there) continue;
      ++live;
      RC_ASSERT(reading->facts.tag == row->second.offer.tag);
      RC_ASSERT(reading->facts.expires == row->second.expires);
      if (reading->encoded != nullptr) RC_ASSERT(*reading->encoded == row->second.offer.encoded);
      const auto loaded = held_->loaded(place, disk_.at(row_key(place)), wall_);
      RC_ASSERT(loaded.ok());
      RC_ASSERT(loaded.value() == row->second.offer.encoded);
    }
    RC_ASSERT(held_->use().records <= limits_.records_max);
    RC_ASSERT(held_->use().records >= live);
  }

  base::Random random_;
  HeldLimits limits_;
  std::optional<Held> held_;
  Plain plain_;
  Disk disk_;
  base::WallTime wall_ = kWall;
};

}  // namespace

TEST_CASE("dht held: it holds what a plain map with the same rules holds, over restarts") {
  CHECK(rc::check([](std::uint64_t seed) {
    OracleRun run(seed);
    for (int i = 0; i < 150; ++i) run.step();
  }));
}
