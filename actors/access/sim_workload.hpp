#pragma once
// The clients of `/access` in a simulation: what they do, and what their answers must be.
#include <functional>
#include <map>
#include <memory>
#include <set>

#include "actors/access/codec.hpp"
#include "actors/access/sim_ledger.hpp"
#include "runtime/sim/clients.hpp"

namespace troupe::access {

class AccessWorkload final : public sim::Workload, private sim::Clients<sim::Client> {
 public:
  AccessWorkload(sim::Nodes& nodes, const sim::Scenario& scenario)
      : Clients(nodes), without_faults_(scenario.faults.empty()) {}

  void perform(const sim::Operation& operation) override;
  void died(std::size_t node) override;
  void probe() override;
  std::vector<std::string> waits() const override;

 private:
  /// What a watcher of a node's keys knows.
  struct Watcher {
    runtime::Subscription hold;
    std::set<std::string> ids;
    bool complete = false;
    bool over = false;
  };

  /// Returns the ledger of the node's identity; null while the identity is unknown.
  SimLedger* ledger(std::size_t node);
  bool lost(const SimLedger& ledger) const;
  /// Reports a violation, unless faults may have destroyed what the node acknowledged.
  void broken(const SimLedger& ledger, std::string_view invariant, const sim::Client& client, const std::string& how);

  void make(std::size_t node, SimLedger& ledger, std::int64_t key);
  void revoke(std::size_t node, SimLedger& ledger, std::int64_t key);
  void grant(std::size_t node, SimLedger& ledger, const sim::Operation& operation);
  void claim(std::size_t node, SimLedger& ledger, const sim::Operation& operation);
  void release(std::size_t node, SimLedger& ledger, const Thing& thing);
  void begin_request(std::size_t node, SimLedger& ledger, const sim::Operation& operation);

  /// Lists the keys, then what belongs to each. Calls `ended` with whether all requests were answered.
  void read(std::size_t node, SimLedger& ledger, const std::function<void(bool)>& ended);
  void compare(const sim::Client& client, SimLedger& ledger, const SimLedger& before, wire::Keys::Reader keys);
  void ask_owners(std::size_t node, SimLedger& ledger, std::size_t key, const std::function<void(bool)>& ended);

  void watch(std::size_t node, SimLedger& ledger);
  void heard(std::size_t node, SimLedger& ledger, Watcher& watcher, wire::KeyChange::Reader change);
  /// Returns what the watcher should know but does not, or an empty text.
  std::string unknown(const SimLedger& ledger, const Watcher& watcher, base::Duration since) const;

  const bool without_faults_;
  std::map<base::NodeId, SimLedger> ledgers_;
  std::map<std::size_t, std::shared_ptr<Watcher>> watchers_;
  std::set<std::size_t> reading_, right_;  // nodes that are read, and nodes whose last answers were right
};

}  // namespace troupe::access
