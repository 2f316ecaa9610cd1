#include "runtime/observe/log_sink.hpp"

#include <fcntl.h>
#include <spdlog/common.h>
#include <spdlog/details/log_msg.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace troupe::observe {
namespace {

constexpr std::array<std::string_view, 6> kNames{"trace", "debug", "info", "warn", "error", "off"};

// The line is complete before it comes here: spdlog adds its end, rotates and locks.
class SpdlogSink final : public LogSink {
 public:
  SpdlogSink(std::shared_ptr<spdlog::sinks::sink> sink, bool priorities)
      : sink_(std::move(sink)), priorities_(priorities) {
    sink_->set_formatter(
        std::make_unique<spdlog::pattern_formatter>("%v", spdlog::pattern_time_type::utc, std::string("\n")));
  }

  bool write(LogLevel level, std::string_view line) override {
    std::string with_priority;
    if (priorities_) {
      with_priority.append("<").append(1, priority(level)).append(">").append(line);
      line = with_priority;
    }
    try {
      sink_->log(spdlog::details::log_msg(spdlog::source_loc{}, "", spdlog::level::info,
                                          spdlog::string_view_t(line.data(), line.size())));
      sink_->flush();
      return true;
    } catch (const std::exception&) {
      return false;  // the disk is full, or the pipe is gone
    }
  }

 private:
  // syslog(3): 7 debug, 6 info, 4 warning, 3 error.
  static char priority(LogLevel level) {
    switch (level) {
      case LogLevel::trace:
      case LogLevel::debug: return '7';
      case LogLevel::info: return '6';
      case LogLevel::warn: return '4';
      case LogLevel::error:
      case LogLevel::off: return '3';
    }
    return '3';
  }

  std::shared_ptr<spdlog::sinks::sink> sink_;
  bool priorities_;
};

}  // namespace

namespace {

[[noreturn]] void fail(const std::string& why) { throw std::runtime_error(why); }
[[noreturn]] void fail(int error) { fail(std::generic_category().message(error)); }

/// Creates the file, or takes it over, with access only for its owner, before spdlog opens it by name.
struct stat claimed(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0 && errno == ELOOP) fail("it is a symbolic link");
  if (fd < 0) fail(errno);
  struct stat out {};
  int error = ::fstat(fd, &out) == 0 ? 0 : errno;
  const bool device = !S_ISREG(out.st_mode);  // do not change the mode of a device
  const bool foreign = error == 0 && !device && out.st_uid != ::geteuid();
  if (error == 0 && !device && !foreign && ::fchmod(fd, S_IRUSR | S_IWUSR) != 0) error = errno;
  ::close(fd);
  if (foreign) fail("it belongs to another user");
  if (error != 0) fail(error);
  return out;
}

/// Runs before and after each time that spdlog opens the file, which it repeats at each rotation.
spdlog::file_event_handlers for_owner_alone() {
  const auto file = std::make_shared<struct stat>();
  spdlog::file_event_handlers out;
  out.before_open = [file](const std::string& path) { *file = claimed(path); };
  out.after_open = [file](const std::string&, std::FILE* opened) {
    struct stat now {};
    const bool same = ::fstat(::fileno(opened), &now) == 0 && now.st_dev == file->st_dev && now.st_ino == file->st_ino;
    if (!same) fail("another file took its name while it was opened");
  };
  return out;
}

}  // namespace

std::string_view name(LogLevel level) { return kNames[static_cast<std::size_t>(level)]; }

std::optional<LogLevel> log_level(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return static_cast<LogLevel>(i);
  return std::nullopt;
}

std::unique_ptr<LogSink> stderr_sink() {
  return std::make_unique<SpdlogSink>(std::make_shared<spdlog::sinks::stderr_sink_mt>(), false);
}

std::unique_ptr<LogSink> journal_sink() {
  return std::make_unique<SpdlogSink>(std::make_shared<spdlog::sinks::stderr_sink_mt>(), true);
}

base::Result<std::unique_ptr<LogSink>, std::string> file_sink(const std::string& path, std::uint64_t bytes_max,
                                                              std::uint64_t files_max) {
  try {
    auto sink =
        std::make_shared<spdlog::sinks::rotating_file_sink_mt>(path, bytes_max, files_max, false, for_owner_alone());
    return std::unique_ptr<LogSink>(std::make_unique<SpdlogSink>(std::move(sink), false));
  } catch (const std::exception& error) {
    return std::string(error.what());
  }
}

}  // namespace troupe::observe
