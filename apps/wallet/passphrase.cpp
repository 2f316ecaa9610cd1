#include "apps/wallet/passphrase.hpp"

#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iostream>


namespace troupe::apps::wallets {
namespace {

constexpr const char* kVariable = "TROUPE_PASSPHRASE_FILE";
constexpr const char* kHelp = "troupe help wallet new";
constexpr char kCtrlC = 3;

/// No echo, and Ctrl-C is a character that ends the line, so that the terminal is always set back.
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

/// The first line of a stream; nothing if it has more than `bytes_max`, or if the stream has nothing at all.
std::optional<SecretText> first_line(std::istream& in, std::size_t bytes_max) {
  SecretText out;
  out.text.reserve(bytes_max + 1);  // growth would leave copies behind
  int c = in.get();
  if (c == std::istream::traits_type::eof()) return std::nullopt;
  for (; c != std::istream::traits_type::eof() && c != '\n'; c = in.get()) {
    if (out.text.size() > bytes_max) return std::nullopt;
    out.text += static_cast<char>(c);
  }
  if (out.text.ends_with('\r')) out.text.pop_back();
  if (out.text.size() > bytes_max) return std::nullopt;
  return out;
}

Failure unusable(const std::string& where) {
  return usage_failure(
      "the first line of " + where + " is no passphrase: it has 1 to " + std::to_string(kPassphraseBytesMax) + " bytes",
      kHelp);
}

base::Result<SecretText, Failure> from_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return usage_failure("cannot read the passphrase file " + path, kHelp);
  auto line = first_line(file, kPassphraseBytesMax);
  if (!line || line->text.empty()) return unusable(path);
  return std::move(*line);
}

base::Result<SecretText, Failure> from_terminal(Console& console, Asked asked) {
  const Failure broken_off{{base::Code::refused, "no passphrase was given"}, "", "", Exit::interrupted};
  console.err << "passphrase: " << std::flush;
  auto line = hidden_line(STDIN_FILENO);
  console.err << '\n';
  if (!line) return broken_off;
  if (line->text.empty() || line->text.size() > kPassphraseBytesMax) return unusable("what was typed");
  if (asked == Asked::once) return std::move(*line);
  console.err << "the same once more: " << std::flush;
  const auto again = hidden_line(STDIN_FILENO);
  console.err << '\n';
  if (!again) return broken_off;
  if (again->text != line->text) return usage_failure("the two passphrases differ", "again");
  return std::move(*line);
}

}  // namespace

Option passphrase_option() {
  return {.name = "--passphrase-file",
          .value = "F",
          .help = "the passphrase is the first line of F; else TROUPE_PASSPHRASE_FILE names it"};
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

base::Result<SecretText, Failure> passphrase(const Invocation& invocation, Console& console, Asked asked,
                                             bool input_is_free) {
  if (const auto file = invocation.text("--passphrase-file")) return from_file(*file);
  if (const auto file = variable(console, kVariable); file && !file->empty()) return from_file(*file);
  if (asks_terminal(console)) return from_terminal(console, asked);
  if (!input_is_free)
    return usage_failure("there is no passphrase: standard input has the words, so a file must have it",
                         "--passphrase-file F");
  auto line = first_line(console.in, kPassphraseBytesMax);
  if (!line || line->text.empty()) return unusable("standard input");
  return std::move(*line);
}

}  // namespace troupe::apps::wallets
