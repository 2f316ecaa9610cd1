#include "actors/peers/sim_workload.hpp"

#include <algorithm>

#include "actors/peers/peers_actor.hpp"
#include "actors/peers/wire.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::peers {

using sim::node_name;

PeersWorkload::PeersWorkload(sim::Nodes& nodes, const sim::Scenario& scenario)
    : Clients(nodes),
      all_honest_(scenario.domains == std::vector<std::string>{"peers"}),
      time_(scenario.time),
      links_target_(scenario.count("peers.links_target", Policy{}.links_target)),
      known_max_(scenario.count("peers.known_max", kKnownMax)) {
  for (const sim::Fault& fault : scenario.faults) {
    if (fault.what == sim::FaultKind::break_actor) breaking_.insert(fault.node);
  }
}

// -- people ----------------------------------------------------------------------------------------------------------

void PeersWorkload::perform(const sim::Operation& operation) {
  const auto to = static_cast<std::size_t>(operation.number("to"));
  if (operation.what == "peers.list") return list(begin_counted(operation.node, "a list of peers"), {});
  if (to >= nodes_.size()) return;
  if (operation.what == "peers.drop") return drop(operation.node, to);
  const bool pinned = operation.what == "peers.connect";
  base::ensure(pinned || operation.what == "peers.join", "an operation of this domain is in its spec");
  list(begin(operation.node, "a list of peers"), [this, node = operation.node, to, pinned](const SeenPeers* rows) {
    if (rows != nullptr) connect(node, to, pinned, *rows);
  });
}

sim::Client& PeersWorkload::begin_counted(std::size_t node, std::string what) {
  sim::Client& client = begin(node, std::move(what));
  client.counts = true;
  return client;
}

void PeersWorkload::died(std::size_t node) {
  Clients::died(node);
  if (const auto id = nodes_.id(node)) std::erase_if(drops_, [&](const Drop& drop) { return drop.by == *id; });
  memories_.erase(node);
  seen_.erase(node);
  probing_.clear();
}

void PeersWorkload::list(sim::Client& client, std::function<void(const SeenPeers*)> then) {
  ask<wire::ListPeers, wire::PeerRows>(
      client, kPath, kSimAnswer, [](wire::ListPeers::Builder) {},
      [this, &client, then = std::move(then), asked_at = nodes_.time()](const Error& error,
                                                                        wire::PeerRows::Reader answer) {
        SeenPeers rows;
        for (const auto row : answer.getPeers()) {
          const auto text = row.getAddress();
          const auto id = node_of(row.getNode());
          if (id) rows.push_back({*id, {text.begin(), text.size()}, row.getState()});
        }
        if (!error) check_list(client.node, asked_at, rows);
        if (then) then(error ? nullptr : &rows);
      });
}

/// Uses the address that the node itself knows: operators copy it from the list.
void PeersWorkload::connect(std::size_t node, std::size_t to, bool pinned, const SeenPeers& rows) {
  const auto id = nodes_.id(to);
  const auto row = std::ranges::find_if(rows, [&](const SeenPeer& one) { return one.id == id; });
  if (!nodes_.serving(node) || !id || row == rows.end() || row->address.empty()) return;
  const std::string target = (pinned ? id->hex() + "@" : std::string()) + row->address;
  if (pinned) std::erase_if(drops_, [&](const Drop& drop) { return drop.by == nodes_.id(node) && drop.peer == *id; });
  sim::Client& client = begin_counted(node, "to connect to " + node_name(to));
  ask<wire::ConnectPeer, wire::Connected>(
      client, kPath, kSimAnswer,
      [target](wire::ConnectPeer::Builder out) {
        out.setTarget({target.c_str(), target.size()});
      },
      [this, &client, pinned, wanted = *id](const Error& error, wire::Connected::Reader answer) {
        if (error) return;
        const auto found = node_of(answer.getNode());
        if (!found || (pinned && *found != wanted)) return violated("answered", client, "led to another id");
        if (!nodes_.existed(*found)) violated("strangers", client, "led to an id that no machine ever had");
      });
}

void PeersWorkload::drop(std::size_t node, std::size_t to) {
  const auto id = nodes_.id(to);
  const auto by = nodes_.id(node);
  if (!id || !by) return;
  ask<wire::DropPeer, messages::wire::Nothing>(
      begin_counted(node, "to drop " + node_name(to)), kPath, kSimAnswer,
      [id = *id](wire::DropPeer::Builder out) { out.setNode(data_of(id.view())); },
      [this, by = *by, id = *id](const Error& error, messages::wire::Nothing::Reader) {
        if (!error) drops_.push_back({by, id, nodes_.time()});
      });
}

// -- what must hold --------------------------------------------------------------------------------------------------

std::string PeersWorkload::name_of(const base::NodeId& id) const {
  const auto node = nodes_.find(id);
  return node ? node_name(*node) : id.hex().substr(0, 8);
}

