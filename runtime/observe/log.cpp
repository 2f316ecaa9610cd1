#include "runtime/observe/log.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "runtime/base/ensure.hpp"
#include "runtime/base/text.hpp"
#include "runtime/observe/date.hpp"

namespace troupe::observe {
namespace {

template <class Number>
std::string digits(Number number) {
  std::array<char, 32> out{};
  const auto end = std::to_chars(out.data(), out.data() + out.size(), number).ptr;
  return {out.data(), end};
}

struct PlainValue {
  LogFormat format;

  std::string operator()(std::int64_t number) const { return digits(number); }
  std::string operator()(std::uint64_t number) const { return digits(number); }
  std::string operator()(bool on) const { return on ? "true" : "false"; }
  std::string operator()(double number) const {
    if (format == LogFormat::json && !std::isfinite(number)) return "null";
    return digits(number);
  }
  std::string operator()(std::string_view text) const {
    if (format == LogFormat::json) return base::quoted(text.substr(0, kLogFieldBytesMax));
    const std::string shown = base::printable(text, kLogFieldBytesMax);
    // A value with a space, a quote or an equals sign could look like another field.
    if (!shown.empty() && shown.find_first_of(" \"=") == std::string::npos) return shown;
    std::string out = "\"";
    for (const char c : shown) (out += c == '"' ? "\\" : "") += c;
    return out + '"';
  }
};

std::string text_line(base::WallTime at, LogLevel level, std::string_view domain, std::string_view message,
                      LogFields fields) {
  std::string out = date_text(at);
  out.append(" ").append(name(level)).append(name(level).size() < 5 ? "  " : " ");
  out.append(base::printable(domain, kLogFieldBytesMax))
      .append(": ")
      .append(base::printable(message, kLogMessageBytesMax));
  for (const auto& field : fields)
    out.append(" ").append(field.name).append("=").append(std::visit(PlainValue{LogFormat::text}, field.value));
  return out;
}

std::string json_line(base::WallTime at, LogLevel level, std::string_view domain, std::string_view message,
                      LogFields fields) {
  std::string out = R"({"at":")" + date_text(at) + R"(","level":")";
  out.append(name(level)).append(R"(","domain":)").append(base::quoted(domain.substr(0, kLogFieldBytesMax)));
  out.append(R"(,"message":)").append(base::quoted(message.substr(0, kLogMessageBytesMax))).append(R"(,"fields":{)");
  const char* comma = "";
  for (const auto& field : fields) {
    out.append(comma).append(base::quoted(field.name)).append(":");
    out.append(std::visit(PlainValue{LogFormat::json}, field.value));
    comma = ",";
  }
  return out + "}}";
}

}  // namespace

std::string log_line(LogFormat format, base::WallTime at, LogLevel level, std::string_view domain,
                     std::string_view message, LogFields fields) {
  return format == LogFormat::json ? json_line(at, level, domain, message, fields)
                                   : text_line(at, level, domain, message, fields);
}

Log::Log(std::unique_ptr<LogSink> sink, LogFormat format, std::function<base::WallTime()> wall,
         const std::vector<std::string_view>& domains)
    : names_(kRuntimeLogs.begin(), kRuntimeLogs.end()),
      sink_(std::move(sink)),
      format_(format),
      wall_(std::move(wall)) {
  names_.insert(names_.end(), domains.begin(), domains.end());
  std::sort(names_.begin(), names_.end());
  base::ensure(std::adjacent_find(names_.begin(), names_.end()) == names_.end(), "each log name belongs to one part");
}

bool Log::has(std::string_view name) const { return std::binary_search(names_.begin(), names_.end(), name); }

bool Log::on(LogLevel level, std::string_view domain) const {
  if (level < lowest_.load(std::memory_order_relaxed) || level == LogLevel::off) return false;
  return level >= this->level(domain);
}

void Log::write_as(LogLevel level, std::string_view domain, std::string_view message, LogFields fields) {
  if (!on(level, domain)) return;
  std::string line = log_line(format_, wall_(), level, domain, message, fields);
  if (!sink_->write(level, line)) lost_.fetch_add(1, std::memory_order_relaxed);
  keep(std::move(line));
}

void Log::keep(std::string line) {
  const std::lock_guard hold(recent_mutex_);
  ++written_;
  recent_bytes_ += line.size();
  recent_.push_back(std::move(line));
  while (recent_.size() > kLogRecentMax || recent_bytes_ > kLogRecentBytesMax) {
    recent_bytes_ -= recent_.front().size();
    recent_.pop_front();
  }
}

Log::Recent Log::recent(std::uint64_t since, std::size_t bytes_max) const {
  const std::lock_guard hold(recent_mutex_);
  const std::uint64_t oldest = written_ - recent_.size();
  Recent out{.first = std::clamp(since, oldest, written_)};
  std::size_t bytes = 0;
  for (std::size_t i = static_cast<std::size_t>(out.first - oldest); i < recent_.size(); ++i) {
    bytes += recent_[i].size();
    if (bytes > bytes_max) break;
    out.lines.push_back(recent_[i]);
  }
  return out;
}

void Log::set_level(LogLevel level) {
  const std::unique_lock lock(levels_mutex_);
  level_ = level;
  note_lowest();
}

bool Log::set_level(std::string_view domain, std::optional<LogLevel> level) {
  if (!has(domain)) return false;
  const std::unique_lock lock(levels_mutex_);
  if (level) levels_.insert_or_assign(std::string(domain), *level);
  else if (const auto at = levels_.find(domain); at != levels_.end()) levels_.erase(at);
  note_lowest();
  return true;
}

LogLevel Log::level(std::string_view domain) const {
  const std::shared_lock lock(levels_mutex_);
  const auto at = levels_.find(domain);
  return at == levels_.end() ? level_ : at->second;
}

void Log::note_lowest() {
  LogLevel lowest = level_;
  for (const auto& [domain, level] : levels_) lowest = std::min(lowest, level);
  lowest_.store(lowest, std::memory_order_relaxed);
}

}  // namespace troupe::observe
