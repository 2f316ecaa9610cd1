#pragma once
// Sends transactions: makes, signs and submits one, once for a request id.
//
// Numbers  a transaction has the next number of its account after those that wait. If another one takes it meanwhile,
//          it is signed again, at most kPayTries times in all.
// Request  a chain knows no request ids. So what is sent for one is kept beside the keystores before it leaves, and
//          the same bytes are sent again: they are in at most one block. On another machine the request is a new one.
#include "apps/wallet/on_chain.hpp"

namespace troupe::apps::wallets {

/// What a person says of how a transaction is sent.
struct ChainTerms {
  std::optional<wallet::Amount> fee_max{};  ///< none: twice the fee that it would have now
  wallet::Amount tip{};
  std::optional<chain::Height> until{};  ///< none: kHeightsDefault blocks from now
  bool dry = false;
  bool wait = false;
  base::Duration length{};  ///< of the wait
};
inline constexpr std::uint64_t kHeightsDefault = 100;

/// --until, --wait, --seconds; and with `fees` --fee-max, --tip, --dry-run.
std::vector<Option> chain_options(bool fees);
/// Of a command that has all or the first three of them. Fails with usage.
base::Result<ChainTerms, Failure> chain_terms(const Invocation& invocation, bool fees);
/// Those that were given, and mean nothing in a book.
std::vector<std::string> given_chain_options(const Invocation& invocation);

/// The mark of --request; nothing without it.
base::Result<std::optional<wallet::RequestMark>, Failure> sent_mark(const Invocation& invocation, std::size_t line);

/// Submits it: what the node says of it then. `conflict` if the request has sent another one.
Client::Outcome<SeenTransaction> send_on_chain(Client& client, Console& console, const ChainNow& now,
                                               const Signer& signer, const chain::Body& body, const ChainTerms& terms,
                                               const std::optional<wallet::RequestMark>& request);

/// Prints what was sent, or what would be. With --wait it ends as `tx wait`.
Ending print_sent_on_chain(const Invocation& invocation, Console& console, Client& client,
                           const std::vector<SeenTransaction>& sent, const ChainTerms& terms);

}  // namespace troupe::apps::wallets