void PeersWorkload::check_list(std::size_t node, base::Duration asked_at, const SeenPeers& rows) {
  const auto self = nodes_.id(node);
  std::size_t without_link = 0;
  for (const SeenPeer& row : rows) {
    without_link += row.linked() ? 0 : 1;
    if (row.id == self) return nodes_.violated("strangers", node_name(node) + " lists itself as its peer");
    if (!nodes_.existed(row.id))
      return nodes_.violated("strangers", node_name(node) + " knows " + row.id.hex() + ", which no machine ever was");
    if (all_honest_ && row.state == wire::PeerState::BANNED)
      return nodes_.violated("honest", node_name(node) + " bans " + name_of(row.id) + ", although no node lies");
    for (const Drop& drop : drops_) {
      const bool soon = drop.at < asked_at && nodes_.time() - drop.at < kSimHoldOff;
      if (row.linked() && soon && drop.by == self && drop.peer == row.id &&
          !breaking_.contains(static_cast<std::uint16_t>(node)))
        return nodes_.violated("held-off",
                               node_name(node) + " is linked to " + name_of(row.id) + ", which was dropped there");
    }
  }
  if (without_link > known_max_)
    nodes_.violated("book", node_name(node) + " knows " + std::to_string(without_link) + " peers without a link");
}

/// Checks only when the rows have settled, and when an actor has read them.
void PeersWorkload::handled(std::size_t node, std::string_view path, const runtime::Actor& actor) {
  if (path != kPath) return;
  const auto* const peers = dynamic_cast<const PeersActor*>(&actor);
  if (peers == nullptr) return;
  const base::NodeId& self = peers->peers().self();  // the machine may have another disk already
  Memory& memory = memories_[node];
  const bool loaded = memory.loading && !peers->loading();
  const bool saved = !memory.saved && peers->saved();
  memory.loading = peers->loading();
  memory.saved = peers->saved();
  if (memory.loading || (!loaded && !saved)) return;
  if (!loaded && memory.unseen > 0) return void(--memory.unseen);
  const AddressBook& book = peers->peers().book();
  memory.unseen = book.size() / kSimRowsALook;  // a large run would do little else
  std::vector<base::NodeId>& known = saved_[self];
  const bool must_know =
      !nodes_.lost_data(node) && peers->rows_read() && book.size() < book.known_max() && nodes_.time() < kSimMemory;
  const auto id_of_row = [](const auto& row) -> const base::NodeId& { return row.first; };
  if (must_know && !std::ranges::includes(book.rows(), known, {}, id_of_row)) {
    const auto lost = std::ranges::find_if(known, [&](const base::NodeId& id) { return book.find(id) == nullptr; });
    nodes_.violated("remembered", node_name(node) + " does not know " + name_of(*lost) + ", whose row it had saved");
    return;
  }
  if (!memory.saved) return;
  known.clear();
  for (const auto& [id, peer] : book.rows()) {
    if (peer.proven()) known.push_back(id);
  }
}

// -- convergence -----------------------------------------------------------------------------------------------------

void PeersWorkload::probe() {
  if (!probing_.empty()) return;
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    if (!nodes_.serving(node)) continue;
    probing_.insert(node);
    list(begin(node, "a list of peers"), [this, node](const SeenPeers* rows) {
      if (probing_.erase(node) > 0 && rows != nullptr) seen_[node] = *rows;
    });
  }
}

std::set<std::size_t> PeersWorkload::healthy(std::size_t node) const {
  std::set<std::size_t> out;
  const auto rows = seen_.find(node);
  if (rows == seen_.end()) return out;
  for (const SeenPeer& row : rows->second) {
    const auto other = nodes_.find(row.id);
    if (other && row.state == wire::PeerState::HEALTHY) out.insert(*other);
  }
  return out;
}

bool PeersWorkload::held_off(std::size_t one, std::size_t other) const {
  return std::ranges::any_of(drops_, [&](const Drop& drop) {
    const auto is = [&](std::size_t by, std::size_t peer) {
      return nodes_.id(by) == drop.by && nodes_.id(peer) == drop.peer;
    };
    return is(one, other) || is(other, one);
  });
}

std::vector<std::string> PeersWorkload::waits() const {
  std::vector<std::string> out = under_way();
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    if (!seen_.contains(node)) {
      out.push_back(node_name(node) + " was not asked yet which peers it knows");
      continue;
    }
    std::size_t others = 0;
    for (std::size_t other = 0; other < nodes_.size(); ++other) {
      others += other != node && !held_off(node, other) ? 1 : 0;
    }
    std::size_t wanted = std::min(links_target_, others);
    if (time_ > kSimShortWorld) wanted = std::min(wanted, Policy{}.healthy_min);
    const std::size_t there = healthy(node).size();
    if (there < wanted)
      out.push_back(node_name(node) + " has " + std::to_string(there) + " healthy links of " + std::to_string(wanted));
  }
  if (out.empty()) out = parts();
  return out;
}

/// Returns the nodes that are not connected with the first node; a link counts if one of its ends shows it.
std::vector<std::string> PeersWorkload::parts() const {
  std::map<std::size_t, std::set<std::size_t>> links;
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    for (const std::size_t other : healthy(node)) {
      links[node].insert(other);
      links[other].insert(node);
    }
  }
  std::set<std::size_t> reached{0};
  std::vector<std::size_t> next{0};
  while (!next.empty()) {
    const std::size_t node = next.back();
    next.pop_back();
    for (const std::size_t other : links[node]) {
      if (reached.insert(other).second) next.push_back(other);
    }
  }
  std::vector<std::string> out;
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    bool any_way = nodes_.size() == 1;
    for (std::size_t other = 0; other < nodes_.size(); ++other)
      any_way = any_way || (other != node && !held_off(node, other));
    if (!reached.contains(node) && any_way)
      out.push_back(node_name(node) + " is in another part of the network than n1");
  }
  return out;
}

}  // namespace troupe::peers
