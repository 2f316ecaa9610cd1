// troupe wallet …, as functions
#include <fcntl.h>
#include <pty.h>
#include <sys/stat.h>
#include <termios.h>

#include "actors/wallet/logic/address.hpp"
#include "apps/wallet/passphrase.hpp"
#include "apps/wallet/policies.hpp"
#include "apps/wallet/typed.hpp"
#include "runtime/os/chance.hpp"
#include "tests/apps/harness.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::apps;
using test::contains;

namespace {

constexpr const char* kSomeWords = "legal winner thank year wave sausage worth useful legal winner thank yellow";
constexpr const char* kTheirAddress = "tro1v5vqpwuqp32l7hd9s9p6z2u825ngq7x2ksvaum20cqmp485yxx3qaayymr\n";

/// A person with a home directory and a passphrase file.
struct WalletHome {
  TemporaryFolder folder;
  std::string secret = folder.write("secret", "open sesame\n");
  std::string keystore = folder.path() + "/troupe/wallets/";

  Seen run(std::vector<std::string> arguments, const std::string& input = "", std::vector<std::string> more = {}) {
    arguments.insert(arguments.begin(), "wallet");
    std::ostringstream out, err;
    std::istringstream in(input);
    const std::string home = "XDG_CONFIG_HOME=" + folder.path();
    std::vector<const char*> environment{home.c_str()};
    for (const std::string& variable : more) environment.push_back(variable.c_str());
    environment.push_back(nullptr);
    Console console{out, err, in, false, false, environment.data()};
    const Exit exit = apps::run(commands(), arguments, console);
    return {exit, out.str(), err.str()};
  }
  /// A new wallet where the words cannot be written.
  Exit new_unseen(bool json) {
    std::ostringstream out, err;
    std::istringstream in("open sesame\n");
    (json ? out : err).setstate(std::ios::badbit);
    const std::string home = "XDG_CONFIG_HOME=" + folder.path();
    const char* environment[] = {home.c_str(), nullptr};
    Console console{out, err, in, false, false, environment};
    std::vector<std::string> arguments{"wallet", "new", "unseen"};
    if (json) arguments.push_back("--json");
    return apps::run(commands(), arguments, console);
  }
  Seen with_file(std::vector<std::string> arguments, const std::string& input = "") {
    arguments.insert(arguments.end(), {"--passphrase-file", secret});
    return run(arguments, input);
  }
};

std::string without_end(const std::string& line) { return line.substr(0, line.find('\n')); }

}  // namespace

TEST_CASE("wallet commands: a new wallet prints its address, is 0600, and is restored elsewhere from its words") {
  WalletHome home, other;
  const Seen made = home.with_file({"new", "savings"});
  REQUIRE_MESSAGE(made.exit == Exit::done, made.err);
  CHECK(wallet::parse_address(without_end(made.out)));
  struct stat file {};
  REQUIRE(::stat((home.keystore + "savings").c_str(), &file) == 0);
  CHECK((file.st_mode & 0777) == 0600);
  REQUIRE(::stat(home.keystore.c_str(), &file) == 0);
  CHECK((file.st_mode & 0777) == 0700);

  const Seen words = home.with_file({"export", "savings"});
  CHECK(std::ranges::count(words.out, ' ') == 23);
  CHECK(contains(made.err, without_end(words.out)));
  CHECK(home.run({"show"}).out == made.out);  // asks for no passphrase

  const Seen restored = other.with_file({"restore", "again"}, words.out);
  CHECK_MESSAGE(restored.exit == Exit::done, restored.err);
  CHECK(restored.out == made.out);
  CHECK(other.with_file({"restore", "again"}, words.out).exit == Exit::done);  // has its effect already
  CHECK(other.with_file({"restore", "again"}, kSomeWords).exit == Exit::refused);
}

TEST_CASE("wallet commands: words that are known give the address that is known; JSON has the names of the contract") {
  WalletHome home;
  CHECK(home.with_file({"restore", "mine"}, kSomeWords).out == kTheirAddress);
  const Seen shown = home.run({"show", "--wallet", "mine", "--json"});
  CHECK(shown.out == "{\"name\":\"mine\",\"account\":\"" + without_end(kTheirAddress) +
                         "\",\"publicKey\":\"256d0d5112d9ca21940701c4947e7f9c692cebd378f0708bc1dba2d316df0323\","
                         "\"words\":null}\n");
  CHECK(contains(home.with_file({"export", "--json"}).out, std::string("\"words\":\"") + kSomeWords + '"'));
  CHECK(contains(home.with_file({"new", "fresh", "--words", "12", "--json"}).out, "\"words\":\""));
}

