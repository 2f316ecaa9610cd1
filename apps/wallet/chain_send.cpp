#include "apps/wallet/chain_send.hpp"

#include <algorithm>

#include "apps/wallet/wallet.hpp"
#include "messages/words.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::apps::wallets {
namespace {

using base::Code;
using wallet::Amount;
namespace send_wire = chain::wire;

constexpr const char* kChainSendHelp = "troupe help wallet send";

const char* flaw_text(chain::TransactionError error) {
  switch (error) {
    case chain::TransactionError::credits:
      return "a transaction pays 1 to 64 other accounts, 1 or more each, and less than 2^63 in all";
    case chain::TransactionError::reference: return "a memo has at most 256 bytes of text without control characters";
    case chain::TransactionError::fee: return "the tip is above the largest fee, --fee-max";
    case chain::TransactionError::malformed:
    case chain::TransactionError::unsupported:
    case chain::TransactionError::too_large:
    case chain::TransactionError::wrong_chain:
    case chain::TransactionError::authority: break;
  }
  return "it is no transaction";
}

/// Twice what it costs now, as the base fee may rise until its block; and the tip.
Amount fee_max_now(chain::Gas gas, chain::BaseFee base_fee, Amount tip) {
  const wallet::Wide fee = wallet::Wide{2} * gas.value * base_fee.value + tip.units();
  return Amount::of(static_cast<std::uint64_t>(std::min<wallet::Wide>(fee, Amount::kMax)));
}

base::Result<chain::SignedTransaction, Failure> signed_now(const ChainNow& now, const Signer& signer,
                                                           const chain::Body& body, const ChainTerms& terms,
                                                           chain::Nonce nonce) {
  const chain::Height until = terms.until.value_or(chain::Height{now.height.value + kHeightsDefault});
  chain::SignedTransaction out{{now.id, signer.address(), nonce, until, {}, {}, terms.tip, body}, {signer.policy}};
  chain::Transaction& content = out.content;
  content.gas = gas_of(out);
  const bool free = std::holds_alternative<chain::Faucet>(body);
  if (!free) content.fee_max = terms.fee_max.value_or(fee_max_now(content.gas, now.base_fee, terms.tip));
  if (const auto wrong = flaw(content)) return usage_failure(flaw_text(*wrong), kChainSendHelp);
  out.from.approvals = {signer.approve(signed_bytes(content, now.fork))};
  return out;
}

/// Whether what was sent for the request is what is asked for now.
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
      });
  const chain::TxId id = id_of(transaction.content);
  if (!answer.ok()) {
    Failure failure = answer.error();
    if (exit_of(failure, Effect::write) == Exit::unknown && !dry) failure.try_ = "troupe tx wait " + id.hex();
    if (failure.error.code == Code::refused && failure.try_.empty())
      failure.try_ = "troupe chain account " + text(transaction.content.from);
    return failure;
  }
  auto seen = read_transaction(answer.value().root());
  if (!seen || seen->id != id) return odd_answer("it is no transaction of this id");
  seen->content = transaction.content;
  return std::move(*seen);
}

/// Once more what was sent for the request. It may be final or expired by now, which is no failure of this command.
Client::Outcome<SeenTransaction> submit_again(Client& client, const chain::SignedTransaction& transaction) {
  auto seen = submit(client, transaction, false);
  if (seen.ok()) return seen;
  auto known = transaction_at(client, id_of(transaction.content));
  return known.ok() ? known : seen;
}

}  // namespace

std::vector<Option> chain_options(bool fees) {
  std::vector<Option> out{
      number_option("--until", "H", "of a chain: the last block that may take it (100 from now)", 1, UINT64_MAX >> 1),
      {.name = "--wait", .help = "of a chain: wait until it is final, and end as `tx wait`"},
      number_option("--seconds", "S", "wait at most S seconds (60)", 1, kWaitSecondsMax)};
  if (!fees) return out;
  out.push_back(
      number_option("--fee-max", "N", "of a chain: pay no larger fee (twice that of now)", 0, wallet::Amount::kMax));
  out.push_back(
      number_option("--tip", "N", "of a chain: for the block's proposer, beside the fee (0)", 0, wallet::Amount::kMax));
  out.push_back({.name = "--dry-run", .help = "of a chain: send nothing, and say what would become of it"});
  return out;
}

