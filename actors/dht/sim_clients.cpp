#include "actors/dht/sim_clients.hpp"

#include <algorithm>
#include <utility>

#include "actors/dht/api.hpp"
#include "actors/dht/logic/topic.hpp"
#include "actors/dht/sim_liar.hpp"
#include "actors/dht/wire.hpp"

namespace troupe::dht {
namespace {

using sim::node_name;

constexpr std::chrono::minutes kSkewMax{3};  // our choice: far below kClockSkewMax, also for two clocks that drift
                                             // apart

}  // namespace

SimClients::SimClients(sim::Nodes& nodes, SimLedger& ledger, const sim::Scenario& scenario)
    : Clients(nodes), ledger_(ledger), time_(scenario.time) {
  const auto store = scenario.knobs.find("dht.store");
  forgetful_ = store != scenario.knobs.end() && store->second == "memory";
  for (const sim::Fault& fault : scenario.faults)
    if (fault.what == sim::FaultKind::clock_step || fault.what == sim::FaultKind::clock_off) jumps_.insert(fault.node);
  dates_jump_ = !jumps_.empty();
  for (const std::int32_t drift : scenario.drift_ppm)
    clocks_drift_ = clocks_drift_ || (time_ + scenario.converge) / 1'000'000 * std::abs(drift) > kSkewMax;
}

bool SimClients::excused(std::size_t node) const {
  return forgetful_ || nodes_.lost_data(node) || liars_.contains(node);
}

std::size_t SimClients::excused_count() const {
  std::size_t out = 0;
  for (std::size_t i = 0; i < nodes_.size(); ++i) out += excused(i) ? 1 : 0;
  return out;
}

bool SimClients::lasts(const SimSpot& spot, const SimWrite& write) const {
  if (spot.space != Space::kv) return true;
  if (dates_jump_ || clocks_drift_) return false;
  // A later write, acknowledged or not, has replaced it, and may have expired without a successor.
  return std::ranges::all_of(spot.writes, [&](const SimWrite& one) {
    const base::Duration lasts = one.lasts.count() == 0 ? base::Duration(kLifetimeDefault) : one.lasts;
    return one.begun < write.begun || nodes_.time() + 2 * kSkewMax < one.begun + lasts;
  });
}

void SimClients::note(SimStored& stored, const Client& client, wire::SearchResult::Reader result) {
  stored.nodes = std::max<std::size_t>(stored.nodes, result.getStored());
  const std::size_t nearest = result.getNearest().size();
  if (result.getStored() != result.getStores() || result.getStores() < nearest) return;
  for (const Contact& one : own_contacts(result.getNearest())) stored.all.insert(one.id);
  const auto own = nodes_.id(client.node);
  if (own && result.getStores() > nearest) stored.all.insert(*own);
}

// -- writers ---------------------------------------------------------------------------------------------------------

void SimClients::put(std::size_t node, SimSpot& spot) {
  Client& client = begin(node, "a put of " + spot.name);
  if (spot.writes.empty()) return;
  SimWrite& write = spot.writes.front();
  ask<wire::Put, wire::PutDone>(
      client, kPath, kSimAnswer,
      [&write](wire::Put::Builder out) {
        out.setSpace(static_cast<std::uint8_t>(Space::cid));
        out.setValue(data_of(write.value));
      },
      [this, &client, &spot, &write](const Error& error, wire::PutDone::Reader done) {
        if (error) return;
        if (read_key(done.getKey()) != spot.key) return violated("valid", client, "was acknowledged under another key");
        note(write.stored, client, done.getSearch());
      });
}

void SimClients::set(std::size_t node, std::int64_t name, std::int64_t bytes, std::chrono::seconds lasts) {
  const auto id = nodes_.id(node);
  if (!id) return;
  SimSpot& spot = ledger_.named(*id, node_name(node), name);
  SimWrite& write = spot.writes.emplace_back(
      SimWrite{.value = ledger_.fresh_value(spot, bytes), .begun = nodes_.time(), .lasts = lasts});
  Client& client = begin(node, "a write of " + spot.name);
  ask<wire::Put, wire::PutDone>(
      client, kPath, kSimAnswer,
      [&write, name](wire::Put::Builder out) {
        const std::string text = "name-" + std::to_string(name);
        out.setSpace(static_cast<std::uint8_t>(Space::kv));
        out.setName({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
        out.setValue(data_of(write.value));
        out.setSeconds(static_cast<std::uint32_t>(write.lasts.count()));
      },
      [this, &client, &spot, &write](const Error& error, wire::PutDone::Reader done) {
        if (error) return;
        const auto key = read_key(done.getKey());
        if (!key || (spot.key && *spot.key != *key))
          return violated("valid", client, "was acknowledged under another key");
        spot.key = key;
        write.sequence = done.getSequence();
        note(write.stored, client, done.getSearch());
      });
}

void SimClients::provide(std::size_t node, SimTopic& topic) {
  const auto id = nodes_.id(node);
  if (!id) return;
  Client& client = begin(node, "an announcement of " + topic.name);
  SimStored& stored = topic.announced[*id];
  // As other domains do: an operator's request is refused if the node does not have the file.
  ask<wire::Search, wire::SearchResult>(
      client, kPath, kSimAnswer,
      [&topic](wire::Search::Builder out) {
        out.setKey(data_of(topic.key.view()));
        out.getGoal().setProvide();
      },
      [this, &client, &stored](const Error& error, wire::SearchResult::Reader done) {
        if (!error) note(stored, client, done);
      });
}

void SimClients::push(std::size_t node, std::size_t to) {
  const auto id = to < nodes_.size() && to != node ? nodes_.id(to) : std::nullopt;
  if (!id) return;
  Client& client = begin(node, "a store without a token at " + node_name(to));
  const SimSpot spot{.name = "pushed", .key = {}, .writes = {}};
  nodes_.inside(node, [this, &client, id = *id, value = ledger_.fresh_value(spot, 0)](Inside& actor) {
    actor.ask<wire::Store, wire::StoreDone>(
        actor.node().remote(id, kPath), actor.now() + kSimAnswer,
        [&](wire::Store::Builder out) {
          const base::Bytes token(8, 7);
          out.setToken(data_of(token));
          out.setKey(data_of(key_of_value(value).view()));
          out.setRecord(data_of(encode(CidRecord{value})));
        },
        [this, &client, id](runtime::Answer<wire::StoreDone> answer) {
          if (client.over) return;
          end(client, std::nullopt);
          const auto there = nodes_.find(id);
          if (answer.ok() && there && !lies(*there)) violated("tokens", client, "was answered");
        });
  });
}

void SimClients::lie(std::size_t node, std::int64_t how) {
  liars_.insert(node);
  nodes_.tell(node_name(node) + " lies from now on, in way " + std::to_string(how));
  nodes_.inside(node, [this, how, size = nodes_.size(), number = begun()](Inside& actor) {
    actor.node().start(
        "liar-" + std::to_string(number),
        [how, size] { return std::make_unique<LiarActor>(static_cast<Lie>(how), static_cast<std::uint16_t>(size)); },
        {.kind = LiarActor::kName});
  });
  begin(node, "a lie").over = true;  // so that the next attack has another name
}

// -- readers ---------------------------------------------------------------------------------------------------------

/// Returns the newest sequence that all nodes but `lacking_max` certainly store.
std::uint64_t SimClients::floor_of(const SimSpot& spot, std::size_t lacking_max) const {
  std::uint64_t out = 0;
  const std::size_t doubtful = excused_count();
  for (const SimWrite& write : spot.writes)
    if (write.stored.nodes > 0 && lasts(spot, write) && nodes_.size() + doubtful <= write.stored.nodes + lacking_max)
      out = std::max(out, write.sequence);
  return out;
}

void SimClients::get(std::size_t node, const SimSpot& spot, std::uint8_t quorum, bool healed, Ended ended) {
  if (!spot.key) return;
  Client& client = begin(node, "a get of " + spot.name);
  const std::size_t agree = quorum == 0 ? kSimQuorum : quorum;
  if (healed) client.lacking_max = agree - 1;
  if (spot.space == Space::kv) client.floor = floor_of(spot, client.lacking_max);
  ask<wire::GetValue, wire::GotValue>(
      client, kPath, kSimAnswer,
      [&spot, quorum](wire::GetValue::Builder out) {
        out.setSpace(static_cast<std::uint8_t>(spot.space));
        out.setKey(data_of(spot.key->view()));
        out.setQuorum(quorum);
      },
      [this, &client, &spot, ended](const Error& error, wire::GotValue::Reader got) {
        if (!error) check_value(client, spot, got);
        if (ended) ended(error, {.found = !error, .sequence = got.getSequence(), .providers = {}});
      });
}

const SimWrite* SimClients::check_write(const Client& client, const SimSpot& spot, wire::GotValue::Reader got) {
  const auto value = bytes_of(got.getValue());
  const SimWrite* const write = spot.find(value);
  if (write == nullptr) {
    violated("valid", client, "gave " + std::to_string(value.size()) + " bytes that no client put there");
    return nullptr;
  }
  if (spot.space != Space::kv || write->sequence == 0 || write->sequence == got.getSequence()) return write;
  violated("valid", client, "gave a value with another sequence than its writer received");
  return nullptr;
}

void SimClients::check_value(const Client& client, const SimSpot& spot, wire::GotValue::Reader got) {
  if (check_write(client, spot, got) == nullptr || spot.space != Space::kv) return;
  const std::uint64_t sequence = got.getSequence();
  // With the asking node itself: if more nodes answered than may lack the value, at least one of them stores it.
  const std::size_t answered = got.getSearch().getNearest().size() + 1;
  if (sequence < client.floor && answered > client.lacking_max)
    return violated("fresh", client,
                    "gave the sequence " + std::to_string(sequence) + ", though nearly all nodes store " +
                        std::to_string(client.floor));
  if (!jumps_.contains(client.node) && got.getExpires() <= base::unix_seconds(client.asked_at))
    violated("expired", client, "gave a value that had expired before the request");
}

void SimClients::listen(std::size_t node, const SimSpot& spot, std::chrono::seconds length) {
  if (!spot.key) return;
  Client& client = begin(node, "a listening to " + spot.name);
  subscribe<wire::ListenTo, wire::Came>(
      client, kListenPath, kSimAnswer,
      [&spot, length](wire::ListenTo::Builder out) {
        out.setWhat(static_cast<std::uint8_t>(TopicKind::value));
        out.setKey(data_of(spot.key->view()));
        out.setMilliseconds(static_cast<std::uint64_t>(std::chrono::milliseconds(length).count()));
      },
      [this, &client, &spot](wire::Came::Reader item) {
        if (!item.isValue() || check_write(client, spot, item.getValue()) == nullptr) return;
        const std::uint64_t before = std::exchange(client.heard, item.getValue().getSequence());
        if (client.heard <= before)
          violated("order", client,
                   "gave the sequence " + std::to_string(client.heard) + " after " + std::to_string(before));
      },
      [](const Error&) {});
}

void SimClients::find(std::size_t node, const SimTopic& topic, Ended ended) {
  Client& client = begin(node, "a search for providers of " + topic.name);
  const auto seen = std::make_shared<SimSeen>();
  subscribe<wire::FindProviders, wire::FoundProviders>(
      client, kPath, kSimAnswer, [&topic](wire::FindProviders::Builder out) { out.setCid(data_of(topic.cid.view())); },
      [this, &client, &topic, seen](wire::FoundProviders::Reader found) {
        for (const auto& [id, where] : own_contacts(found.getProviders())) {
          if (!topic.announced.contains(id))
            return violated("provided", client, "gave " + id.hex() + ", which has not announced itself");
          seen->providers.insert(id);
        }
        if (found.getLast()) check_nearest(client, found.getSearch());
      },
      [seen, ended](const Error& error) {
        seen->found = !seen->providers.empty();
        if (ended) ended(error, *seen);
      });
}

void SimClients::nearest(std::size_t node, const SimTopic& topic) {
  Client& client = begin(node, "a search for the nodes near " + topic.name);
  ask<wire::FindNearest, wire::Nearest>(
      client, kPath, kSimAnswer, [&topic](wire::FindNearest::Builder out) { out.setTarget(data_of(topic.key.view())); },
      [this, &client](const Error& error, wire::Nearest::Reader found) {
        if (!error) check_nearest(client, found.getSearch());
      });
}

/// Checks the nodes that answered: each is a node of the run, and named once.
void SimClients::check_nearest(const Client& client, wire::SearchResult::Reader result) {
  std::set<base::NodeId> seen;
  for (const auto& [id, where] : own_contacts(result.getNearest())) {
    if (!nodes_.existed(id))
      return violated("strangers", client, "was answered by " + id.hex() + ", which no machine ever was");
    if (id == nodes_.id(client.node) || !seen.insert(id).second)
      return violated("strangers", client, "names " + id.hex() + " twice, or the node itself");
  }
}

}  // namespace troupe::dht
