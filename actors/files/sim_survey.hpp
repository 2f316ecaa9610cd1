#pragma once
// What all nodes say of themselves and of each content: which node lists what, holds what, and is at work.
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
  /// `late`: what a node has sent may arrive after what it says later, on another stream or in another life. A store
  /// that comes after the release of its put keeps its claim until put_idle_max: longer than a world heals.
  SimSurvey(sim::Nodes& nodes, SimFiles& files, const SimLedger& ledger, SimClients& clients, bool late)
      : Survey(nodes), files_(files), ledger_(ledger), clients_(clients), late_(late) {}

  /// The nodes whose list shows the file.
  std::vector<std::size_t> owners(const Cid& cid) const;
  /// The nodes that hold the content.
  std::size_t copies(const ContentKey& key) const;
  /// The fewest copies that any content of the file has.
  std::size_t copies(const SimFile& file) const;

  /// Who is still at work, and with what.
  std::vector<std::string> at_work() const;
  /// What is held for no listed file.
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
