#pragma once
// Sends transactions to a chain: builds, signs and submits each once per request id.
//
// Numbers  a transaction has the next number of its account after the transactions that wait. If another transaction
//          takes the number first, it is signed again, for at most kPayPatience. It waits while the node has
//          chain::kSenderMax transactions of the account.
// Salt     each request has its own salt, so equal payments are different transactions and are not confused.
// Request  a chain does not know request ids. So the transaction is stored next to the keystores before it is sent, and
//          a retry sends the same bytes, which at most one block contains. Once no block can contain them, the
//          transaction is signed again. On another machine the same request id is a new request.
#include "apps/wallet/keystores.hpp"
#include "apps/wallet/on_chain.hpp"

namespace troupe::apps::wallets {

/// The options that say how a transaction is sent.
struct ChainTerms {
  std::optional<wallet::Amount> fee_max{};  ///< nullopt: twice the current fee
  wallet::Amount tip{};
  std::optional<chain::Height> until{};  ///< nullopt: kHeightsDefault blocks from now
  bool dry = false;
  bool wait = false;
  base::Duration length{};  ///< maximum length of the wait
};
inline constexpr std::uint64_t kHeightsDefault = 100;

/// Returns --until, --wait and --seconds; with `fees` also --fee-max, --tip and --dry-run.
std::vector<Option> chain_options(bool fees);
/// Reads the chain_options() of a command, with the same `fees`. Fails with usage.
base::Result<ChainTerms, Failure> chain_terms(const Invocation& invocation, bool fees);
/// Returns the given options that have no meaning for a book.
std::vector<std::string> given_chain_options(const Invocation& invocation);

/// A request, and the directory that stores its transaction.
struct KeptSend {
  const Directory& directory;
  wallet::RequestMark mark;
};
/// Returns the mark of a request, or of one line of a list that the request pays.
wallet::RequestMark sent_mark(const std::string& request, std::size_t line = 0);

/// Submits the transaction, and returns the node's report about it. Fails with `conflict` if the request has sent
/// different content. Without a request nothing is stored.
Client::Outcome<SeenTransaction> send_on_chain(Client& client, const Signer& signer, const chain::Body& body,
                                               const ChainTerms& terms, const std::optional<KeptSend>& request);

/// Prints what a command sends or would send, as soon as that is known. With --wait and --json a line contains the
/// transaction's result, so it is printed later.
class SentPrinter {
 public:
  SentPrinter(const Invocation& invocation, Console& console, const ChainTerms& terms)
      : invocation_(invocation), console_(console), terms_(terms) {}
  void sent(SeenTransaction one);
  std::size_t count() const { return sent_.size(); }
  /// With --wait waits for all transactions, and exits like `tx wait`. `interrupted`: the command to suggest after an
  /// interruption; empty: the command that waits again.
  Ending finish(Client& client, const std::string& interrupted);
  /// Call once all was sent: prints the lines that were held back.
  void stop();

 private:
  void print_next();
  bool holds_back() const { return invocation_.globals.json && terms_.wait; }

  const Invocation& invocation_;
  Console& console_;
  const ChainTerms& terms_;
  std::vector<SeenTransaction> sent_;
  std::size_t printed_ = 0;
};

}  // namespace troupe::apps::wallets
