// The pages of the manual that are generated from the tables of commands and of settings.
#include <sstream>

#include "apps/cli/help.hpp"
#include "apps/manual/pages.hpp"
#include "runtime/config/forms.hpp"

namespace troupe::apps {
namespace {

/// Returns how a value of that setting is bounded, as it would be typed; empty if the check of its form is all.
std::string bounds(const config::Setting& setting) {
  using config::Kind;
  const auto typed = [&](std::uint64_t bound) {
    if (setting.kind == Kind::duration) return config::duration_text(base::Duration(static_cast<std::int64_t>(bound)));
    return setting.kind == Kind::bytes ? config::bytes_text({bound}) : std::to_string(bound);
  };
  std::string choices;
  for (const std::string_view one : setting.choices) (choices += choices.empty() ? "" : ", ") += one;
  switch (setting.kind) {
    case Kind::flag: return "true, false";
    case Kind::text: return choices;
    case Kind::texts:
    case Kind::pairs: return "at most " + std::to_string(setting.max);
    default: return typed(setting.min) + " to " + typed(setting.max);
  }
}

/// Returns the text for a cell of a table.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) (out += c == '|' ? "\\" : "") += c;
  return out;
}

}  // namespace

std::string cli_page(const Commands& table) {
  std::ostringstream out;
  out << "# Commands\n\nThis page is generated: `troupe manual cli` prints it. `troupe help COMMAND` prints one "
         "entry.\n\n"
      << "```text\n";
  print_help(out, table, "");
  out << "```\n";
  for (const Command& command : table) {
    out << "\n## " << command.name << "\n\n```text\n";
    print_entry(out, command);
    out << "```\n";
  }
  return out.str();
}

std::string configuration_page(const config::Table& table) {
  std::ostringstream out;
  out << "# Settings\n\nThis page is generated: `troupe manual configuration` prints it.\n\n"
      << "A setting comes from, weakest first: its default, `DIR/config.toml` or the file of `--config`, the "
         "environment\n"
      << "(`TROUPE_RAFT__INVITES` for `raft.invites`), and `--set key=value`. `troupe config show --origin` prints "
         "the\n"
      << "settings and where each value comes from; `troupe config check FILE` checks a file. A running node accepts "
         "a\n"
      << "new value of a setting marked \"reload\" on SIGHUP; all other settings take effect at the next start.\n\n"
      << "| setting | default | values | takes effect | meaning |\n|---|---|---|---|---|\n";
  for (const config::Setting& setting : table.settings())
    out << "| `" << setting.key << "` | " << (setting.fallback.empty() ? "" : '`' + std::string(setting.fallback) + '`')
        << " | " << cell(bounds(setting)) << " | " << (setting.when == config::When::reload ? "reload" : "start")
        << " | " << cell(setting.doc) << " |\n";
  return out.str();
}

}  // namespace troupe::apps
