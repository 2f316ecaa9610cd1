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
  --passphrase-file, else the file that TROUPE_PASSPHRASE_FILE names, else asked on the terminal, else the first line of
  standard input; 1 to 1,024 bytes
  a byte-order mark before the line and carriage returns after it do not count, and Unicode is normalized (NFKC), so a
  file and a keyboard give the same; blanks count; text that is not UTF-8 is taken as it is
words
  printed once, on standard error (with --json, on standard output); no wallet is made if they cannot be written
  a person who has them has the money, and without them a lost file is lost money
  (troupe wallet export NAME prints them again)
files
  $XDG_CONFIG_HOME/troupe/wallets/NAME, else below ~/.config; troupe keeps no copy elsewhere
)";

constexpr const char* kRestoreNotes = R"(
words
  all of standard input: 12 or 24 words over any number of lines; commas, other punctuation and a number before each word
  are no trouble
  the passphrase that seals them comes from a file or from the terminal
exits
  2 for a word that is not in the list, for words that do not belong together, and for anything left over
  5 if the name is another wallet's
)";

constexpr const char* kSendNotes = R"(
arguments
  the wallet that pays, the address that is paid and the amount, a whole number of the smallest unit; the wallet may be
  left out if there is only one, or be named by --wallet
  --from FILE pays a line each: TO AMOUNT [MEMO]
book or chain
  a node with a chain (troupe chain status) pays by a transaction there; otherwise the transfer goes to the book
what it prints
  the id of the transfer, once it is in the book for good; of a chain the id of the transaction, once it waits for a
  block, and with --wait its end; the fee is gas times base fee and the tip, beside the amount
lists
  --from prints the id of each line as soon as it is paid; without --request it makes a request and prints it first, on
  standard error: after an interruption the same command with that --request pays the rest, and no line twice; a line is
  known by its number, so leave the file as it is
requests
  a book remembers requests; of a chain the directory of wallets does: from another directory the request pays again
exits
  2 for an amount that is none; 3 if some lines were paid; 5 if the account has less; 7 if the book does not answer
  8 if it is not known whether it was paid: the same with --request pays no second time
  of a chain also 6 if the pool is full, and with --wait 1 if it failed or expired, 8 if it still waits, 4 if it is gone
)";

constexpr const char* kFaucetNotes = R"(
what it does
  asks the faucet of a chain for tests for money; it costs nothing
what it prints
  the id of the transaction, once it waits for a block
exits
  4 if the node has no chain; 5 if the address had money within the last period, and says until when
)";

constexpr const char* kListNotes = R"(
columns
  the balance can be spent; what is held lies in open escrows, of a chain in the stake, and is not in the balance
  without a node there are no figures
  with --all an account of a policy that is none of the caller's counts as a key's
)";

constexpr const char* kIssueNotes = R"(
where
  at the local socket of the book's node, or of a member of its group; exit 5 elsewhere
)";

constexpr const char* kAuditNotes = R"(
what it does
  every account is computed again from the first posting, and the chain of hashes is verified
exits
  1 if an account differs, or the chain is broken
)";

constexpr const char* kOwnNotes = R"(
what it is
  small change of the node's own key, with which it pays for tasks (troupe task submit --max-price), and in which it is
  paid unless `registry register --pay-to` names another account; for tasks it spends at most wallet.own_daily in one UTC
  day
what it prints
  the address; with --to the id of the transfer
)";

constexpr const char* kMultisigNotes = R"(
what it does
  an address for 2 to 16 signers, each named by the address of a wallet; a transfer needs the signatures of --of of them
  the list of signers lies in $XDG_CONFIG_HOME/troupe/wallets/NAME.policy; the same command makes it again
)";

constexpr const char* kProposeNotes = R"(
what it does
  the transfer waits at the book for the other signatures (troupe wallet multisig sign ID), and is paid at the last one
  it has the next number of the account: of two that wait at the same time at most one is paid
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

/// The words of a wallet that is about to be made. Returns the failure if they could not be written.
std::optional<Failure> show_new(const Invocation& invocation, Console& console, const std::string& name,
                                const Keystore& keystore, const Mnemonic& words) {
  constexpr const char* kOutcome = "no wallet was made";
  if (invocation.globals.json) {
    print(invocation, console, name, keystore, &words);
    console.out.flush();
    if (console.out) return std::nullopt;
    return unwritten(console, kOutcome);
  }
  console.err << "write down these words: " << words.words() << std::endl;
  if (console.err) return std::nullopt;
  return Failure{{base::Code::internal, "the words could not be written to standard error"}, kOutcome};
}

/// What was there before: the wallet of this request, or the one of this name.
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
  // First: a wallet whose words nobody could see is not made.
  if (const auto failed = show_new(invocation, console, name.value(), keystore, words)) return *failed;
  if (const auto added = directory.value().add(name.value(), keystore); !added.ok()) {
    Failure failure = added.error();
    failure.outcome = "no wallet was made, and the words belong to none";
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

/// The wallet of NAME or --wallet, else the only one.
base::Result<Named, Failure> chosen(const Invocation& invocation, Console& console) {
  auto typed = invocation.text("NAME");
  const auto option = invocation.text("--wallet");
  if (typed && option && *typed != *option)
    return usage_failure("NAME and --wallet name two wallets", "troupe help wallet show");
  if (!typed) typed = option;
  if (typed)
    if (const auto name = name_of(*typed); !name.ok()) return name.error();
  const auto directory = Directory::open(console);
  if (!directory.ok()) return directory.error();
  return directory.value().choose(typed);
}

/// The account with several signers that is named; nothing if that is no such one, or cannot be read.
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

/// The same, which may be left out.
Positional optional(Positional of, std::string help) {
  of.arity = Arity::maybe;
  of.help = std::move(help);
  return of;
}

}  // namespace

