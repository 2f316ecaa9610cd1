#pragma once
// This node's validator, at kValidatorPath. Only it has the consensus key and the state that must never be lost.
//
// Sign     a content is signed once the guard that records it is synced, together with the proof and the whole blocks
//          that the guard names. The guard in a request must be this actor's guard plus that content.
// Again    a content that was signed before may be signed again.
// Pass     after a restore from a backup, `/chain` makes the guard refuse all heights that other nodes know it has
//          signed.
// Rows     belong to the height that it signed last. The first content of a later height erases the earlier rows.
// Source   actors/chain/logic/guard.hpp.
#include <deque>
#include <map>

#include "actors/chain/logic/guard.hpp"
#include "actors/chain/settings.hpp"
#include "messages/chain.capnp.h"
#include "runtime/actor/actor.hpp"
#include "runtime/store/rows.hpp"

namespace troupe::chain {

inline constexpr std::uint32_t kNoBlocks = UINT32_MAX;  // in GetGuard: requests no blocks

class ValidatorActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "validator";
  explicit ValidatorActor(ChainSettings settings);

  void receive(runtime::Handlers& on) override;
  void start() override;
  void stop() override { rows_.stop(); }

 private:
  struct RowsAgain {};
  using Signing = runtime::Reply<wire::SignedIs>;
  using GuardReply = runtime::Reply<wire::GuardIs>;
  store::Use take(base::ByteView key, base::ByteView value);
  void loaded(const base::Outcome<void>& read);
  void guard(std::uint32_t blocks_from, GuardReply& reply) const;
  void sign(wire::SignContent::Reader ask, Signing reply);
  void pass(wire::PassGuard::Reader ask, GuardReply reply);
  /// Erases the current height's rows except the guard and whole blocks.
  void forget_height(store::RowChange& change);
  void add_all(store::RowChange& change) const;
  template <class Content>
  void sign(const Content& content, const Guard& wanted, wire::SignContent::Reader ask, Signing reply);

  const ChainSettings settings_;
  const ChainId chain_;
  store::Rows rows_;
  bool ready_ = false;
  bool unsaved_ = false;                                       // a save has failed: the next save writes all rows
  std::vector<std::pair<std::uint32_t, GuardReply>> waiting_;  // each with its `blocksFrom`

  Guard guard_;
  std::uint64_t refused_ = 0;
  std::vector<base::Bytes> proof_;                        // SignedVotes
  std::map<base::Bytes, base::Bytes> votes_, proposals_;  // by row key
  std::map<BlockId, base::Bytes> blocks_;                 // each in rows of rows::kPartBytes
};

}  // namespace troupe::chain
