// Whatever is taken for a trace names a scenario that can be written, and snapshots in order; all else is refused.
#include <algorithm>
#include <cstdlib>

#include "apps/sim/trace_source.hpp"
#include "tests/apps/sim/test_workloads.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace troupe::apps;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto read = parse_recorded(bytes, kTestWorkloads, test_settings());
  if (!read.ok()) return 0;
  const auto& all = read.value().snapshots;
  if (!std::ranges::is_sorted(all, {}, &Recorded::Snapshot::event)) std::abort();
  if (write_scenario(read.value().scenario, kTestWorkloads, "").empty()) std::abort();
  return 0;
}
