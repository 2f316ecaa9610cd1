#pragma once
// A whole group in memory under one seed: members with disks that lose what is not synced, a network that loses,
// repeats and reorders, clocks that drift, clients, and changes of members. What must always hold is checked after each
// event, and broken claims are thrown.
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "actors/raft/logic/raft.hpp"

namespace troupe::raft_test {

using namespace raft;

/// One planted bug, and what rare things happened.
class Planted : public base::Mutations {
 public:
  explicit Planted(std::string bug = {}) : bug_(std::move(bug)) {}
  bool on(std::string_view bug) const override { return bug == bug_; }
  void sometimes(std::string_view what) const override { reached.emplace(what); }
  mutable std::set<std::string, std::less<>> reached;

 private:
  std::string bug_;
};

struct WorldOptions {
  std::uint64_t seed = 0;
  std::string bug{};  ///< none
  base::Duration faulty = std::chrono::seconds{3};
  base::Duration calm = std::chrono::seconds{3};  ///< afterwards, in which the group must recover
};

struct WorldReport {
  std::string broken;  ///< empty if all held
  std::string state;   ///< a line for each member, if not
  std::uint64_t events = 0, applied = 0, reads = 0, elections = 0, changes = 0, installed = 0;
  std::set<std::string, std::less<>> reached;
};

WorldReport run_world(const WorldOptions& options);

/// Member `number`, in the incarnation given.
MemberId member(std::uint8_t number, std::uint64_t incarnation = 1);

}  // namespace troupe::raft_test
