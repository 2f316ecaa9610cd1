#pragma once
// The recovery words as a person has written them down: `troupe wallet restore` reads them.
//
// Form    12 or 24 words over any number of lines, to the end of the input. Spaces of Unicode, punctuation and
//         byte-order marks separate words. A number may precede a word if it is the position of that word.
// Safety  no error has a word in it: it says at which position the trouble is.
#include <string_view>

#include "actors/wallet/logic/mnemonic.hpp"
#include "apps/cli/failure.hpp"

namespace troupe::apps::wallets {

/// Fails with usage.
base::Result<wallet::Mnemonic, Failure> words_written(std::string_view text);

/// The words of standard input, to its end. On a terminal after a prompt; there the line with the 24th word ends them.
base::Result<wallet::Mnemonic, Failure> words_of_input(Console& console);

}  // namespace troupe::apps::wallets
