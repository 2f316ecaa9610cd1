#include "apps/wallet/chain_send.hpp"

#include <algorithm>

#include "actors/chain/logic/mempool.hpp"
#include "apps/wallet/requests.hpp"
#include "apps/wallet/wallet.hpp"
#include "messages/codec.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"
#include "runtime/os/chance.hpp"

namespace troupe::apps::wallets {
namespace {

using base::Code;
using wallet::Amount;
namespace send_wire = chain::wire;

constexpr const char* kChainSendHelp = "troupe help wallet send";
constexpr std::chrono::milliseconds kRoomAgain{100};  // our choice: short compared with a block

/// Whether the node may have the transaction although the request has failed.
bool may_be_sent(const Failure& failure) {
  return exit_of(failure, Effect::write) == Exit::unknown || failure.error.code == Code::dropped;
}

const char* flaw_text(chain::TransactionError error) {
  switch (error) {
    case chain::TransactionError::credits:
      return "invalid payment: a transaction pays 1 to 64 other accounts, each at least 1, and less than 2^63 in total";
    case chain::TransactionError::reference:
      return "invalid memo: expected at most 256 bytes of text without control characters";
    case chain::TransactionError::fee: return "the tip is larger than the largest fee, --fee-max";
    case chain::TransactionError::malformed:
    case chain::TransactionError::unsupported:
    case chain::TransactionError::too_large:
    case chain::TransactionError::wrong_chain:
    case chain::TransactionError::authority: break;
  }
  return "it is not a transaction";
}

/// Returns twice the current fee, because the base fee may rise until the transaction's block, plus the tip.
Amount fee_max_now(chain::Gas gas, chain::BaseFee base_fee, Amount tip) {
  const wallet::Wide fee = wallet::Wide{2} * gas.value * base_fee.value + tip.units();
  return Amount::of(static_cast<std::uint64_t>(std::min<wallet::Wide>(fee, Amount::kMax)));
}

base::Result<chain::SignedTransaction, Failure> signed_now(const ChainNow& now, const Signer& signer,
                                                           const chain::Body& body, const ChainTerms& terms,
                                                           chain::Nonce nonce, chain::Salt salt) {
  const chain::Height until = terms.until.value_or(chain::Height{now.height.value + kHeightsDefault});
  chain::SignedTransaction out{{now.id, signer.address(), nonce, until, {}, {}, terms.tip, body}, {signer.policy}};
  chain::Transaction& content = out.content;
  content.salt = salt;
  content.gas = gas_of(out);
  const bool free = std::holds_alternative<chain::Faucet>(body);
  if (!free) content.fee_max = terms.fee_max.value_or(fee_max_now(content.gas, now.base_fee, terms.tip));
  if (const auto wrong = flaw(content)) return usage_failure(flaw_text(*wrong), kChainSendHelp);
  out.from.approvals = {signer.approve(signed_bytes(content, now.fork))};
  return out;
}

/// Returns the failure of a request before anything was submitted.
Failure not_sent(Failure failure) {
  if (exit_of(failure, Effect::write) == Exit::unknown) failure.exit = Exit::unavailable;
  failure.outcome = "nothing was sent";
  return failure;
}

/// Whether the transaction sent for the request matches the current command.
bool is_same(const chain::Transaction& sent, const ChainNow& now, const Signer& signer, const chain::Body& body,
             const ChainTerms& terms) {
  return sent.chain == now.id && sent.from == signer.address() && sent.body == body && sent.tip == terms.tip &&
         (!terms.fee_max || sent.fee_max == *terms.fee_max) && (!terms.until || sent.last_height == *terms.until);
}

Client::Outcome<SeenTransaction> submit(Client& client, const chain::SignedTransaction& transaction, bool dry) {
  auto answer = ask_chain<send_wire::SubmitTransaction, send_wire::TransactionInfo>(
      client, [&](send_wire::SubmitTransaction::Builder out) {
        out.setTransaction(data_of(encode(transaction)));
        out.setDry(dry);
        out.setFresh(true);
      });
  const chain::TxId id = id_of(transaction.content);
  if (!answer.ok()) {
    Failure failure = answer.error();
    if (may_be_sent(failure) && !dry) failure.try_ = "troupe tx wait " + id.hex();
    if (failure.error.code == Code::refused && failure.try_.empty())
      failure.try_ = "troupe chain account " + text(transaction.content.from);
    return failure;
  }
  auto seen = read_transaction(answer.value().root());
  if (!seen || seen->id != id) return odd_answer("it is a different transaction than requested");
  seen->content = transaction.content;
  return std::move(*seen);
}

/// Submits the transaction of a request again. It may be final already. Returns nullopt if no block contains it, and no
/// later block can.
Client::Outcome<std::optional<SeenTransaction>> submit_again(Client& client,
                                                             const chain::SignedTransaction& transaction) {
  using Found = std::optional<SeenTransaction>;
  auto seen = submit(client, transaction, false);
  if (seen.ok()) return Found(std::move(seen).value());
  // Read first: if no later block can contain the transaction and it is unknown afterwards, no block contains it.
  const auto now = chain_here(client);
  const auto account = chain_account_at(client, transaction.content.from);
  auto known = transaction_at(client, id_of(transaction.content));
  if (known.ok()) return Found(std::move(known).value());
  const bool past = now.ok() && account.ok() &&
                    (account.value().account.nonce > transaction.content.nonce ||
                     now.value().height >= transaction.content.last_height);
  if (past && known.error().error.code == Code::not_found) return Found(std::nullopt);
  return seen.error();
}

/// Waits until a node may keep another transaction of this account. That takes blocks.
Client::Outcome<ChainAccountNow> account_with_room(Client& client, const wallet::Address& address,
                                                   base::Duration length) {
  const base::Instant end = client.now() + length;
  const auto awaited = client.waits_for("a block with earlier transactions of this wallet");
  while (true) {
    auto account = chain_account_at(client, address);
    if (!account.ok() || account.value().next.value < account.value().account.nonce.value + chain::kSenderMax)
      return account;
    if (client.now() >= end)
      return Failure{{Code::overloaded, "the node keeps no more transactions of this wallet (limit " +
                                            std::to_string(chain::kSenderMax) + ") until the next block"},
                     "it was not sent",
                     "troupe chain status"};
    if (const auto paused = client.pause(kRoomAgain); !paused.ok()) return paused.error();
  }
}

chain::Salt some_salt() { return {os::Chance().seed()}; }

}  // namespace

std::vector<Option> chain_options(bool fees) {
  std::vector<Option> out{
      number_option("--until", "H", "on a chain: last block that may contain it (default 100 from now)", 1,
                    UINT64_MAX >> 1),
      {.name = "--wait", .help = "on a chain: wait until the transaction is final; exit codes as for `tx wait`"},
      number_option("--seconds", "S", "longest wait in seconds (default 60)", 1, kWaitSecondsMax)};
  if (!fees) return out;
  out.push_back(number_option("--fee-max", "N", "on a chain: largest fee to pay (default twice the current fee)", 0,
                              wallet::Amount::kMax));
  out.push_back(number_option("--tip", "N",
                              "on a chain: tip for the block's proposer, in addition to the fee (default 0)", 0,
                              wallet::Amount::kMax));
  out.push_back({.name = "--dry-run", .help = "on a chain: send nothing, and print what would happen"});
  return out;
}

base::Result<ChainTerms, Failure> chain_terms(const Invocation& invocation, bool fees) {
  ChainTerms out;
  if (const auto until = invocation.number("--until")) out.until = chain::Height{*until};
  out.wait = invocation.has("--wait");
  if (invocation.has("--seconds") && !out.wait)
    return usage_failure("--seconds limits the wait of --wait: give both", kChainSendHelp);
  out.length = std::chrono::seconds(invocation.number("--seconds").value_or(kWaitSecondsDefault));
  if (!fees) return out;
  if (const auto fee = invocation.number("--fee-max")) out.fee_max = Amount::of(*fee);
  out.tip = Amount::of(invocation.number("--tip").value_or(0));
  out.dry = invocation.has("--dry-run");
  if (out.dry && out.wait)
    return usage_failure("--dry-run sends nothing, so --wait has nothing to wait for", kChainSendHelp);
  return out;
}

std::vector<std::string> given_chain_options(const Invocation& invocation) {
  std::vector<std::string> out;
  for (const Option& option : chain_options(true))
    if (invocation.has(option.name)) out.push_back(option.name);
  return out;
}

wallet::RequestMark sent_mark(const std::string& request, std::size_t line) {
  base::Bytes number;
  base::append_number(number, std::uint64_t{line});
  return {crypto::sha256(base::as_bytes("troupe sent v1"), number, base::as_bytes(request)).bytes};
}

Client::Outcome<SeenTransaction> send_on_chain(Client& client, const Signer& signer, const chain::Body& body,
                                               const ChainTerms& terms, const std::optional<KeptSend>& request) {
  std::optional<SendingOnce> once;
  chain::Salt salt = some_salt();
  if (request && !terms.dry) {  // a dry run sends nothing that could be repeated
    auto begun = SendingOnce::begin(client, request->directory, request->mark);
    if (!begun.ok()) return not_sent(begun.error());
    once = std::move(begun).value();
    salt = {base::load<std::uint64_t>(request->mark.view(), 0)};
    if (once->before()) {
      const auto now = chain_here(client);
      if (!now.ok()) return now.error();
      const auto sent = chain::parse_signed_transaction(*once->before());
      if (!sent.ok())
        return Failure{
            {Code::corrupt, "cannot read what this request sent before: its file in the wallet directory is damaged"},
            "nothing was sent",
            "troupe tx ls " + text(signer.address())};
      if (!is_same(sent.value().content, now.value(), signer, body, terms))
        return Failure{{Code::conflict, "this request has already sent a different transaction"},
                       "nothing was sent",
                       "use another --request, or send the same transaction"};
      auto again = submit_again(client, sent.value());
      if (!again.ok()) return again.error();
      if (again.value()) return std::move(*again.value());
    }
  }
  const base::Instant end = client.now() + kPayPatience;
  auto account = account_with_room(client, signer.address(), terms.dry ? base::Duration::zero() : terms.length);
  while (account.ok()) {
    const auto now = chain_here(client);
    if (!now.ok()) return not_sent(now.error());
    const auto transaction = signed_now(now.value(), signer, body, terms, account.value().next, salt);
    if (!transaction.ok()) return transaction.error();
    if (once)
      if (const auto kept = once->keep(encode(transaction.value())); !kept.ok()) return kept.error();
    auto seen = submit(client, transaction.value(), terms.dry);
    if (seen.ok()) return seen;
    if (once && !may_be_sent(seen.error())) once->forget();
    if (seen.error().error.code != Code::conflict || client.now() >= end) return seen;
    auto after = account_with_room(client, signer.address(), terms.length);
    if (after.ok() && after.value().next == account.value().next) return seen;
    account = std::move(after);
  }
  return not_sent(account.error());
}

void SentPrinter::sent(SeenTransaction one) {
  sent_.push_back(std::move(one));
  if (!holds_back()) stop();
}

void SentPrinter::stop() {
  while (printed_ < sent_.size()) print_next();
}

void SentPrinter::print_next() {
  const SeenTransaction& one = sent_[printed_++];
  if (terms_.dry) print_transaction(invocation_, console_, one);
  else print_sent(invocation_, console_, one.id.view(), state_name(one.state));
  console_.out.flush();
}

Ending SentPrinter::finish(Client& client, const std::string& interrupted) {
  std::optional<Failure> failed;
  for (std::size_t i = 0; terms_.wait && i < sent_.size(); ++i) {
    const auto seen = wait_for(client, sent_[i].id, terms_.length);
    if (!seen.ok()) {
      stop();
      Failure failure = seen.error();
      if (client.interrupted()) {
        failure.outcome =
            sent_.size() == 1 ? "it was sent, and may still be done" : "all were sent, and may still be done";
        failure.try_ = interrupted.empty() ? "troupe tx wait " + sent_[i].id.hex() : interrupted;
      }
      return failure;
    }
    sent_[i].state = seen.value().state;
    if (auto failure = wait_failure(seen.value()); failure && !failed) failed = std::move(failure);
    if (holds_back()) print_next();
  }
  if (failed) return std::move(*failed);
  return Exit::done;
}

}  // namespace troupe::apps::wallets
