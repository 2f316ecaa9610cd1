#pragma once
// The validator of this node, at kValidatorPath: alone with the consensus key, and with what it must never forget.
//
// Sign     a content is signed once the guard with it is synced, and with it the proof and the whole blocks that the
//          guard names. The guard is this actor's: what is given has to be what it comes to with that content.
// Again    the same content as before is signed again.
// Pass     after a restore from a backup `/chain` has the guard refuse all heights of which others know signatures.
// Rows     of the height at which it signed last; those of earlier ones are erased with the first of a later one.
// Source   actors/chain/logic/guard.hpp.
#include <deque>
#include <map>

#include "actors/chain/logic/guard.hpp"
#include "actors/chain/settings.hpp"
#include "messages/chain.capnp.h"
#include "runtime/actor/actor.hpp"
#include "runtime/store/rows.hpp"

namespace troupe::chain {

inline constexpr std::uint32_t kNoBlocks = UINT32_MAX;  // of GetGuard: none is asked for

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
  /// Erases what is kept beside the guard of the height at hand, but for whole blocks.
  void forget_height(store::RowChange& change);
  void add_all(store::RowChange& change) const;
  template <class Content>
  void sign(const Content& content, const Guard& wanted, wire::SignContent::Reader ask, Signing reply);

  const ChainSettings settings_;
  const ChainId chain_;
  store::Rows rows_;
  bool ready_ = false;
  bool unsaved_ = false;                                       // a save has failed: the next one writes all
  std::vector<std::pair<std::uint32_t, GuardReply>> waiting_;  // each with its `blocksFrom`

  Guard guard_;
  std::uint64_t refused_ = 0;
  std::vector<base::Bytes> proof_;                        // SignedVotes
  std::map<base::Bytes, base::Bytes> votes_, proposals_;  // by their rows
  std::map<BlockId, base::Bytes> blocks_;                 // each in rows of rows::kPartBytes
};

}  // namespace troupe::chain
