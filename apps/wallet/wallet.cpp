// troupe wallet …
#include "apps/wallet/wallet.hpp"

#include "actors/wallet/logic/derived_key.hpp"
#include "apps/cli/json.hpp"
#include "apps/wallet/chain_send.hpp"
#include "apps/wallet/words.hpp"
#include "messages/output/wallet.capnp.h"
#include "runtime/crypto/hash.hpp"
#include "runtime/os/chance.hpp"

namespace troupe::apps {
namespace {

using namespace wallets;
using wallet::Keystore;
using wallet::Mnemonic;
using wallet::WordCount;

constexpr const char* kNewNotes = R"(
passphrase
  --passphrase-file; otherwise the file that TROUPE_PASSPHRASE_FILE names, a prompt on the terminal, or the first line
  of standard input; 1 to 1,024 bytes
  a byte-order mark before the line and carriage returns after it are ignored, and Unicode is normalized (NFKC), so a
  file and a keyboard give the same passphrase; blanks count; text that is not UTF-8 is used as it is
recovery phrase
  printed once, on standard error (with --json, on standard output); no wallet is made if it cannot be printed
  a person who has the words has the money; if the words and the file are lost, so is the money
  (troupe wallet export NAME prints the words again)
files
  $XDG_CONFIG_HOME/troupe/wallets/NAME, otherwise below ~/.config; troupe keeps no other copy
)";

constexpr const char* kRestoreNotes = R"(
recovery phrase
  all of standard input: 12 or 24 words on any number of lines; commas, other punctuation and a number before each
  word are ignored
  the passphrase that seals them comes from a file or from the terminal
exits
  2 for a word that is not in the list, a wrong checksum, or extra input
  5 if another wallet has the name
)";

constexpr const char* kSendNotes = R"(
arguments
  the wallet that pays, the address that is paid and the amount, a whole number of the smallest unit; the wallet may
  be left out if there is only one, or be given by --wallet
  --from FILE pays each line of the file: TO AMOUNT [MEMO]
book or chain
  a node with a chain (troupe chain status) pays by a transaction there; otherwise the transfer goes to the book
what it prints
  the id of the transfer, once the book has posted it; on a chain the id of the transaction, once it waits for a
  block, and with --wait its result; in addition to the amount, the sender pays gas times base fee plus the tip
lists
  --from prints the id of each line as soon as it is paid; without --request it generates a request id and prints it
  first, on standard error: after an interruption, the same command with that --request pays the remaining lines, and
  no line twice; lines are identified by their number, so do not change the file
requests
  a book remembers requests; for a chain, the wallet directory does: from another directory a request pays again
exits
  2 if AMOUNT is invalid; 3 if some lines were paid; 5 if the account has too little; 7 if the book does not respond
  8 if it is not known whether it was paid: a retry with --request does not pay twice
  on a chain also 6 if the pool is full, and with --wait 1 if it failed or expired, 8 if it still waits, 4 if gone
)";

constexpr const char* kFaucetNotes = R"(
what it does
  requests money from the faucet of a test chain; it costs nothing
what it prints
  the id of the transaction, once it waits for a block
exits
  4 if the node has no chain; 5 if the address received money in the current period, and says until when
)";

constexpr const char* kListNotes = R"(
columns
  the balance can be spent; the held amount is in open escrows, or staked on a chain, and not part of the balance
  without a node there are no amounts
  with --all, a policy account that the caller does not know is shown as a key's account
)";

constexpr const char* kIssueNotes = R"(
where
  at the local socket of the book's node, or of a member of its group; exit 5 elsewhere
)";

constexpr const char* kAuditNotes = R"(
what it does
  computes every account again from the first posting, and verifies the chain of hashes
exits
  1 if an account differs, or the chain of hashes is broken
)";

