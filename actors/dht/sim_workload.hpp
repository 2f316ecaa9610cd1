#pragma once
// The domain `dht` in one simulation run: performs operations, and checks whether nodes store and find what was
// acknowledged to clients. sim.cpp lists the invariants.
//
// Close   a record stored by a node that a search has to ask is read from every node, until it is found.
// Exempt  nodes that lost data, whose date jumps, or that have lied.
#include <functional>
#include <map>
#include <string>

#include "actors/dht/sim_clients.hpp"
#include "actors/dht/sim_survey.hpp"
#include "runtime/sim/closing.hpp"

namespace troupe::dht {

class BucketActor;
class DhtActor;
class LookupActor;

inline constexpr std::size_t kChecksMax = 300;        // per run; our choice: beyond it only some of the nodes read
inline constexpr std::uint64_t kTableLookEvery = 32;  // messages of a head; our choice: a check costs its whole table

class DhtWorkload final : public sim::Workload {
 public:
  DhtWorkload(sim::Nodes& nodes, const sim::Scenario& scenario);

  void perform(const sim::Operation& operation) override;
  void died(std::size_t node) override;
  void handled(std::size_t node, std::string_view path, const runtime::Actor& actor) override;
  void probe() override;
  std::vector<std::string> waits() const override;
  void close() override;

 private:
  /// A record, or a topic's providers.
  struct Sought {
    const SimSpot* spot = nullptr;
    const SimTopic* topic = nullptr;
    std::string text() const { return "a read of " + (spot != nullptr ? spot->name : topic->name); }
  };
  using Closing = sim::Closing<Sought>;
  using Check = Closing::Check;
  void begin(const sim::Operation& operation);
  void look_at_table(std::size_t node, const DhtActor& head);
  void look_at_bucket(std::size_t node, std::string_view path, const BucketActor& bucket);
  void look_at_bans(std::size_t node, const DhtActor& head);
  void check_search(std::size_t node, std::string_view path, const LookupActor& search);
  void check_kept();
  std::string lacking() const;
  std::string lacking(const std::string& name, const SimStored& stored,
                      const std::function<bool(const SimReport&)>& holds) const;
  void start(Check& check);
  void ended(Check& check, const SimClients::Error& error, const SimSeen& seen);
  /// Returns the nodes that a search from `asker` has to ask, nearest first.
  std::vector<std::size_t> responsible(const Key& key, std::size_t asker) const;
  bool due(const Check& check) const;
  std::set<base::NodeId> providers_due(const Check& check) const;

  sim::Nodes& nodes_;
  const std::size_t copies_;
  const bool long_;             // records may expire during the run
  std::set<std::size_t> slow_;  // nodes whose actors a fault may delay
  SimLedger ledger_;
  SimClients clients_;
  SimSurvey survey_;
  std::map<std::size_t, std::uint64_t> looks_;
  /// Per bucket, after its last message: the contacts without a failure.
  std::map<std::pair<std::size_t, std::string>, std::pair<base::Instant, std::map<Key, Contact>>> healthy_;
  struct Search {
    base::Instant began;  // by its node's clock: a restarted head reuses names
    base::Duration seen;  // first
  };
  std::map<std::pair<std::size_t, std::string>, Search> searches_;
  Closing closing_;
  unsigned lacked_ = 0;  // surveys in a row that found data missing
};

}  // namespace troupe::dht
