#pragma once
// What each node of a simulation holds of what clients have put and announced, asked of the node itself.
//
// Rounds  one at a time: its reports are there when all nodes have answered; who dies in its midst ends it.
#include <map>
#include <set>

#include "actors/dht/sim_ledger.hpp"
#include "runtime/sim/workload.hpp"

namespace troupe::dht {

class SimSurvey {
 public:
  SimSurvey(sim::Nodes& nodes, const SimLedger& ledger) : nodes_(nodes), ledger_(ledger) {}

  struct Report {
    std::map<Place, std::uint64_t> records;  ///< the sequence of each; 0 for a /cid
    std::map<Key, std::set<base::NodeId>> providers;
    bool ended = false;
    std::string error;  ///< the last one
  };

  void begin();
  void died(std::size_t node);
  /// Of the last round that all nodes have answered.
  const std::map<std::size_t, Report>& reports() const { return reports_; }
  bool complete() const { return reports_.size() == nodes_.size(); }
  std::vector<std::string> errors() const;

 private:
  /// Asks a node for what is left of its part of the round: one thing at a time, for its mailbox may be small.
  void go_on(std::size_t node, std::size_t next);
  void ask_record(std::size_t node, std::size_t next, const Place& place);
  void ask_providers(std::size_t node, std::size_t next, const Key& key);
  Report* asked(std::size_t node, std::uint64_t round);
  void ended(Report& report);

  sim::Nodes& nodes_;
  const SimLedger& ledger_;
  std::vector<Place> places_;  // of this round
  std::vector<Key> keys_;
  std::map<std::size_t, Report> reports_, asking_;
  std::uint64_t round_ = 0;
};

}  // namespace troupe::dht
