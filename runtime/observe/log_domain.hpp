#pragma once
// The parts of the program that log: what a level can be set for.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace troupe::observe {

/// Whoever logs under a new name adds it here; else it does not compile. Sorted.
inline constexpr std::array<std::string_view, 7> kLogDomains{"actor",   "config", "health", "links",
                                                             "metrics", "node",   "peers"};

constexpr bool is_log_domain(std::string_view name) {
  return std::find(kLogDomains.begin(), kLogDomains.end(), name) != kLogDomains.end();
}

/// "actor, config, health, links, metrics, node, peers": for help and errors.
inline std::string log_domains() {
  std::string out;
  for (const auto name : kLogDomains) out.append(out.empty() ? "" : ", ").append(name);
  return out;
}

/// One of kLogDomains, known when the program is compiled.
class LogDomain {
 public:
  consteval LogDomain(const char* name) : name_(name) {
    if (!is_log_domain(name_)) is_not_in_kLogDomains();
  }
  constexpr operator std::string_view() const { return name_; }

 private:
  static void is_not_in_kLogDomains() {}  // cannot be called while compiling: the error names it
  std::string_view name_;
};

}  // namespace troupe::observe