base::Result<ChainTerms, Failure> chain_terms(const Invocation& invocation, bool fees) {
  ChainTerms out;
  if (const auto until = invocation.number("--until")) out.until = chain::Height{*until};
  out.wait = invocation.has("--wait");
  if (invocation.has("--seconds") && !out.wait)
    return usage_failure("--seconds bounds the wait of --wait", kChainSendHelp);
  out.length = std::chrono::seconds(invocation.number("--seconds").value_or(kWaitSecondsDefault));
  if (!fees) return out;
  if (const auto fee = invocation.number("--fee-max")) out.fee_max = Amount::of(*fee);
  out.tip = Amount::of(invocation.number("--tip").value_or(0));
  out.dry = invocation.has("--dry-run");
  if (out.dry && out.wait) return usage_failure("--dry-run sends nothing to wait for", kChainSendHelp);
  return out;
}

std::vector<std::string> given_chain_options(const Invocation& invocation) {
  std::vector<std::string> out;
  for (const Option& option : chain_options(true))
    if (invocation.has(option.name)) out.push_back(option.name);
  return out;
}

base::Result<std::optional<wallet::RequestMark>, Failure> sent_mark(const Invocation& invocation, std::size_t line) {
  using Found = std::optional<wallet::RequestMark>;
  const auto id = request_typed(invocation);
  if (!id.ok()) return id.error();
  if (id.value().empty()) return Found(std::nullopt);
  base::Bytes number;
  base::append_number(number, std::uint64_t{line});
  return Found(
      wallet::RequestMark{crypto::sha256(base::as_bytes("troupe sent v1"), number, base::as_bytes(id.value())).bytes});
}

Client::Outcome<SeenTransaction> send_on_chain(Client& client, Console& console, const ChainNow& now,
                                               const Signer& signer, const chain::Body& body, const ChainTerms& terms,
                                               const std::optional<wallet::RequestMark>& request) {
  std::optional<Directory> directory;
  if (request && !terms.dry) {  // a dry run sends nothing that could be repeated
    auto opened = Directory::open(console);
    if (!opened.ok()) return opened.error();
    directory = std::move(opened).value();
    const auto kept = directory->find_sent(*request);
    if (!kept.ok()) return kept.error();
    if (kept.value()) {
      const auto sent = chain::parse_signed_transaction(*kept.value());
      if (!sent.ok() || !is_same(sent.value().content, now, signer, body, terms))
        return Failure{{Code::conflict, "this request has sent another transaction"},
                       "nothing was sent",
                       "another --request, or the same transaction"};
      return submit_again(client, sent.value());
    }
  }
  auto account = chain_account_at(client, signer.address());
  for (int tries = 1; account.ok(); ++tries) {
    const auto transaction = signed_now(now, signer, body, terms, account.value().next);
    if (!transaction.ok()) return transaction.error();
    if (directory)
      if (const auto kept = directory->keep_sent(*request, encode(transaction.value())); !kept.ok())
        return kept.error();
    auto seen = submit(client, transaction.value(), terms.dry);
    if (seen.ok()) return seen;
    if (directory && exit_of(seen.error(), Effect::write) != Exit::unknown) directory->forget_sent(*request);
    if (seen.error().error.code != Code::conflict || tries == kPayTries) return seen;
    auto after = chain_account_at(client, signer.address());
    if (after.ok() && after.value().next == account.value().next) return seen;
    account = std::move(after);
  }
  return account.error();
}

Ending print_sent_on_chain(const Invocation& invocation, Console& console, Client& client,
                           const std::vector<SeenTransaction>& sent, const ChainTerms& terms) {
  std::optional<Failure> failed;
  for (const SeenTransaction& one : sent) {
    if (terms.dry) {
      print_transaction(invocation, console, one);
      continue;
    }
    // A person may give up waiting, and has the id then; a script reads one line, with the end.
    if (!invocation.globals.json || !terms.wait) print_sent(invocation, console, one.id.view(), state_name(one.state));
    console.out.flush();
    if (!terms.wait) continue;
    const auto seen = wait_for(client, one.id, terms.length);
    if (!seen.ok()) {
      if (invocation.globals.json) print_sent(invocation, console, one.id.view(), state_name(one.state));
      return seen.error();
    }
    if (invocation.globals.json) print_sent(invocation, console, one.id.view(), state_name(seen.value().state));
    if (auto failure = wait_failure(seen.value()); failure && !failed) failed = std::move(failure);
  }
  if (failed) return std::move(*failed);
  return Exit::done;
}

}  // namespace troupe::apps::wallets
