// troupe config show | check FILE
#include <algorithm>

#include "actors/node/api.hpp"
#include "apps/cli/client.hpp"
#include "apps/cli/command.hpp"
#include "apps/cli/json.hpp"
#include "apps/host/domains.hpp"
#include "apps/host/settings.hpp"
#include "messages/node.capnp.h"
#include "messages/output/node.capnp.h"
#include "runtime/base/text.hpp"
#include "runtime/config/source.hpp"

namespace troupe::apps {
namespace {

namespace wire = output::wire;

constexpr std::chrono::seconds kSettingsDue{5};

std::string text(std::string_view view) { return std::string(view); }

void print_json(std::ostream& out, const config::Settings& settings) {
  JsonLine<wire::Settings> line;
  const auto& table = settings.table().settings();
  auto rows = line->initRows(static_cast<unsigned>(table.size()));
  for (unsigned i = 0; i < rows.size(); ++i) {
    const config::Setting& setting = table[i];
    auto row = rows[i];
    row.setKey(text(setting.key));
    row.setValue(config::toml(settings.value(setting.key)));
    row.setOrigin(settings.origin(setting.key));
    row.setDefault(text(setting.fallback));
    row.setReloads(setting.when == config::When::reload);
    row.setMeaning(text(setting.doc));
  }
  write_json_line(out, capnp::toDynamic(rows.asReader()));
}

/// Prints the settings with which the node runs, and their origins.
Ending show_running(const Invocation& invocation, Console& console) {
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto answer = client.value()->ask<node::wire::GetSettings, node::wire::RunningSettings>(
      node::kPath, kSettingsDue, [](node::wire::GetSettings::Builder) {});
  if (!answer.ok()) return answer.error();
  const auto running = answer.value().root().getRows();
  JsonLine<wire::Settings> line;
  auto rows = line->initRows(running.size());
  const config::Table known_settings = settings_table();
  const auto& table = known_settings.settings();
  for (unsigned i = 0; i < rows.size(); ++i) {
    const std::string key = running[i].getKey();
    rows[i].setKey(key);
    rows[i].setValue(running[i].getValue());
    rows[i].setOrigin(running[i].getOrigin());
    // A node of another version may have settings that this program does not know.
    if (const auto known = std::ranges::find(table, key, &config::Setting::key); known != table.end()) {
      rows[i].setDefault(text(known->fallback));
      rows[i].setReloads(known->when == config::When::reload);
      rows[i].setMeaning(text(known->doc));
    }
    if (invocation.globals.json) continue;
    console.out << base::printable(key) << " = " << base::printable(std::string(running[i].getValue()));
    if (invocation.has("--origin")) console.out << "  # " << base::printable(std::string(running[i].getOrigin()));
    console.out << '\n';
  }
  if (invocation.globals.json) write_json_line(console.out, capnp::toDynamic(rows.asReader()));
  return Exit::done;
}

Ending show(const Invocation& invocation, Console& console) {
  if (invocation.has("--running") || invocation.globals.node) return show_running(invocation, console);
  const auto settings = load_settings(invocation, console, {});
  if (!settings.ok()) return settings.error();
  if (invocation.globals.json) print_json(console.out, settings.value());
  else console.out << settings.value().render_toml(invocation.has("--origin"));
  return Exit::done;
}

void print_problems(std::ostream& out, const config::Problems& problems, bool json) {
  if (!json) {
    for (const auto& problem : problems) out << base::printable(problem.text()) << '\n';
    return;
  }
  JsonLine<wire::Problems> line;
  auto rows = line->initRows(static_cast<unsigned>(problems.size()));
  for (unsigned i = 0; i < rows.size(); ++i) {
    rows[i].setWhere(problems[i].where);
    rows[i].setWhat(problems[i].what);
  }
  write_json_line(out, capnp::toDynamic(rows.asReader()));
}

Ending check(const Invocation& invocation, Console& console) {
  const std::string path = *invocation.text("FILE");
  const auto file = config::read_text_file(path);
  if (!file.ok()) {
    const auto code = file.error().code;
    return Failure{{code, path + ": " + file.error().message},
                   "nothing was checked",
                   "",
                   code == base::Code::not_found ? Exit::not_found : Exit::usage};
  }
  const auto problems = config::check(settings_table(), file.value());
  print_problems(console.out, problems, invocation.globals.json);
  if (problems.empty()) return Exit::done;
  const std::string count = problems.size() == 1 ? "1 problem" : std::to_string(problems.size()) + " problems";
  return Failure{{base::Code::malformed, path + " has " + count + ", the first: " + problems.front().text()},
                 "checked; a node would not start with it",
                 problems.front().instead.empty() ? "troupe config show" : problems.front().instead,
                 Exit::usage};
}

}  // namespace

Commands config_commands() {
  auto show_options = setting_options();
  show_options.insert(show_options.begin(), {.name = "--running", .help = "ask the running node for its settings"});
  show_options.insert(show_options.begin(), {.name = "--origin", .help = "print the origin of each value"});
  return {
      {.name = "config show",
       .summary = "Print the settings of a node as TOML",
       .options = std::move(show_options),
       .run = show},
      {.name = "config check",
       .summary = "Check a configuration file, and print each problem in it",
       .positionals = {{.name = "FILE", .help = "TOML file to check"}},
       .run = check},
  };
}

}  // namespace troupe::apps
