// troupe wallet …
#include "actors/wallet/logic/derived_key.hpp"
#include "apps/cli/json.hpp"
#include "apps/wallet/keystores.hpp"
#include "apps/wallet/passphrase.hpp"
#include "messages/output/wallet.capnp.h"
#include "runtime/crypto/hash.hpp"
#include "runtime/os/chance.hpp"

namespace troupe::apps {
namespace {

using namespace wallets;
using wallet::Keystore;
using wallet::Mnemonic;
using wallet::WordCount;

constexpr std::size_t kRequestBytesMax = 64;

constexpr const char* kNewNotes = R"(
passphrase
  --passphrase-file, else the file that TROUPE_PASSPHRASE_FILE names, else asked on the terminal, else the first line of
  standard input; 1 to 1,024 bytes
words
  printed once, on standard error; a person who has them has the money, and without them a lost file is lost money
  (troupe wallet export NAME prints them again)
files
  $XDG_CONFIG_HOME/troupe/wallets/NAME, else below ~/.config; troupe keeps no copy elsewhere
)";

constexpr const char* kRestoreNotes = R"(
words
  the first line of standard input; the passphrase that seals them comes from a file or from the terminal
exits
  2 for a word that is not in the list, or words that do not belong together; 5 if the name is another wallet's
)";

Option request_option() {
  return {.name = "--request", .value = "ID", .help = "a retry with the same id changes nothing and prints the same"};
}

/// Zeros without --request.
base::Result<wallet::RequestMark, Failure> request_of(const Invocation& invocation) {
  const auto id = invocation.text("--request");
  if (!id) return wallet::RequestMark{};
  if (id->empty() || id->size() > kRequestBytesMax)
    return usage_failure("a request id has 1 to 64 bytes", "--request \"$(date +%s)\"");
  return wallet::RequestMark{crypto::sha256(base::as_bytes("troupe wallet request v1"), base::as_bytes(*id)).bytes};
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
  auto found = directory.find(name);
  if (!found.ok()) return found.error();
  if (!found.value()) return Before{};
  return Before{Named{name, std::move(*found.value())}};
}

Failure taken(const std::string& name) {
  return {{base::Code::conflict, "there is another wallet " + name}, "nothing was changed", "another name"};
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
    return taken(name.value());
  const auto secret = passphrase(invocation, console, there.value().wallet ? Asked::once : Asked::twice);
  if (!secret.ok()) return secret.error();
  if (there.value().wallet) {
    const Keystore& keystore = there.value().wallet->keystore;
    const auto words = keystore.open(secret.value().text);
    if (!words.ok()) return unopened(name.value(), words.error());
    print(invocation, console, name.value(), keystore, &words.value());
    return Exit::done;
  }
  os::Chance chance;
  const Mnemonic words = Mnemonic::make(chance, count);
  const Keystore keystore = Keystore::seal(words, secret.value().text, request.value(), {}, chance);
  if (auto added = directory.value().add(name.value(), keystore); !added.ok()) return added.error();
  print(invocation, console, name.value(), keystore, &words);
  if (!invocation.globals.json) console.err << "write down these words: " << words.words() << '\n';
  return Exit::done;
}

base::Result<Mnemonic, Failure> words_typed(Console& console) {
  const auto line = input_line(console, "words: ");
  if (!line.ok()) return line.error();
  auto words = Mnemonic::parse(line.value().text);
  if (words.ok()) return std::move(words).value();
  const char* const what = words.error() == wallet::WordsError::count     ? "there are neither 12 nor 24 words"
                           : words.error() == wallet::WordsError::unknown ? "a word is not in the list of BIP-39"
                                                                          : "the checksum is wrong: a word is another "
                                                                            "one, or stands in another place";
  return usage_failure(std::string("these words are no wallet's: ") + what, "troupe help wallet restore");
}

Ending restore(const Invocation& invocation, Console& console) {
  const auto name = name_of(*invocation.text("NAME"));
  if (!name.ok()) return name.error();
  const auto request = request_of(invocation);
  if (!request.ok()) return request.error();
  const auto words = words_typed(console);
  if (!words.ok()) return words.error();
  const auto directory = Directory::open_or_make(console);
  if (!directory.ok()) return directory.error();
  const auto held = directory.value().lock();
  if (!held.ok()) return held.error();
  const auto there = before(directory.value(), name.value(), request.value());
  if (!there.ok()) return there.error();
  if (there.value().wallet &&
      there.value().wallet->keystore.public_key() != wallet::wallet_key(words.value()).public_key())
    return taken(name.value());
  const auto secret = passphrase(invocation, console, there.value().wallet ? Asked::once : Asked::twice, false);
  if (!secret.ok()) return secret.error();
  if (there.value().wallet) {
    const Keystore& keystore = there.value().wallet->keystore;
    if (const auto opened = keystore.open(secret.value().text); !opened.ok())
      return unopened(name.value(), opened.error());
    print(invocation, console, name.value(), keystore, nullptr);
    return Exit::done;
  }
  os::Chance chance;
  const Keystore keystore = Keystore::seal(words.value(), secret.value().text, request.value(), {}, chance);
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

Ending show(const Invocation& invocation, Console& console) {
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
  const auto words = one.value().keystore.open(secret.value().text);
  if (!words.ok()) return unopened(one.value().name, words.error());
  if (invocation.globals.json) print(invocation, console, one.value().name, one.value().keystore, &words.value());
  else console.out << words.value().words() << '\n';
  return Exit::done;
}

}  // namespace

Commands wallet_commands() {
  const Positional name{.name = "NAME", .help = "the wallet's name: letters, digits, '-' and '_'"};
  Positional maybe = name;
  maybe.arity = Arity::maybe;
  maybe.help = "the wallet; without it the only one there is";
  const Option wallet{.name = "--wallet", .value = "NAME", .help = "the same as NAME"};
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
  };
}

}  // namespace troupe::apps