constexpr const char* kOwnNotes = R"(
what it is
  the account of the node's own key: the node pays for tasks from it (troupe task submit --max-price), and is paid
  into it unless `registry register --pay-to` names another account; it spends at most wallet.own_daily on tasks per
  UTC day
what it prints
  the address; with --to the id of the transfer
)";

constexpr const char* kMultisigNotes = R"(
what it does
  creates an address for 2 to 16 signers, each given by a wallet's address; a transfer needs --of signatures
  the list of signers is stored in $XDG_CONFIG_HOME/troupe/wallets/NAME.policy; the same command creates it again
)";

constexpr const char* kProposeNotes = R"(
what it does
  the transfer waits at the book for the other signatures (troupe wallet multisig sign ID); the last signature pays it
  it has the next number of the account: of two proposals that wait at the same time, at most one is paid
)";

/// Zeros without --request.
base::Result<wallet::RequestMark, Failure> request_of(const Invocation& invocation) {
  const auto id = request_typed(invocation);
  if (!id.ok()) return id.error();
  if (id.value().empty()) return wallet::RequestMark{};
  return wallet::RequestMark{
      crypto::sha256(base::as_bytes("troupe wallet request v1"), base::as_bytes(id.value())).bytes};
}

void print(const Invocation& invocation, Console& console, const std::string& name, const Keystore& keystore,
           const Mnemonic* words) {
  if (!invocation.globals.json) {
    console.out << text(keystore.address()) << '\n';
    return;
  }
  JsonLine<output::wire::Wallet> line;
  line->setName(name);
  line->setAccount(text(keystore.address()));
  line->setPublicKey(data(keystore.public_key().view()));
  if (words != nullptr) line->setWords(words->words());
  line.print(console.out);
}

/// Prints the words of a wallet before it is created. Returns the failure if they could not be written.
std::optional<Failure> show_new(const Invocation& invocation, Console& console, const std::string& name,
                                const Keystore& keystore, const Mnemonic& words) {
  constexpr const char* kOutcome = "no wallet was made";
  if (invocation.globals.json) {
    print(invocation, console, name, keystore, &words);
    console.out.flush();
    if (console.out) return std::nullopt;
    return unwritten(console, kOutcome);
  }
  console.err << "write down this recovery phrase: " << words.words() << std::endl;
  if (console.err) return std::nullopt;
  return Failure{{base::Code::internal, "cannot write the recovery phrase to standard error"}, kOutcome};
}

/// An existing wallet: the wallet of this request, or the wallet with this name.
struct Before {
  std::optional<Named> wallet;
  bool same_request = false;
};
base::Result<Before, Failure> before(const Directory& directory, const std::string& name,
                                     const wallet::RequestMark& request) {
  if (request != wallet::RequestMark{}) {
    auto made = directory.made_by(request);
    if (!made.ok()) return made.error();
    if (made.value() && made.value()->name != name)
      return Failure{{base::Code::conflict, "this request has made wallet " + made.value()->name + ", not " + name}};
    if (made.value()) return Before{std::move(made.value()), true};
  }
  const auto policy = directory.find_policy(name);
  if (!policy.ok()) return policy.error();
  if (policy.value()) return directory.taken(name);
  auto found = directory.find(name);
  if (!found.ok()) return found.error();
  if (!found.value()) return Before{};
  return Before{Named{name, std::move(*found.value())}};
}

