#include "apps/sim/scenario_source.hpp"

#include "apps/cli/file_source.hpp"
#include "apps/cli/file_target.hpp"
#include "apps/host/domains.hpp"
#include "apps/sim/scenario_file.hpp"
#include "apps/sim/trace.hpp"

namespace troupe::apps {

base::Result<std::string, Failure> read_scenario_text(const std::string& path) {
  auto source = FileSource::open(path);
  if (!source.ok()) {
    const bool folder = source.error().error.code == base::Code::unsupported;
    return Failure{source.error().error, "nothing was run", "troupe help sim run",
                   folder ? std::optional(Exit::usage) : source.error().exit};
  }
  std::string text;
  base::Bytes piece(64 * 1024);
  while (true) {
    const auto got = source.value().read(piece);
    if (!got.ok()) return got.error();
    if (got.value() == 0) break;
    text.append(reinterpret_cast<const char*>(piece.data()), got.value());
    if (text.size() > kScenarioBytesMax)
      return usage_failure(path + " is not a scenario: it has more than 16 MiB", "troupe sim list");
  }
  if (text.starts_with(kTraceMagic))
    return usage_failure(path + " is the trace of a run, not a scenario", "troupe help sim run");
  return text;
}

base::Result<sim::Scenario, Failure> load_scenario(const std::string& path, sim::WorkloadSpecs workloads) {
  const auto text = read_scenario_text(path);
  if (!text.ok()) return text.error();
  const config::Table settings = settings_table();
  auto scenario = read_scenario(text.value(), workloads, settings);
  if (!scenario.ok()) return usage_failure(path + ": " + scenario.error().message, "troupe sim list");
  return std::move(scenario).value();
}

base::Result<void, Failure> save_scenario(const std::string& path, const sim::Scenario& scenario,
                                          const std::string& about, sim::WorkloadSpecs workloads) {
  return save_text(path, write_scenario(scenario, workloads, about));
}

base::Result<void, Failure> save_text(const std::string& path, const std::string& text) {
  auto target = FileTarget::open(path);
  if (!target.ok()) return target.error();
  FileTarget::WaitForRoom waits_for_ever = [](int) { return base::Result<void, Failure>(); };
  const std::span<const std::uint8_t> bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  if (auto written = target.value().write(bytes, waits_for_ever); !written.ok()) return written.error();
  return target.value().commit();
}

}  // namespace troupe::apps
