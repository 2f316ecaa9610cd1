#include "actors/task/logic/provider.hpp"

#include <algorithm>

#include "actors/task/logic/spot.hpp"

namespace troupe::task {
namespace {

using base::Error;
using std::chrono::minutes;

constexpr minutes kDay = std::chrono::hours(24);
constexpr minutes kAgainMax = std::chrono::hours(1);  // our choice: its settings may have changed by then

constexpr std::string_view kListed = "listed", kAny = "any";

/// Parses a time such as "06:30".
std::optional<minutes> time_of_day(std::string_view text) {
  const auto digit = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '9'; };
  if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4)) return std::nullopt;
  const int hour = (text[0] - '0') * 10 + text[1] - '0', minute = (text[3] - '0') * 10 + text[4] - '0';
  if (hour > 23 || minute > 59) return std::nullopt;
  return minutes(hour * 60 + minute);
}

}  // namespace

bool Hours::contains(minutes of_day) const {
  if (from < until) return of_day >= from && of_day < until;
  return of_day >= from || of_day < until;
}

std::optional<Hours> Hours::parse(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto from = time_of_day(text.substr(0, dash)), until = time_of_day(text.substr(dash + 1));
  if (!from || !until || *from == *until) return std::nullopt;
  return Hours{*from, *until};
}

std::optional<std::string> hours_fault(const std::string& text) {
  if (Hours::parse(text)) return std::nullopt;
  return "hours of the day in UTC such as 22:00-06:00";
}

std::optional<std::string> signer_fault(const std::string& text) {
  if (base::NodeId::from_hex(text)) return std::nullopt;
  return "the id of a node, 40 hexadecimal digits";
}

std::optional<std::string> denied_fault(const std::string& text) {
  if (base::NodeId::from_hex(text) || Cid::from_hex(text)) return std::nullopt;
  return "the id of a node (40 hexadecimal digits) or a content id (64)";
}

std::optional<Accept> accept_typed(std::string_view text) {
  if (text == kListed) return Accept::listed;
  if (text == kAny) return Accept::any;
  return std::nullopt;
}

Provider::Provider(Accept accept, const std::vector<std::string>& hours, const std::vector<std::string>& signers,
                   const std::vector<std::string>& denied, base::Duration time_max)
    : time_max_(time_max), accept_(accept) {
  for (const std::string& text : hours)
    if (const auto one = Hours::parse(text)) hours_.push_back(*one);
  for (const std::string& text : signers)
    if (const auto one = base::NodeId::from_hex(text)) signers_.insert(*one);
  for (const std::string& text : denied) {
    if (const auto node = base::NodeId::from_hex(text)) denied_.insert(*node);
    if (const auto content = Cid::from_hex(text)) denied_contents_.insert(*content);
  }
}

/// Returns zero within its hours.
minutes Provider::until_open(minutes of_day) const {
  minutes out = hours_.empty() ? minutes(0) : kDay;
  for (const Hours& one : hours_) {
    if (one.contains(of_day)) return minutes(0);
    out = std::min(out, (one.from - of_day + kDay) % kDay);
  }
  return out;
}

std::optional<Error> Provider::refusal(const Order& order, const base::NodeId& signer, base::WallTime at) const {
  const auto refused = [](const char* why, std::chrono::milliseconds again) {
    return Error{base::Code::refused, why, again};
  };
  const auto denies = [&](const Cid& content) { return denied_contents_.contains(content); };
  if (denied_.contains(signer)) return refused("this node takes no tasks from that submitter (task.deny)", kAgainMax);
  if (denies(order.program) || (order.root && denies(*order.root)) ||
      std::ranges::any_of(order.inputs, denies, &Input::content))
    return refused("this node does not take that program, root or input (task.deny)", minutes(0));
  if (order.limits.time > time_max_)
    return refused("the task's time limit is above this node's limit for other nodes' tasks (task.time_max)",
                   minutes(0));
  if (is_check(order)) return std::nullopt;
  if (accept_ == Accept::listed && !signers_.contains(signer))
    return refused("this node takes tasks only from listed nodes (task.accept, task.signers)", kAgainMax);
  const auto minute = std::chrono::floor<minutes>(at.since_origin());
  if (const auto closed = until_open((minute % kDay + kDay) % kDay); closed > minutes(0))
    return refused("this node takes no tasks at this hour (task.hours)", std::min(closed, kAgainMax));
  return std::nullopt;
}

decltype(registry::Capability::value) Provider::told() const {
  if (accept_ == Accept::any) return std::string(kAny);
  if (signers_.size() >= registry::kTextsMax) return std::string(kListed);
  registry::Texts out;  // in rising order, as in all lists of the registry
  for (const base::NodeId& one : signers_) out.push_back(one.hex());
  out.emplace_back(kListed);
  return out;
}

}  // namespace troupe::task
