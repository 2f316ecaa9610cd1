#pragma once
// What all nodes say of themselves and of each content, asked side by side: who lists what, who holds what, who is at
// work. It is not one moment; what is at rest gives the same answers twice.
//
// Owner   one world. Asks inside the nodes, so nothing of it is lost on the way.
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/files/sim_clients.hpp"

namespace troupe::files {

class SimSurvey {
 public:
  struct Report {
    unsigned missing = 0;  ///< answers
    std::vector<std::string> errors;
    bool catalogue_loading = true, holder_loading = true;
    unsigned puts = 0, streams = 0, releases = 0, puts_claimed = 0;
    bool copies = false;
    std::uint64_t contents = 0, claims = 0;
    std::vector<SimRow> rows;
    std::set<ContentKey> has;
  };

  /// `late`: what a node has sent may arrive after what it says later, on another stream or in another life. A store
  /// that comes after the release of its put keeps its claim until put_idle_max: longer than a world heals.
  SimSurvey(sim::Nodes& nodes, SimFiles& files, const SimLedger& ledger, SimClients& clients, bool late)
      : nodes_(nodes), files_(files), ledger_(ledger), clients_(clients), late_(late) {}

  /// Asks all nodes that serve, unless answers are missing still.
  void begin();
  void died(std::size_t node);
  /// What the nodes have said last, all of them that served then; empty before that.
  const std::map<std::size_t, Report>& reports() const { return reports_; }

  /// The nodes whose list shows the file.
  std::vector<std::size_t> owners(const Cid& cid) const;
  /// The nodes that hold the content.
  std::size_t copies(const ContentKey& key) const;
  /// The fewest copies that any content of the file has.
  std::size_t copies(const SimFile& file) const;

  /// Who is still at work, and with what.
  std::vector<std::string> at_work() const;
  /// What is held for nobody.
  std::vector<std::string> orphans() const;

 private:
  void ask_states(std::size_t node);
  void ask_contents(std::size_t node, std::vector<ContentKey> keys);
  template <class Q, class A>
  void ask(std::size_t node, const char* path, std::function<void(typename Q::Builder)> fill,
           std::function<void(Report&, typename A::Reader)> take);
  /// The report that an answer belongs to; null if its round has gone by.
  Report* asked(std::size_t node, std::uint64_t round);
  void answered(Report& report);

  sim::Nodes& nodes_;
  SimFiles& files_;
  const SimLedger& ledger_;
  SimClients& clients_;
  const bool late_;
  std::uint64_t round_ = 0;
  std::map<std::size_t, Report> asking_;  // empty between two rounds
  std::map<std::size_t, Report> reports_;
};

}  // namespace troupe::files
