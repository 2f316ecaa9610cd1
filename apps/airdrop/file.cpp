// Reads the promises of an airdrop from a TOML file. Safe for hostile text: size and nesting are limited before the
// text is parsed.
#include <toml++/toml.h>

#include <algorithm>
#include <set>

#include "apps/airdrop/airdrop.hpp"
#include "apps/cli/failure.hpp"
#include "apps/cli/input.hpp"
#include "runtime/base/text.hpp"
#include "runtime/config/toml_shape.hpp"

namespace troupe::apps::airdrops {
namespace {

using namespace wallets;

constexpr std::size_t kFileBytesMax = std::size_t{96} << 20;  // our choice: a million recipients
constexpr std::string_view kKeys[] = {"pool", "from", "until", "shares", "list", "rule"};

/// Reports the position of a fault in the file.
struct Wrong {
  const std::string& path;
  const std::string& help;
  Failure operator()(const toml::node& node, const std::string& what) const {
    return usage_failure("line " + std::to_string(node.source().begin.line) + " of " + path + ": " + what, help);
  }
};

base::Result<airdrop::Moment, Failure> moment_in(const toml::node& node, const Wrong& wrong) {
  if (const auto* date = node.as_date_time()) {
    const toml::date_time& at = date->get();
    if (!at.offset) return wrong(node, "a time needs its offset from UTC: write 2027-01-31T12:00:00Z");
    const std::chrono::sys_days day(std::chrono::year(at.date.year) / at.date.month / at.date.day);
    const auto since = day.time_since_epoch() + std::chrono::hours(at.time.hour) +
                       std::chrono::minutes(at.time.minute - at.offset->minutes) + std::chrono::seconds(at.time.second);
    if (since.count() < 0) return wrong(node, "a time before 1970");
    return airdrop::Moment{true, std::chrono::duration_cast<wallet::UnixMs>(since)};
  }
  const auto* text = node.as_string();
  if (text == nullptr) return wrong(node, "a time must be a text: \"72h\", or \"2027-01-31T12:00:00Z\"");
  const auto time = time_typed(text->get(), wrong.help);
  if (!time.ok()) return wrong(node, time.error().error.message);
  return airdrop::Moment{time.value().is_date, time.value().value};
}

base::Result<wallet::Amount, Failure> amount_in(const toml::node& node, const Wrong& wrong) {
  std::string typed;
  if (const auto* number = node.as_integer()) typed = std::to_string(number->get());
  else if (const auto* text = node.as_string()) typed = text->get();
  const auto amount = amount_typed(typed, wrong.help);
  if (!amount.ok()) return wrong(node, amount.error().error.message);
  return amount.value();
}

base::Result<airdrop::Recipient, Failure> recipient_in(const toml::node& node, const Wrong& wrong) {
  const auto* pair = node.as_array();
  const auto* address = pair != nullptr && pair->size() == 2 ? pair->get(0)->as_string() : nullptr;
  const auto* weight = address != nullptr ? pair->get(1)->as_integer() : nullptr;
  if (weight == nullptr) return wrong(node, "a recipient must be [ADDRESS, WEIGHT]");
  const auto to = address_typed(address->get(), wrong.help);
  if (!to.ok()) return wrong(node, to.error().error.message);
  if (weight->get() < 1 || static_cast<std::uint64_t>(weight->get()) > airdrop::kWeightMax)
    return wrong(node, std::string(name(airdrop::TermsError::weight)));
  return airdrop::Recipient{to.value(), static_cast<std::uint64_t>(weight->get())};
}

base::Result<std::vector<airdrop::Recipient>, Failure> list_in(const toml::node& node, const Wrong& wrong) {
  const auto* array = node.as_array();
  if (array == nullptr) return wrong(node, "list must be an array of [ADDRESS, WEIGHT]");
  if (array->size() > airdrop::kRecipientsMax) return wrong(node, std::string(name(airdrop::TermsError::many)));
  std::vector<airdrop::Recipient> out;
  std::set<wallet::Address> seen;
  for (const toml::node& one : *array) {
    const auto recipient = recipient_in(one, wrong);
    if (!recipient.ok()) return recipient.error();
    if (!seen.insert(recipient.value().to).second)
      return wrong(one, "this address is in the list twice, but an account is paid only once");
    out.push_back(recipient.value());
  }
  std::ranges::sort(out, {}, &airdrop::Recipient::to);
  return out;
}

base::Result<std::uint64_t, Failure> number_in(const toml::node& node, std::uint64_t most, const Wrong& wrong) {
  const auto* number = node.as_integer();
  if (number != nullptr && number->get() >= 1 && static_cast<std::uint64_t>(number->get()) <= most)
    return static_cast<std::uint64_t>(number->get());
  return wrong(node, "expected a whole number from 1 to " + std::to_string(most));
}

/// The window of a rule has passed, and its bounds are whole hours.
base::Result<airdrop::UptimeRule, Failure> rule_in(const toml::node& node, const Promise& promise, const Wrong& wrong) {
  const auto* table = node.as_table();
  if (table == nullptr || table->get("hours") == nullptr)
    return wrong(node, "[rule] needs `hours`: hours of uptime in the window");
  if (!promise.from.is_date || !promise.until.is_date || promise.from.value.count() == 0 ||
      promise.until.value.count() == 0)
    return wrong(node, "a rule needs a window that has passed: give `from` and `until` as dates");
  constexpr std::uint64_t kHour = registry::kUnixHourMs;
  airdrop::UptimeRule out;
  out.from = static_cast<std::uint32_t>((static_cast<std::uint64_t>(promise.from.value.count()) + kHour - 1) / kHour);
  out.until = static_cast<std::uint32_t>(static_cast<std::uint64_t>(promise.until.value.count()) / kHour);
  for (const auto& [key, value] : *table) {
    if (key.str() == "evidence") {
      const auto* text = value.as_string();
      const auto cid = text != nullptr ? base::Digest::from_hex(text->get()) : std::nullopt;
      if (!cid) return wrong(value, "evidence must be a content id: 64 hexadecimal digits");
      out.evidence = *cid;
      continue;
    }
    const bool hours = key.str() == "hours", owner = key.str() == "per_owner", net = key.str() == "per_net";
    if (!hours && !owner && !net)
      return wrong(value, "unknown key \"" + base::shortened(std::string(key.str()), 80) +
                              "\" in a rule: expected hours, per_owner, per_net, evidence");
    const auto number = number_in(value, hours ? 24 * 366 : UINT16_MAX, wrong);
    if (!number.ok()) return number.error();
    if (hours) out.hours = static_cast<std::uint32_t>(number.value());
    else (owner ? out.per_owner : out.per_net) = static_cast<std::uint16_t>(number.value());
  }
  if (out.from >= out.until || out.hours > out.until - out.from)
    return wrong(node, std::string(name(airdrop::TermsError::hours)));
  return out;
}

base::Result<Promise, Failure> promise_of(const toml::table& table, const Wrong& wrong) {
  for (const auto& [key, node] : table) {
    if (std::ranges::find(kKeys, key.str()) == std::end(kKeys))
      return wrong(node, "unknown key \"" + base::shortened(std::string(key.str()), 80) +
                             "\" in an airdrop: expected pool, from, until, shares, list or [rule]");
  }
  Promise out;
  const toml::node* rule = table.get("rule");
  if (table.get("pool") == nullptr)
    return usage_failure(wrong.path + " has no `pool`: see the example in the help", wrong.help);
  if ((table.get("list") == nullptr) == (rule == nullptr))
    return usage_failure(wrong.path + " needs either a `list` or a [rule]: see the example in the help", wrong.help);
  const auto pool = amount_in(*table.get("pool"), wrong);
  if (!pool.ok()) return pool.error();
  out.pool = pool.value();
  for (const auto& [key, to] : {std::pair("from", &out.from), std::pair("until", &out.until)}) {
    if (table.get(key) == nullptr) continue;
    const auto moment = moment_in(*table.get(key), wrong);
    if (!moment.ok()) return moment.error();
    *to = moment.value();
  }
  if (rule != nullptr) {
    const auto uptime = rule_in(*rule, out, wrong);
    if (!uptime.ok()) return uptime.error();
    out.uptime = uptime.value();
  } else {
    auto list = list_in(*table.get("list"), wrong);
    if (!list.ok()) return list.error();
    out.list = std::move(list).value();
  }
  const toml::node* shares = table.get("shares");
  if (shares == nullptr) return out;
  const auto* by = shares->as_string();
  const std::string how = by != nullptr ? by->get() : "";
  if (how != "equal" && how != "work" && how != "reputation")
    return wrong(*shares, "shares must be \"equal\", \"work\" or \"reputation\"");
  if (how != "equal" && out.uptime) return wrong(*shares, "a rule gives all nodes the same share: \"equal\"");
  if (how != "equal") return out;
  bool differ = false;
  for (airdrop::Recipient& one : out.list) differ |= std::exchange(one.weight, 1) != out.list.front().weight;
  if (differ) out.notes.push_back("shares = \"equal\": the weights of the list are ignored");
  return out;
}

}  // namespace

base::Result<Promise, Failure> promise_in(const std::string& path, const std::string& help) {
  const auto text = file_text(path, kFileBytesMax, usage_failure("cannot read " + path, help));
  if (!text.ok()) return text.error();
  if (!base::is_utf8(text.value())) return usage_failure(path + " is not UTF-8", help);
  if (const auto line = config::too_deep_line(text.value()))
    return usage_failure("line " + std::to_string(*line) + " of " + path + " is nested too deeply", help);
  try {
    return promise_of(toml::parse(std::string_view(text.value()), std::string_view(path)), Wrong{path, help});
  } catch (const toml::parse_error& error) {
    return usage_failure("line " + std::to_string(error.source().begin.line) + " of " + path + ": " +
                             base::shortened(std::string(error.description()), 200),
                         help);
  }
}

base::Result<airdrop::Terms, Failure> terms_of(const Promise& promise, const std::string& help) {
  airdrop::Terms blank;
  blank.pool = promise.pool;
  blank.from = promise.from;
  blank.until = promise.until;
  blank.uptime = promise.uptime;
  auto terms = airdrop::make_terms(std::move(blank), promise.list);
  if (!terms.ok()) return usage_failure(std::string(name(terms.error())), help);
  return std::move(terms).value();
}

}  // namespace troupe::apps::airdrops
