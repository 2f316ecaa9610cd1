#pragma once
// Sends transactions: makes, signs and submits one, once for a request id.
//
// Numbers  a transaction has the next number of its account after those that wait. If another one takes it meanwhile,
//          it is signed again, for kPayPatience at most. It waits while a node has chain::kSenderMax of its account.
// Salt     each request has another one, so that equal payments are different transactions: none is taken for another.
// Request  a chain knows no request ids. So what is sent for one is kept beside the keystores before it leaves, and
//          the same bytes are sent again: they are in at most one block. Once they can be in none, it is signed again.
//          On another machine the request is a new one.
#include "apps/wallet/keystores.hpp"
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

/// A request, and where what it sends is kept.
struct KeptSend {
  const Directory& directory;
  wallet::RequestMark mark;
};
/// The mark of a request, or of a line of its list.
wallet::RequestMark sent_mark(const std::string& request, std::size_t line = 0);

/// Submits it: what the node says of it then. `conflict` if the request has sent other content. Without a request nothing
/// is kept.
Client::Outcome<SeenTransaction> send_on_chain(Client& client, const Signer& signer, const chain::Body& body,
                                               const ChainTerms& terms, const std::optional<KeptSend>& request);

/// Prints what a command sends or would send, each as soon as that is known. With --wait and --json a line has the end,
/// so it is printed later.
class SentPrinter {
 public:
  SentPrinter(const Invocation& invocation, Console& console, const ChainTerms& terms)
      : invocation_(invocation), console_(console), terms_(terms) {}
  void sent(SeenTransaction one);
  std::size_t count() const { return sent_.size(); }
  /// With --wait waits for all, and ends as `tx wait`. `interrupted`: what to do then, to be pasted; empty: wait again.
  Ending finish(Client& client, const std::string& interrupted);
  /// Nothing more is sent: prints what was held back.
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