TEST_CASE("wallet commands: the passphrase comes from a file, from the variable, or from standard input") {
  WalletHome home;
  REQUIRE(home.run({"new", "a"}, "open sesame\nmore\n").exit == Exit::done);
  CHECK(home.with_file({"export", "a"}).exit == Exit::done);
  CHECK(home.run({"export", "a"}, "", {"TROUPE_PASSPHRASE_FILE=" + home.secret}).exit == Exit::done);
  CHECK(home.run({"export", "a"}, "open sesame\r\n").exit == Exit::done);
  CHECK(home.run({"export", "a"}, "open sesam\n").exit == Exit::refused);
  CHECK(home.run({"export", "a"}).exit == Exit::usage);
  CHECK(home.run({"export", "a"}, "\n").exit == Exit::usage);
  CHECK(home.run({"export", "a"}, std::string(wallets::kPassphraseBytesMax, 'x') + '\n').exit == Exit::refused);
  CHECK(home.run({"export", "a"}, std::string(wallets::kPassphraseBytesMax + 1, 'x') + '\n').exit == Exit::usage);
  CHECK(home.run({"export", "a", "--passphrase-file", "/no/such/file"}).exit == Exit::usage);
  CHECK(home.run({"restore", "b"}, kSomeWords).exit == Exit::usage);
}

TEST_CASE("wallet commands: a passphrase is the same text from a file, a pipe and a keyboard") {
  WalletHome home;
  REQUIRE(home.run({"new", "a"}, "caf\u00e9 1\n").exit == Exit::done);
  for (const std::string& same :
       {std::string("cafe\u0301 1\n"), std::string("\ufeffcaf\u00e9 1\n"), std::string("caf\u00e9 1"),
        std::string("caf\u00e9 1\r\r\n"), std::string("\ufeffcafe\u0301\u00a0\uff11\r\nmore")}) {
    CHECK_MESSAGE(home.run({"export", "a"}, same).exit == Exit::done, same);
    CHECK(home.run({"export", "a", "--passphrase-file", home.folder.write("f", same)}).exit == Exit::done);
    CHECK(wallets::passphrase_in(wallets::SecretText(without_end(same)))->normal.text == "caf\u00e9 1");
  }
  for (const std::string& other :
       {std::string("caf\u00e9 1 \n"), std::string("CAF\u00c9 1\n"), std::string("caf\xe9 1\n")})
    CHECK_MESSAGE(home.run({"export", "a"}, other).exit == Exit::refused, other);
  CHECK(home.run({"new", "b"}, "\ufeff\r\n").exit == Exit::usage);
  // Bytes that are not UTF-8 stay what they are.
  REQUIRE(home.run({"new", "c"}, "caf\xe9\n").exit == Exit::done);
  CHECK(home.run({"export", "c"}, "caf\xe9\r\n").exit == Exit::done);
}

TEST_CASE("wallet commands: a passphrase in UTF-16 is refused") {
  for (const std::string line : {"\xff\xfep", "\xfe\xffp"})
    CHECK_FALSE(wallets::passphrase_in(wallets::SecretText(line)));
}

TEST_CASE("wallet commands: a wallet that was sealed with the bytes of a line opens with that line") {
  os::Chance chance;
  const auto words = wallet::Mnemonic::parse(kSomeWords);
  REQUIRE(words.ok());
  for (const std::string& line :
       {std::string("\ufeffopen sesame"), std::string("cafe\u0301"), std::string("sesame\r"), std::string("sesame")}) {
    const auto sealed = wallet::Keystore::seal(words.value(), line, {}, {8, 1, 1}, chance);
    const auto typed = wallets::passphrase_in(wallets::SecretText(line + '\r'));
    REQUIRE(typed);
    CHECK_MESSAGE(wallets::words_in(sealed, *typed).ok(), line);
    CHECK(wallets::words_in(sealed, *wallets::passphrase_in(wallets::SecretText("open sesam"))).error() ==
          wallet::KeystoreError::passphrase);
  }
}

