#pragma once
// Sends a leader's messages to one follower, over a link that it dials itself. Lives as long as its member leads.
#include "actors/raft/line.hpp"
#include "messages/raft.capnp.h"

namespace troupe::raft {

class ReplicatorActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "raft replicator";
  explicit ReplicatorActor(Line line) : line_(std::move(line)) {}

  void receive(runtime::Handlers& on) override;
  void down(const runtime::Handle& ended, const std::optional<base::Error>&) override { line_.down(ended); }

 private:
  Line line_;
  std::uint64_t sent_ = 0, dropped_ = 0;
};

}  // namespace troupe::raft
