// troupe manual [PAGE]
#include <algorithm>

#include "apps/cli/json.hpp"
#include "apps/host/domains.hpp"
#include "apps/manual/pages.hpp"
#include "messages/output/node.capnp.h"
#include "runtime/base/nearest.hpp"
#include "runtime/base/text.hpp"

namespace troupe::apps {
namespace {

constexpr std::string_view kIndex = "README", kCli = "cli", kConfiguration = "configuration";

std::vector<std::string_view> names() {
  std::vector<std::string_view> out{kCli, kConfiguration};
  for (const Page& page : written_pages())
    if (page.name != kIndex) out.push_back(page.name);
  std::ranges::sort(out);
  return out;
}

/// Returns the Markdown of a page, or nothing if no page has that name.
std::optional<std::string> page(const Commands& table, std::string_view name) {
  if (name == kCli) return cli_page(table);
  if (name == kConfiguration) return configuration_page(settings_table());
  const auto written = std::ranges::find(written_pages(), name, &Page::name);
  if (written == written_pages().end()) return std::nullopt;
  return std::string(written->text);
}

Ending manual(const Invocation& invocation, Console& console) {
  const std::string name = invocation.text("PAGE").value_or(std::string(kIndex));
  const auto text = page(invocation.table(), name);
  if (!text)
    return usage_failure("the manual has no page \"" + base::shortened(name, 80) + "\"; did you mean \"" +
                             std::string(base::nearest(name, names())) + "\"?",
                         "troupe manual");
  JsonLine<output::wire::Script> line;
  line->setText(*text);
  if (invocation.globals.json) line.print(console.out);
  else console.out << *text;
  return Exit::done;
}

}  // namespace

Commands manual_commands() {
  Positional page{.name = "PAGE", .help = "page to print; without a page, the list of pages", .arity = Arity::maybe};
  for (const std::string_view name : names()) page.suggestions.emplace_back(name);
  return {{.name = "manual",
           .summary = "Print a page of the manual, as Markdown",
           .positionals = {std::move(page)},
           .run = manual}};
}

}  // namespace troupe::apps