TEST_CASE("wallet commands: words that are wrong, names that are none, and wallets that are not there") {
  WalletHome home;
  CHECK(home.run({"show"}).exit == Exit::not_found);
  CHECK(home.run({"show", "a"}).exit == Exit::not_found);
  CHECK_FALSE(std::filesystem::exists(home.keystore));  // looking makes nothing
  CHECK(contains(home.with_file({"restore", "a"}, "legal winner").err, "it has 2 words, but a wallet has 12 or 24"));
  CHECK(home.with_file({"restore", "a"}, std::string(kSomeWords) + 'w').exit == Exit::usage);
  CHECK(home.with_file({"restore", "a"}, "winner " + std::string(kSomeWords).substr(6)).exit == Exit::usage);
  CHECK(home.with_file({"restore", "a"}, std::string(1'000'000, 'x')).exit == Exit::usage);
  for (const auto& name : std::vector<std::string>{"", "a/b", "..", ".a", "a b", std::string(65, 'a')})
    CHECK_MESSAGE(home.with_file({"new", name}).exit == Exit::usage, name);
  CHECK(home.run({"show"}).exit == Exit::not_found);  // nothing was made
  REQUIRE(home.with_file({"new", "a"}).exit == Exit::done);
  REQUIRE(home.with_file({"new", "b"}).exit == Exit::done);
  CHECK(home.run({"show"}).exit == Exit::usage);
  CHECK(home.run({"show", "b"}).exit == Exit::done);
  CHECK(home.run({"show", "b", "--wallet", "a"}).exit == Exit::usage);
}

TEST_CASE("wallet commands: restore reads words over any number of lines, as people write them down") {
  const std::string words = kSomeWords;
  const auto joined = [&](const std::function<std::string(std::size_t)>& before, const std::string& after) {
    std::istringstream in(words);
    std::string out, word;
    for (std::size_t number = 1; in >> word; ++number) out += before(number) + word + after;
    return out;
  };
  const auto nothing = [](std::size_t) { return std::string(); };
  const auto numbered = [](const std::string& after) {
    return [after](std::size_t number) { return std::to_string(number) + after; };
  };
  for (const std::string& written : {words + "\n\n \n",
                                     joined(nothing, "\n"),
                                     joined(nothing, "\r\n"),
                                     joined(nothing, ", "),
                                     joined(nothing, "\r"),
                                     joined(nothing, "\u00a0"),
                                     joined(nothing, "\u3000"),
                                     joined(nothing, "\u2003"),
                                     joined(nothing, "\u2028"),
                                     joined(nothing, "\u3001"),
                                     joined(numbered(". "), "\n"),
                                     joined(numbered(") "), " "),
                                     joined(numbered("."), " "),
                                     joined(numbered(" "), "\n"),
                                     joined(numbered(""), ",\n"),
                                     joined(numbered("\uff0e"), "\u3000"),
                                     "\ufeff" + words,
                                     "\"" + words + "\"",
                                     joined([](std::size_t) { return "- "; }, "\n"),
                                     std::string("\uff2c\uff25\uff27\uff21\uff2c") + words.substr(5)}) {
    WalletHome home;
    const Seen restored = home.with_file({"restore", "a"}, written);
    CHECK_MESSAGE(restored.out == kTheirAddress, written << restored.err);
  }
}

