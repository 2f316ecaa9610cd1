#pragma once
// Carries what a leader says to one follower, over a link of its own care. Lives as long as its group leads.
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
