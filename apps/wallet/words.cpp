#include "apps/wallet/words.hpp"

#include <utf8proc.h>

#include <algorithm>

#include "apps/cli/input.hpp"
#include "apps/wallet/passphrase.hpp"

namespace troupe::apps::wallets {
namespace {

using wallet::WordsError;

constexpr std::size_t kWordsBytesMax = 4'096;  // our choice: 24 words have at most 215 bytes

Failure no_wallets(const std::string& why) {
  return usage_failure("invalid recovery phrase: " + why, "troupe help wallet restore");
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Punctuation, spaces, line ends and characters without a form. A letter, a digit or a symbol is part of a word.
bool separates(utf8proc_int32_t point) {
  const utf8proc_category_t category = utf8proc_category(point);
  return (category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO) ||
         (category >= UTF8PROC_CATEGORY_ZS && category <= UTF8PROC_CATEGORY_CF);
}

/// Returns `text`, which is UTF-8, with a blank for each separating character, and between a number and the word after
/// it.
SecretText with_blanks(std::string_view text) {
  SecretText out;
  out.text.reserve(2 * text.size());
  bool number = false;
  while (!text.empty()) {
    utf8proc_int32_t point = 0;
    const auto bytes = static_cast<std::size_t>(utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                                                 static_cast<utf8proc_ssize_t>(text.size()), &point));
    const bool blank = separates(point), first = out.text.empty() || out.text.back() == ' ';
    const bool digit = is_digit(text.front()) && (first || number);
    if (number && !digit && !blank) out.text += ' ';
    number = digit;
    out.text.append(blank ? " " : text.substr(0, bytes));
    text.remove_prefix(bytes);
  }
  return out;
}

/// Returns the words of `text` with a blank before each, without the numbers before them. Fails if a number is not the
/// position of the word that follows it.
base::Result<SecretText, Failure> without_numbers(std::string_view text) {
  SecretText out;
  out.text.reserve(text.size() + 1);
  std::size_t count = 0;
  std::optional<std::string_view> number;
  const auto misplaced = [&] {
    return no_wallets("the number " + std::string(number->substr(0, 4)) +
                      " is not the position of the word that follows it");
  };
  for (std::size_t at = text.find_first_not_of(' '); at < text.size(); at = text.find_first_not_of(' ', at)) {
    const std::string_view token = text.substr(at, std::min(text.find(' ', at), text.size()) - at);
    at += token.size();
    const bool is_number = std::ranges::all_of(token, is_digit);
    if (is_number && number) return misplaced();
    if (is_number) {
      number = token;
      continue;
    }
    ++count;
    if (number && number->substr(std::min(number->find_first_not_of('0'), number->size())) != std::to_string(count))
      return misplaced();
    number.reset();
    out.text.append(1, ' ').append(token);
  }
  if (number) return misplaced();
  return out;
}

/// Returns the words in the form that parse() expects, with a blank before each.
base::Result<SecretText, Failure> plain_words(std::string_view text) {
  const auto normal = nfkc(text);
  if (!normal) return no_wallets("it is not UTF-8; save it as plain text");
  return without_numbers(with_blanks(normal->text).text);
}

/// Reads lines to the end of the input, or to the end of the line with the 24th word, the last possible word.
void read_typed(std::istream& in, std::string& out) {
  for (char next = 0; out.size() <= kWordsBytesMax && in.get(next);) {
    out += next;
    if (next != '\n') continue;
    const auto list = plain_words(out);
    if (list.ok() && std::ranges::count(list.value().text, ' ') >= 24) return;
  }
}

}  // namespace

base::Result<wallet::Mnemonic, Failure> words_written(std::string_view text) {
  const auto list = plain_words(text);
  if (!list.ok()) return list.error();
  const std::string& words = list.value().text;
  auto read = wallet::Mnemonic::parse(words);
  if (read.ok()) return std::move(read).value();
  switch (read.error()) {
    case WordsError::unknown:
      return no_wallets("word " + std::to_string(wallet::unknown_word(words).value_or(0)) +
                        " is not in the BIP-39 list");
    case WordsError::count:
      return no_wallets("it has " + std::to_string(std::ranges::count(words, ' ')) +
                        " words, but a wallet has 12 or 24");
    case WordsError::checksum: break;
  }
  return no_wallets("the checksum is wrong: a word is wrong, or in the wrong position");
}

base::Result<wallet::Mnemonic, Failure> words_of_input(Console& console) {
  SecretText input;
  input.text.reserve(kWordsBytesMax + 2);  // growth would leave copies in memory
  if (asks_terminal(console)) {
    console.err << "recovery phrase (after 12 words, Ctrl-D on an empty line): " << std::flush;
    read_typed(console.in, input.text);
  } else if (const auto read = read_rest(console.in, kStandardInput, kWordsBytesMax, input.text); !read.ok()) {
    return read.error();
  }
  if (input.text.size() > kWordsBytesMax)
    return no_wallets("the input has more than " + std::to_string(kWordsBytesMax) + " bytes");
  return words_written(input.text);
}

}  // namespace troupe::apps::wallets
