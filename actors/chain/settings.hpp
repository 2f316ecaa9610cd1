#pragma once
// The settings of the ledger's actors.
#include "actors/chain/counters.hpp"
#include "actors/chain/logic/genesis.hpp"
#include "runtime/actor/links.hpp"
#include "runtime/crypto/identity.hpp"
#include "runtime/observe/domain_log.hpp"
#include "runtime/observe/health.hpp"

namespace troupe::chain {

struct ChainSettings {
  std::shared_ptr<runtime::Links> links;
  std::shared_ptr<const crypto::Identity> identity;
  std::shared_ptr<const SignedGenesis> genesis;          ///< null: this node has no chain
  std::shared_ptr<const crypto::SecretKey> signer;       ///< consensus key; null: this node is not a validator
  bool dev = false;                                      ///< a network of only this node
  base::Duration guard_wait = std::chrono::seconds(30);  ///< for a validator whose guard is older than its signatures
  std::size_t cache_bytes = std::size_t{256} << 20;      ///< for rows of the state in memory
  std::shared_ptr<Counters> counters;
  observe::Health* health = nullptr;
  observe::DomainLog log;

  base::NodeId self() const { return identity->id(); }
};

inline constexpr const char* kHealthSource = "chain";
inline constexpr const char* kSigningSource = "chain.signing";
inline constexpr const char* kDateSource = "chain.date";

}  // namespace troupe::chain
