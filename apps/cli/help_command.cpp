// troupe help [COMMAND…] | completion SHELL
#include <sstream>

#include "apps/cli/command.hpp"
#include "apps/cli/help.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "messages/output/node.capnp.h"
#include "runtime/base/nearest.hpp"
#include "runtime/base/text.hpp"
#include "runtime/observe/version.hpp"

namespace troupe::apps {
namespace {

namespace wire = output::wire;

void print_script(std::ostream& out, const std::string& text, bool json) {
  JsonLine<wire::Script> script;
  script->setText(text);
  if (json) script.print(out);
  else out << text;
}

// Returns the commands of a group, or the command with that name.
void print_json(std::ostream& out, const Commands& table, const std::string& about) {
  std::vector<const Command*> wanted;
  for (const Command& command : table)
    if (about.empty() || command.name == about || command.name.starts_with(about + ' ')) wanted.push_back(&command);
  JsonLine<wire::Commands> line;
  auto rows = line->initRows(static_cast<unsigned>(wanted.size()));
  for (unsigned i = 0; i < rows.size(); ++i) {
    rows[i].setName(wanted[i]->name);
    rows[i].setUsage(usage(*wanted[i]));
    rows[i].setSummary(wanted[i]->summary);
  }
  write_json_line(out, capnp::toDynamic(rows.asReader()));
}

Ending unknown(const Commands& table, const std::string& about) {
  std::vector<std::string_view> names;
  for (const Command& command : table) names.push_back(command.name);
  return usage_failure("there is no command \"" + base::shortened(about, 80) + "\"; did you mean \"" +
                           std::string(base::nearest(about, names)) + "\"?",
                       "troupe help");
}

Ending help(const Invocation& invocation, Console& console) {
  const Commands& table = invocation.table();
  if (invocation.has("--man")) {
    std::ostringstream manual;
    print_manual(manual, table, observe::version());
    print_script(console.out, manual.str(), invocation.globals.json);
    return Exit::done;
  }
  const std::string about = joined(invocation.all("COMMAND"), " ");
  std::ostringstream text;
  if (!print_help(text, table, about)) return unknown(table, about);
  if (invocation.globals.json) print_json(console.out, table, about);
  else console.out << text.str();
  return Exit::done;
}

Ending completion(const Invocation& invocation, Console& console) {
  const std::string shell = *invocation.text("SHELL");
  const auto make = shell == "bash" ? bash_completion : shell == "zsh" ? zsh_completion : fish_completion;
  print_script(console.out, make(invocation.table()), invocation.globals.json);
  return Exit::done;
}

}  // namespace

Commands help_commands() {
  return {
      {.name = "completion",
       .summary = "Print a completion script for a shell",
       .positionals = {{.name = "SHELL", .help = "bash, zsh or fish", .choices = {"bash", "zsh", "fish"}}},
       .run = completion},
      {.name = "help",
       .summary = "Explain a command, or list all commands",
       .options = {{.name = "--man", .help = "print the manual page troupe(1)"}},
       .positionals = {{.name = "COMMAND", .help = "the command, such as: file put", .arity = Arity::any}},
       .run = help},
  };
}

}  // namespace troupe::apps
