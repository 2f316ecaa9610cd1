#pragma once
// Quotes a text as one word of a shell, for commands that are printed so that a person can paste them.
#include <string>
#include <string_view>

namespace troupe::apps {

/// Returns `text` unchanged if a shell takes it literally, otherwise in quotes: '…', or $'…' (bash, zsh, ksh) with
/// octal escapes for control and directional characters and for bytes that are not UTF-8. The result is plain
/// (base::is_plain), so it needs no other escape.
std::string shell_word(std::string_view text);

}  // namespace troupe::apps
