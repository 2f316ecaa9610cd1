#include "apps/sim/capture.hpp"

#include <charconv>

#include "apps/cli/shell_word.hpp"
#include "apps/host/domains.hpp"
#include "apps/sim/outcome.hpp"
#include "apps/sim/scenario_file.hpp"
#include "apps/sim/scenario_source.hpp"
#include "runtime/config/forms.hpp"

namespace troupe::apps {
namespace {

constexpr std::string_view kBegins = "troupe capture 1";
constexpr std::size_t kRevisionMax = 64;
constexpr std::size_t kPathMax = 1'024;

/// Returns the rest of the next line after "# WORD ", or nullopt for any other line.
std::optional<std::string_view> take(std::string_view& text, std::string_view word) {
  const auto end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  if (!line.starts_with("# ") || !line.substr(2).starts_with(word)) return std::nullopt;
  line.remove_prefix(2 + word.size());
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.empty()) return line;
  if (line.front() != ' ') return std::nullopt;
  return line.substr(1);
}

base::Error wrong(const std::string& what) { return {base::Code::malformed, what}; }

}  // namespace

std::string write_capture(const Capture& capture, sim::WorkloadSpecs workloads) {
  const std::string head = std::string(kBegins) + "\nrevision " + capture.revision + "\nevent " +
                           std::to_string(capture.event) + "\nhash " + hash_text(capture.hash) + "\nactor " +
                           sim::node_name(capture.node) + (capture.actor.empty() ? "" : " " + capture.actor);
  return write_scenario(capture.scenario, workloads, head);
}

base::Outcome<Capture> parse_capture(std::string_view text, sim::WorkloadSpecs workloads,
                                     const config::Table& settings) {
  std::string_view rest = text;
  if (!take(rest, kBegins)) return wrong("it does not begin like a capture");
  const auto revision = take(rest, "revision");
  if (!revision || revision->empty() || revision->size() > kRevisionMax) return wrong("its revision is missing");
  const auto event = take(rest, "event");
  const auto number = event ? config::parse_count(*event) : std::nullopt;
  if (!number) return wrong("its event is missing");
  const auto hash = take(rest, "hash");
  std::uint64_t value = 0;
  if (!hash || hash->size() != 16 ||
      std::from_chars(hash->data(), hash->data() + hash->size(), value, 16).ptr != hash->data() + hash->size())
    return wrong("its hash is missing");
  const auto actor = take(rest, "actor");
  if (!actor || !actor->starts_with('n')) return wrong("its actor is missing");
  auto scenario = read_scenario(text, workloads, settings);
  if (!scenario.ok()) return wrong(scenario.error().message);
  const auto blank = std::min(actor->find(' '), actor->size());
  const auto node = config::parse_count(actor->substr(1, blank - 1));
  if (!node || *node < 1 || *node > scenario.value().nodes) return wrong("its actor's node is not in its world");
  const std::string_view path = actor->substr(std::min(blank + 1, actor->size()));
  if (path.size() > kPathMax || (!path.empty() && path.front() != '/')) return wrong("its actor has no path");
  return Capture{std::move(scenario).value(),         std::string(*revision), *number, value,
                 static_cast<std::size_t>(*node - 1), std::string(path)};
}

base::Result<Capture, Failure> read_capture(const std::string& path, sim::WorkloadSpecs workloads) {
  const auto text = read_scenario_text(path);
  if (!text.ok()) return text.error();
  if (text.value().starts_with('{'))
    return usage_failure(path + " is the data of a live node in JSON: it cannot be replayed",
                         "jq . " + shell_word(path));
  auto capture = parse_capture(text.value(), workloads, settings_table());
  if (!capture.ok())
    return usage_failure(path + " cannot be replayed: " + capture.error().message,
                         "troupe sim watch DOMAIN, then :capture");
  return std::move(capture).value();
}

}  // namespace troupe::apps
