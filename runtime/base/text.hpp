#pragma once
// Makes text from outside safe before it reaches a terminal, a log or JSON.
//
// A name or a message may come from a peer or a file. Control characters could move the cursor or recolour a terminal,
// directional overrides could make one address look like another, broken UTF-8 could break a reader.
#include <cstddef>
#include <string>
#include <string_view>

namespace troupe::base {

/// Returns `text` with escapes in place of all that is not plain: \n \t \r \\ , \xNN for a byte that is not UTF-8,
/// \u{NN} for other control and directional characters. Distinct inputs give distinct outputs.
std::string printable(std::string_view text);

/// Returns at most `bytes_max` bytes of printable(), cut after a whole escape or character and then ended with "…".
std::string printable(std::string_view text, std::size_t bytes_max);

/// Returns at most `bytes_max` bytes of `text` as it is, cut after a whole character and then ended with "…". For a
/// part of a message: the code that prints the message escapes the whole of it, once.
std::string shortened(std::string_view text, std::size_t bytes_max);

/// Whether the text is valid UTF-8 without control or directional characters. A backslash is plain.
bool is_plain(std::string_view text);

/// Whether the text is valid UTF-8, with any characters. Then quoted() loses nothing.
bool is_utf8(std::string_view text);

/// Returns a JSON string with its quotes: valid UTF-8 (broken bytes become U+FFFD), with characters that are not plain
/// as \uNNNN. Also a basic string of TOML 1.0.
std::string quoted(std::string_view text);

/// Returns the columns on a terminal: the number of characters.
std::size_t columns(std::string_view text);

}  // namespace troupe::base
