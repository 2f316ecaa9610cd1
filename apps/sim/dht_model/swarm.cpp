#include "apps/sim/dht_model/swarm.hpp"

#include "apps/sim/dht_model/draw.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::dht::model {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kWayMin{2};
constexpr std::chrono::milliseconds kWayMax{40};  // our choice: two nodes have a round trip of 8 to 160 ms

}  // namespace

/// A request in flight, and its continuation.
struct Swarm::Exchange {
  Member from;
  std::uint32_t session;
  base::Instant due;
  Serve serve;
  Then then;
};

Swarm::Swarm(const SwarmSettings& settings) : settings_(settings), random_(settings.seed) {}
Swarm::~Swarm() = default;

base::WallTime Swarm::wall() const { return agenda_.wall(); }

// -- sessions --------------------------------------------------------------------------------------------------------

Member Swarm::add(Conduct conduct) {
  const Member who = members_.size();
  auto node = std::make_unique<Node>();
  node->contact = contact_at(draw_key(random_), spread_address(who));
  node->conduct = conduct;
  node->way = kWayMin + draw_below(random_, kWayMax - kWayMin);
  const auto period = std::chrono::duration_cast<std::chrono::milliseconds>(settings_.republish);
  node->held = std::make_unique<Held>(node->contact.id, HeldLimits{}, Values::in_memory, 0);
  node->republish =
      std::make_unique<Republish>(RepublishSettings{.period = period, .region_items_max = kSweptKeysMax}, wall());
  by_id_.emplace(node->contact.id, who);
  if (conduct != Conduct::honest) hostile_.push_back(who);
  members_.push_back(std::move(node));
  return who;
}

void Swarm::start(Member who) {
  Node& node = *members_[who];
  base::ensure(!node.up && node.held != nullptr, "a node that starts is down, but not gone");
  node.up = true;
  node.ready = false;
  ++node.session;
  node.routing = std::make_unique<Routing>(node.contact.id);
  up_.push_back(who);
  recover(node);
  sweep_when_due(node, 0s);
}

void Swarm::stop(Member who) {
  Node& node = *members_[who];
  base::ensure(node.up, "a node that stops is up");
  node.up = node.ready = false;
  ++node.session;
  node.routing.reset();
  if (!node.republishing.empty()) (void)node.republish->failed(std::exchange(node.republishing, {}), wall());
  std::erase(up_, who);
  std::erase_if(searches_, [&](const auto& one) { return one.second->who == who; });
}

void Swarm::retire(Member who) {
  Node& node = *members_[who];
  base::ensure(!node.up, "a retiring node has stopped");
  node.held.reset();
  node.republish.reset();
  node.published.clear();
  std::erase(hostile_, who);
}

bool Swarm::holds(Member who, const Key& key) const {
  const Node& node = *members_[who];
  return node.held != nullptr && node.held->find({Space::cid, key}, wall()).has_value();
}

void Swarm::later(Member who, base::Instant when, std::function<void(Node&)> what) {
  agenda_.at(when, [this, who, session = members_[who]->session, what = std::move(what)] {
    Node& node = *members_[who];
    if (node.up && node.session == session) what(node);
  });
}

// -- messages --------------------------------------------------------------------------------------------------------

void Swarm::exchange(Member from, const Contact& peer, base::Instant due, Serve serve, Then then) {
  ++requests_;
  const Node& asker = *members_[from];
  const auto one = std::make_shared<Exchange>(Exchange{from, asker.session, due, std::move(serve), std::move(then)});
  const auto to = by_id_.find(peer.id);
  if (to == by_id_.end() || members_[to->second]->contact != peer || lost()) return fall_silent(one);
  const base::Instant arrives = agenda_.now() + asker.way + members_[to->second]->way;
  if (arrives >= due) return fall_silent(one);
  agenda_.at(arrives, [this, one, at = to->second] { arrive(one, at); });
}

void Swarm::arrive(const std::shared_ptr<Exchange>& exchange, Member at) {
  Node& there = *members_[at];
  if (!there.up || there.conduct == Conduct::silent) return fall_silent(exchange);
  const Node& asker = *members_[exchange->from];
  auto said = exchange->serve(there);
  hear(there, asker.contact, Evidence::asked_us);
  const base::Instant back = agenda_.now() + asker.way + there.way;
  if (!said || lost() || back >= exchange->due) return fall_silent(exchange);
  agenda_.at(back, [this, exchange, said = std::move(*said)] {
    const Node& from = *members_[exchange->from];
    if (from.up && from.session == exchange->session) exchange->then(&said);
  });
}

void Swarm::fall_silent(const std::shared_ptr<Exchange>& exchange) {
  agenda_.at(exchange->due, [this, exchange] {
    const Node& from = *members_[exchange->from];
    if (from.up && from.session == exchange->session) exchange->then(nullptr);
  });
}

// -- answers ---------------------------------------------------------------------------------------------------------

std::optional<Swarm::Said> Swarm::find_at(Node& there, const Key& asker, const Key& target,
                                          const std::optional<RecordKey>& place) {
  Said out;
  switch (there.conduct) {
    case Conduct::silent: return std::nullopt;
    case Conduct::poisoner: out.contacts = fellows(there, target); return out;
    case Conduct::forger:
      out.contacts = invented(target);
      if (place) out.record = encode(CidRecord{{'f', 'a', 'l', 's', 'e'}});
      return out;
    case Conduct::honest:
      if (place)
        if (const auto held = there.held->read(*place, wall()); held && held->encoded != nullptr)
          out.record = *held->encoded;
      break;
    case Conduct::hoarder: break;
  }
  out.contacts = there.routing->table.closest(target, kContactsMax + 1);
  std::erase_if(out.contacts, [&](const Contact& one) { return one.id == asker; });
  if (out.contacts.size() > kContactsMax) out.contacts.resize(kContactsMax);
  return out;
}

bool Swarm::store_at(Node& there, const Offer& offer) {
  if (there.conduct != Conduct::honest) return true;
  return there.held->store(offer, std::nullopt, wall()).ok();
}

std::vector<Contact> Swarm::fellows(const Node& of, const Key& target) const {
  std::vector<Contact> out;
  for (const Member who : hostile_)
    if (const Node& one = *members_[who]; one.up && &one != &of) out.push_back(one.contact);
  const std::size_t count = std::min(out.size(), kContactsMax);
  std::ranges::partial_sort(out, out.begin() + static_cast<std::ptrdiff_t>(count), {},
                            [&](const Contact& one) { return base::distance(one.id, target); });
  out.resize(count);
  return out;
}

/// Returns invented nodes, nearer to the target than any real node.
std::vector<Contact> Swarm::invented(const Key& target) {
  std::vector<Contact> out;
  for (std::size_t i = 0; i < kContactsMax; ++i) {
    Key id = draw_key(random_);
    for (std::size_t byte = 0; byte < 4; ++byte) id.bytes[byte] = target.bytes[byte];
    out.push_back(contact_at(id, rented_address(random_.below(60'000), i)));
  }
  return out;
}

}  // namespace troupe::dht::model
