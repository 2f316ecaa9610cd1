// troupe wallet send | faucet
#include <fstream>

#include "apps/cli/input.hpp"
#include "apps/cli/json.hpp"
#include "apps/wallet/chain_send.hpp"
#include "apps/wallet/wallet.hpp"
#include "messages/output/wallet.capnp.h"
#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::apps {
namespace {

using namespace wallets;

constexpr const char* kSendHelp = "troupe help wallet send";
constexpr std::size_t kSendLinesMax = 100'000;  // our choice: longer lists are airdrops
constexpr std::size_t kSendLineBytesMax = 1'024;

struct Payment {
  wallet::Credit credit;
  std::string memo;
  std::size_t line = 0;  ///< of the file; 0: of the command line
};

base::Result<Payment, Failure> payment_of(const std::string& to, const std::string& amount, std::string memo) {
  const auto address = address_typed(to, kSendHelp);
  if (!address.ok()) return address.error();
  const auto units = amount_typed(amount, kSendHelp);
  if (!units.ok()) return units.error();
  return Payment{{address.value(), units.value()}, std::move(memo)};
}

/// Returns the lines of a file: TO AMOUNT [MEMO]. All are read before the first is paid.
base::Result<std::vector<Payment>, Failure> payments_in(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return usage_failure("cannot read " + path, kSendHelp);
  std::vector<Payment> out;
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    const auto wrong = [&](const std::string& what) {
      return usage_failure("line " + std::to_string(number) + " of " + path + ": " + what, kSendHelp);
    };
    if (number == 1 && line.starts_with(kByteOrderMark)) line.erase(0, kByteOrderMark.size());
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    if (line.size() > kSendLineBytesMax) return wrong("a line has at most 1,024 bytes");
    if (out.size() == kSendLinesMax) return wrong("a file has at most 100,000 lines");
    const auto first = line.find(' ');
    if (first == std::string::npos) return wrong("expected TO AMOUNT [MEMO]");
    const auto second = line.find(' ', first + 1);
    std::string memo = second == std::string::npos ? "" : line.substr(second + 1);
    auto payment = payment_of(line.substr(0, first), line.substr(first + 1, second - first - 1), std::move(memo));
    if (!payment.ok()) return wrong(payment.error().error.message);
    payment.value().line = number;
    out.push_back(std::move(payment).value());
  }
  if (!file.eof()) return usage_failure("cannot read " + path, kSendHelp);
  if (out.empty()) return usage_failure(path + " has no line TO AMOUNT [MEMO]", kSendHelp);
  return out;
}

/// The typed arguments: [NAME] TO AMOUNT, or [NAME] with --from.
struct SendTyped {
  std::optional<std::string> name;
  std::vector<Payment> payments;
};
base::Result<SendTyped, Failure> send_typed(const Invocation& invocation) {
  std::vector<std::string> words;
  for (const char* one : {"NAME", "TO", "AMOUNT"})
    if (const auto word = invocation.text(one)) words.push_back(*word);
  const auto file = invocation.text("--from");
  const std::size_t wanted = file ? 0 : 2;
  if (words.size() < wanted || words.size() > wanted + 1)
    return usage_failure(file ? "--from takes at most one argument, the name of the wallet"
                              : "give the wallet, the address and the amount",
                         kSendHelp);
  SendTyped out{invocation.text("--wallet"), {}};
  if (words.size() == wanted + 1) {
    if (out.name && *out.name != words.front())
      return usage_failure("NAME and --wallet name two different wallets", kSendHelp);
    out.name = words.front();
    words.erase(words.begin());
  }
  if (file && invocation.has("--memo"))
    return usage_failure("with --from each line has its own memo: leave --memo out", kSendHelp);
  if (file) {
    auto payments = payments_in(*file);
    if (!payments.ok()) return payments.error();
    out.payments = std::move(payments).value();
    return out;
  }
  auto one = payment_of(words[0], words[1], invocation.text("--memo").value_or(""));
  if (!one.ok()) return one.error();
  out.payments.push_back(std::move(one).value());
  return out;
}

