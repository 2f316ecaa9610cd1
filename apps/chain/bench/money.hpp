#pragma once
// The chain of `troupe bench chain`: its founders, and accounts that the genesis funds.
//
// Keys        are derived from names, as in Purse, so that the chain is the same each time.
// Parameters  the defaults of a new chain, but with blocks as large as allowed: otherwise the base fee would rise while
//             blocks are more than half full, and waiting payments would become too expensive.
#include "actors/chain/api.hpp"
#include "actors/chain/logic/genesis.hpp"
#include "apps/bench/purse.hpp"
#include "apps/bench/runner.hpp"
#include "runtime/crypto/identity.hpp"

namespace troupe::bench {

/// A transfer of one coin, in the form in which it is submitted.
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

  /// Funds each account in the genesis, which has no id before that.
  void fund(chain::Genesis& genesis) const;
  /// Sets the chain of all later payments.
  void use(const chain::ChainId& chain) { chain_ = chain; }

  /// Returns the next transfer of account `from`.
  chain::SignedTransaction pay(std::size_t from, std::vector<wallet::Credit> credits);
  /// Returns the next transfer of account `from`: one coin to the next account.
  Payment pay(std::size_t from);

 private:
  std::vector<Purse> purses_;
  chain::ChainId chain_{};
};

/// Returns the identity of a founder, or of a following node.
crypto::Identity chain_identity(std::size_t node);
crypto::SecretKey chain_consensus_key(std::size_t node);

/// Returns a chain of `validators` validators with equal stakes, signed by all of them, which funds all accounts of
/// `money`.
std::shared_ptr<const chain::SignedGenesis> found_chain(std::size_t validators,
                                                        const std::vector<std::shared_ptr<ChainMoney>>& money);

/// Writes identity, chain and consensus key below `data`, as `chain found` and `node --chain` write them.
Measurement<void> settle_chain_node(const std::string& data, const chain::SignedGenesis& genesis, std::size_t node,
                                    std::size_t validators);

/// Returns the processor time to verify one signature of a payment: the best of several rounds, so that other load has
/// little effect.
double verify_seconds();

}  // namespace troupe::bench
