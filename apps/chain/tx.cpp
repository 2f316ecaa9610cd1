// troupe tx show | wait | ls | pending
#include "apps/chain/chain.hpp"
#include "apps/wallet/on_chain.hpp"

namespace troupe::apps {
namespace {

using namespace wallets;

base::Result<chain::TxId, Failure> tx_typed(const Invocation& invocation) {
  if (const auto id = chain::TxId::from_hex(*invocation.text("ID"))) return *id;
  return usage_failure("invalid transaction id: expected 64 hexadecimal digits", "troupe tx ls");
}

Failure unknown_tx(Failure failure, const chain::TxId& id) {
  if (failure.error.code == base::Code::not_found)
    return {{base::Code::not_found, "this node knows no transaction " + id.hex()}, "", "troupe tx ls"};
  return failure;
}

}  // namespace

Ending tx_show(const Invocation& invocation, Console& console) {
  const auto id = tx_typed(invocation);
  if (!id.ok()) return id.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  if (const auto here = chain_here(*client.value()); !here.ok()) return here.error();
  const auto seen = transaction_at(*client.value(), id.value());
  if (!seen.ok()) return unknown_tx(seen.error(), id.value());
  print_transaction(invocation, console, seen.value());
  return Exit::done;
}

Ending tx_wait(const Invocation& invocation, Console& console) {
  const auto id = tx_typed(invocation);
  if (!id.ok()) return id.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  if (const auto here = chain_here(*client.value()); !here.ok()) return here.error();
  const auto length = std::chrono::seconds(invocation.number("--seconds").value_or(kWaitSecondsDefault));
  const auto seen = wait_for(*client.value(), id.value(), length);
  if (!seen.ok()) return unknown_tx(seen.error(), id.value());
  print_transaction(invocation, console, seen.value());
  if (auto failure = wait_failure(seen.value())) return std::move(*failure);
  return Exit::done;
}

Ending tx_list(const Invocation& invocation, Console& console) {
  const auto address = account_typed(console, invocation.text("NAME|ADDRESS"), "troupe help tx ls");
  if (!address.ok()) return address.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  if (const auto here = chain_here(*client.value()); !here.ok()) return here.error();
  const auto all =
      list_transactions(*client.value(), address.value(), invocation.number("--limit").value_or(kTransactionsDefault));
  if (!all.ok()) return all.error();
  print_transactions(invocation, console, all.value());
  return Exit::done;
}

Ending tx_pending(const Invocation& invocation, Console& console) {
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  if (const auto here = chain_here(*client.value()); !here.ok()) return here.error();
  const auto all = list_transactions(*client.value(), std::nullopt, invocation.number("--limit").value_or(UINT64_MAX));
  if (!all.ok()) return all.error();
  print_transactions(invocation, console, all.value());
  return Exit::done;
}

}  // namespace troupe::apps
