#pragma once
// The chain of `troupe bench chain`: its founders, and accounts that have money from the genesis on.
//
// Keys        follow from names, as in Purse: it is the same chain each time.
// Parameters  as a new chain has them, but for blocks as large as allowed: their gas would raise the base fee as long
//             as they are more than half full, and payments would become too dear while they wait.
#include "actors/chain/api.hpp"
#include "actors/chain/logic/genesis.hpp"
#include "apps/bench/purse.hpp"
#include "apps/bench/runner.hpp"
#include "runtime/crypto/identity.hpp"

namespace troupe::bench {

/// A transfer of one coin, as it is submitted.
struct Payment {
  chain::TxId id;
  base::Bytes bytes;  ///< a SignedTransaction
};

/// Accounts with their keys and the number of their next payment. For one thread at a time.
class ChainMoney {
 public:
  ChainMoney(const std::string& name, std::size_t accounts);
  std::size_t accounts() const { return purses_.size(); }
  wallet::Address address(std::size_t account) const { return purses_[account].policy.address(); }

  /// Gives each account money at the genesis, which has no id before that.
  void fund(chain::Genesis& genesis) const;
  /// On which all payments are made from here on.
  void use(const chain::ChainId& chain) { chain_ = chain; }

  /// The next transfer of that account.
  chain::SignedTransaction pay(std::size_t from, std::vector<wallet::Credit> credits);
  /// The same of one coin to the account after it.
  Payment pay(std::size_t from);

 private:
  std::vector<Purse> purses_;
  chain::ChainId chain_{};
};

/// That of a founder, or of a node that follows.
crypto::Identity chain_identity(std::size_t node);
crypto::SecretKey chain_consensus_key(std::size_t node);

/// A chain of that many validators with one stake each, signed by all of them, on which all of `money` pays.
std::shared_ptr<const chain::SignedGenesis> found_chain(std::size_t validators,
                                                        const std::vector<std::shared_ptr<ChainMoney>>& money);

/// Writes identity, chain and consensus key below `data`, as `chain found` and `node --chain` leave them there.
Measurement<void> settle_chain_node(const std::string& data, const chain::SignedGenesis& genesis, std::size_t node,
                                    std::size_t validators);

/// Processor time that verifying one signature of a payment takes: the best of some rounds, so that other load counts
/// little.
double verify_seconds();

}  // namespace troupe::bench
