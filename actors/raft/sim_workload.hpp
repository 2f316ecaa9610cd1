#pragma once
// The domain `raft` in one world: one group, clients at any node, and what must hold after each event.
//
// Breaks  one-leader    two members lead in one term
//         committed     two members have committed different entries at one index
//         alike         two members differ after the same index
//         linearizable  what clients were told has no order that explains it
//         once          a retry was answered otherwise, or applied again
// Whole   each member that has lost nothing has the leader's state, and every node answers.
// Lost    a member that lost its log takes part no more: a majority is left by the draw.
// Owner   one world.
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/raft/logic/types.hpp"
#include "messages/raft.capnp.h"
#include "runtime/sim/clients.hpp"
#include "runtime/sim/history.hpp"

namespace troupe::raft {

inline constexpr std::chrono::seconds kSimWait{20};  // our choice: several elections of slow nodes
inline constexpr const char* kSimGroup = "world";

class RaftWorkload final : public sim::Workload, private sim::Clients<sim::Client> {
 public:
  RaftWorkload(sim::Nodes& nodes, const sim::Scenario& scenario);

  void perform(const sim::Operation& operation) override;
  void died(std::size_t node) override;
  void handled(std::size_t node, std::string_view path, const runtime::Actor& actor) override;
  void probe() override;
  std::vector<std::string> waits() const override;
  void close() override;

 private:
  struct Seen {
    Index applied, commit;
    bool leads = false, serves = false;
  };
  void init(std::size_t members);
  void write(std::size_t node, const std::string& key, sim::Did did, const sim::Value& value,
             const sim::Value& expected, const std::string& request, std::function<void(std::uint64_t)> then);
  void read(std::size_t node, const std::string& key, std::function<void(bool)> then);
  bool member(std::size_t node) const { return node < members_; }
  /// Members that have all they ever acknowledged.
  std::size_t whole() const;
  std::string fresh() { return "v" + std::to_string(++values_); }

  sim::History history_;
  std::size_t members_ = 0;  // the first ones; 0: the group was not asked for yet
  bool made_ = false;
  std::uint64_t values_ = 0, requests_ = 0;
  std::map<std::string, sim::Value> read_last_;
  std::map<std::uint64_t, MemberId> leaders_;         // by term
  std::map<std::uint64_t, std::uint64_t> committed_;  // term of each index
  std::map<std::uint64_t, std::uint64_t> hashes_;     // after each index
  std::map<std::size_t, Seen> seen_;
  std::set<std::size_t> answered_;  // nodes that read after the faults
  std::set<std::size_t> asking_;
  bool closing_ = false, checked_ = false;
  std::size_t final_reads_ = 0;
};

}  // namespace troupe::raft
