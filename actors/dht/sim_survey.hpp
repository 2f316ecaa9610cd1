#pragma once
// Asks each node of a simulation which of the clients' records and announcements it stores.
#include <map>
#include <set>

#include "actors/dht/sim_ledger.hpp"
#include "runtime/sim/survey.hpp"

namespace troupe::dht {

struct SimReport : sim::SurveyReport {
  std::map<RecordKey, std::uint64_t> records;  ///< the sequence of each; 0 for a /cid
  std::map<Key, std::set<base::NodeId>> providers;
};

class SimSurvey final : public sim::Survey<SimReport> {
 public:
  SimSurvey(sim::Nodes& nodes, const SimLedger& ledger) : Survey(nodes), ledger_(ledger) {}

  /// Returns the nodes that do not report what they store, except those that lost data.
  std::vector<std::string> gaps() const;

 private:
  struct Things {
    std::vector<RecordKey> places;
    std::vector<Key> keys;
  };
  void ask_all(std::size_t node) override;
  /// Sends a node its requests of this round from `next` on, one at a time, because its mailbox may be small.
  void go_on(std::size_t node, const std::shared_ptr<const Things>& things, std::size_t next);

  const SimLedger& ledger_;
};

}  // namespace troupe::dht
