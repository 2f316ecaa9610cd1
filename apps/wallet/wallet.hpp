#pragma once
// The commands of `troupe wallet` that have their own source file; wallet.cpp names them all.
#include "actors/wallet/logic/policy.hpp"
#include "apps/cli/command.hpp"

namespace troupe::apps {

using WalletCommand = Ending(const Invocation&, Console&);
WalletCommand wallet_list, wallet_balance, wallet_send, wallet_history, wallet_audit, wallet_issue, wallet_own,
    wallet_faucet;
WalletCommand multisig_create, multisig_propose, multisig_sign, multisig_list;

namespace wallets {
/// Prints a posted transfer or a sent transaction: its id, or a line of JSON.
void print_sent(const Invocation& invocation, Console& console, base::ByteView id, std::string_view state = "final");
/// Prints an account with several signers: its address, or all of it as JSON.
void print_policy(const Invocation& invocation, Console& console, const std::string& name,
                  const wallet::Policy& policy);
}  // namespace wallets

}  // namespace troupe::apps