/// Returns the request id of a line, so that a repeated command pays no line twice.
std::string request_of_line(const std::string& request, std::size_t line) {
  if (line == 0) return request;
  base::Bytes number;
  base::append_number(number, std::uint64_t{line});
  return crypto::sha256(base::as_bytes("troupe wallet send v1"), base::as_bytes(request), number).hex().substr(0, 32);
}

/// Returns the failure of a list that stopped at a line, after `sent` lines.
Failure stopped_at(const Payment& one, Failure failure, std::size_t sent, const std::string& again) {
  const Exit exit = exit_of(failure, Effect::write);
  const bool interrupted = failure.error.code == base::Code::dropped && failure.exit;
  const bool may_be_done = exit == Exit::unknown || interrupted;
  if (one.line > 0) failure.error.message = "line " + std::to_string(one.line) + ": " + failure.error.message;
  if (sent > 0) {
    failure.outcome = std::to_string(sent) + " lines before it were sent" +
                      (may_be_done ? "; whether this line was sent is unknown" : "");
    if (!interrupted) failure.exit = may_be_done ? Exit::unknown : Exit::partly;
  }
  if (one.line > 0 && (may_be_done || sent > 0)) failure.try_ = again;
  return failure;
}

/// Returns the directory that stores what is sent for a request, or nullopt if there is no request.
base::Result<std::optional<Directory>, Failure> directory_of_requests(const Console& console, bool has_request) {
  if (!has_request) return std::optional<Directory>();
  auto opened = Directory::open(console);
  if (!opened.ok()) return opened.error();
  return std::optional(std::move(opened).value());
}

/// Each payment is a transaction. The command waits only after the last was sent, or when the node keeps no more of
/// them.
Ending send_all_on_chain(const Invocation& invocation, Console& console, Client& client, const Signer& signer,
                         const SendTyped& typed, const ChainTerms& terms, const std::string& request) {
  const bool is_list = typed.payments.front().line > 0;
  const auto directory = directory_of_requests(console, (is_list || invocation.has("--request")) && !terms.dry);
  if (!directory.ok()) return directory.error();
  const std::string again = invocation.repeated();
  SentPrinter printer(invocation, console, terms);
  for (const Payment& one : typed.payments) {
    std::optional<KeptSend> kept;
    if (directory.value()) kept.emplace(KeptSend{*directory.value(), sent_mark(request, one.line)});
    auto seen = send_on_chain(client, signer, chain::Transfer{{one.credit}, one.memo}, terms, kept);
    if (!seen.ok()) {
      printer.stop();
      return stopped_at(one, seen.error(), terms.dry ? 0 : printer.count(), again);
    }
    printer.sent(std::move(seen).value());
  }
  return printer.finish(client, is_list ? again : "");
}

/// The book posts each payment before it responds.
Ending send_all_to_book(const Invocation& invocation, Console& console, Client& client, const Signer& signer,
                        const SendTyped& typed, const std::string& request) {
  std::size_t paid = 0;
  for (const Payment& one : typed.payments) {
    const auto id = pay(client, signer, {one.credit}, one.memo, request_of_line(request, one.line));
    if (!id.ok()) {
      const std::string again = invocation.repeated();
      Failure failure = stopped_at(one, id.error(), paid, again);
      if (exit_of(failure, Effect::write) == Exit::unknown || failure.error.code == base::Code::dropped)
        failure.try_ = again;
      return failure;
    }
    ++paid;
    print_sent(invocation, console, id.value().view());
    console.out.flush();
  }
  return Exit::done;
}

/// Printed before the first line is paid, so that even a killed command can be continued.
void print_request(const Invocation& invocation, Console& console, const std::string& request) {
  if (invocation.globals.json) {
    JsonLine<output::wire::WalletRequest> line;
    line->setRequest(request);
    line.print(console.err);
  } else {
    console.err << "request " << request << '\n';
  }
  console.err.flush();
}

