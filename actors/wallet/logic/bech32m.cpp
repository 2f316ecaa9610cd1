#include "actors/wallet/logic/bech32m.hpp"

#include <array>

#include "runtime/base/ensure.hpp"

namespace troupe::wallet {
namespace {

constexpr std::string_view kCharset = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::uint32_t kBech32mConstant = 0x2bc830a3;
constexpr std::size_t kBech32ChecksumChars = 6;

/// Returns BIP-173's remainder of the expanded prefix and the values.
std::uint32_t bech32_remainder(std::string_view prefix, const std::vector<std::uint8_t>& values) {
  constexpr std::array<std::uint32_t, 5> kGenerator{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
  std::uint32_t sum = 1;
  const auto feed = [&sum, &kGenerator](std::uint32_t value) {
    const std::uint32_t top = sum >> 25;
    sum = (sum & 0x1ffffff) << 5 ^ value;
    for (std::uint32_t i = 0; i < 5; ++i)
      if ((top >> i & 1) != 0) sum ^= kGenerator[i];
  };
  for (const char c : prefix) feed(static_cast<std::uint32_t>(static_cast<unsigned char>(c)) >> 5);
  feed(0);
  for (const char c : prefix) feed(static_cast<std::uint32_t>(static_cast<unsigned char>(c)) & 31);
  for (const std::uint8_t value : values) feed(value);
  return sum;
}

/// Returns the text in lower case, or nullopt if its case is mixed or it has characters other than 33 to 126.
std::optional<std::string> in_lower_case(std::string_view text) {
  bool upper = false, lower = false;
  std::string out;
  for (const char c : text) {
    if (c < 33 || c > 126) return std::nullopt;
    upper |= c >= 'A' && c <= 'Z';
    lower |= c >= 'a' && c <= 'z';
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  if (upper && lower) return std::nullopt;
  return out;
}

}  // namespace

std::optional<Bech32m> decode_bech32m(std::string_view typed) {
  if (typed.size() > kBech32CharsMax) return std::nullopt;
  const auto text = in_lower_case(typed);
  if (!text) return std::nullopt;
  const std::size_t separator = text->rfind('1');
  if (separator == std::string::npos || separator == 0 || text->size() - separator - 1 < kBech32ChecksumChars)
    return std::nullopt;
  Bech32m out{text->substr(0, separator), {}};
  for (std::size_t i = separator + 1; i < text->size(); ++i) {
    const std::size_t value = kCharset.find((*text)[i]);
    if (value == std::string_view::npos) return std::nullopt;
    out.values.push_back(static_cast<std::uint8_t>(value));
  }
  if (bech32_remainder(out.prefix, out.values) != kBech32mConstant) return std::nullopt;
  out.values.resize(out.values.size() - kBech32ChecksumChars);
  return out;
}

std::string encode_bech32m(std::string_view prefix, const std::vector<std::uint8_t>& values) {
  base::ensure(!prefix.empty() && in_lower_case(prefix) == std::string(prefix) &&
                   prefix.size() + 1 + values.size() + kBech32ChecksumChars <= kBech32CharsMax,
               "a text of Bech32m has a lower-case prefix and at most 90 characters");
  std::vector<std::uint8_t> padded = values;
  padded.resize(values.size() + kBech32ChecksumChars, 0);
  const std::uint32_t checksum = bech32_remainder(prefix, padded) ^ kBech32mConstant;
  std::string out(prefix);
  out += '1';
  for (const std::uint8_t value : values) {
    base::ensure(value < 32, "a character of Bech32m stands for 5 bits");
    out += kCharset[value];
  }
  for (std::size_t i = 0; i < kBech32ChecksumChars; ++i)
    out += kCharset[checksum >> (5 * (kBech32ChecksumChars - 1 - i)) & 31];
  return out;
}

std::vector<std::uint8_t> to_five_bits(base::ByteView bytes) {
  std::vector<std::uint8_t> out;
  std::uint32_t held = 0, bits = 0;
  for (const std::uint8_t byte : bytes) {
    held = (held << 8 | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) out.push_back(static_cast<std::uint8_t>(held >> (bits - 5) & 31));
  }
  if (bits > 0) out.push_back(static_cast<std::uint8_t>(held << (5 - bits) & 31));
  return out;
}

std::optional<base::Bytes> from_five_bits(const std::vector<std::uint8_t>& values) {
  base::Bytes out;
  std::uint32_t held = 0, bits = 0;
  for (const std::uint8_t value : values) {
    held = (held << 5 | (value & 31u)) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<std::uint8_t>(held >> bits));
    }
  }
  if (bits >= 5 || (held & ((1u << bits) - 1)) != 0) return std::nullopt;
  return out;
}

}  // namespace troupe::wallet
