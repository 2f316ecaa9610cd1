// troupe wallet own
#include "apps/cli/json.hpp"
#include "apps/wallet/book.hpp"
#include "apps/wallet/wallet.hpp"
#include "messages/codec.hpp"
#include "messages/output/wallet.capnp.h"

namespace troupe::apps {
namespace {

using namespace wallets;
namespace own_wire = wallet::wire;

constexpr const char* kOwnHelp = "troupe help wallet own";
constexpr std::chrono::seconds kOwnAnswer{75};  // payments of a node wait for each other

/// A node without a book does not publish an account.
Failure without_own(Failure failure) {
  if (failure.error.code != base::Code::not_found) return failure;
  return {{base::Code::not_found,
           "this node has no account to pay from: its ledger.book is empty, or it is still starting"},
          "nothing was done",
          "troupe node --set ledger.book=chain, for a node with a chain, or another book"};
}

Ending pay_own(const Invocation& invocation, Console& console) {
  const auto to = account_typed(console, *invocation.text("--to"), kOwnHelp);
  if (!to.ok()) return to.error();
  const auto amount = amount_typed(invocation.text("--amount").value_or(""), kOwnHelp);
  if (!amount.ok()) return amount.error();
  const auto request = request_or_new(invocation);
  if (!request.ok()) return request.error();
  const std::string memo = invocation.text("--memo").value_or("");
  if (const auto checked = check_transfer({}, {{to.value(), amount.value()}}, memo); !checked.ok())
    return checked.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto paid = ask_book<own_wire::PayOwn, own_wire::Posted>(
      *client.value(), wallet::kOwnPath,
      [&](own_wire::PayOwn::Builder out) {
        out.setTo(data_of(to.value().view()));
        out.setAmount(amount.value().units());
        out.setMemo(text_of(memo));
        out.setRequest(text_of(request.value()));
      },
      kOwnAnswer);
  if (!paid.ok()) return without_own(paid.error());
  print_sent(invocation, console, bytes_of(paid.value().root().getId()));
  return Exit::done;
}

}  // namespace

Ending wallet_own(const Invocation& invocation, Console& console) {
  if (invocation.has("--to") != invocation.has("--amount"))
    return usage_failure("a payment needs both --to and --amount", kOwnHelp);
  if (invocation.has("--memo") && !invocation.has("--to"))
    return usage_failure("--memo belongs to a payment: give --to and --amount", kOwnHelp);
  if (invocation.has("--to")) return pay_own(invocation, console);
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto answer = ask_book<own_wire::GetOwnAccount, own_wire::OwnAccountIs>(*client.value(), wallet::kOwnPath,
                                                                          [](own_wire::GetOwnAccount::Builder) {});
  if (!answer.ok()) return without_own(answer.error());
  const auto is = answer.value().root();
  const auto address = wallet::Address::from(bytes_of(is.getAddress()));
  if (!address) return odd_answer("an address is not 32 bytes long");
  if (!invocation.globals.json) {
    console.out << text(*address) << '\n';
    return Exit::done;
  }
  JsonLine<output::wire::WalletOwn> line;
  line->setAccount(text(*address));
  line->setBalance(std::to_string(is.getBalance()));
  line->setDaily(std::to_string(is.getDaily()));
  line->setSpent(std::to_string(is.getSpent()));
  line->setWaiting(is.getPayments());
  line.print(console.out);
  return Exit::done;
}

}  // namespace troupe::apps
