#include "actors/raft/replicator_actor.hpp"

#include "actors/raft/wire.hpp"

namespace troupe::raft {

void ReplicatorActor::receive(runtime::Handlers& on) {
  on.other([this](const runtime::Envelope& message, runtime::AnyReply) {
    bool fresh = false;
    const runtime::Handle to = line_.handle(now(), fresh);
    if (fresh) watch(to);
    if (!to) return void(++dropped_);
    ++sent_;
    send(to, message);
  });
  on.describe<wire::ReplicatorState>([this](wire::ReplicatorState::Builder state) {
    write(state.initMember(), line_.member());
    state.setAddress(line_.at().text());
    state.setLinked(line_.linked());
    state.setSent(sent_);
    state.setDropped(dropped_);
  });
}

}  // namespace troupe::raft
