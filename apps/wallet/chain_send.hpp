#pragma once
// Sends transactions: builds, signs and submits a transaction, once per request id.
//
// Numbers  a transaction has the next number of its account after those that wait. If another transaction takes it
//          first, it is signed again, for kPayPatience at most. It waits while a node has chain::kSenderMax of its
//          account.
// Salt     each request has its own salt, so equal payments are different transactions and are not confused.
// Request  a chain does not know request ids. So the transaction is stored next to the keystores before it is sent, and
//          the same bytes are sent again: at most one block contains them. Once no block can contain them, it is signed
//          again. On another machine the request is a new request.
#include "apps/wallet/keystores.hpp"
#include "apps/wallet/on_chain.hpp"

namespace troupe::apps::wallets {

/// The options that say how a transaction is sent.
struct ChainTerms {
  std::optional<wallet::Amount> fee_max{};  ///< none: twice the current fee
  wallet::Amount tip{};
  std::optional<chain::Height> until{};  ///< none: kHeightsDefault blocks from now
  bool dry = false;
  bool wait = false;
  base::Duration length{};  ///< of the wait
};
inline constexpr std::uint64_t kHeightsDefault = 100;

/// --until, --wait, --seconds; and with `fees` --fee-max, --tip, --dry-run.
std::vector<Option> chain_options(bool fees);
/// Reads the options of a command that has all of them, or the first three. Fails with usage.
base::Result<ChainTerms, Failure> chain_terms(const Invocation& invocation, bool fees);
/// Returns the given options that have no meaning for a book.
std::vector<std::string> given_chain_options(const Invocation& invocation);

/// A request, and the directory that stores its transaction.
struct KeptSend {
  const Directory& directory;
  wallet::RequestMark mark;
};
/// Returns the mark of a request, or of a line of its list.
wallet::RequestMark sent_mark(const std::string& request, std::size_t line = 0);

/// Submits the transaction, and returns how the node reports it. `conflict` if the request has sent other content.
/// Without a request nothing is stored.
Client::Outcome<SeenTransaction> send_on_chain(Client& client, const Signer& signer, const chain::Body& body,
                                               const ChainTerms& terms, const std::optional<KeptSend>& request);

/// Prints what a command sends or would send, as soon as it is known. With --wait and --json a line contains the end,
/// so it is printed later.
class SentPrinter {
 public:
  SentPrinter(const Invocation& invocation, Console& console, const ChainTerms& terms)
      : invocation_(invocation), console_(console), terms_(terms) {}
  void sent(SeenTransaction one);
  std::size_t count() const { return sent_.size(); }
  /// With --wait waits for all, and exits like `tx wait`. `interrupted`: the command to paste after an interruption;
  /// empty: wait again.
  Ending finish(Client& client, const std::string& interrupted);
  /// Sends no more: prints the lines that were held back.
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
