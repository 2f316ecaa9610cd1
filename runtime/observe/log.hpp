#pragma once
// Structured logs: one line for each event, as text for people or JSON for machines.
//
//     log.info("links", "link refused", {{"peer", id.hex()}, {"why", reason}});
//
// Levels   one common level, and a level for each domain that differs; they can change while the node runs.
// Safety   values from outside are escaped (text.hpp) and a line is cut, so a peer cannot forge a line.
// Failure  a line that cannot be written is lost and counted: a full disk must not stop the node.
// Owner    passed as an argument, never global; every call is safe from any thread.
#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/base/time.hpp"
#include "runtime/observe/log_domain.hpp"
#include "runtime/observe/log_sink.hpp"

namespace troupe::observe {

inline constexpr std::size_t kLogMessageBytesMax = 2'048;  // our choice: a screen; the rest is cut
inline constexpr std::size_t kLogFieldBytesMax = 1'024;    // the maximum of an error message fits
inline constexpr std::size_t kLogRecentMax = 2'000;        // our choice: messages/node.capnp names them
inline constexpr std::size_t kLogRecentBytesMax = 512u << 10;

/// One named value of a line. Names are written in the code; values may come from outside.
struct LogField {
  using Value = std::variant<std::int64_t, std::uint64_t, double, bool, std::string_view>;

  LogField(std::string_view field, std::string_view text) : name(field), value(text) {}
  LogField(std::string_view field, const char* text) : name(field), value(std::string_view(text)) {}
  LogField(std::string_view field, const std::string& text) : name(field), value(std::string_view(text)) {}
  LogField(std::string_view field, bool on) : name(field), value(on) {}
  LogField(std::string_view field, double number) : name(field), value(number) {}
  template <std::signed_integral Number>
  LogField(std::string_view field, Number number) : name(field), value(std::int64_t{number}) {}
  template <std::unsigned_integral Number>
  requires(!std::same_as<Number, bool>) LogField(std::string_view field, Number number)
      : name(field), value(std::uint64_t{number}) {}

  std::string_view name;
  Value value;  ///< a text must live only during the call
};
using LogFields = std::initializer_list<LogField>;

enum class LogFormat : std::uint8_t { text, json };

/// Returns the line without its end: `2025-11-20T07:33:00.123Z info  links: link refused peer=9f3c why="bad proof"`.
std::string log_line(LogFormat format, base::WallTime at, LogLevel level, std::string_view domain,
                     std::string_view message, LogFields fields);

class Log {
 public:
  /// Reads the date from `wall` for each line, on the thread that logs. The names in `domains` can log in addition to
  /// kRuntimeLogs; a duplicate name is a broken invariant.
  Log(std::unique_ptr<LogSink> sink, LogFormat format, std::function<base::WallTime()> wall,
      const std::vector<std::string_view>& domains = {});

  /// Returns every name that a level can be set for, sorted.
  const std::vector<std::string>& names() const { return names_; }
  bool has(std::string_view name) const;

  /// Cheap: one atomic load if no domain logs at this level.
  bool on(LogLevel level, std::string_view domain) const;

  void write(LogLevel level, LogDomain domain, std::string_view message, LogFields fields = {}) {
    write_as(level, domain, message, fields);
  }
  /// For DomainLog, with a name that is known only at run time.
  void write_as(LogLevel level, std::string_view name, std::string_view message, LogFields fields);

  void trace(LogDomain domain, std::string_view message, LogFields fields = {}) {
    write(LogLevel::trace, domain, message, fields);
  }
  void debug(LogDomain domain, std::string_view message, LogFields fields = {}) {
    write(LogLevel::debug, domain, message, fields);
  }
  void info(LogDomain domain, std::string_view message, LogFields fields = {}) {
    write(LogLevel::info, domain, message, fields);
  }
  void warn(LogDomain domain, std::string_view message, LogFields fields = {}) {
    write(LogLevel::warn, domain, message, fields);
  }
  void error(LogDomain domain, std::string_view message, LogFields fields = {}) {
    write(LogLevel::error, domain, message, fields);
  }

  /// Sets the level of every domain without a level of its own.
  void set_level(LogLevel level);
  /// Sets the level of `domain`, or with nullopt lets it use the common level. Returns false and changes nothing if no
  /// log has that name.
  bool set_level(std::string_view domain, std::optional<LogLevel> level);
  LogLevel level(std::string_view domain) const;

  /// The latest lines, whatever the sink is: at most kLogRecentMax lines and kLogRecentBytesMax bytes.
  struct Recent {
    std::uint64_t first = 0;  ///< the number of the first returned line; the first line since the start is 0
    std::vector<std::string> lines;
  };
  /// Returns the stored lines from number `since`, at most `bytes_max` of them, oldest first.
  Recent recent(std::uint64_t since, std::size_t bytes_max) const;

  /// Returns the number of lines that could not be written.
  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  void note_lowest();
  void keep(std::string line);

  std::vector<std::string> names_;
  std::unique_ptr<LogSink> sink_;
  LogFormat format_;
  std::function<base::WallTime()> wall_;
  mutable std::shared_mutex levels_mutex_;  // guards the next two
  LogLevel level_ = LogLevel::info;
  std::map<std::string, LogLevel, std::less<>> levels_;
  std::atomic<LogLevel> lowest_{LogLevel::info};
  std::atomic<std::uint64_t> lost_{0};
  mutable std::mutex recent_mutex_;  // guards the next three
  std::deque<std::string> recent_;
  std::size_t recent_bytes_ = 0;
  std::uint64_t written_ = 0;
};

}  // namespace troupe::observe
