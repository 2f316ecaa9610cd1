#pragma once
// Gets the passphrase for a command that opens or seals a keystore.
//
// Order   --passphrase-file F, TROUPE_PASSPHRASE_FILE, the terminal without echo, the first line of standard input.
// Form    the first line without its end, a byte-order mark and carriage returns, in NFKC: the same from a file, a
//         terminal and a pipe. A line that is not UTF-8 is used as bytes. Earlier versions used the bytes of the line;
//         a keystore that they have sealed opens with those bytes.
// Limits  1 to kPassphraseBytesMax bytes, before it is normalized.
#include <optional>
#include <string>

#include "actors/wallet/logic/keystore.hpp"
#include "apps/cli/command.hpp"
#include "apps/wallet/normal.hpp"

namespace troupe::apps::wallets {

inline constexpr std::size_t kPassphraseBytesMax = 1'024;
inline constexpr std::size_t kTypedBytesMax = 4'096;  // our choice: a terminal's line limit

struct Passphrase {
  SecretText normal;
  std::optional<SecretText> as_read;  ///< the line as read, if that differs
};

/// Returns `line`, a line without its end, as a passphrase; nullopt if it is too short or too long.
std::optional<Passphrase> passphrase_in(SecretText line);

/// Opens a keystore that this program or an earlier version has sealed with the passphrase.
base::Result<wallet::Mnemonic, wallet::KeystoreError> words_in(const wallet::Keystore& keystore,
                                                               const Passphrase& passphrase);

Option passphrase_option();

enum class Asked : std::uint8_t {
  once,   ///< to open
  twice,  ///< to seal, because a person may mistype it
};

/// Gets the passphrase. `input_is_free`: standard input has no other use, so it may have the passphrase. Fails with
/// usage, and with exit 130 if a person cancels.
base::Result<Passphrase, Failure> passphrase(const Invocation& invocation, Console& console, Asked asked,
                                             bool input_is_free = true);

/// Reads a line of the terminal without echo, and resets the terminal afterwards. Returns nullopt if the person pressed
/// Ctrl-C or Ctrl-D, or if the line is too long.
std::optional<SecretText> hidden_line(int terminal);

/// Whether the console's input is the terminal of this process.
bool asks_terminal(const Console& console);

}  // namespace troupe::apps::wallets
