#pragma once
// The recovery phrase that a person writes down; all keys of a wallet are derived from it.
//
// Source  BIP-39, with its English list (english_words.cpp): SHA-256 of the list, one word per line,
//         2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda.
// Safety  a Mnemonic and a seed are secrets; they are wiped on destruction.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/bytes.hpp"
#include "runtime/base/result.hpp"
#include "runtime/crypto/derive.hpp"
#include "runtime/ports/chance.hpp"

namespace troupe::wallet {

/// In alphabetical order.
extern const std::array<std::string_view, 2048> kEnglishWords;

/// Returns the position, from 1, of the first word that is not in the list, or nullopt if all are. Separates words as
/// parse() does.
std::optional<std::size_t> unknown_word(std::string_view words);

enum class WordCount : std::uint8_t { twelve = 12, twenty_four = 24 };

enum class WordsError : std::uint8_t {
  count,     ///< neither 12 nor 24
  unknown,   ///< an unknown word
  checksum,  ///< known words with a wrong checksum: a word is wrong, or the order
};

class Mnemonic {
 public:
  static Mnemonic make(ports::Chance& chance, WordCount words);
  /// `entropy` has 16 or 32 bytes: broken invariant otherwise.
  static Mnemonic from_entropy(base::ByteView entropy);
  /// Parses words of any case, separated by blanks.
  static base::Result<Mnemonic, WordsError> parse(std::string_view words);

  Mnemonic(Mnemonic&&) noexcept;
  Mnemonic& operator=(Mnemonic&&) noexcept;
  Mnemonic(const Mnemonic&) = delete;
  Mnemonic& operator=(const Mnemonic&) = delete;
  ~Mnemonic();

  WordCount count() const { return bytes_ == 16 ? WordCount::twelve : WordCount::twenty_four; }
  /// 16 or 32 bytes, valid as long as the object.
  base::ByteView entropy() const { return {entropy_.data(), bytes_}; }
  /// Returns the words, separated by one blank. They are a secret: the caller wipes them if it can.
  std::string words() const;
  /// Returns BIP-39's seed: PBKDF2 of the words with 2,048 rounds. `extension` is BIP-39's passphrase in ASCII, empty
  /// here. It is unrelated to the passphrase of a keystore.
  crypto::Secret512 seed(std::string_view extension = {}) const;

 private:
  Mnemonic() = default;
  std::array<std::uint8_t, 32> entropy_{};
  std::size_t bytes_ = 0;
};

}  // namespace troupe::wallet