TEST_CASE("wallet commands: restore refuses what is left over, and names a word by its position alone") {
  WalletHome home;
  const std::string good = kSomeWords;
  const std::string zeros = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon ";
  // The first line is a wallet by itself, and all words are not.
  CHECK(home.with_file({"restore", "a"}, zeros + "about\n" + good + '\n').exit == Exit::usage);
  const Seen whole = home.with_file({"restore", "a"}, zeros + "abandon\n" + zeros + "art\n");
  CHECK_MESSAGE(whole.exit == Exit::done, whole.err);
  CHECK(whole.out == WalletHome().with_file({"restore", "a"}, zeros + "abandon " + zeros + "art").out);
  for (const auto& [input, why] : std::vector<std::pair<std::string, std::string>>{
           {good + "\nlegal", "it has 13 words, but a wallet has 12 or 24"},
           {good + "\nsesame", "word 13 is not in the BIP-39 list"},
           {good + "\n13", "the number 13 is not the position"},
           {"2 " + good, "the number 2 is not the position"},
           {"0 " + good, "the number 0 is not the position"},
           {"1 1 " + good, "the number 1 is not the position"},
           {"legal sesame " + good.substr(13), "word 2 is not in the BIP-39 list"},
           {"legal win\u0301ner " + good.substr(13), "word 2 is not in the BIP-39 list"},
           {good + " +", "word 13 is not in the BIP-39 list"},
           {good + "\xff", "it is not UTF-8"},
           {std::string(5'000, ' ') + good, "more than 4096 bytes"},
           {"", "it has 0 words, but"}}) {
    const Seen refused = home.with_file({"restore", "b"}, input);
    CHECK_MESSAGE(refused.exit == Exit::usage, input);
    CHECK_MESSAGE(contains(refused.err, why), refused.err);
    for (const char* word : {"legal", "winner", "sesame", "yellow"}) CHECK_FALSE(contains(refused.err, word));
  }
}

TEST_CASE("wallet commands: a wallet whose words cannot be shown is not made") {
  WalletHome home;
  for (const bool json : {false, true}) {
    CHECK(home.new_unseen(json) == Exit::failed);
    CHECK_FALSE(std::filesystem::exists(home.keystore + "unseen"));
  }
  CHECK(home.with_file({"new", "unseen"}).exit == Exit::done);
}

TEST_CASE("wallet commands: a repeated request makes nothing and prints the same; another content is refused") {
  WalletHome home;
  const std::vector<std::string> ask{"new", "a", "--request", "r1", "--json"};
  const Seen first = home.with_file(ask);
  REQUIRE(first.exit == Exit::done);
  CHECK(home.with_file(ask).out == first.out);
  CHECK(home.with_file({"new", "a"}).exit == Exit::refused);
  CHECK(home.with_file({"new", "a", "--request", "r2"}).exit == Exit::refused);
  CHECK(home.with_file({"new", "b", "--request", "r1"}).exit == Exit::refused);
  CHECK(home.with_file({"new", "a", "--request", "r1", "--words", "12"}).exit == Exit::refused);
  CHECK(home.run(ask, "another\n").exit == Exit::refused);
  CHECK(home.with_file({"new", "c", "--request", std::string(65, 'x')}).exit == Exit::usage);
}

TEST_CASE("wallet commands: a keystore that is cut or changed says so, and is left as it is") {
  WalletHome home;
  REQUIRE(home.with_file({"new", "a"}).exit == Exit::done);
  const std::string path = home.keystore + "a";
  std::filesystem::resize_file(path, 100);
  for (const Seen& seen : {home.run({"show", "a"}), home.with_file({"export", "a"}), home.with_file({"new", "a"})}) {
    CHECK(seen.exit == Exit::failed);
    CHECK(contains(seen.err, "the keystore of wallet a is damaged"));
  }
  CHECK(std::filesystem::file_size(path) == 100);
  CHECK(home.with_file({"new", "b"}).exit == Exit::done);
  std::ofstream(path, std::ios::binary) << std::string(10'000'000, 'x');
  CHECK(home.run({"show", "a"}).exit == Exit::failed);
}

TEST_CASE("wallet commands: a passphrase that is typed is not shown, and the terminal is set back") {
  int person = -1, terminal = -1;
  REQUIRE(::openpty(&person, &terminal, nullptr, nullptr, nullptr) == 0);
  const auto echoes = [&] {
    termios now{};
    return ::tcgetattr(terminal, &now) == 0 && (now.c_lflag & ECHO) != 0 && (now.c_lflag & ISIG) != 0;
  };
  // Typed ahead: what is typed before the echo is off is shown by the terminal, not by us.
  const auto typed = [&](const std::string& text) {
    REQUIRE(::write(person, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    return wallets::hidden_line(terminal);
  };
  CHECK(echoes());
  CHECK(typed("open sesame\n")->text == "open sesame");
  CHECK(echoes());
  ::termios raw{};
  REQUIRE(::tcgetattr(terminal, &raw) == 0);
  raw.c_lflag &= ~static_cast<tcflag_t>(ISIG);  // else Ctrl-C that is typed ahead goes as a signal
  raw.c_cc[VEOL] = 3;
  REQUIRE(::tcsetattr(terminal, TCSANOW, &raw) == 0);
  CHECK_FALSE(typed("open\x03"));
  ::close(person);
  ::close(terminal);
  CHECK_FALSE(wallets::hidden_line(-1));
}

TEST_CASE("wallet commands: a time is a span of a second or more, or a date in UTC; nothing else is one") {
  const auto date = wallets::time_typed("2027-01-31T12:00:00Z", "");
  REQUIRE(date.ok());
  CHECK(date.value().is_date);
  CHECK(date.value().value == wallet::UnixMs(1'801'396'800'000));
  CHECK(wallets::date_of(date.value().value) == "2027-01-31T12:00:00Z");
  CHECK(date.value().from(wallet::UnixMs(5)) == date.value().value);
  const auto span = wallets::time_typed("21d", "");
  REQUIRE(span.ok());
  CHECK(span.value().from(wallet::UnixMs(5)) == std::chrono::hours(21 * 24) + wallet::UnixMs(5));
  CHECK(wallets::time_typed("1s", "").ok());
  for (const char* bad : {"", "0s", "999ms", "1", "-1s", "1.5h", "2027-02-29T12:00:00Z", "2027-13-01T00:00:00Z",
                          "1969-12-31T23:59:59Z", "2027-01-31T24:00:00Z", "2027-01-31T12:00:60Z", "2027-01-31T12:00:00",
                          "2027-01-31 12:00:00Z", "2027-01-31T12:00:00+00:00", "x027-01-31T12:00:00Z"})
    CHECK_MESSAGE(!wallets::time_typed(bad, "").ok(), bad);
}

TEST_CASE("wallet commands: an account of several signers is a file that is taken whole, or not at all") {
  WalletHome home;
  std::vector<std::string> signers;
  for (const char* name : {"a", "b", "c"}) signers.push_back(without_end(home.with_file({"new", name}).out));
  const std::vector<std::string> create{"multisig", "create", "all",      "--of",  "2",       "--key",
                                        signers[0], "--key",  signers[1], "--key", signers[2]};
  const Seen made = home.run(create);
  REQUIRE_MESSAGE(made.exit == Exit::done, made.err);
  CHECK(home.run(create).out == made.out);
  CHECK(contains(home.run({"show", "all", "--json"}).out, "\"threshold\":2,\"signers\":[\"tro1"));
  CHECK(home.with_file({"new", "all"}).exit == Exit::refused);
  CHECK(home.run({"multisig", "create", "a", "--of", "1", "--key", signers[1], "--key", signers[2]}).exit ==
        Exit::refused);
  for (const std::vector<std::string>& bad : {std::vector<std::string>{"--of", "1", "--key", signers[0]},
                                              {"--of", "3", "--key", signers[0], "--key", signers[1]},
                                              {"--of", "1", "--key", signers[0], "--key", signers[0]},
                                              {"--key", signers[0], "--key", signers[1]},
                                              {"--of", "1", "--key", signers[0], "--key", "tro1"}}) {
    std::vector<std::string> words{"multisig", "create", "other"};
    words.insert(words.end(), bad.begin(), bad.end());
    CHECK_MESSAGE(home.run(words).exit == Exit::usage, bad.size());
  }
  const std::string path = home.keystore + "all.policy";
  struct stat file {};
  REQUIRE(::stat(path.c_str(), &file) == 0);
  CHECK((file.st_mode & 0777) == 0600);
  std::ifstream in(path, std::ios::binary);
  const std::string good{std::istreambuf_iterator<char>(in), {}};
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    CHECK_FALSE(wallets::decode_policy_file(base::as_bytes(bad)));
    CHECK_FALSE(wallets::decode_policy_file(base::as_bytes(good.substr(0, at))));
  }
  REQUIRE(wallets::decode_policy_file(base::as_bytes(good)));
  std::ofstream(path, std::ios::binary) << good.substr(0, 100);
  CHECK(home.run(create).exit == Exit::failed);
  CHECK(contains(home.run({"multisig", "propose", "all", signers[0], "1"}).err, "the policy of all is damaged"));
}
