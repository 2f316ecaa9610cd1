#include "apps/wallet/passphrase.hpp"

#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iostream>

#include "apps/cli/input.hpp"

namespace troupe::apps::wallets {
namespace {

constexpr const char* kVariable = "TROUPE_PASSPHRASE_FILE";
constexpr const char* kHelp = "troupe help wallet new";
constexpr char kCtrlC = 3;

/// Turns off the echo and makes Ctrl-C a character that ends the line, so that the terminal is always reset.
class Hidden {
 public:
  explicit Hidden(int terminal) : terminal_(terminal), changed_(::tcgetattr(terminal, &before_) == 0) {
    termios now = before_;
    now.c_lflag &= ~static_cast<tcflag_t>(ECHO | ISIG);
    now.c_cc[VEOL] = kCtrlC;
    changed_ = changed_ && ::tcsetattr(terminal, TCSADRAIN, &now) == 0;
  }
  ~Hidden() {
    if (changed_) ::tcsetattr(terminal_, TCSADRAIN, &before_);
  }
  Hidden(const Hidden&) = delete;
  Hidden& operator=(const Hidden&) = delete;
  bool works() const { return changed_; }

 private:
  int terminal_;
  termios before_{};
  bool changed_;
};

/// Returns the first line of a stream without its end, or nullopt if it is too long, or the stream is empty.
std::optional<SecretText> first_line(std::istream& in) {
  constexpr std::size_t kBytesMax = kPassphraseBytesMax + kByteOrderMark.size() + 2;  // carriage returns
  SecretText out;
  out.text.reserve(kBytesMax + 1);  // growth would leave copies in memory
  int c = in.get();
  if (c == std::istream::traits_type::eof()) return std::nullopt;
  for (; c != std::istream::traits_type::eof() && c != '\n'; c = in.get()) {
    if (out.text.size() > kBytesMax) return std::nullopt;
    out.text += static_cast<char>(c);
  }
  return out;
}

Failure unusable(const std::string& where) {
  return usage_failure("the first line of " + where + " is not a passphrase: expected 1 to " +
                           std::to_string(kPassphraseBytesMax) + " bytes, not in UTF-16",
                       kHelp);
}

base::Result<Passphrase, Failure> first_passphrase(std::istream& in, const std::string& where) {
  auto line = first_line(in);
  auto read = line ? passphrase_in(std::move(*line)) : std::nullopt;
  if (!read) return unusable(where);
  return std::move(*read);
}

base::Result<Passphrase, Failure> from_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return usage_failure("cannot read the passphrase file " + path, kHelp);
  return first_passphrase(file, path);
}

base::Result<Passphrase, Failure> from_terminal(Console& console, Asked asked) {
  const Failure broken_off{{base::Code::refused, "no passphrase was given"}, "", "", Exit::interrupted};
  const auto typed = [&](const char* prompt) -> base::Result<Passphrase, Failure> {
    console.err << prompt << std::flush;
    auto line = hidden_line(STDIN_FILENO);
    console.err << '\n';
    if (!line) return broken_off;
    auto read = passphrase_in(std::move(*line));
    if (!read) return unusable("the typed line");
    return std::move(*read);
  };
  auto first = typed("passphrase: ");
  if (!first.ok() || asked == Asked::once) return first;
  const auto again = typed("repeat it: ");
  if (!again.ok()) return again.error();
  if (again.value().normal.text != first.value().normal.text)
    return usage_failure("the two passphrases differ", "again");
  return first;
}

}  // namespace

Option passphrase_option() {
  return {.name = "--passphrase-file",
          .value = "F",
          .help = "file whose first line is the passphrase (default the file that TROUPE_PASSPHRASE_FILE names)"};
}

std::optional<Passphrase> passphrase_in(SecretText line) {
  SecretText as_read(line.text.substr(0, line.text.size() - (line.text.ends_with('\r') ? 1 : 0)));
  std::string_view text = line.text;
  // Its first line would differ from the text that people type.
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) return std::nullopt;
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  while (text.ends_with('\r')) text.remove_suffix(1);
  if (text.empty() || text.size() > kPassphraseBytesMax) return std::nullopt;
  auto normal = nfkc(text);
  Passphrase out{normal ? std::move(*normal) : SecretText(text), std::nullopt};
  if (out.normal.text != as_read.text) out.as_read = std::move(as_read);
  return out;
}

base::Result<wallet::Mnemonic, wallet::KeystoreError> words_in(const wallet::Keystore& keystore,
                                                               const Passphrase& passphrase) {
  auto words = keystore.open(passphrase.normal.text);
  if (words.ok() || words.error() != wallet::KeystoreError::passphrase || !passphrase.as_read) return words;
  return keystore.open(passphrase.as_read->text);
}

bool asks_terminal(const Console& console) { return &console.in == &std::cin && ::isatty(STDIN_FILENO) == 1; }

std::optional<SecretText> hidden_line(int terminal) {
  const Hidden hidden(terminal);
  if (!hidden.works()) return std::nullopt;
  SecretText out;
  out.text.reserve(kTypedBytesMax);
  while (out.text.size() < kTypedBytesMax) {
    char c = 0;
    const ssize_t got = ::read(terminal, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || c == kCtrlC) return std::nullopt;
    if (c == '\n') return out;
    out.text += c;
  }
  return std::nullopt;
}

base::Result<Passphrase, Failure> passphrase(const Invocation& invocation, Console& console, Asked asked,
                                             bool input_is_free) {
  if (const auto file = invocation.text("--passphrase-file")) return from_file(*file);
  if (const auto file = variable(console, kVariable); file && !file->empty()) return from_file(*file);
  if (asks_terminal(console)) return from_terminal(console, asked);
  if (!input_is_free)
    return usage_failure(
        "there is no passphrase: standard input has the recovery phrase, so a file must have the passphrase",
        "--passphrase-file F");
  return first_passphrase(console.in, "standard input");
}

}  // namespace troupe::apps::wallets
