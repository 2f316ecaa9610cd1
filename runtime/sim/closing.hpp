#pragma once
// The final checks of a domain on the nodes at the end of a run, each repeated until its response is right.
//
// Limits  kChecksPerNode checks at once at each node.
// Order   checks start in the order in which they were added. A failed check waits for the next probe, so that time
//         passes between two tries.
// Owner   one Workload, whose start() outlives it.
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "runtime/sim/workload.hpp"

namespace troupe::sim {

inline constexpr std::size_t kChecksPerNode = 8;  // at once; our choice: far below what a node serves
inline constexpr unsigned kTriesEnough = 3;       // for data that may be missing; our choice

/// `What` is a request to a node; its text() names it: "a get of file-3".
template <class What>
class Closing {
 public:
  struct Check {
    std::size_t node = 0;
    What what;
    unsigned tries = 0;
    bool done = false;
    std::string why{};  ///< why it is not done

   private:
    friend class Closing;
    bool under_way = false;
    bool rests = false;  // waits until the next probe
  };

  /// `start` sends the request of a check; when the response arrives, call ended().
  Closing(const Nodes& nodes, std::function<void(Check&)> start) : nodes_(nodes), start_(std::move(start)) {}

  /// Adds a check; its first request is sent at the next go_on(). The check does not move in memory.
  void add(std::size_t node, What what) {
    checks_.emplace_back();
    checks_.back().node = node;
    checks_.back().what = std::move(what);
  }

  /// Ends the pending requests of a node that has died: their responses will not come.
  void died(std::size_t node) {
    for (Check& check : checks_)
      if (check.node == node) check.under_way = false;
  }

  void probe() {
    for (Check& check : checks_) check.rests = false;
    go_on();
  }

  void go_on() {
    std::map<std::size_t, std::size_t> busy;
    for (const Check& check : checks_) busy[check.node] += check.under_way ? 1 : 0;
    for (Check& check : checks_) {
      if (check.done || check.under_way || check.rests || !nodes_.serving(check.node) ||
          busy[check.node] >= kChecksPerNode)
        continue;
      ++busy[check.node];
      check.under_way = true;
      ++check.tries;
      start_(check);
    }
  }

  void ended(Check& check, bool done, std::string why) {
    check.under_way = false;
    check.rests = true;
    check.done = done;
    check.why = std::move(why);
    go_on();
  }

  const std::deque<Check>& checks() const { return checks_; }
  /// Returns "a get of file-3 at n2 is not done yet" for each check that is not done.
  std::vector<std::string> waits() const {
    std::vector<std::string> out;
    for (const Check& check : checks_)
      if (!check.done)
        out.push_back(check.what.text() + " at " + node_name(check.node) +
                      (check.why.empty() ? " is not done yet" : " failed: " + check.why));
    return out;
  }

 private:
  const Nodes& nodes_;
  const std::function<void(Check&)> start_;
  std::deque<Check> checks_;
};

}  // namespace troupe::sim
