#pragma once
// A command's access to the chain of its node: requests, and reading, awaiting and listing transactions.
//
// Where  a node has a chain if it answers GetChainStatus. Otherwise money is in the book that ledger.book names.
#include "actors/chain/logic/machine.hpp"
#include "apps/wallet/book.hpp"
#include "messages/chain.capnp.h"

namespace troupe::apps::wallets {

inline constexpr const char* kChainPath = "/chain";
inline constexpr std::chrono::seconds kChainAnswer{15};  // our choice: an actor responds at once, a busy actor later
inline constexpr std::chrono::seconds kWaitSlice{20};    // our choice: a longer wait is several requests
inline constexpr std::uint64_t kWaitSecondsDefault = 60;
inline constexpr std::uint64_t kWaitSecondsMax = 1'000'000;
inline constexpr std::uint64_t kTransactionsDefault = 100;  // our choice: for `tx ls`; an account may have millions

/// Explains the failure of a request about the chain. If the node lacks the requested data, suggests `chain status`.
Failure without_chain(Failure failure);
template <class Q, class A, class Fill>
Client::Outcome<Kept<A>> ask_chain(Client& client, Fill&& fill, base::Duration timeout = kChainAnswer) {
  auto answer = client.ask<Q, A>(kChainPath, timeout, std::forward<Fill>(fill));
  if (!answer.ok()) return without_chain(answer.error());
  return answer;
}

struct ChainNow {
  chain::ChainId id;
  chain::Height height;
  chain::BaseFee base_fee;
  chain::Fork fork{};
};
/// Returns the state of the node's chain, or nullopt if the node has no chain.
Client::Outcome<std::optional<ChainNow>> chain_of(Client& client);
/// Returns the state of the node's chain. Fails with exit 4 if the node has no chain.
Client::Outcome<ChainNow> chain_here(Client& client);
Failure no_chain();

struct ChainAccountNow {
  chain::Account account;
  chain::Nonce next;  ///< next number after the waiting transactions
};
/// Reads an account; returns nullopt if an amount is 2^63 or more.
std::optional<chain::Account> read_chain_account(chain::wire::Account::Reader row);
Client::Outcome<ChainAccountNow> chain_account_at(Client& client, const wallet::Address& address);

/// Hands each leaf of the state at a height (0: the latest) to `each`, in the order of the tree. Returns the height.
Client::Outcome<std::uint64_t> walk_state(
    Client& client, std::uint64_t at,
    const std::function<Client::Outcome<void>(base::ByteView key, base::ByteView value)>& each);

/// A leaf that is an account; nullopt for another kind of leaf. Fails if it is malformed.
struct ChainLeaf {
  wallet::Address address;
  chain::Account account;
};
Client::Outcome<std::optional<ChainLeaf>> account_in(base::ByteView key, base::ByteView value);

/// A decoded transaction, as a node reports it.
struct SeenTransaction {
  chain::TxId id;
  chain::wire::TransactionState state{};
  std::uint64_t height = 0;  ///< 0: not in a block
  std::uint32_t index = 0;
  chain::UnixMs time{};
  std::uint64_t confirmations = 0;
  std::optional<chain::Transaction> content{};
  std::optional<chain::Receipt> receipt{};
  std::optional<wallet::Amount> given{};  ///< amount that the faucet gives: a parameter of the chain, not in the bytes
};
/// Reads a transaction; returns nullopt if it is malformed, or does not match its id.
std::optional<SeenTransaction> read_transaction(chain::wire::TransactionInfo::Reader info);
/// Returns the sum of a transaction's credits; for the faucet, the amount that it gives. Returns nullopt if that is not
/// known.
std::optional<wallet::Amount> amount_of(const SeenTransaction& seen);
std::string_view kind_of(const SeenTransaction& seen);
std::string_view state_name(chain::wire::TransactionState state);
/// Returns the meaning of an outcome, for people; empty: done.
std::string outcome_text(chain::Outcome outcome);

/// Returns a transaction. Fails with exit 4 if the node does not know it.
Client::Outcome<SeenTransaction> transaction_at(Client& client, const chain::TxId& id);
/// Waits until a transaction is final, failed or expired, at most `length`, and returns it. Fails with exit 4 if the
/// node has not seen it by then.
Client::Outcome<SeenTransaction> wait_for(Client& client, const chain::TxId& id, base::Duration length);
/// Returns the failure with which `tx wait` ends, or nullopt if it is final. Failed and expired are exit 1, still
/// pending is exit 8.
std::optional<Failure> wait_failure(const SeenTransaction& seen);

/// Returns at most `limit` transactions of an address, latest first. Without an address returns waiting transactions,
/// as many as a node reports at once.
Client::Outcome<std::vector<SeenTransaction>> list_transactions(Client& client,
                                                                const std::optional<wallet::Address>& address,
                                                                std::uint64_t limit);

void print_transaction(const Invocation& invocation, Console& console, const SeenTransaction& seen);
void print_transactions(const Invocation& invocation, Console& console, const std::vector<SeenTransaction>& all);

}  // namespace troupe::apps::wallets