/// Adds when the faucet gives to this address again, if that is why it refused.
Failure faucet_refused(Client& client, const wallet::Address& address, Failure failure) {
  if (failure.error.code != base::Code::refused) return failure;
  const auto account = chain_account_at(client, address);
  if (!account.ok() || account.value().account.faucet.count() == 0) return failure;
  auto params = ask_chain<chain::wire::GetChainParams, chain::wire::ChainParams>(
      client, [](chain::wire::GetChainParams::Builder) {});
  if (!params.ok()) return failure;
  for (const auto row : params.value().root().getRows()) {
    if (row.getName() != "faucet.period_s" || row.getValue() > std::uint64_t{base::kDateMax}) continue;
    const auto last = static_cast<std::uint64_t>(account.value().account.faucet.count());
    const wallet::UnixMs next{last + row.getValue() * 1'000};
    failure.error.message += ", at " + date_of(wallet::UnixMs(last)) + "; next time from " + date_of(next) + " on";
  }
  return failure;
}

}  // namespace

void wallets::print_sent(const Invocation& invocation, Console& console, base::ByteView id, std::string_view state) {
  if (!invocation.globals.json) {
    console.out << base::hex(id) << '\n';
    return;
  }
  JsonLine<output::wire::WalletSent> line;
  line->setId(data(id));
  line->setState(std::string(state));
  line.print(console.out);
}

Ending wallet_send(const Invocation& invocation, Console& console) {
  const auto typed = send_typed(invocation);
  if (!typed.ok()) return typed.error();
  const auto request = request_or_new(invocation);
  if (!request.ok()) return request.error();
  const auto signer = open_signer(invocation, console, typed.value().name);
  if (!signer.ok()) return signer.error();
  for (const Payment& one : typed.value().payments)
    if (const auto checked = check_transfer(signer.value().address(), {one.credit}, one.memo); !checked.ok())
      return checked.error();
  const auto terms = chain_terms(invocation, true);
  if (!terms.ok()) return terms.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto now = chain_of(*client.value());
  if (!now.ok()) return now.error();
  if (const auto given = given_chain_options(invocation); !now.value() && !given.empty())
    return usage_failure(
        given.front() + " needs a node with a chain; this node has a book, where a transfer is final at once",
        kSendHelp);
  if (invocation.has("--from") && !invocation.has("--request") && !terms.value().dry)
    print_request(invocation, console, request.value());
  if (now.value())
    return send_all_on_chain(invocation, console, *client.value(), signer.value(), typed.value(), terms.value(),
                             request.value());
  return send_all_to_book(invocation, console, *client.value(), signer.value(), typed.value(), request.value());
}

Ending wallet_faucet(const Invocation& invocation, Console& console) {
  const auto terms = chain_terms(invocation, false);
  if (!terms.ok()) return terms.error();
  const auto request = request_typed(invocation);
  if (!request.ok()) return request.error();
  const auto named = invocation.text("NAME");
  const auto option = invocation.text("--wallet");
  if (named && option && *named != *option)
    return usage_failure("NAME and --wallet name two different wallets", "troupe help wallet faucet");
  const auto signer = open_signer(invocation, console, named ? named : option);
  if (!signer.ok()) return signer.error();
  const auto directory = directory_of_requests(console, !request.value().empty());
  if (!directory.ok()) return directory.error();
  std::optional<KeptSend> kept;
  if (directory.value()) kept.emplace(KeptSend{*directory.value(), sent_mark(request.value())});
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto seen = send_on_chain(*client.value(), signer.value(), chain::Faucet{}, terms.value(), kept);
  if (!seen.ok()) return faucet_refused(*client.value(), signer.value().address(), seen.error());
  SentPrinter printer(invocation, console, terms.value());
  printer.sent(std::move(seen).value());
  return printer.finish(*client.value(), "");
}

}  // namespace troupe::apps
