#pragma once
// Scans the state of all nodes in rounds, in parallel: for example which node stores what.
//
// Use     derive a struct from SurveyReport, for the data of a node, and a class from Survey of it, with ask_all().
// Rounds  one at a time. Its reports are complete when every node has responded; if a node dies, the round ends without
//         reports. A round takes time: only if nothing changes do two rounds give the same reports.
// Owner   one run. Requests are sent inside the nodes, so that no network fault hides a response.
#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "runtime/actor/actor.hpp"
#include "runtime/sim/workload.hpp"

namespace troupe::sim {

struct SurveyReport {
  unsigned missing = 0;  ///< responses that are still missing
  std::string error;     ///< the last error in place of a response
};

/// `Its` derives from SurveyReport.
template <class Its>
class Survey {
 public:
  using Report = Its;

  explicit Survey(Nodes& nodes) : nodes_(nodes) {}
  virtual ~Survey() = default;

  /// Sends requests to all nodes that serve, unless responses of the last round are still missing.
  void begin() {
    if (!asking_.empty()) return;
    ++round_;
    std::map<std::size_t, Answered> all;
    for (std::size_t node = 0; node < nodes_.size(); ++node)
      if (nodes_.serving(node)) all.emplace(node, expect(node));
    for (const auto& [node, asked] : all) {
      ask_all(node);
      asked([](Its&) {});
    }
  }
  void died(std::size_t node) {
    reports_.erase(node);
    if (!asking_.empty()) ++round_;
    asking_.clear();
  }

  /// Returns the last complete round, without the nodes that have died since; empty before the first.
  const std::map<std::size_t, Its>& reports() const { return reports_; }
  /// Whether each node of the run has a report.
  bool complete() const { return reports_.size() == nodes_.size(); }
  /// Returns why a node's report is missing or incomplete: no request was sent, or a response is missing. Empty if it
  /// is complete.
  std::string gap(std::size_t node) const {
    const auto at = reports_.find(node);
    if (at == reports_.end()) return node_name(node) + " has not reported yet what it stores";
    if (!at->second.error.empty()) return node_name(node) + " does not report what it stores: " + at->second.error;
    return "";
  }

 protected:
  using Write = std::function<void(Its&)>;
  using Answered = std::function<void(const Write&)>;

  /// Sends all requests of the round to that node.
  virtual void ask_all(std::size_t node) = 0;
  /// Expects one more response from that node. Call the returned function with a `write` when the response arrives:
  /// `write` gets the report, unless the round is over.
  Answered expect(std::size_t node) {
    ++asking_[node].missing;
    return [this, node, round = round_](const Write& write) {
      const auto at = asking_.find(node);
      if (round != round_ || at == asking_.end()) return;
      write(at->second);
      --at->second.missing;
      if (!std::ranges::all_of(asking_, [](const auto& one) { return one.second.missing == 0; })) return;
      reports_ = std::exchange(asking_, {});
      ++round_;
    };
  }
  /// Sends a request to an actor of the node; `take(report, A::Reader)` stores its response. Then `next` may send more,
  /// also after an error, which is recorded.
  template <class Q, class A, class Fill, class Take>
  void ask(std::size_t node, const char* path, base::Duration wait, Fill fill, Take take,
           std::function<void()> next = {}) {
    nodes_.inside(node, [path, wait, fill, take, next, answered = expect(node)](Nodes::Inside& actor) {
      actor.ask<Q, A>(actor.node().find(path), actor.now() + wait, fill,
                      [answered, take, next](runtime::Answer<A> answer) {
                        answered([&](Its& report) {
                          if (answer.ok()) take(report, answer.value());
                          else report.error = answer.error().message;
                          if (next) next();
                        });
                      });
    });
  }

  Nodes& nodes_;

 private:
  std::uint64_t round_ = 0;
  std::map<std::size_t, Its> asking_;  // empty between two rounds
  std::map<std::size_t, Its> reports_;
};

}  // namespace troupe::sim
