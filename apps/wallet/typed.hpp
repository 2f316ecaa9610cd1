#pragma once
// Reads the arguments of money commands: addresses, amounts, times, request ids.
//
// Times  a duration from now ("72h"), or a date in UTC ("2027-01-31T12:00:00Z"); at least 1 s.
#include <optional>
#include <string>

#include "actors/wallet/logic/ledger/book.hpp"
#include "apps/cli/command.hpp"

namespace troupe::apps::wallets {

inline constexpr std::size_t kRequestBytesMax = 64;

/// Reads an address. Fails with usage; `help` is the suggested command.
base::Result<wallet::Address, Failure> address_typed(const std::string& typed, const std::string& help);
base::Result<wallet::Amount, Failure> amount_typed(const std::string& typed, const std::string& help);

/// A typed time: a date, or a duration from a time that the command knows.
struct TimeTyped {
  bool is_date = false;
  wallet::UnixMs value{0};

  wallet::UnixMs from(wallet::UnixMs moment) const { return is_date ? value : moment + value; }
};
base::Result<TimeTyped, Failure> time_typed(const std::string& typed, const std::string& help);

Option request_option();
/// Returns --request, or an empty text. Fails with usage.
base::Result<std::string, Failure> request_typed(const Invocation& invocation);
/// Returns --request, or a new unique id.
base::Result<std::string, Failure> request_or_new(const Invocation& invocation);

/// Returns "2027-01-31T12:00:00Z"; a time after the year 2242 is shown as that year's end.
std::string date_of(wallet::UnixMs at);
wallet::UnixMs unix_now();

}  // namespace troupe::apps::wallets
