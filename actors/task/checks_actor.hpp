#pragma once
// Checks the nodes that this node watches, at `/task/checks`: each runs an order whose result this node computes too.
//
// Nodes    the nodes of `/registry` that this node watches, that accept tasks and that have this machine's processor.
//          logic/checks.hpp decides which node is next, and when. The five nodes nearest to a new node watch it.
// Right    a right result is reported to `/registry/list`, which signs a vouch. The checked node receives the vouch,
//          and shows it to its watchers.
// Wrong    a wrong result is reported to `/registry/list` and to `/reputation`. A late or missing result is not
//          reported.
// Program  each node has the program in its binary. A node with another build may have another program, so this node
//          also stores its own program in the network as a file.
// Thread   its own, because this node takes as long to compute a result as the checked node.
// Limits   Checks::Limits, and kPageRows nodes per scan.
#include <map>

#include "actors/task/logic/checks.hpp"
#include "actors/task/logic/spot.hpp"
#include "actors/task/settings.hpp"
#include "messages/files.capnp.h"
#include "messages/registry.capnp.h"
#include "runtime/actor/actor.hpp"

namespace troupe::task {

class ChecksActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "checks";
  static constexpr std::chrono::seconds kLookPeriod{3};    // our choice: a scan of local data
  static constexpr std::chrono::minutes kAnswerDue{5};     // our choice: including queued checks
  static constexpr std::chrono::seconds kBeginDue{30};     // our choice: if it keeps other checks waiting
  static constexpr std::chrono::seconds kRunDue{30};       // our choice: once it has begun; the program takes 0.1 s
  static constexpr std::chrono::seconds kRegistryDue{10};  // our choice
  static constexpr std::chrono::seconds kHandAgainMin{3};  // our choice: doubles with each refusal
  static constexpr std::chrono::minutes kHandAgainMax{5};  // our choice
  explicit ChecksActor(TaskSettings settings);

  void receive(runtime::Handlers& on) override;
  void start() override;
  void check() const override;

 private:
  struct Look {};
  struct Running {
    runtime::Subscription stream;
    Spot spot;
    base::Instant due;
    base::Instant begin_due;
    bool began = false;
    std::string printed;
    std::optional<Ended> ended{};
  };

  /// A vouch that its node has not accepted yet.
  struct ToHand {
    base::Bytes vouch;
    bool asking = false;
    unsigned tries = 0;
    base::Instant again{};
  };

  void look();
  void take(registry::wire::WatchedPage::Reader page);
  /// Returns how long ago this node vouched for the node, or nullopt if `row` has no such vouch.
  std::optional<base::Duration> judged(registry::wire::WatchedRow::Reader row, const base::NodeId& id) const;
  void begin_next();
  void begin(const base::NodeId& id);
  void end_late();
  void hear(const base::NodeId& id, wire::AttemptItem::Reader item);
  void over(const base::NodeId& id, const base::Outcome<void>& end);
  void close(const base::NodeId& id, Checks::Ending ending);
  void tell(const base::NodeId& id, const Spot& spot, const std::string& answer, Checks::Ending ending);
  void hand(const base::NodeId& id);
  void store_program();
  runtime::Handle at(const base::NodeId& id, const char* path) const;

  const TaskSettings settings_;
  base::Random chance_{0};
  std::string arch_;
  Checks checks_;
  std::map<base::NodeId, base::Contact> contacts_;  // of the nodes in `checks_`
  std::map<base::NodeId, ToHand> to_hand_;
  std::optional<base::NodeId> behind_;  // the last node of the last scanned page
  std::map<base::NodeId, Running> running_;
  runtime::Sink<files::wire::PutPiece> storing_;
  bool stored_ = false;  // the program is stored, or storing it was tried
};

}  // namespace troupe::task
