#include <cstring>

#include "apps/sim/scenario_file.hpp"
#include "apps/sim/trace.hpp"
#include "apps/sim/trace_source.hpp"

namespace troupe::apps {
namespace {

constexpr std::size_t kScenarioMax = 16u << 20;
constexpr std::uint32_t kDecisionBytesMax = 10;  // of a LEB128 of 64 bits

class Bytes {
 public:
  explicit Bytes(std::string_view all) : left_(all) {}
  template <class Number>
  bool take(Number& number) {
    if (left_.size() < sizeof number) return false;
    std::memcpy(&number, left_.data(), sizeof number);
    left_.remove_prefix(sizeof number);
    return true;
  }
  bool take(std::size_t size, std::string_view& part) {
    if (left_.size() < size) return false;
    part = left_.substr(0, size);
    left_.remove_prefix(size);
    return true;
  }
  bool empty() const { return left_.empty(); }

 private:
  std::string_view left_;
};

base::Error wrong(std::string what) { return {base::Code::malformed, std::move(what)}; }

}  // namespace

base::Outcome<Recorded> parse_recorded(std::string_view bytes, sim::WorkloadSpecs workloads,
                                       const config::Table& settings) {
  if (!bytes.starts_with(kTraceMagic)) return wrong("it does not begin like a trace");
  Bytes in(bytes.substr(kTraceMagic.size()));
  std::uint32_t size = 0;
  std::string_view text;
  if (!in.take(size) || size > kScenarioMax) return wrong("its scenario is cut off, or has more than 16 MiB");
  if (!in.take(size, text)) return wrong("its scenario is cut off");
  auto scenario = read_scenario(text, workloads, settings);
  if (!scenario.ok()) return wrong(scenario.error().message);
  Recorded out{.scenario = std::move(scenario).value()};
  for (bool more = true; more && !in.empty();) {
    std::uint32_t decisions = 0, length = 0;
    std::uint64_t nanoseconds = 0;
    Recorded::Snapshot snapshot;
    if (!in.take(decisions) || !in.take(length) || !in.take(snapshot.event) || !in.take(nanoseconds) ||
        !in.take(snapshot.hash))
      return wrong("a block is cut off");
    if (decisions > kTraceBlockEvents || length > decisions * kDecisionBytesMax) return wrong("a block is too long");
    if (!out.snapshots.empty() && snapshot.event < out.snapshots.back().event)
      return wrong("its blocks are out of order");
    if (!in.take(length, text)) return wrong("a block is cut off");
    out.snapshots.push_back(snapshot);
    more = decisions > 0;
  }
  return out;
}

}  // namespace troupe::apps