Ending make(const Invocation& invocation, Console& console) {
  const auto name = name_of(*invocation.text("NAME"));
  if (!name.ok()) return name.error();
  const auto request = request_of(invocation);
  if (!request.ok()) return request.error();
  const WordCount count =
      invocation.text("--words").value_or("24") == "12" ? WordCount::twelve : WordCount::twenty_four;
  const auto directory = Directory::open_or_make(console);
  if (!directory.ok()) return directory.error();
  const auto held = directory.value().lock();
  if (!held.ok()) return held.error();
  const auto there = before(directory.value(), name.value(), request.value());
  if (!there.ok()) return there.error();
  if (there.value().wallet && (!there.value().same_request || there.value().wallet->keystore.words() != count))
    return directory.value().taken(name.value());
  const auto secret = passphrase(invocation, console, there.value().wallet ? Asked::once : Asked::twice);
  if (!secret.ok()) return secret.error();
  if (there.value().wallet) {
    const Keystore& keystore = there.value().wallet->keystore;
    const auto words = words_in(keystore, secret.value());
    if (!words.ok()) return unopened(name.value(), words.error());
    print(invocation, console, name.value(), keystore, &words.value());
    return Exit::done;
  }
  os::Chance chance;
  const Mnemonic words = Mnemonic::make(chance, count);
  const Keystore keystore = Keystore::seal(words, secret.value().normal.text, request.value(), {}, chance);
  // Printed first: a wallet is not created if nobody could see its words.
  if (const auto failed = show_new(invocation, console, name.value(), keystore, words)) return *failed;
  if (const auto added = directory.value().add(name.value(), keystore); !added.ok()) {
    Failure failure = added.error();
    failure.outcome = "no wallet was made, and the printed words belong to no wallet";
    return failure;
  }
  if (!invocation.globals.json) print(invocation, console, name.value(), keystore, nullptr);
  return Exit::done;
}

Ending restore(const Invocation& invocation, Console& console) {
  const auto name = name_of(*invocation.text("NAME"));
  if (!name.ok()) return name.error();
  const auto request = request_of(invocation);
  if (!request.ok()) return request.error();
  const auto words = words_of_input(console);
  if (!words.ok()) return words.error();
  const auto directory = Directory::open_or_make(console);
  if (!directory.ok()) return directory.error();
  const auto held = directory.value().lock();
  if (!held.ok()) return held.error();
  const auto there = before(directory.value(), name.value(), request.value());
  if (!there.ok()) return there.error();
  if (there.value().wallet &&
      there.value().wallet->keystore.public_key() != wallet::wallet_key(words.value()).public_key())
    return directory.value().taken(name.value());
  const auto secret = passphrase(invocation, console, there.value().wallet ? Asked::once : Asked::twice, false);
  if (!secret.ok()) return secret.error();
  if (there.value().wallet) {
    const Keystore& keystore = there.value().wallet->keystore;
    if (const auto opened = words_in(keystore, secret.value()); !opened.ok())
      return unopened(name.value(), opened.error());
    print(invocation, console, name.value(), keystore, nullptr);
    return Exit::done;
  }
  os::Chance chance;
  const Keystore keystore = Keystore::seal(words.value(), secret.value().normal.text, request.value(), {}, chance);
  if (auto added = directory.value().add(name.value(), keystore); !added.ok()) return added.error();
  print(invocation, console, name.value(), keystore, nullptr);
  return Exit::done;
}

/// Returns the wallet of NAME or --wallet, otherwise the only wallet.
base::Result<Named, Failure> chosen(const Invocation& invocation, Console& console) {
  auto typed = invocation.text("NAME");
  const auto option = invocation.text("--wallet");
  if (typed && option && *typed != *option)
    return usage_failure("NAME and --wallet name two different wallets", "troupe help wallet show");
  if (!typed) typed = option;
  if (typed)
    if (const auto name = name_of(*typed); !name.ok()) return name.error();
  const auto directory = Directory::open(console);
  if (!directory.ok()) return directory.error();
  return directory.value().choose(typed);
}

/// Returns the named account with several signers, or nullopt if the name is not such an account, or it cannot be read.
std::optional<wallet::Policy> named_policy(const Invocation& invocation, Console& console) {
  const auto typed = invocation.has("NAME") ? invocation.text("NAME") : invocation.text("--wallet");
  if (!typed || !name_of(*typed).ok() || (invocation.has("--wallet") && invocation.text("--wallet") != typed))
    return std::nullopt;
  const auto directory = Directory::open(console);
  if (!directory.ok()) return std::nullopt;
  auto found = directory.value().find_policy(*typed);
  if (!found.ok() || !found.value()) return std::nullopt;
  return std::move(found.value()->policy);
}

