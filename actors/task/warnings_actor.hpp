#pragma once
// Submitters whose programs were malicious at several other nodes, at kWarningsPath (logic/warning.hpp).
//
// Own      a warning about a case at this node is signed, kept and returned on request. The DHT lists this node under
//          the submitter. Only the first case is kept, because after it this node takes no tasks of that submitter.
// Others   when this node takes another node's task, it asks the DHT for witnesses against the submitter, and each
//          witness for its warning. If kWitnesses agree, `/task` refuses the submitter's tasks. A submitter is searched
//          once per kLookAgain; its first tasks run during the search.
// Group    a witness counts for the address group at which it is linked, because its DHT entry is its own claim.
// Rows     a warning, and the address group from which its submitter was linked then; older rows lack the group.
// Limits   kOwnMax warnings of this node; when full, the oldest of the largest address group is evicted. kLooksMax
//          searches at once; kQueueMax wait, later ones are skipped. kLookedMax submitters are remembered. kAskedMax
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
  static constexpr std::size_t kAskedOfGroupMax = 2;       // our choice: witnesses in one address group count once
  static constexpr std::chrono::minutes kLookRetry{1};     // our choice: if the DHT has not responded
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
    std::size_t open = 1;  ///< open requests; the search is one of them
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
  std::map<base::NodeId, base::Instant> looked_;  // submitters, and when they may be searched again
  std::deque<base::NodeId> looked_order_;         // oldest first
  std::deque<base::NodeId> queue_;
  std::map<base::NodeId, Look> looks_;  // in progress
};

}  // namespace troupe::task
