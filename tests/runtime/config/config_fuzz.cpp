// Fuzz target: any bytes as a configuration file load, or are refused in a few words.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "runtime/config/settings.hpp"
#include "tests/runtime/config/node_settings.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace troupe;
  static const config::Table table = config::test::node_table();
  config::Sources sources;
  sources.file = config::TextFile{"f", std::string(reinterpret_cast<const char*>(data), size)};
  const auto loaded = config::Settings::load(table, sources);
  if (!loaded.ok()) {
    for (const auto& problem : loaded.error())
      if (problem.text().size() > config::kProblemBytesMax) std::abort();
    return 0;
  }
  // What was understood is shown so that it is understood in the same way.
  const std::string shown = loaded.value().render_toml(true);
  sources.file->text = shown;
  const auto again = config::Settings::load(table, sources);
  if (!again.ok() || again.value().render_toml(false) != loaded.value().render_toml(false)) std::abort();
  return 0;
}
