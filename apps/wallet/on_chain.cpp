#include "apps/wallet/on_chain.hpp"

#include <algorithm>

#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "messages/codec.hpp"
#include "messages/output/chain.capnp.h"
#include "runtime/base/text.hpp"

namespace troupe::apps::wallets {
namespace {

using base::Code;
namespace chain_wire = chain::wire;
using chain_wire::TransactionState;

constexpr std::chrono::milliseconds kAskAgain{200};  // a node that does not wait is not asked all the time

bool is_faucet(const SeenTransaction& seen) {
  return seen.content && std::holds_alternative<chain::Faucet>(seen.content->body);
}

/// Returns the amount that the faucet of the chain gives.
Client::Outcome<wallet::Amount> faucet_amount(Client& client) {
  auto answer = ask_chain<chain_wire::GetChainParams, chain_wire::ChainParams>(
      client, [](chain_wire::GetChainParams::Builder) {});
  if (!answer.ok()) return answer.error();
  for (const auto row : answer.value().root().getRows())
    if (text_of(row.getName()) == chain::info(chain::Param::faucet_amount).name)
      if (const auto amount = wallet::Amount::from(row.getValue())) return *amount;
  return odd_answer("it lacks the parameter faucet.amount");
}

Client::Outcome<SeenTransaction> ask_transaction(Client& client, const chain::TxId& id, base::Duration wait) {
  const auto wait_ms = std::chrono::duration_cast<std::chrono::milliseconds>(wait).count();
  auto answer = ask_chain<chain_wire::GetTransaction, chain_wire::TransactionInfo>(
      client,
      [&](chain_wire::GetTransaction::Builder out) {
        out.setId(data_of(id.view()));
        out.setWaitMs(static_cast<std::uint32_t>(wait_ms));
      },
      kChainAnswer + wait);
  if (!answer.ok()) return answer.error();
  auto seen = read_transaction(answer.value().root());
  if (!seen || seen->id != id) return odd_answer("it is a different transaction than requested");
  if (is_faucet(*seen)) {
    const auto given = faucet_amount(client);
    if (!given.ok()) return given.error();
    seen->given = given.value();
  }
  return std::move(*seen);
}

void write_credits(output::wire::Transaction::Builder out, const chain::Transfer& transfer) {
  auto credits = out.initCredits(size32(transfer.credits));
  for (unsigned i = 0; i < credits.size(); ++i) {
    credits[i].setTo(text(transfer.credits[i].to));
    credits[i].setAmount(transfer.credits[i].amount.text());
  }
  if (transfer.credits.size() == 1) out.setTo(text(transfer.credits.front().to));
  out.setAmount(total_of(transfer).text());
  out.setMemo(transfer.reference);
}

void write_transaction(output::wire::Transaction::Builder out, const SeenTransaction& seen) {
  out.setId(data(seen.id.view()));
  out.setState(std::string(state_name(seen.state)));
  if (seen.height > 0) {
    out.getHeight().setValue(seen.height);
    out.getIndex().setValue(seen.index);
    out.getTime().setValue(static_cast<std::uint64_t>(seen.time.count()));
  }
  out.setConfirmations(seen.confirmations);
  if (seen.content) {
    const chain::Transaction& content = *seen.content;
    const auto* transfer = std::get_if<chain::Transfer>(&content.body);
    out.setKind(transfer != nullptr ? "transfer" : "faucet");
    out.setFrom(text(content.from));
    if (transfer != nullptr) write_credits(out, *transfer);
    else out.setTo(text(content.from));
    if (seen.given) out.setAmount(seen.given->text());
    out.setNonce(content.nonce.value);
    out.setLastHeight(content.last_height.value);
    if (content.fee_payer) out.setFeePayer(text(*content.fee_payer));
    out.setFeeMax(content.fee_max.text());
    out.setGas(content.gas.value);
  }
  if (!seen.receipt) return;
  const chain::Receipt& receipt = *seen.receipt;
  out.setFee(std::to_string(receipt.burnt.units() + receipt.tip.units()));
  out.setBurnt(receipt.burnt.text());
  out.setTip(receipt.tip.text());
  out.setGas(receipt.gas.value);
  out.getCode().setValue(static_cast<std::uint32_t>(receipt.outcome));
  if (const std::string why = outcome_text(receipt.outcome); !why.empty()) out.setMessage(why);
}

}  // namespace

Failure without_chain(Failure failure) {
  if (failure.error.code == Code::not_found && failure.try_.empty()) failure.try_ = "troupe chain status";
  return failure;
}

Client::Outcome<std::optional<ChainNow>> chain_of(Client& client) {
  using Found = std::optional<ChainNow>;
  auto answer = client.ask<chain_wire::GetChainStatus, chain_wire::ChainStatus>(
      kChainPath, kChainAnswer, [](chain_wire::GetChainStatus::Builder) {});
  if (!answer.ok()) {
    const Code code = answer.error().error.code;
    if (code == Code::not_found || code == Code::unsupported) return Found(std::nullopt);
    return answer.error();
  }
  const auto status = answer.value().root();
  const auto id = chain::ChainId::from(bytes_of(status.getChain()));
  if (!id || status.getBaseFee() > chain::kBaseFeeMax) return odd_answer("it is not a state of a chain");
  return Found(ChainNow{*id, {status.getHeight()}, {status.getBaseFee()}, {status.getFork()}});
}

Failure no_chain() {
  return {{Code::not_found, "this node has no chain"}, "", "troupe node --chain G, where the node is started"};
}

Client::Outcome<ChainNow> chain_here(Client& client) {
  const auto now = chain_of(client);
  if (!now.ok()) return now.error();
  if (!now.value()) return no_chain();
  return *now.value();
}

std::optional<chain::Account> read_chain_account(chain_wire::Account::Reader row) {
  const auto balance = wallet::Amount::from(row.getBalance()), staked = wallet::Amount::from(row.getStaked());
  const auto unbonding = wallet::Amount::from(row.getUnbonding()), rewards = wallet::Amount::from(row.getRewards());
  if (!balance || !staked || !unbonding || !rewards) return std::nullopt;
  return chain::Account{*balance,   {row.getNonce()}, *staked,
                        *unbonding, *rewards,         chain::UnixMs(static_cast<std::int64_t>(row.getFaucetMs()))};
}

Client::Outcome<ChainAccountNow> chain_account_at(Client& client, const wallet::Address& address) {
  auto answer = ask_chain<chain_wire::GetChainAccount, chain_wire::ChainAccount>(
      client, [&](chain_wire::GetChainAccount::Builder out) { out.setAddress(data_of(address.view())); });
  if (!answer.ok()) return answer.error();
  const auto account = read_chain_account(answer.value().root().getAccount());
  if (!account) return odd_answer("an amount is 2^63 or more");
  return ChainAccountNow{*account, {answer.value().root().getNextNonce()}};
}

Client::Outcome<std::uint64_t> walk_state(
    Client& client, std::uint64_t at,
    const std::function<Client::Outcome<void>(base::ByteView key, base::ByteView value)>& each) {
  base::Bytes from;
  for (bool more = true; more;) {
    auto page =
        ask_chain<chain_wire::ListState, chain_wire::StateRows>(client, [&](chain_wire::ListState::Builder out) {
          out.setAt(at);
          if (!from.empty()) out.setFrom(data_of(from));
        });
    if (!page.ok()) return page.error();
    const auto rows = page.value().root();
    if (at != 0 && rows.getHeight() != at) return odd_answer("it is the state of a different height");
    at = rows.getHeight();
    for (const auto row : rows.getRows())
      if (const auto taken = each(bytes_of(row.getKey()), bytes_of(row.getValue())); !taken.ok()) return taken.error();
    more = rows.getMore();
    const auto next = bytes_of(rows.getNext());
    if (more && !std::ranges::lexicographical_compare(from, next)) return odd_answer("its pages do not continue");
    from.assign(next.begin(), next.end());
  }
  return at;
}

Client::Outcome<std::optional<ChainLeaf>> account_in(base::ByteView key, base::ByteView value) {
  using Found = std::optional<ChainLeaf>;
  if (key.empty() || key.front() != static_cast<std::uint8_t>(chain::StateKind::account)) return Found(std::nullopt);
  const auto address = wallet::Address::from(key.subspan(1));
  const auto account = chain::parse_account(value);
  if (!address || !account) return odd_answer("a leaf of the state is malformed");
  return Found(ChainLeaf{*address, *account});
}

std::optional<SeenTransaction> read_transaction(chain_wire::TransactionInfo::Reader info) {
  const auto id = chain::TxId::from(bytes_of(info.getId()));
  if (!id) return std::nullopt;
  SeenTransaction out{*id,
                      info.getState(),
                      info.getHeight(),
                      info.getIndex(),
                      chain::UnixMs(static_cast<std::int64_t>(info.getTime())),
                      info.getConfirmations()};
  const base::ByteView transaction = bytes_of(info.getTransaction()), receipt = bytes_of(info.getReceipt());
  if (!transaction.empty()) {
    auto content = chain::parse_transaction(transaction);
    if (!content.ok() || id_of(content.value()) != *id) return std::nullopt;
    out.content = std::move(content).value();
  }
  if (!receipt.empty()) {
    out.receipt = chain::parse_receipt(receipt);
    if (!out.receipt || out.receipt->id != *id) return std::nullopt;
  }
  return out;
}

std::optional<wallet::Amount> amount_of(const SeenTransaction& seen) {
  if (!seen.content) return std::nullopt;
  const auto* transfer = std::get_if<chain::Transfer>(&seen.content->body);
  return transfer != nullptr ? std::optional(total_of(*transfer)) : seen.given;
}

std::string_view kind_of(const SeenTransaction& seen) {
  if (!seen.content) return "-";
  return is_faucet(seen) ? "faucet" : "transfer";
}

std::string_view state_name(TransactionState state) {
  switch (state) {
    case TransactionState::PENDING: return "pending";
    case TransactionState::FINAL: return "final";
    case TransactionState::FAILED: return "failed";
    case TransactionState::EXPIRED: return "expired";
  }
  return "unknown";
}

std::string outcome_text(chain::Outcome outcome) {
  using chain::Outcome;
  switch (outcome) {
    case Outcome::done: return "";
    case Outcome::funds: return "the sender had less than the amount";
    case Outcome::nonce: return "another transaction of the sender used its number";
    case Outcome::expired: return "its last height has passed";
    case Outcome::gas: return "its gas limit differs from the gas that it needs";
    case Outcome::price: return "base fee plus tip exceed its fee-max";
    case Outcome::fee_funds: return "its payer had less than the fee";
    case Outcome::faucet_early: return "the address received money from the faucet in the current period";
    case Outcome::faucet_empty: return "the faucet has less than it gives, or the chain has no faucet";
  }
  return "for a reason unknown to this program";
}

Client::Outcome<SeenTransaction> transaction_at(Client& client, const chain::TxId& id) {
  return ask_transaction(client, id, base::Duration::zero());
}

Client::Outcome<SeenTransaction> wait_for(Client& client, const chain::TxId& id, base::Duration length) {
  const base::Instant end = client.now() + length;
  const auto awaited = client.waits_for("a block with the transaction " + id.hex());
  std::optional<SeenTransaction> pending;
  while (true) {
    const base::Instant asked = client.now();
    const base::Duration slice = std::min<base::Duration>(std::max(end - asked, base::Duration::zero()), kWaitSlice);
    auto seen = ask_transaction(client, id, slice);
    const bool open =
        seen.ok() ? seen.value().state == TransactionState::PENDING : seen.error().error.code == Code::not_found;
    if (!seen.ok() && open && pending) {
      // It waited, and disappeared without a block. A node reports that itself, but only to a request that is waiting.
      pending->state = TransactionState::EXPIRED;
      return std::move(*pending);
    }
    if (!open || client.now() >= end) return seen;
    if (seen.ok()) pending = std::move(seen).value();
    if (client.now() - asked < slice)
      if (const auto paused = client.pause(std::min<base::Duration>(kAskAgain, end - client.now())); !paused.ok())
        return paused.error();
  }
}

std::optional<Failure> wait_failure(const SeenTransaction& seen) {
  const std::string id = seen.id.hex();
  switch (seen.state) {
    case TransactionState::FINAL: return std::nullopt;
    case TransactionState::FAILED: {
      const std::string why = seen.receipt ? ": " + outcome_text(seen.receipt->outcome) : "";
      return Failure{{Code::refused, "transaction " + id + " has failed" + why},
                     "its fee was paid, and nothing else changed",
                     "troupe tx show " + id,
                     Exit::failed};
    }
    case TransactionState::EXPIRED:
      return Failure{{Code::refused, "transaction " + id + " has expired: no block contained it by its last height"},
                     "nothing was changed",
                     "again, with a larger --fee-max",
                     Exit::failed};
    case TransactionState::PENDING: break;
  }
  return Failure{{Code::timeout,
                  "transaction " + id + " is not in a block yet: `troupe chain status` shows whether blocks are made"},
                 "it waits, and may still be done",
                 "troupe tx wait " + id,
                 Exit::unknown};
}

Client::Outcome<std::vector<SeenTransaction>> list_transactions(Client& client,
                                                                const std::optional<wallet::Address>& address,
                                                                std::uint64_t limit) {
  std::vector<SeenTransaction> out;
  std::optional<wallet::Amount> given;  // by the faucet: read once
  base::Bytes before;
  while (true) {
    auto page = ask_chain<chain_wire::ListTransactions, chain_wire::TransactionInfos>(
        client, [&](chain_wire::ListTransactions::Builder question) {
          if (address) question.setAddress(data_of(address->view()));
          if (!before.empty()) question.setBefore(data_of(before));
        });
    if (!page.ok()) return page.error();
    const auto rows = page.value().root().getRows();
    for (const auto row : rows) {
      if (out.size() >= limit) return out;
      auto seen = read_transaction(row);
      if (!seen) return odd_answer("it lists an entry that is not a transaction");
      if (is_faucet(*seen)) {
        if (!given) {
          const auto asked = faucet_amount(client);
          if (!asked.ok()) return asked.error();
          given = asked.value();
        }
        seen->given = given;
      }
      out.push_back(std::move(*seen));
    }
    if (!page.value().root().getMore() || !address) return out;  // waiting transactions are not paged
    const auto next = bytes_of(page.value().root().getNext());
    if (rows.size() == 0 || next.empty() || std::ranges::equal(next, before))
      return odd_answer("its pages do not continue");
    before.assign(next.begin(), next.end());
  }
}

void print_transaction(const Invocation& invocation, Console& console, const SeenTransaction& seen) {
  if (invocation.globals.json) {
    JsonLine<output::wire::Transaction> line;
    write_transaction(*line, seen);
    line.print(console.out);
    return;
  }
  std::ostream& out = console.out;
  out << "transaction " << seen.id.hex() << "\nstate       " << state_name(seen.state) << '\n';
  if (seen.height > 0)
    out << "block       " << seen.height << ", place " << seen.index << ", "
        << date_of(wallet::UnixMs(static_cast<std::uint64_t>(seen.time.count()))) << ", " << seen.confirmations
        << " confirmations\n";
  if (seen.content) {
    const chain::Transaction& content = *seen.content;
    out << "kind        " << kind_of(seen) << "\nfrom        " << text(content.from) << ", number "
        << content.nonce.value << '\n';
    if (const auto* transfer = std::get_if<chain::Transfer>(&content.body)) {
      for (const wallet::Credit& credit : transfer->credits)
        out << "to          " << text(credit.to) << ", " << credit.amount.text() << '\n';
      if (!transfer->reference.empty()) out << "memo        " << base::printable(transfer->reference) << '\n';
    }
    if (seen.given) out << "to          " << text(content.from) << ", " << seen.given->text() << '\n';
    if (content.fee_payer) out << "fee payer   " << text(*content.fee_payer) << '\n';
    if (!seen.receipt)
      out << "fee         at most " << content.fee_max.text() << ", for gas " << content.gas.value
          << "; in a block up to " << content.last_height.value << '\n';
  }
  if (!seen.receipt) return;
  const chain::Receipt& receipt = *seen.receipt;
  out << "fee         " << receipt.burnt.units() + receipt.tip.units() << ": burnt " << receipt.burnt.text() << ", tip "
      << receipt.tip.text() << ", for gas " << receipt.gas.value << '\n';
  if (const std::string why = outcome_text(receipt.outcome); !why.empty())
    out << "failed      " << why << " (code " << static_cast<std::uint16_t>(receipt.outcome) << ")\n";
}

void print_transactions(const Invocation& invocation, Console& console, const std::vector<SeenTransaction>& all) {
  if (invocation.globals.json) {
    JsonLine<output::wire::Transactions> line;
    auto rows = line->initRows(size32(all));
    for (unsigned i = 0; i < rows.size(); ++i) write_transaction(rows[i], all[i]);
    write_json_line(console.out, capnp::toDynamic(rows.asReader()));
    return;
  }
  TextTable table(
      {{"TIME"}, {"HEIGHT", Align::right}, {"STATE"}, {"KIND"}, {"FROM"}, {"TO"}, {"AMOUNT", Align::right}, {"ID"}});
  for (const SeenTransaction& seen : all) {
    std::string from = "-", to = "-", amount = "-";
    if (seen.content) {
      from = text(seen.content->from);
      if (const auto* transfer = std::get_if<chain::Transfer>(&seen.content->body)) {
        to = transfer->credits.size() == 1 ? text(transfer->credits.front().to)
                                           : std::to_string(transfer->credits.size()) + " accounts";
      } else {
        to = from;
      }
      if (const auto known = amount_of(seen)) amount = known->text();
    }
    const bool in_block = seen.height > 0;
    table.add({in_block ? date_of(wallet::UnixMs(static_cast<std::uint64_t>(seen.time.count()))) : "-",
               in_block ? std::to_string(seen.height) : "-", std::string(state_name(seen.state)),
               std::string(kind_of(seen)), from, to, amount, seen.id.hex()});
  }
  table.print(console.out);
}

}  // namespace troupe::apps::wallets
