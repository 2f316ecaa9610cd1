#pragma once
// Bech32m: bytes as text in which a mistyped character is detected.
//
// Source  BIP-350 for the checksum, BIP-173 for the rest.
// Form    prefix, '1', 5 bits per character, 6 characters of checksum; at most 90 characters, in one case.
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

/// Returns nullopt unless `text` is valid Bech32m. Text in upper case only is valid and is read as lower case.
std::optional<Bech32m> decode_bech32m(std::string_view text);

/// Encodes values. Broken invariant unless `prefix` is in lower case and the result has at most 90 characters.
std::string encode_bech32m(std::string_view prefix, const std::vector<std::uint8_t>& values);

/// Converts bytes to values of 5 bits, the last padded with zeros, and back. Returns nullopt unless the bits left over
/// are fewer than 5, and all zero.
std::vector<std::uint8_t> to_five_bits(base::ByteView bytes);
std::optional<base::Bytes> from_five_bits(const std::vector<std::uint8_t>& values);

}  // namespace troupe::wallet
