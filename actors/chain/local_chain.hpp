#pragma once
// The chain that this node follows: the state that `/chain` and its parts share.
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
  /// Refuses a request while the ledger is not ready.
  template <class A>
  bool refuse_unready(runtime::Reply<A>& reply) const {
    if (!ready) reply.refuse(unready());
    return !ready;
  }
  /// Whether the node is a validator of the next height.
  bool is_validator(const base::NodeId& node) const { return ledger.next().validators->index_of(node).has_value(); }
  /// Returns this node's id if it is a validator of the next height and has its key.
  std::optional<base::NodeId> validator_here() const;
  /// Whether this node is a validator by its id, but does not have the key.
  bool keyless() const { return ready && is_validator(settings.self()) && !validator_here(); }
  wallet::Address owner_of(const base::NodeId& validator) const;
  /// Returns the error for a request that needs the state of a height which is no longer kept.
  base::Error not_kept(Height height) const;
  void hear_evidence(const Block& block);
  base::Error unready() const;

  const ChainSettings settings;
  ChainId id{};
  Fork fork;
  Ledger ledger;
  Mempool mempool;
  std::optional<base::PublicKey> key;         ///< the consensus key of this node's validator
  std::unique_ptr<Consensus> consensus;       ///< of the next height; null before it has begun
  std::map<base::NodeId, Evidence> evidence;  ///< against validators that signed twice
  bool ready = false;                         ///< the ledger and the guard were read
  std::optional<base::Error> damaged;         ///< the reason why the ledger cannot be read, if it is damaged
  bool halted = false;                        ///< no block is accepted until a person has intervened
  bool finishing = false;                     ///< a block is being run and stored
};

inline UnixMs unix_ms(base::WallTime time) { return UnixMs(static_cast<std::int64_t>(base::unix_milliseconds(time))); }

}  // namespace troupe::chain
