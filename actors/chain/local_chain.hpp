#pragma once
// The chain that this node follows: what `/chain` and its parts share.
//
// Owner   ChainActor; not thread-safe.
#include "actors/chain/ledger.hpp"
#include "actors/chain/logic/consensus.hpp"
#include "actors/chain/logic/evidence.hpp"
#include "actors/chain/logic/mempool.hpp"
#include "actors/chain/settings.hpp"
#include "messages/common.capnp.h"

namespace troupe::chain {

struct LocalChain {
  LocalChain(runtime::Actor& owner, ChainSettings given);

  bool exists() const { return settings.genesis != nullptr; }
  const Genesis& genesis() const { return settings.genesis->genesis(); }
  bool ours(capnp::Data::Reader chain) const;
  /// Refuses a question while there is nothing to answer it by.
  template <class A>
  bool refuse_unready(runtime::Reply<A>& reply) const {
    if (!ready) reply.refuse(unready());
    return !ready;
  }
  /// Whether it is a validator of the next height.
  bool is_validator(const base::NodeId& node) const { return ledger.next().validators->index_of(node).has_value(); }
  /// The validator of the next height whose id and key are here, if any.
  std::optional<base::NodeId> validator_here() const;
  /// A validator by its id, which does not have the key of it.
  bool keyless() const { return ready && is_validator(settings.self()) && !validator_here(); }
  wallet::Address owner_of(const base::NodeId& validator) const;
  /// The error for a height whose state is not kept.
  base::Error not_kept(Height height) const;
  void hear_evidence(const Block& block);
  base::Error unready() const;

  const ChainSettings settings;
  ChainId id{};
  Fork fork;
  Ledger ledger;
  Mempool mempool;
  std::optional<base::PublicKey> key;         ///< of this node's validator
  std::unique_ptr<Consensus> consensus;       ///< of the next height; null before that has begun
  std::map<base::NodeId, Evidence> evidence;  ///< of validators that signed twice
  bool ready = false;                         ///< the ledger is read
  std::optional<base::Error> damaged;         ///< why it cannot be read, if it is damaged
  bool halted = false;                        ///< it takes no block until a person has looked
  bool finishing = false;                     ///< a block is being run and kept
};

inline UnixMs unix_ms(base::WallTime time) { return UnixMs(static_cast<std::int64_t>(base::unix_milliseconds(time))); }

}  // namespace troupe::chain