Commands wallet_commands() {
  const Positional name{.name = "NAME", .help = "the wallet's name: letters, digits, '-' and '_'"};
  Positional maybe = name;
  maybe.arity = Arity::maybe;
  maybe.help = "the wallet; without it the only one there is";
  const Option wallet{.name = "--wallet", .value = "NAME", .help = "the same as NAME"};
  const Positional account{.name = "NAME|ADDRESS",
                           .help = "a wallet's name, or an address; without it the only wallet",
                           .arity = Arity::maybe};
  Positional one_account = account;
  one_account.arity = Arity::one;
  one_account.help = "a wallet's name, or an address";
  const Option memo{.name = "--memo", .value = "T", .help = "at most 256 bytes of text, for all to read"};
  const Positional amount{.name = "AMOUNT", .help = "a whole number of the smallest unit"};
  const Positional to{.name = "TO", .help = "the address that is paid"};
  return {
      {.name = "wallet new",
       .summary = "Make a wallet, and print its address and its words",
       .options = {{.name = "--words", .value = "12|24", .help = "how many words; 24", .choices = {"12", "24"}},
                   passphrase_option(),
                   request_option()},
       .positionals = {name},
       .effect = Effect::write,
       .notes = kNewNotes,
       .run = make},
      {.name = "wallet restore",
       .summary = "Make a wallet of the words that were written down",
       .options = {passphrase_option(), request_option()},
       .positionals = {name},
       .effect = Effect::write,
       .notes = kRestoreNotes,
       .run = restore},
      {.name = "wallet show",
       .summary = "Print the address of a wallet; asks for no passphrase",
       .options = {wallet},
       .positionals = {maybe},
       .run = show},
      {.name = "wallet export",
       .summary = "Print the words of a wallet",
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
       .summary = "Print what an account can spend",
       .positionals = {account},
       .needs = Needs::view,
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
       .positionals = {optional(maybe, "the wallet that pays"), optional(to, to.help), optional(amount, amount.help)},
       .form = "[NAME] (TO AMOUNT | --from FILE)",
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kSendNotes,
       .run = wallet_send},
      {.name = "wallet faucet",
       .summary = "Get money from the faucet of a chain for tests",
       .options = with_chain_options({wallet, passphrase_option(), request_option()}, false),
       .positionals = {maybe},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kFaucetNotes,
       .run = wallet_faucet},
      {.name = "wallet history",
       .summary = "List the payments of an account, the latest first",
       .options = {number_option("--limit", "N", "end after N transfers", 1, UINT64_MAX >> 1)},
       .positionals = {account},
       .needs = Needs::view,
       .run = wallet_history},
      {.name = "wallet audit",
       .summary = "Compute all accounts of the book again, and compare",
       .needs = Needs::operate,
       .notes = kAuditNotes,
       .run = wallet_audit},
      {.name = "wallet issue",
       .summary = "Make money, at the book's node",
       .options = {memo, request_option()},
       .positionals = {one_account, amount},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kIssueNotes,
       .run = wallet_issue},
      {.name = "wallet own",
       .summary = "Show the account from which the node itself pays, or pay from it",
       .options = {{.name = "--to", .value = "NAME|ADDRESS", .help = "pay this account"},
                   {.name = "--amount", .value = "AMOUNT", .help = "so much: a whole number of the smallest unit"},
                   memo,
                   request_option()},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kOwnNotes,
       .run = wallet_own},
      {.name = "wallet multisig create",
       .summary = "Make an account whose transfers need several signatures",
       .options = {required(number_option("--of", "M", "how many signatures a transfer needs", 1, wallet::kSignersMax)),
                   {.name = "--key",
                    .value = "ADDRESS",
                    .help = "a signer; given for each",
                    .repeatable = true,
                    .required = true},
                   request_option()},
       .positionals = {name},
       .effect = Effect::write,
       .notes = kMultisigNotes,
       .run = multisig_create},
      {.name = "wallet multisig propose",
       .summary = "Propose a transfer of an account with several signers, and sign it",
       .options = {memo,
                   {.name = "--expires", .value = "T", .help = "when it can no longer be signed; 7d"},
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
       .positionals = {{.name = "ID", .help = "the id that `propose` printed: 64 hexadecimal digits"}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .run = multisig_sign},
      {.name = "wallet multisig ls",
       .summary = "List the proposed transfers of accounts with several signers",
       .positionals = {{.name = "NAME|ADDRESS",
                        .help = "of this account; without it of all that have a name here",
                        .arity = Arity::maybe}},
       .needs = Needs::view,
       .run = multisig_list},
  };
}

}  // namespace troupe::apps
