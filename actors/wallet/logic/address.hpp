#pragma once
// The address of an account: 32 bytes, shown as Bech32m with the prefix `tro`.
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/bytes.hpp"

namespace troupe::wallet {

using Address = base::FixedBytes<struct AddressTag, 32>;

inline constexpr std::string_view kAddressPrefix = "tro";
inline constexpr std::size_t kAddressChars = 3 + 1 + 52 + 6;

std::string text(const Address& address);

/// Returns nullopt unless it is the canonical address of text(), all in lower case or all in upper case.
std::optional<Address> parse_address(std::string_view text);

/// Returns the account of an escrow, a fund or an airdrop, which has no key: SHA-256("troupe account v1" || kind ||
/// id). `kind` has 1 to 16 bytes and `id` exactly 32, so that addresses never clash.
Address account_of(std::string_view kind, base::ByteView id);

}  // namespace troupe::wallet
