#pragma once
// Writes and reads the snapshots of this node's groups. Blocks on its device: it has its own thread, so that large
// snapshots do not delay the logs' syncs.
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
  /// Returns the files, opened if necessary, or null after it has refused the current request.
  template <class Reply>
  SnapshotFiles* files(Reply& reply);
  template <class Q, class A, class F>
  void serve(runtime::Handlers& on, F handler);

  const std::string directory_;
  std::unique_ptr<SnapshotFiles> files_;
};

}  // namespace troupe::raft
