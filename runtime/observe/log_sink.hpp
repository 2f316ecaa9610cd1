#pragma once
// Where log lines go.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/result.hpp"

namespace troupe::observe {

enum class LogLevel : std::uint8_t {
  trace,
  debug,
  info,
  warn,   ///< a fault that the node handles
  error,  ///< data was lost, or something is not served
  off,    ///< as a threshold only
};

/// "trace" … "off".
std::string_view name(LogLevel level);
std::optional<LogLevel> log_level(std::string_view name);

class LogSink {
 public:
  virtual ~LogSink() = default;

  /// Writes one line (given without its end) and flushes it. False if it could not be written.
  /// Safe from any thread.
  virtual bool write(LogLevel level, std::string_view line) = 0;
};

/// Standard error.
std::unique_ptr<LogSink> stderr_sink();

/// Standard error with the priority of sd-daemon(3) before each line, as the journal of a service reads it.
std::unique_ptr<LogSink> journal_sink();

/// A file; at `bytes_max` it becomes NAME.1.EXT and so on, `files_max` old ones are kept (at least 1).
/// Files are 0600. The error says why the file cannot be opened; it may be no symbolic link, and of this user alone.
base::Result<std::unique_ptr<LogSink>, std::string> file_sink(const std::string& path, std::uint64_t bytes_max,
                                                              std::uint64_t files_max);

}  // namespace troupe::observe
