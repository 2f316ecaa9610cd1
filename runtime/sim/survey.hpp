#pragma once
// What all nodes say of themselves, asked side by side in rounds: which node holds what, and which is at work.
//
// Use     derive a struct from SurveyReport, for what a node says, and a class from Survey of it, with ask_all().
// Rounds  one at a time: its reports are there when every node that was asked has answered; a node that dies ends the
//         round without reports. A round is not one moment: what is at rest gives the same answers twice.
// Owner   one world. Asks inside the nodes, so that no fault of the network hides an answer.
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
  unsigned missing = 0;  ///< answers
  std::string error;     ///< the last that came instead of an answer
};

/// `Its` derives from SurveyReport.
template <class Its>
class Survey {
 public:
  using Report = Its;

  explicit Survey(Nodes& nodes) : nodes_(nodes) {}
  virtual ~Survey() = default;

  /// Asks all nodes that serve, unless answers of the last round are missing.
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

  /// Of the last round that all nodes have answered, but for those that died since; empty before that.
  const std::map<std::size_t, Its>& reports() const { return reports_; }
  /// Whether each node of the world has a report.
  bool complete() const { return reports_.size() == nodes_.size(); }
  /// Why a node's report does not say all: it was not asked, or did not answer. Empty: it does.
  std::string gap(std::size_t node) const {
    const auto at = reports_.find(node);
    if (at == reports_.end()) return node_name(node) + " was not asked yet what it holds";
    if (!at->second.error.empty()) return node_name(node) + " does not say what it holds: " + at->second.error;
    return "";
  }

 protected:
  using Write = std::function<void(Its&)>;
  using Answered = std::function<void(const Write&)>;

  /// Asks that node all that the round is about.
  virtual void ask_all(std::size_t node) = 0;
  /// One more answer of that node is missing. Call what this returns when it is there: its `write` gets the report,
  /// unless the round has gone by.
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
  /// Asks an actor of the node; `take(report, A::Reader)` writes down its answer. Then `next` may ask more, also after
  /// an error, which is noted.
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
