#include "apps/wallet/typed.hpp"

#include <algorithm>
#include <charconv>

#include "runtime/base/fields.hpp"
#include "runtime/base/text.hpp"
#include "runtime/config/forms.hpp"
#include "runtime/observe/date.hpp"
#include "runtime/os/chance.hpp"

namespace troupe::apps::wallets {
namespace {

constexpr std::size_t kTypedShown = 80;
constexpr std::size_t kNewRequestBytes = 16;

std::string typed_shown(const std::string& typed) { return '"' + base::shortened(typed, kTypedShown) + '"'; }

/// Returns all of `text` as a number of exactly that many digits.
std::optional<unsigned> digits(std::string_view text) {
  unsigned out = 0;
  const bool all = std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (!all || std::from_chars(text.data(), text.data() + text.size(), out).ec != std::errc()) return std::nullopt;
  return out;
}

/// Parses "2027-01-31T12:00:00Z", from 1970 to 9999.
std::optional<wallet::UnixMs> date_in(std::string_view text) {
  if (text.size() != 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' ||
      text[19] != 'Z')
    return std::nullopt;
  const auto year = digits(text.substr(0, 4)), month = digits(text.substr(5, 2)), day = digits(text.substr(8, 2));
  const auto hour = digits(text.substr(11, 2)), minute = digits(text.substr(14, 2)),
             second = digits(text.substr(17, 2));
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)), std::chrono::month(*month),
                                         std::chrono::day(*day));
  if (!date.ok() || *year < 1970 || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  const auto since = std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(*hour) +
                     std::chrono::minutes(*minute) + std::chrono::seconds(*second);
  return wallet::UnixMs(static_cast<std::uint64_t>(std::chrono::milliseconds(since).count()));
}

}  // namespace

base::Result<wallet::Address, Failure> address_typed(const std::string& typed, const std::string& help) {
  if (const auto address = wallet::parse_address(typed)) return *address;
  return usage_failure(
      "invalid address: expected 62 characters that begin with tro1 and end with a checksum of six, got " +
          typed_shown(typed),
      help);
}

base::Result<wallet::Amount, Failure> amount_typed(const std::string& typed, const std::string& help) {
  if (const auto amount = wallet::Amount::parse(typed)) return *amount;
  return usage_failure(
      "invalid amount: expected a whole number of the smallest unit from 1 to 9223372036854775807, got " +
          typed_shown(typed),
      help);
}

base::Result<TimeTyped, Failure> time_typed(const std::string& typed, const std::string& help) {
  if (const auto date = date_in(typed)) return TimeTyped{true, *date};
  const auto span = config::parse_duration(typed);
  if (span && *span >= std::chrono::seconds(1))
    return TimeTyped{false, std::chrono::duration_cast<wallet::UnixMs>(*span)};
  return usage_failure(
      "invalid time: expected a duration of at least 1s, such as 90s or 21d, or a date, such as 2027-01-31T12:00:00Z; "
      "got " +
          typed_shown(typed),
      help);
}

Option request_option() {
  return {.name = "--request",
          .value = "ID",
          .help = "request id: a retry with the same id changes nothing and prints the same"};
}

base::Result<std::string, Failure> request_typed(const Invocation& invocation) {
  const auto id = invocation.text("--request");
  if (!id) return std::string();
  if (id->empty() || id->size() > kRequestBytesMax || !base::is_utf8(*id))
    return usage_failure("invalid request id: expected 1 to 64 bytes of UTF-8", "--request \"$(date +%s)\"");
  return *id;
}

base::Result<std::string, Failure> request_or_new(const Invocation& invocation) {
  auto typed = request_typed(invocation);
  if (!typed.ok() || !typed.value().empty()) return typed;
  std::array<std::uint8_t, kNewRequestBytes> bytes{};
  os::Chance().fill(bytes);
  invocation.made_request(base::hex(bytes));
  return base::hex(bytes);
}

std::string date_of(wallet::UnixMs at) {
  const wallet::UnixMs latest{base::kDateMax * 1'000};
  const std::string date = observe::date_text(base::WallTime(std::chrono::milliseconds(std::min(at, latest).count())));
  return date.substr(0, date.find('.')) + 'Z';
}

wallet::UnixMs unix_now() {
  return std::chrono::duration_cast<wallet::UnixMs>(std::chrono::system_clock::now().time_since_epoch());
}

}  // namespace troupe::apps::wallets
