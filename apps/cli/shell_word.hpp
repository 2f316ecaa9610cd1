#pragma once
// A text as one word of a shell, for commands that are printed to be pasted.
#include <string>
#include <string_view>

namespace troupe::apps {

/// `text` as it is if a shell takes it for itself, else in quotes: '…', or $'…' (bash, zsh, ksh) with octal escapes
/// for control and directional characters and for bytes that are not UTF-8. What is returned is plain
/// (base::is_plain), so that it can be printed without another escape.
std::string shell_word(std::string_view text);

}  // namespace troupe::apps
