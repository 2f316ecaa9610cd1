#pragma once
// Writes the lines of one domain to the log of its node.
//
// Limits  kDomainLinesMax lines per minute at `info` and above, of which at most kDomainNewsMax at `info`. The log says
//         at once that lines are left out, and in a later minute how many. `debug` and `trace` have no limit.
// Owner   a value; copies share their count. Safe from any thread. The log outlives it.
#include <functional>
#include <memory>
#include <string>

#include "runtime/observe/log.hpp"

namespace troupe::observe {

inline constexpr std::uint32_t kDomainLinesMax = 20;  // our choice: a person can still read the lines of a night
inline constexpr std::uint32_t kDomainNewsMax = 15;   // the part of them for `info`

class DomainLog {
 public:
  /// Writes nothing: for tests, and for a node without a log.
  DomainLog() = default;
  /// `name` is one of the names that the log was created with; otherwise an invariant breaks. `now` is monotonic.
  DomainLog(Log& log, std::string_view name, std::function<base::Instant()> now);

  void debug(std::string_view message, LogFields fields = {}) const { write(LogLevel::debug, message, fields); }
  void info(std::string_view message, LogFields fields = {}) const { write(LogLevel::info, message, fields); }
  void warn(std::string_view message, LogFields fields = {}) const { write(LogLevel::warn, message, fields); }
  void error(std::string_view message, LogFields fields = {}) const { write(LogLevel::error, message, fields); }

 private:
  struct State;
  void write(LogLevel level, std::string_view message, LogFields fields) const;

  std::shared_ptr<State> state_;
};

}  // namespace troupe::observe
