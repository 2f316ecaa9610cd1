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
  error,  ///< data was lost, or a service is down
  off,    ///< as a threshold only
};

/// Returns "trace" … "off".
std::string_view name(LogLevel level);
std::optional<LogLevel> log_level(std::string_view name);

class LogSink {
 public:
  virtual ~LogSink() = default;

  /// Writes one line (given without its end) and flushes it. Returns false if that failed. Safe from any thread.
  virtual bool write(LogLevel level, std::string_view line) = 0;
};

/// Writes to standard error.
std::unique_ptr<LogSink> stderr_sink();

/// Writes to standard error, with the priority prefix of sd-daemon(3) before each line, for the journal of a systemd
/// service.
std::unique_ptr<LogSink> journal_sink();

/// Writes to a file. At `bytes_max` it becomes NAME.1.EXT and so on; `files_max` old files are kept (at least 1). Files
/// have mode 0600. The error says why the file cannot be opened: a symbolic link or another user's file is refused.
base::Result<std::unique_ptr<LogSink>, std::string> file_sink(const std::string& path, std::uint64_t bytes_max,
                                                              std::uint64_t files_max);

}  // namespace troupe::observe
