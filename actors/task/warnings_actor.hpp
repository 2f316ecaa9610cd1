#pragma once
// Submitters whose programs were malicious at several other nodes, at kWarningsPath (logic/warning.hpp).
//
// Own      what was tried here is signed, kept, and shown on request; the DHT names this node at the place of that
//          submitter. One a submitter, the first: after it this node takes no tasks of it.
// Others   when a task of another node is taken, the DHT is asked who warns of that node, and each of those for what it
//          has seen. If kWitnesses agree, `/task` takes no more tasks of it. Once in kLookAgain a submitter; its first
//          tasks run meanwhile.
// Site     of a witness: the address at which it is linked. What the DHT says of it is what it says of itself.
// Rows     a warning, and the address group from which its submitter was linked then; older ones lack that.
// Limits   kOwnMax warnings of this node; at the limit the oldest of the largest address group is evicted. kLooksMax
//          scans at once; kQueueMax wait, and later scans are skipped. kLookedMax submitters are remembered. kAskedMax
//          witnesses are asked, so a submitter with many ids may hide three honest witnesses.
#include <deque>
#include <map>

#include "actors/task/logic/warning.hpp"
#include "actors/task/settings.hpp"
#include "runtime/actor/actor.hpp"
#include "runtime/store/rows.hpp"

namespace troupe::task {

class WarningsActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "warnings";
  static constexpr std::size_t kOwnMax = 256;              // our choice: 4 MiB
  static constexpr std::size_t kLooksMax = 8;              // our choice
  static constexpr std::size_t kQueueMax = 256;            // our choice
  static constexpr std::size_t kLookedMax = 10'000;        // our choice
  static constexpr std::size_t kAskedMax = 32;             // our choice: witnesses of one submitter
  static constexpr std::size_t kAskedOfGroupMax = 2;       // our choice: one address group counts once
  static constexpr std::chrono::minutes kLookRetry{1};     // our choice: the DHT has not answered
  static constexpr std::chrono::hours kLookAgain{1};       // our choice
  static constexpr std::chrono::hours kAnnounceAgain{20};  // below dht.hold, 48 h
  explicit WarningsActor(TaskSettings settings);

  void receive(runtime::Handlers& on) override;
  void start() override;
  void stop() override { rows_.stop(); }

 private:
  struct RowsAgain {};
  struct Announce {};
  struct Kept {
    std::uint64_t unix_ms = 0;
    base::Bytes bytes;
    base::AddressGroup group;  ///< of the submitter
    base::Instant announce_at{};
  };
  struct Look {
    std::size_t open = 1;  ///< questions, of which the search is one
    Witnesses witnesses;
  };
  void warn(wire::WarnOf::Reader told);
  void announce();
  void want_look(const base::NodeId& submitter);
  void look_next();
  void ask_witness(const base::NodeId& submitter, const base::Contact& contact);
  void heard(const base::NodeId& submitter, const base::NodeId& from, wire::Warnings::Reader told);
  void end_one(const base::NodeId& submitter);
  void make_room(const base::AddressGroup& group);
  void forget_old();
  bool is_old(std::uint64_t unix_ms) const;
  store::Use take(base::ByteView key, base::ByteView value);

  const TaskSettings settings_;
  store::Rows rows_;
  std::map<base::NodeId, Kept> own_;  // by submitter
  bool loaded_ = false, announcing_ = false;
  std::map<base::NodeId, base::Instant> looked_;  // submitters, and when they may be looked for again
  std::deque<base::NodeId> looked_order_;         // the oldest first
  std::deque<base::NodeId> queue_;
  std::map<base::NodeId, Look> looks_;  // under way
};

}  // namespace troupe::task
