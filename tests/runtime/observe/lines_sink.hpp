#pragma once
// A log that a test reads: its lines without date and level.
#include <string>
#include <vector>

#include "runtime/observe/log.hpp"

namespace troupe::test {

class LinesSink final : public observe::LogSink {
 public:
  explicit LinesSink(std::vector<std::string>& lines) : lines_(lines) {}
  bool write(observe::LogLevel, std::string_view line) override {
    constexpr std::size_t kBefore = std::string_view("2025-11-20T07:33:00.123Z info  ").size();
    lines_.emplace_back(line.substr(kBefore));
    return true;
  }

 private:
  std::vector<std::string>& lines_;
};

}  // namespace troupe::test
