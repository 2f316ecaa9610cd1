#pragma once
// Reads the recovery phrase as a person has written it down, for `troupe wallet restore`.
//
// Form    12 or 24 words on any number of lines, to the end of the input. Unicode spaces, punctuation and byte-order
//         marks separate words. A number may precede a word if it is the position of that word.
// Safety  no error contains a word: it gives the position of the fault.
#include <string_view>

#include "actors/wallet/logic/mnemonic.hpp"
#include "apps/cli/failure.hpp"

namespace troupe::apps::wallets {

/// Reads a recovery phrase from `text`. Fails with usage.
base::Result<wallet::Mnemonic, Failure> words_written(std::string_view text);

/// Reads the words of standard input to its end. On a terminal it prompts, and the line with the 24th word ends the
/// input.
base::Result<wallet::Mnemonic, Failure> words_of_input(Console& console);

}  // namespace troupe::apps::wallets
