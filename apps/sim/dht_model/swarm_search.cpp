// Searches of a swarm, and the stores after them: lookup_actor.cpp, lookup_actor_store.cpp and republish_actor.cpp.
#include "actors/dht/logic/offer.hpp"
#include "actors/dht/logic/regions.hpp"
#include "actors/dht/settings.hpp"
#include "apps/sim/dht_model/swarm.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::dht::model {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds kSweepPause{1};  // our choice: a node that was away for long spreads its requests

}  // namespace

/// The pending results of one put.
struct Swarm::Storing {
  Offer offer;
  Put put;
  std::size_t said = 0;
  std::size_t stored = 0;
  std::function<void(const Storing&)> then;
};

std::optional<NetworkSize> Swarm::network_of(const Node& node) const {
  if (node.routing->table.size() < kContactsMax) return std::nullopt;
  return node.routing->table.network_size();
}

void Swarm::search(Node& node, const Sought& sought, Ended ended) {
  Routing& routing = *node.routing;
  LookupQuestion question;
  question.target = sought.target;
  question.own = node.contact.id;
  question.kind = sought.kind;
  question.nearest = settings_.copies;
  question.region_nodes = sought.region_nodes;
  question.deadline = agenda_.now() + kSearchDue;
  question.round_trip = routing.round_trips.all();
  question.network = network_of(node);
  std::vector<Start> starts;
  const auto add = [&](const Contact& one) { starts.push_back({one, routing.round_trips.of(one.id)}); };
  for (const Contact& one : routing.table.closest(sought.target, kStartMax)) add(one);
  for (const Contact& one : sought.also)
    if (std::ranges::find(starts, one, &Start::contact) == starts.end()) add(one);
  routing.table.used(sought.target, agenda_.now());
  touch(member(node), sought.target);
  auto made = std::make_unique<Search>(
      Search{++last_search_, member(node), Lookup(question, std::move(starts)), std::move(ended)});
  Search& begun = *made;
  searches_.emplace(begun.number, std::move(made));
  act(begun.number, begun.lookup.start(agenda_.now()));
}

void Swarm::act(std::uint64_t number, const Decisions& decisions) {
  const auto at = searches_.find(number);
  if (at == searches_.end()) return;
  Search& search = *at->second;
  for (const Ask& question : decisions.ask) ask(search, question);
  if (decisions.done) {
    const auto over = std::move(at->second);
    searches_.erase(at);
    learn(*members_[over->who], *over);
    for (const Contact& one : decisions.done->overdue) doubt(*members_[over->who], one);
    return over->ended(*decisions.done);
  }
  const base::Instant wake = search.lookup.wake_at();
  if (wake >= search.ticks_at) return;
  search.ticks_at = wake;
  agenda_.at(wake, [this, number, wake] {
    const auto found = searches_.find(number);
    if (found == searches_.end() || found->second->ticks_at != wake) return;
    found->second->ticks_at = base::Instant::max();
    act(number, found->second->lookup.tick(agenda_.now()));
  });
}

void Swarm::ask(Search& search, const Ask& question) {
  const Key target = search.lookup.question().target;
  std::optional<RecordKey> place;
  if (search.lookup.question().kind == LookupKind::find_value) place = RecordKey{Space::cid, target};
  const Key asker = members_[search.who]->contact.id;
  exchange(
      search.who, question.whom, question.answer_due,
      [this, asker, target, place](Node& there) {
        touch(member(there), target);
        return find_at(there, asker, target, place);
      },
      [this, number = search.number, peer = question.whom, asked_at = agenda_.now(), target](const Said* said) {
        const auto at = searches_.find(number);
        if (at == searches_.end()) return;
        Search& mine = *at->second;
        const base::Instant now = agenda_.now();
        if (said == nullptr) {
          mine.heard.push_back({peer, base::Duration::zero()});
          return act(number, mine.lookup.failed(peer, AskFailure::silent, now));
        }
        LookupAnswer answer{said->contacts, std::nullopt, 0};
        if (!said->record.empty()) {
          const auto record = parse(said->record);
          if (!record.ok() || !validate(record.value(), target, wall(), 0).ok())
            return act(number, mine.lookup.failed(peer, AskFailure::misbehaved, now));
          answer.version = Version{sequence_of(record.value()), crypto::sha256(said->record)};
        }
        mine.heard.push_back({peer, now - asked_at});
        act(number, mine.lookup.answered(peer, answer, now));
      });
}

void Swarm::learn(Node& node, const Search& search) {
  for (const auto& [peer, took] : search.heard) {
    if (took == base::Duration::zero()) {
      node.routing->round_trips.lost(peer.id);
      miss(node, peer);
    } else {
      node.routing->round_trips.note(peer.id, took);
      hear(node, peer, Evidence::answered);
    }
  }
}

void Swarm::doubt(Node& node, const Contact& who) {
  if (node.routing->table.find(who.id) == nullptr) return;
  exchange(
      member(node), who, agenda_.now() + kPingTimeout, [](Node&) { return Said{}; },
      [this, &node, who, asked_at = agenda_.now()](const Said* said) {
        if (said == nullptr) {
          node.routing->round_trips.lost(who.id);
          return miss(node, who);
        }
        node.routing->round_trips.note(who.id, agenda_.now() - asked_at);
        hear(node, who, Evidence::answered);
      });
}

// -- get and put -----------------------------------------------------------------------------------------------------

