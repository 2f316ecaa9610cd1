#include "actors/task/logic/network.hpp"

#include <algorithm>

#include "runtime/base/public_address.hpp"

namespace troupe::task {
namespace {

struct Pattern {
  std::string host;                       ///< a name, "*" or "*.name"
  std::optional<base::Endpoint> address;  ///< instead of a name; its port is 0 if none is given
  std::uint16_t port = 0;                 ///< 0: every port
};

std::string small(std::string text) {
  for (char& one : text)
    if (one >= 'A' && one <= 'Z') one = static_cast<char>(one - 'A' + 'a');
  return text;
}

bool is_name(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  };
  return !text.empty() && text.front() != '.' && std::ranges::all_of(text, fits);
}

std::optional<Pattern> pattern_of(const std::string& typed) {
  if (typed.empty() || typed.size() > kPatternBytesMax) return std::nullopt;
  const std::string text = small(typed);
  Pattern out;
  for (const std::string& full : {text + ":0", "[" + text + "]:0"})
    if ((out.address = base::Endpoint::parse(full))) return out;
  if (const auto at = base::Endpoint::parse(text); at && at->port != 0) {
    out.address = at;
    out.port = at->port;
    return out;
  }
  out.host = text;
  if (text.find(':') != text.npos) {
    const auto both = base::HostPort::parse(text);
    if (!both || both->port == 0 || text.front() == '[') return std::nullopt;  // brackets without an address
    out.host = both->host;
    out.port = both->port;
  }
  std::string_view name = out.host;
  if (name == "*") return out;
  if (name.starts_with("*.")) name.remove_prefix(2);
  return is_name(name) ? std::optional(std::move(out)) : std::nullopt;
}

bool fits(const Pattern& pattern, const std::string& host) {
  if (pattern.host == "*") return true;
  if (!pattern.host.starts_with("*.")) return host == pattern.host;
  const std::string_view end = std::string_view(pattern.host).substr(1);
  return host.size() > end.size() && host.ends_with(end);
}

}  // namespace

std::optional<std::string> pattern_fault(const std::string& text) {
  if (pattern_of(text)) return std::nullopt;
  return "a host such as example.org, *.example.org:443 or 192.0.2.7:80, or * for every host";
}

bool grants(std::span<const std::string> patterns, const std::string& host) {
  const auto typed = base::HostPort::parse(small(host));
  if (!typed || typed->port == 0) return false;
  const auto address = base::Endpoint::parse(typed->text());
  return std::ranges::any_of(patterns, [&](const std::string& text) {
    const auto one = pattern_of(text);
    if (!one || (one->port != 0 && one->port != typed->port)) return false;
    if (one->address) return address && one->address->address == address->address;
    return address ? one->host == "*" && base::is_public(*address) : fits(*one, typed->host);
  });
}

std::vector<base::Endpoint> addresses_of(std::span<const std::string> patterns) {
  std::vector<base::Endpoint> out;
  for (const std::string& text : patterns)
    if (const auto one = pattern_of(text); one && one->address) out.push_back(*one->address);
  return out;
}

}  // namespace troupe::task
