// troupe api rules check FILE
#include "apps/api/routes.hpp"
#include "apps/api/rules.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "messages/output/api.capnp.h"
#include "runtime/config/forms.hpp"
#include "runtime/config/source.hpp"

namespace troupe::apps {
namespace {

constexpr const char* kRulesNotes = R"(
rules of a file, TOML: a call must hold to every rule for its command
  [[rule]]
  name = "reports-only"          required: 1 to 64 characters a-z, 0-9 and -
  commands = ["file put"]        required: "file put", "file *" or "*"
  names = "reports/**"           demands a name that matches; * stands for any text
  roles = ["operator", "admin"]  demands the role: viewer, user, operator or admin
  purpose = true                 demands the header Purpose; a list of texts: one of them
  max_ttl = "30d"                demands a lifetime of at most this
)";

template <class List>
void fill(List out, const std::vector<std::string>& texts) {
  for (unsigned i = 0; i < out.size(); ++i) out.set(i, texts[i]);
}

void print_rules_json(std::ostream& out, const std::vector<api::Rule>& rules) {
  JsonLine<output::wire::ApiRules> line;
  auto rows = line->initRows(static_cast<unsigned>(rules.size()));
  for (unsigned i = 0; i < rows.size(); ++i) {
    const api::Rule& rule = rules[i];
    rows[i].setName(rule.name);
    fill(rows[i].initCommands(static_cast<unsigned>(rule.commands.size())), rule.commands);
    if (rule.names) rows[i].setNames(*rule.names);
    fill(rows[i].initRoles(static_cast<unsigned>(rule.roles.size())), rule.roles);
    if (rule.purposes)
      fill(rows[i].getPurpose().initValue(static_cast<unsigned>(rule.purposes->size())), *rule.purposes);
    if (rule.ttl_max) rows[i].setMaxTtl(config::duration_text(*rule.ttl_max));
  }
  write_json_line(out, capnp::toDynamic(rows.asReader()));
}

void print_rules(std::ostream& out, const std::vector<api::Rule>& rules) {
  TextTable table({{"NAME"}, {"COMMANDS"}, {"NAMES"}, {"ROLES"}, {"PURPOSE"}, {"MAX TTL"}});
  for (const api::Rule& rule : rules)
    table.add({rule.name, joined(rule.commands), rule.names.value_or("-"),
               rule.roles.empty() ? "-" : joined(rule.roles),
               !rule.purposes           ? "-"
               : rule.purposes->empty() ? "any"
                                        : joined(*rule.purposes),
               rule.ttl_max ? config::duration_text(*rule.ttl_max) : "-"});
  table.print(out);
}

Ending check_rules(const Invocation& invocation, Console& console) {
  const std::string path = *invocation.text("FILE");
  const auto wrong = [&](const base::Error& error) {
    return Failure{{error.code, path + ": " + error.message},
                   "nothing was changed",
                   "troupe help api rules check",
                   error.code == base::Code::not_found ? Exit::not_found : Exit::usage};
  };
  const auto file = config::read_text_file(path);
  if (!file.ok()) return wrong(file.error());
  const auto rules = api::Rules::parse(file.value().text, api::ruled_commands(api::Routes(invocation.table())));
  if (!rules.ok()) return wrong(rules.error());
  if (invocation.globals.json) print_rules_json(console.out, rules.value().list());
  else print_rules(console.out, rules.value().list());
  return Exit::done;
}

}  // namespace

Commands api_rules_commands() {
  return {{.name = "api rules check",
           .summary = "Check a file of compliance rules, and print the rules",
           .positionals = {{.name = "FILE", .help = "TOML file to check", .field = Field::local}},
           .notes = kRulesNotes,
           .run = check_rules}};
}

}  // namespace troupe::apps
