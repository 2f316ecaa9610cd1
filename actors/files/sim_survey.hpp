#pragma once
// The reports of all nodes on themselves and each object: which node lists, stores and does what.
#include <set>
#include <string>
#include <vector>

#include "actors/files/sim_clients.hpp"
#include "runtime/sim/survey.hpp"

namespace troupe::files {

struct SimReport : sim::SurveyReport {
  bool catalogue_loading = true, holder_loading = true;
  unsigned puts = 0, streams = 0, releases = 0, puts_claimed = 0;
  bool copies = false;
  std::uint64_t contents = 0, claims = 0;
  std::vector<SimRow> rows;
  std::set<ContentKey> has;

  bool loading() const { return catalogue_loading || holder_loading; }
};

class SimSurvey final : public sim::Survey<SimReport> {
 public:
  /// `late`: a node's message may arrive after its later messages, on another stream or in another run. A store that
  /// arrives after its put's release keeps its claim until put_idle_max, which is longer than a run needs to heal.
  SimSurvey(sim::Nodes& nodes, SimFiles& files, const SimLedger& ledger, SimClients& clients, bool late)
      : Survey(nodes), files_(files), ledger_(ledger), clients_(clients), late_(late) {}

  /// Returns the nodes whose list shows the file.
  std::vector<std::size_t> owners(const Cid& cid) const;
  /// Returns the number of nodes that store the object.
  std::size_t copies(const ContentKey& key) const;
  /// Returns the fewest copies of any object of the file.
  std::size_t copies(const SimFile& file) const;

  /// Returns the nodes that are still at work, and their work.
  std::vector<std::string> at_work() const;
  /// Returns stored data that belongs to no listed file.
  std::vector<std::string> orphans() const;

 private:
  void ask_all(std::size_t node) override;
  void ask_states(std::size_t node);
  void ask_contents(std::size_t node, std::vector<ContentKey> keys);

  SimFiles& files_;
  const SimLedger& ledger_;
  SimClients& clients_;
  const bool late_;
};

}  // namespace troupe::files
