// Whatever is taken for a scenario is written so that it reads back to the same; all else is refused in a few words.
#include <cstdlib>

#include "runtime/config/settings.hpp"
#include "tests/apps/sim/test_workloads.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace troupe::apps;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = read_scenario(text, kTestWorkloads, test_settings());
  if (!read.ok()) {
    if (read.error().message.size() > troupe::config::kProblemBytesMax) std::abort();
    return 0;
  }
  const auto again = read_scenario(write_scenario(read.value(), kTestWorkloads, text), kTestWorkloads, test_settings());
  if (!again.ok() || again.value() != read.value()) std::abort();
  return 0;
}