Ending show(const Invocation& invocation, Console& console) {
  if (const auto policy = named_policy(invocation, console)) {
    print_policy(invocation, console, invocation.text("NAME").value_or(invocation.text("--wallet").value_or("")),
                 *policy);
    return Exit::done;
  }
  const auto one = chosen(invocation, console);
  if (!one.ok()) return one.error();
  print(invocation, console, one.value().name, one.value().keystore, nullptr);
  return Exit::done;
}

Ending export_words(const Invocation& invocation, Console& console) {
  const auto one = chosen(invocation, console);
  if (!one.ok()) return one.error();
  const auto secret = passphrase(invocation, console, Asked::once);
  if (!secret.ok()) return secret.error();
  const auto words = words_in(one.value().keystore, secret.value());
  if (!words.ok()) return unopened(one.value().name, words.error());
  if (invocation.globals.json) print(invocation, console, one.value().name, one.value().keystore, &words.value());
  else console.out << words.value().words() << '\n';
  return Exit::done;
}

std::vector<Option> with_chain_options(std::vector<Option> options, bool fees) {
  for (Option& option : chain_options(fees)) options.push_back(std::move(option));
  return options;
}

/// Returns the same argument as an optional argument.
Positional optional(Positional of, std::string help) {
  of.arity = Arity::maybe;
  of.help = std::move(help);
  return of;
}

}  // namespace

