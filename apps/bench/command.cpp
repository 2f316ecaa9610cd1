#include "apps/bench/command.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>

#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "messages/output/bench.capnp.h"

namespace troupe::bench {
namespace {

constexpr double kSecondsDefault = 2;
constexpr double kSecondsMax = 600;

void print_json(std::ostream& out, const Figures& figures) {
  apps::JsonLine<output::wire::BenchRows> line;
  auto rows = line->initRows(static_cast<unsigned>(figures.size()));
  for (unsigned i = 0; i < rows.size(); ++i) {
    const Figure& from = figures[i];
    auto row = rows[i];
    row.setWhat(from.what);
    row.setClients(from.clients);
    if (from.per_second) row.getPerSecond().setValue(*from.per_second);
    if (from.mib_per_second) row.getMibPerSecond().setValue(*from.mib_per_second);
    if (const auto delay = percentile_ms(from.delays, 50)) row.getP50Ms().setValue(*delay);
    if (const auto delay = percentile_ms(from.delays, 90)) row.getP90Ms().setValue(*delay);
    if (const auto delay = percentile_ms(from.delays, 99)) row.getP99Ms().setValue(*delay);
    row.setErrors(from.errors);
    if (from.resident_bytes) row.getResidentBytes().setValue(*from.resident_bytes);
    if (from.requests_each) row.getRequestsEach().setValue(*from.requests_each);
    if (from.cpu_ms_each) row.getCpuMsEach().setValue(*from.cpu_ms_each);
    if (from.syncs_each) row.getSyncsEach().setValue(*from.syncs_each);
    if (from.mib) row.getMib().setValue(*from.mib);
    if (from.seconds) row.getSeconds().setValue(*from.seconds);
    if (from.seconds_max) row.getSecondsMax().setValue(*from.seconds_max);
    if (from.ratio) row.getRatio().setValue(*from.ratio);
  }
  apps::write_json_line(out, capnp::toDynamic(rows.asReader()));
}

std::string number(std::optional<double> value) {
  if (!value) return "-";
  const int digits = *value >= 1'000 || *value == 0 ? 0 : 3 - static_cast<int>(std::floor(std::log10(*value)));
  return apps::fixed(*value, std::clamp(digits, 0, 6));
}

/// Leaves out columns that no figure fills.
void print_text(std::ostream& out, const Figures& figures) {
  struct Filled {
    const char* heading;
    std::function<std::string(const Figure&)> cell;
  };
  const auto delay = [](std::size_t percent) {
    return [percent](const Figure& one) { return number(percentile_ms(one.delays, percent)); };
  };
  const auto field = [](auto of) { return [of](const Figure& one) { return number(one.*of); }; };
  const std::vector<Filled> all{
      {"PER SECOND", field(&Figure::per_second)},
      {"MIB/S", field(&Figure::mib_per_second)},
      {"P50 MS", delay(50)},
      {"P90 MS", delay(90)},
      {"P99 MS", delay(99)},
      {"RESIDENT BYTES",
       [](const Figure& one) { return one.resident_bytes ? std::to_string(*one.resident_bytes) : "-"; }},
      {"MIB", field(&Figure::mib)},
      {"REQUESTS EACH", field(&Figure::requests_each)},
      {"CPU MS EACH", field(&Figure::cpu_ms_each)},
      {"SYNCS EACH", field(&Figure::syncs_each)},
      {"SECONDS", field(&Figure::seconds)},
      {"LONGEST", field(&Figure::seconds_max)},
      {"RATIO", field(&Figure::ratio)}};
  std::vector<Filled> shown;
  for (const Filled& column : all)
    if (std::ranges::any_of(figures, [&](const auto& one) { return column.cell(one) != "-"; })) shown.push_back(column);
  std::vector<apps::Column> columns{{"FIGURE"}, {"CLIENTS", apps::Align::right}};
  for (const Filled& column : shown) columns.push_back({column.heading, apps::Align::right});
  columns.push_back({"ERRORS", apps::Align::right});
  apps::TextTable table(columns);
  for (const auto& one : figures) {
    std::vector<std::string> row{one.what, std::to_string(one.clients)};
    for (const Filled& column : shown) row.push_back(column.cell(one));
    row.push_back(std::to_string(one.errors));
    table.add(row);
  }
  table.print(out);
}

}  // namespace

apps::Option seconds_option() { return {.name = "--seconds", .value = "S", .help = "seconds per figure (default 2)"}; }

apps::Option dir_option() {
  return {.name = "--dir", .value = "DIR", .help = "directory for temporary data, which is removed afterwards"};
}

apps::Option only_option() { return {.name = "--only", .value = "WHAT,…", .help = "figures to measure (default all)"}; }

Measurement<base::Duration> span_of(const apps::Invocation& invocation) {
  const auto text = invocation.text("--seconds");
  if (!text) return std::chrono::duration_cast<base::Duration>(std::chrono::duration<double>(kSecondsDefault));
  double seconds = 0;
  const auto read = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (read.ec != std::errc() || read.ptr != text->data() + text->size() || !(seconds > 0 && seconds <= kSecondsMax))
    return apps::usage_failure("--seconds must be above 0 and at most 600", "troupe help " + invocation.command().name);
  return std::chrono::duration_cast<base::Duration>(std::chrono::duration<double>(seconds));
}

apps::Ending print(const apps::Invocation& invocation, apps::Console& console, const Measurement<Figures>& figures) {
  if (!figures.ok()) return figures.error();
  if (invocation.globals.json) print_json(console.out, figures.value());
  else print_text(console.out, figures.value());
  console.out.flush();
  for (const auto& one : figures.value()) {
    if (one.errors > 0)
      return Failure{{base::Code::internal, one.what + " counted " + std::to_string(one.errors) +
                                                (one.errors == 1 ? " error" : " errors") +
                                                (one.error.empty() ? "" : "; first error: " + one.error)},
                     "its figure is invalid",
                     "again, on a less busy machine",
                     Exit::failed};
  }
  return Exit::done;
}

}  // namespace troupe::bench
