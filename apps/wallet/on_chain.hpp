#pragma once
// The way of a command to the chain of its node: what it asks, and how a transaction is sent, waited for and shown.
//
// Where  a node has a chain if it answers GetChainStatus. Otherwise money stands in the book that ledger.book names.
#include "actors/chain/logic/machine.hpp"
#include "apps/wallet/book.hpp"
#include "messages/chain.capnp.h"

namespace troupe::apps::wallets {

inline constexpr const char* kChainPath = "/chain";
inline constexpr std::chrono::seconds kChainAnswer{15};  // our choice: an actor answers at once, a busy one later
inline constexpr std::chrono::seconds kWaitSlice{20};    // our choice: a longer wait is asked for again
inline constexpr std::uint64_t kWaitSecondsDefault = 60;
inline constexpr std::uint64_t kWaitSecondsMax = 1'000'000;
inline constexpr std::uint64_t kTransactionsDefault = 100;  // our choice: of `tx ls`; an account may have millions

/// A question about the chain. Where the node lacks what is asked for, its state is what to look at.
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
/// Nothing if the node has no chain.
Client::Outcome<std::optional<ChainNow>> chain_of(Client& client);
/// Fails with exit 4 if the node has no chain.
Client::Outcome<ChainNow> chain_here(Client& client);
Failure no_chain();

struct ChainAccountNow {
  chain::Account account;
  chain::Nonce next;  ///< after those that wait
};
/// Nothing if an amount is 2^63 or more.
std::optional<chain::Account> read_chain_account(chain::wire::Account::Reader row);
Client::Outcome<ChainAccountNow> chain_account_at(Client& client, const wallet::Address& address);

/// Hands each leaf of a height, 0 for the latest, to `each`, in the order of the tree. The height.
Client::Outcome<std::uint64_t> walk_state(
    Client& client, std::uint64_t at,
    const std::function<Client::Outcome<void>(base::ByteView key, base::ByteView value)>& each);

/// An account that is a leaf; nothing: another kind of leaf. Fails if it breaks its format.
struct ChainLeaf {
  wallet::Address address;
  chain::Account account;
};
Client::Outcome<std::optional<ChainLeaf>> account_in(base::ByteView key, base::ByteView value);

/// A transaction as a node tells of it, read.
struct SeenTransaction {
  chain::TxId id;
  chain::wire::TransactionState state{};
  std::uint64_t height = 0;  ///< 0: in no block
  std::uint32_t index = 0;
  chain::UnixMs time{};
  std::uint64_t confirmations = 0;
  std::optional<chain::Transaction> content{};
  std::optional<chain::Receipt> receipt{};
  std::optional<wallet::Amount> given{};  ///< of a faucet: a parameter of the chain, which its bytes do not say
};
/// Nothing if it breaks its format, or is not what its id says.
std::optional<SeenTransaction> read_transaction(chain::wire::TransactionInfo::Reader info);
/// All credits of it; of a faucet what that gives. Nothing if it is not known.
std::optional<wallet::Amount> amount_of(const SeenTransaction& seen);
std::string_view kind_of(const SeenTransaction& seen);
std::string_view state_name(chain::wire::TransactionState state);
/// What an outcome means, for people; empty: done.
std::string outcome_text(chain::Outcome outcome);

/// Fails with exit 4 if it is not known here.
Client::Outcome<SeenTransaction> transaction_at(Client& client, const chain::TxId& id);
/// The same once it is final, failed or expired, or after `length`. Fails with exit 4 if it was not seen until then.
Client::Outcome<SeenTransaction> wait_for(Client& client, const chain::TxId& id, base::Duration length);
/// As `tx wait` ends: nothing if it is final; failed and expired are exit 1, still pending is exit 8.
std::optional<Failure> wait_failure(const SeenTransaction& seen);

/// Those of an address, the latest first; without one those that wait, as many as a node tells at once. At most
/// `limit`.
Client::Outcome<std::vector<SeenTransaction>> list_transactions(Client& client,
                                                                const std::optional<wallet::Address>& address,
                                                                std::uint64_t limit);

void print_transaction(const Invocation& invocation, Console& console, const SeenTransaction& seen);
void print_transactions(const Invocation& invocation, Console& console, const std::vector<SeenTransaction>& all);

}  // namespace troupe::apps::wallets
