#pragma once
// The parts of the runtime that log. A domain logs under the name of its spec, through a DomainLog (domain_log.hpp).
#include <algorithm>
#include <array>
#include <string_view>

namespace troupe::observe {

/// The log names of the runtime, sorted. A name that is not in this list does not compile.
inline constexpr std::array<std::string_view, 6> kRuntimeLogs{"actor", "config", "health", "links", "metrics", "node"};

/// One of kRuntimeLogs, checked by the compiler.
class LogDomain {
 public:
  consteval LogDomain(const char* name) : name_(name) {
    if (std::find(kRuntimeLogs.begin(), kRuntimeLogs.end(), name_) == kRuntimeLogs.end()) is_not_in_kRuntimeLogs();
  }
  constexpr operator std::string_view() const { return name_; }

 private:
  static void is_not_in_kRuntimeLogs() {}  // cannot be called at compile time, so the compiler's error names it
  std::string_view name_;
};

}  // namespace troupe::observe
