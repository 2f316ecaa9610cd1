#include "actors/wallet/logic/mnemonic.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"
#include "runtime/crypto/hash.hpp"
#include "runtime/crypto/keys.hpp"

namespace troupe::wallet {
namespace {

constexpr std::size_t kWordBits = 11;
constexpr std::size_t kWordsMax = 24;

/// Bit `at` of bytes, most significant first.
bool bit_of(base::ByteView bytes, std::size_t at) { return (bytes[at / 8] >> (7 - at % 8) & 1) != 0; }

/// Returns the entropy followed by one bit of its hash per 32 bits of entropy; the rest of the last byte is unused.
std::array<std::uint8_t, 33> with_checksum(base::ByteView entropy) {
  std::array<std::uint8_t, 33> out{};
  std::ranges::copy(entropy, out.begin());
  out[entropy.size()] = crypto::sha256(entropy).bytes[0];
  return out;
}

std::optional<std::uint32_t> number_of_word(std::string_view typed) {
  std::string word(typed);
  for (char& c : word)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const auto at = std::ranges::lower_bound(kEnglishWords, word);
  const bool known = at != kEnglishWords.end() && *at == word;
  crypto::wipe({reinterpret_cast<std::uint8_t*>(word.data()), word.size()});
  if (!known) return std::nullopt;
  return static_cast<std::uint32_t>(at - kEnglishWords.begin());
}

/// Takes the next word from `words`; returns empty after the last word.
std::string_view take_word(std::string_view& words) {
  constexpr std::string_view kBlanks = " \t\r\n";
  words.remove_prefix(std::min(words.find_first_not_of(kBlanks), words.size()));
  const std::string_view word = words.substr(0, words.find_first_of(kBlanks));
  words.remove_prefix(word.size());
  return word;
}

}  // namespace

std::optional<std::size_t> unknown_word(std::string_view words) {
  std::size_t count = 1;
  for (std::string_view word = take_word(words); !word.empty(); word = take_word(words), ++count)
    if (!number_of_word(word)) return count;
  return std::nullopt;
}

Mnemonic::Mnemonic(Mnemonic&& other) noexcept : entropy_(other.entropy_), bytes_(other.bytes_) {
  crypto::wipe(other.entropy_);
}

Mnemonic& Mnemonic::operator=(Mnemonic&& other) noexcept {
  if (this == &other) return *this;
  entropy_ = other.entropy_;
  bytes_ = other.bytes_;
  crypto::wipe(other.entropy_);
  return *this;
}

Mnemonic::~Mnemonic() { crypto::wipe(entropy_); }

Mnemonic Mnemonic::from_entropy(base::ByteView entropy) {
  base::ensure(entropy.size() == 16 || entropy.size() == 32, "a recovery phrase encodes 16 or 32 bytes");
  Mnemonic out;
  out.bytes_ = entropy.size();
  std::ranges::copy(entropy, out.entropy_.begin());
  return out;
}

Mnemonic Mnemonic::make(ports::Chance& chance, WordCount words) {
  Mnemonic out;
  out.bytes_ = words == WordCount::twelve ? 16 : 32;
  chance.fill(std::span(out.entropy_).first(out.bytes_));
  return out;
}

base::Result<Mnemonic, WordsError> Mnemonic::parse(std::string_view words) {
  crypto::Secret<struct ParsedWordsTag, 33> bits;
  std::size_t count = 0;
  for (std::string_view word = take_word(words); !word.empty(); word = take_word(words)) {
    if (count == kWordsMax) return WordsError::count;
    const auto number = number_of_word(word);
    if (!number) return WordsError::unknown;
    for (std::size_t i = 0; i < kWordBits; ++i)
      if ((*number >> (kWordBits - 1 - i) & 1) != 0)
        bits.bytes[(count * kWordBits + i) / 8] |= static_cast<std::uint8_t>(0x80 >> (count * kWordBits + i) % 8);
    ++count;
  }
  if (count != 12 && count != 24) return WordsError::count;
  Mnemonic out = from_entropy(base::ByteView(bits.bytes).first(count == 12 ? 16 : 32));
  const std::size_t checksum_bits = out.bytes_ / 4;  // 4 or 8
  const std::uint8_t expected = with_checksum(out.entropy())[out.bytes_];
  if ((expected ^ bits.bytes[out.bytes_]) >> (8 - checksum_bits) != 0) return WordsError::checksum;
  return out;
}

std::string Mnemonic::words() const {
  auto bits = with_checksum(entropy());
  std::string out;
  out.reserve(kWordsMax * 9);  // no word is longer than 8 characters: growing would leave copies in memory
  for (std::size_t word = 0; word < static_cast<std::size_t>(count()); ++word) {
    std::size_t number = 0;
    for (std::size_t i = 0; i < kWordBits; ++i) number = number << 1 | bit_of(bits, word * kWordBits + i);
    if (word > 0) out += ' ';
    out += kEnglishWords[number];
  }
  crypto::wipe(bits);
  return out;
}

crypto::Secret512 Mnemonic::seed(std::string_view extension) const {
  std::string sentence = words();
  const std::string salt = "mnemonic" + std::string(extension);
  const auto out = crypto::pbkdf2_sha512(sentence, base::as_bytes(salt), 2'048);
  crypto::wipe({reinterpret_cast<std::uint8_t*>(sentence.data()), sentence.size()});
  return out;
}

}  // namespace troupe::wallet
