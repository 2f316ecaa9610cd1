#pragma once
// Writes and reads the snapshots of this node's groups. Blocks on its device: it has a thread of its own, so that a
// large snapshot keeps no log from its sync.
#include <functional>
#include <string>

#include "actors/raft/snapshot_files.hpp"
#include "messages/common.capnp.h"
#include "messages/raft.capnp.h"
#include "runtime/actor/actor.hpp"

namespace troupe::raft {

class SnapshotsActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "raft snapshots";
  explicit SnapshotsActor(std::string directory) : directory_(std::move(directory)) {}
  void receive(runtime::Handlers& on) override;

 private:
  /// The files, opened if they are not; null after the question at hand was refused.
  template <class Reply>
  SnapshotFiles* files(Reply& reply);
  template <class Q, class A, class F>
  void serve(runtime::Handlers& on, F handler);

  const std::string directory_;
  std::unique_ptr<SnapshotFiles> files_;
};

}  // namespace troupe::raft