void Swarm::get(Member who, const Key& key, std::function<void(const Got&)> then) {
  Node& node = *members_[who];
  touch(who, key);
  if (holds(who, key)) return then(Got{.found = true});
  search(node, {LookupKind::find_value, key},
         [this, then = std::move(then), began = agenda_.now()](const LookupOutcome& outcome) {
           then(Got{outcome.newest.has_value(), outcome.asked, outcome.hops, agenda_.now() - began});
         });
}

bool Swarm::near_enough(const Node& node, const Key& key, const std::vector<Contact>& nearest) const {
  return nearest.size() < settings_.copies ||
         base::distance(node.contact.id, key) < base::distance(nearest[settings_.copies - 1].id, key);
}

void Swarm::put(Member who, base::Bytes value, std::function<void(const Put&)> then) {
  Node& node = *members_[who];
  const CidRecord record{std::move(value)};
  const Key key = key_of(record);
  auto offer = admit(encode(record), key, node.contact.id, wall(), 0);
  const auto storing = std::make_shared<Storing>(Storing{std::move(offer).value(), Put{.key = key}});
  storing->then = [this, &node, then = std::move(then)](const Storing& done) {
    Put out = done.put;
    out.acknowledged =
        done.stored >= stores_needed(out.asked, settings_.copies, network_of(node) ? Scale::large : Scale::small) &&
        out.asked > 0;
    if (out.acknowledged) publish(node, out.key, done.offer.encoded);
    then(out);
  };
  search(node, {LookupKind::store_region, key},
         [this, &node, storing](const LookupOutcome& outcome) { store(node, outcome.nearest, storing); });
}

void Swarm::store(Node& node, const std::vector<Contact>& nearest, const std::shared_ptr<Storing>& storing) {
  const auto said = [storing](bool stored) {
    ++storing->said;
    storing->stored += stored ? 1 : 0;
    if (storing->said == storing->put.asked) storing->then(*storing);
  };
  const Key key = storing->put.key;
  const bool here = near_enough(node, key, nearest);
  storing->put.asked = nearest.size() + (here ? 1 : 0);
  if (storing->put.asked == 0) return storing->then(*storing);
  for (const Contact& peer : nearest) {
    exchange(
        member(node), peer, agenda_.now() + kStoreDue,
        [this, storing, key](Node& there) {
          touch(member(there), key);
          return Said{.stored = store_at(there, storing->offer)};
        },
        [said](const Said* answer) { said(answer != nullptr && answer->stored); });
  }
  if (here) said(store_at(node, storing->offer));
}

// -- republishing ----------------------------------------------------------------------------------------------------

void Swarm::publish(Node& node, const Key& key, const base::Bytes& record) {
  const Item item{key, Published::cid};
  if (!node.republish->add(item, record, wall()).ok()) return;
  node.published.insert_or_assign(item, record);
  sweep_when_due(node, 0s);
}

void Swarm::sweep_when_due(Node& node, base::Duration at_least) {
  const auto due = node.republish->wake_at();
  if (!due) return;
  const base::Duration span = std::max<base::Duration>(*due - wall(), at_least);
  later(member(node), agenda_.now() + span, [this, turn = ++node.republish_turn](Node& mine) {
    if (mine.republish_turn == turn) sweep(mine);
  });
}

/// A region that is republished: each of its keys at the nodes nearest to it among the nodes found.
struct Swarm::Sweep {
  std::size_t open = 0;  // keys with a pending response
};

void Swarm::sweep(Node& node) {
  if (!node.ready) return sweep_when_due(node, kSweepPause);
  const auto region = node.republish->next(wall());
  if (!region) return sweep_when_due(node, kSweepPause);
  node.republish->set_region_bits(region_bits(node.routing->table.network_size(), settings_.copies));
  node.republishing.insert(region->items.begin(), region->items.end());
  const Key middle = region->items[region->items.size() / 2].key;
  search(
      node, {LookupKind::store_region, middle, std::min(2 * settings_.copies, kRegionMax)},
      [this, &node, items = region->items](const LookupOutcome& outcome) {
        const auto mine = std::make_shared<Sweep>(Sweep{items.size()});
        for (const Item& item : items) {
          auto nearest = outcome.nearest;
          std::ranges::sort(nearest, {}, [&](const Contact& one) { return base::distance(one.id, item.key); });
          std::vector<Key> ids;
          for (const Contact& one : nearest) ids.push_back(one.id);
          nearest.resize(holders_among(ids, item.key, settings_.copies, network_of(node)));
          auto offer = admit(node.published.at(item), item.key, node.contact.id, wall(), 0);
          const auto storing = std::make_shared<Storing>(Storing{std::move(offer).value(), Put{.key = item.key}});
          storing->then = [this, &node, mine, item](const Storing& done) {
            const std::size_t asked = done.put.asked;
            const Scale scale = network_of(node) ? Scale::large : Scale::small;
            if (asked > 0 && done.stored >= stores_needed(asked, settings_.copies, scale))
              node.republishing.erase(item);
            if (--mine->open > 0) return;
            auto failed = std::exchange(node.republishing, {});
            (void)(failed.empty() ? node.republish->done(wall()) : node.republish->failed(std::move(failed), wall()));
            sweep_when_due(node, kSweepPause);
          };
          store(node, nearest, storing);
        }
      });
}

}  // namespace troupe::dht::model
