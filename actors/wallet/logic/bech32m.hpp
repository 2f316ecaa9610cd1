#pragma once
// Bech32m: bytes as text in which a mistyped character is noticed.
//
// Source  BIP-350 for the checksum, BIP-173 for all else.
// Form    prefix, '1', 5 bits a character, 6 characters of checksum; 90 characters at most, of one case.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/bytes.hpp"

namespace troupe::wallet {

inline constexpr std::size_t kBech32CharsMax = 90;

/// A text whose checksum is right.
struct Bech32m {
  std::string prefix;                ///< in lower case, 1 to 83 characters
  std::vector<std::uint8_t> values;  ///< of 5 bits each, without the checksum
};

/// Nothing unless `text` is valid Bech32m. Text of upper case alone is valid and is read as lower case.
std::optional<Bech32m> decode_bech32m(std::string_view text);

/// `prefix` is lower-case and the whole fits into 90 characters: broken invariant otherwise.
std::string encode_bech32m(std::string_view prefix, const std::vector<std::uint8_t>& values);

/// Bytes as values of 5 bits, the last one filled with zeros; and back: nothing unless what is left over is fewer than
/// 5 bits, all zero.
std::vector<std::uint8_t> to_five_bits(base::ByteView bytes);
std::optional<base::Bytes> from_five_bits(const std::vector<std::uint8_t>& values);

}  // namespace troupe::wallet
