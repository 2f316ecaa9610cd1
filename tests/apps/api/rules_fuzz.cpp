// Fuzz target: any bytes as a file of rules are read, or refused in a few words. Each rule that is read refuses a call
// that gives nothing.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "apps/api/rules.hpp"
#include "runtime/config/settings.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace troupe::apps::api;
  static const std::vector<std::string> commands = {"file get", "file put", "kv put", "reputation"};
  const auto read = Rules::parse({reinterpret_cast<const char*>(data), size}, commands);
  if (!read.ok()) {
    if (read.error().message.size() > troupe::config::kProblemBytesMax) std::abort();
    return 0;
  }
  if (read.value().list().empty() || read.value().list().size() > kRulesMax) std::abort();
  for (const Rule& rule : read.value().list()) {
    bool applies = false;
    for (const std::string& command : commands) {
      bool is_mine = false;
      for (const std::string& pattern : rule.commands) is_mine = is_mine || is_command_of(pattern, command);
      if (is_mine && !read.value().refusing({.command = command})) std::abort();
      applies = applies || is_mine;
      RuledCall call{.command = command, .role = "admin", .purpose = "p", .ttl = std::chrono::hours(1)};
      if (rule.names) call.names = {*rule.names, std::string(1'000, 'a')};
      const auto refusal = read.value().refusing(call);
      if (refusal && refusal->why.size() > troupe::config::kProblemBytesMax) std::abort();
    }
    if (!applies) std::abort();
  }
  return 0;
}
