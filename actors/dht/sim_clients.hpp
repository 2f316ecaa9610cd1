#pragma once
// A simulation's clients. Each sends one request to one node, as an operator would, and checks the result against the
// invariants in sim.cpp.
#include <functional>
#include <set>

#include "actors/dht/sim_ledger.hpp"
#include "messages/dht.capnp.h"
#include "runtime/sim/clients.hpp"

namespace troupe::dht {

inline constexpr std::chrono::seconds kSimAnswer{120};  // our choice: longer than a search and a commit
inline constexpr std::size_t kSimQuorum = 3;            // the default quorum of a get

/// The result of a read.
struct SimSeen {
  bool found = false;
  std::uint64_t sequence = 0;
  std::set<base::NodeId> providers;
};

struct SimClient : sim::Client {
  std::uint64_t floor = 0;      ///< a read must not return an older sequence
  std::size_t lacking_max = 0;  ///< number of nodes that may still lack the value
  std::uint64_t heard = 0;      ///< a listener's last sequence
};

class SimClients final : public sim::Clients<SimClient> {
 public:
  using Ended = std::function<void(const Error&, const SimSeen&)>;

  SimClients(sim::Nodes& nodes, SimLedger& ledger, const sim::Scenario& scenario);

  void put(std::size_t node, SimSpot& spot);
  void set(std::size_t node, std::int64_t name, std::int64_t bytes, std::chrono::seconds lasts);
  /// Reads a value. `healed`: no fault is active, so the read also has to find records that only a few nodes lack.
  void get(std::size_t node, const SimSpot& spot, std::uint8_t quorum, bool healed, Ended ended);
  void listen(std::size_t node, const SimSpot& spot, std::chrono::seconds length);
  void provide(std::size_t node, SimTopic& topic);
  void find(std::size_t node, const SimTopic& topic, Ended ended);
  void nearest(std::size_t node, const SimTopic& topic);
  /// Sends a store without a token directly to another node.
  void push(std::size_t node, std::size_t to);
  void lie(std::size_t node, std::int64_t how);

  /// Returns whether this node's stored data is unreliable: it lost its disk, or it has lied.
  bool excused(std::size_t node) const;
  bool lies(std::size_t node) const { return liars_.contains(node); }
  std::size_t excused_count() const;
  /// Returns whether that write has not ended by any node's clock.
  bool lasts(const SimSpot& spot, const SimWrite& write) const;

 private:
  using Client = SimClient;
  void note(SimStored& stored, const Client& client, wire::SearchResult::Reader result);
  void check_value(const Client& client, const SimSpot& spot, wire::GotValue::Reader got);
  /// Returns the write of that value, or null after it has reported that there is none.
  const SimWrite* check_write(const Client& client, const SimSpot& spot, wire::GotValue::Reader got);
  void check_nearest(const Client& client, wire::SearchResult::Reader result);
  std::uint64_t floor_of(const SimSpot& spot, std::size_t lacking_max) const;

  SimLedger& ledger_;
  const base::Duration time_;
  bool forgetful_ = false;  // records are only in memory
  bool dates_jump_ = false;
  bool clocks_drift_ = false;  // so much that a date may be wrong
  std::set<std::size_t> jumps_;
  std::set<std::size_t> liars_;  // have lied, now or before
};

}  // namespace troupe::dht
