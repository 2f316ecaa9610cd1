#pragma once
// A part of `/chain`: final blocks, the state, parameters and validators, as clients ask for them, and the stream of new
// blocks.
#include "actors/chain/local_chain.hpp"
#include "messages/chain.capnp.h"

namespace troupe::chain {

class ChainQueries final : public runtime::Part {
 public:
  ChainQueries(runtime::Actor& owner, LocalChain& chain) : Part(owner), chain_(chain) {}
  void receive(runtime::Handlers& on);

  void tell_watchers();
  /// The chain went back: what was told is told again as it is now.
  void rewind();

 private:
  struct Gathering;
  struct Watcher {
    runtime::Sink<wire::ChainBlock> sink;
    Height next;
  };
  using Judgement = std::pair<base::NodeId, Height>;

  void blocks(wire::ListBlocks::Reader ask, runtime::Reply<wire::BlockInfos> reply);
  void list_blocks(std::shared_ptr<Gathering> gathering);
  void write(wire::BlockInfo::Builder out, const FinalRow& row) const;
  void write_genesis(wire::BlockInfo::Builder out) const;
  void tell_watcher(std::uint64_t id);
  void state(wire::ListState::Reader ask, runtime::Reply<wire::StateRows> reply);
  void list_validators(std::set<base::NodeId> judged, runtime::Reply<wire::ValidatorInfos> reply);
  /// Then those that were judged by evidence, also if they are no longer validators.
  void find_evidence(base::Callback<void(std::set<base::NodeId>)> then);
  void find_next_evidence(std::shared_ptr<std::vector<Judgement>> wanted, base::Callback<void()> then);

  LocalChain& chain_;
  std::map<std::uint64_t, Watcher> watchers_;
  std::uint64_t watcher_ids_ = 0;
};

}  // namespace troupe::chain
