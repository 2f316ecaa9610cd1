#pragma once
// The clients of a simulation: each asks one thing at one node, as an operator would, and judges what it gets by the
// invariants of sim.cpp.
#include <functional>
#include <set>

#include "actors/dht/sim_ledger.hpp"
#include "messages/dht.capnp.h"
#include "runtime/sim/clients.hpp"

namespace troupe::dht {

inline constexpr std::chrono::seconds kSimAnswer{120};  // our choice: longer than a search and a commit
inline constexpr std::size_t kSimQuorum = 3;            // what a get that says nothing asks for

/// What a read came to.
struct SimSeen {
  bool found = false;
  std::uint64_t sequence = 0;
  std::set<base::NodeId> providers;
};

struct SimClient : sim::Client {
  std::uint64_t floor = 0;      ///< of what is read: no older sequence may come
  std::size_t lacking_max = 0;  ///< nodes that may not have it yet
  std::uint64_t heard = 0;      ///< of a listener: the last sequence
};

class SimClients final : public sim::Clients<SimClient> {
 public:
  using Ended = std::function<void(const Error&, const SimSeen&)>;

  SimClients(sim::Nodes& nodes, SimLedger& ledger, const sim::Scenario& scenario);

  void put(std::size_t node, SimSpot& spot);
  void set(std::size_t node, std::int64_t name, std::int64_t bytes, std::chrono::seconds lasts);
  /// `healed`: nothing is broken any more, so what only a few nodes lack is to be seen.
  void get(std::size_t node, const SimSpot& spot, std::uint8_t quorum, bool healed, Ended ended);
  void listen(std::size_t node, const SimSpot& spot, std::chrono::seconds length);
  void provide(std::size_t node, SimTopic& topic);
  void find(std::size_t node, const SimTopic& topic, Ended ended);
  void nearest(std::size_t node, const SimTopic& topic);
  /// A store that shows no token, straight at another node.
  void push(std::size_t node, std::size_t to);
  void lie(std::size_t node, std::int64_t how);

  /// Whether what this node says it holds is not to be relied on: its disk is gone, or it has lied.
  bool excused(std::size_t node) const;
  bool lies(std::size_t node) const { return liars_.contains(node); }
  std::size_t excused_count() const;
  /// Whether that write has not ended by the clock of any node.
  bool lasts(const SimSpot& spot, const SimWrite& write) const;

 private:
  using Client = SimClient;
  void note(SimStored& stored, const Client& client, wire::SearchResult::Reader result);
  void check_value(const Client& client, const SimSpot& spot, wire::GotValue::Reader got);
  /// The write that it is of; null if there is none, which is told.
  const SimWrite* check_write(const Client& client, const SimSpot& spot, wire::GotValue::Reader got);
  void check_nearest(const Client& client, wire::SearchResult::Reader result);
  std::uint64_t floor_of(const SimSpot& spot, std::size_t lacking_max) const;

  SimLedger& ledger_;
  const base::Duration time_;
  bool forgetful_ = false;  // records are in memory alone
  bool dates_jump_ = false;
  bool clocks_drift_ = false;  // by so much in this world that a date may be wrong
  std::set<std::size_t> jumps_;
  std::set<std::size_t> liars_;  // that have lied, whether they still do or not
};

}  // namespace troupe::dht