Commands wallet_commands() {
  const Positional name{.name = "NAME", .help = "name of the wallet: letters, digits, '-' and '_'"};
  Positional maybe = name;
  maybe.arity = Arity::maybe;
  maybe.help = "name of the wallet (default the only wallet)";
  const Option wallet{.name = "--wallet", .value = "NAME", .help = "same as NAME"};
  const Positional account{.name = "NAME|ADDRESS",
                           .help = "name of a wallet, or an address (default the only wallet)",
                           .arity = Arity::maybe,
                           .fields = {"address"}};
  Positional one_account = account;
  one_account.arity = Arity::one;
  one_account.help = "name of a wallet, or an address";
  const Option memo{.name = "--memo", .value = "T", .help = "public memo of at most 256 bytes of text"};
  const Positional amount{.name = "AMOUNT", .help = "whole number of the smallest unit"};
  const Positional to{.name = "TO", .help = "address to pay"};
  return {
      {.name = "wallet new",
       .summary = "Create a wallet, and print its address and its recovery phrase",
       .options =
           {{.name = "--words", .value = "12|24", .help = "number of words (default 24)", .choices = {"12", "24"}},
            passphrase_option(),
            request_option()},
       .positionals = {name},
       .effect = Effect::write,
       .notes = kNewNotes,
       .run = make},
      {.name = "wallet restore",
       .summary = "Restore a wallet from its recovery phrase",
       .options = {passphrase_option(), request_option()},
       .positionals = {name},
       .effect = Effect::write,
       .notes = kRestoreNotes,
       .run = restore},
      {.name = "wallet show",
       .summary = "Print the address of a wallet, without asking for the passphrase",
       .options = {wallet},
       .positionals = {maybe},
       .run = show},
      {.name = "wallet export",
       .summary = "Print the recovery phrase of a wallet",
       .options = {wallet, passphrase_option()},
       .positionals = {maybe},
       .run = export_words},
      {.name = "wallet ls",
       .summary = "List the caller's accounts with their balances",
       .options = {{.name = "--all", .help = "all accounts of the book"}},
       .needs = Needs::view,
       .notes = kListNotes,
       .run = wallet_list},
      {.name = "wallet balance",
       .summary = "Print the balance that an account can spend",
       .positionals = {account},
       .needs = Needs::view,
       .route = Route{.prints = {"WalletBalance"}},
       .run = wallet_balance},
      {.name = "wallet send",
       .summary = "Pay an address",
       .options =
           with_chain_options({memo,
                               {.name = "--from", .value = "FILE", .help = "pay each line of FILE: TO AMOUNT [MEMO]"},
                               wallet_option(),
                               passphrase_option(),
                               request_option()},
                              true),
       .positionals = {optional(maybe, "wallet that pays"), optional(to, to.help), optional(amount, amount.help)},
       .form = "[NAME] (TO AMOUNT | --from FILE)",
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kSendNotes,
       .run = wallet_send},
      {.name = "wallet faucet",
       .summary = "Request money from the faucet of a test chain",
       .options = with_chain_options({wallet, passphrase_option(), request_option()}, false),
       .positionals = {maybe},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kFaucetNotes,
       .run = wallet_faucet},
      {.name = "wallet history",
       .summary = "List the payments of an account, latest first",
       .options = {number_option("--limit", "N", "stop after N transfers", 1, UINT64_MAX >> 1)},
       .positionals = {account},
       .needs = Needs::view,
       .route = Route{.prints = {"List(WalletPosting)", "List(Transaction)"}},
       .run = wallet_history},
      {.name = "wallet audit",
       .summary = "Recompute all accounts of the book, and compare",
       .needs = Needs::operate,
       .notes = kAuditNotes,
       .route = Route{.prints = {"WalletAudit"}},
       .run = wallet_audit},
      {.name = "wallet issue",
       .summary = "Mint money, at the book's node",
       .options = {memo, request_option()},
       .positionals = {one_account, amount},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kIssueNotes,
       .run = wallet_issue},
      {.name = "wallet own",
       .summary = "Show the account from which the node itself pays, or pay from it",
       .options = {{.name = "--to", .value = "NAME|ADDRESS", .help = "account to pay"},
                   {.name = "--amount",
                    .value = "AMOUNT",
                    .help = "amount to pay: a whole number of the smallest unit"},
                   memo,
                   request_option()},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kOwnNotes,
       .run = wallet_own},
      {.name = "wallet multisig create",
       .summary = "Create an account whose transfers need several signatures",
       .options = {required(number_option("--of", "M", "number of signatures that a transfer needs", 1,
                                          wallet::kSignersMax)),
                   {.name = "--key",
                    .value = "ADDRESS",
                    .help = "address of a signer; repeat it for each signer",
                    .repeatable = true,
                    .required = true},
                   request_option()},
       .positionals = {name},
       .effect = Effect::write,
       .notes = kMultisigNotes,
       .run = multisig_create},
      {.name = "wallet multisig propose",
       .summary = "Propose a transfer from an account with several signers, and sign it",
       .options = {memo,
                   {.name = "--expires",
                    .value = "T",
                    .help = "time after which it can no longer be signed (default 7d)"},
                   wallet_option(),
                   passphrase_option(),
                   request_option()},
       .positionals = {name, to, amount},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kProposeNotes,
       .run = multisig_propose},
      {.name = "wallet multisig sign",
       .summary = "Sign a proposed transfer, after showing it",
       .options = {wallet_option(), passphrase_option(), request_option()},
       .positionals = {{.name = "ID", .help = "id that `propose` printed: 64 hexadecimal digits"}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .run = multisig_sign},
      {.name = "wallet multisig ls",
       .summary = "List the proposed transfers of accounts with several signers",
       .positionals = {{.name = "NAME|ADDRESS",
                        .help = "account whose proposals to list (default all accounts with a name here)",
                        .arity = Arity::maybe,
                        .fields = {"address"}}},
       .needs = Needs::view,
       .route = Route{.prints = {"List(WalletProposal)"}},
       .run = multisig_list},
  };
}

}  // namespace troupe::apps
