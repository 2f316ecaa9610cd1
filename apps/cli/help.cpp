#include "apps/cli/help.hpp"

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

#include "apps/cli/terminal.hpp"
#include "runtime/base/text.hpp"

namespace troupe::apps {
namespace {

constexpr std::size_t kLeftColumns = 26;
constexpr std::size_t kColumnsMax = 120;  // our choice: the line length of this source

struct ExitMeaning {
  Exit exit;
  std::string_view meaning;
};
constexpr ExitMeaning kExits[] = {
    {Exit::done, "done"},
    {Exit::failed, "failed"},
    {Exit::usage, "usage or bad configuration"},
    {Exit::partly, "partly done"},
    {Exit::not_found, "not found"},
    {Exit::refused, "refused or conflict"},
    {Exit::overloaded, "overloaded or no space"},
    {Exit::unavailable, "unavailable, no quorum, or a read timed out"},
    {Exit::unknown, "outcome unknown, or a write timed out"},
    {Exit::nothing_checked, "sim: nothing was checked, or a rare property was never reached"},
    {Exit::not_deterministic, "sim: two runs of the same seed differed"},
    {Exit::simulator_failed, "sim: the simulator itself failed"},
    {Exit::interrupted, "interrupted; 143 if by SIGTERM, 129 if by SIGHUP"},
    {Exit::broken_pipe, "standard output was closed by its reader"},
};

std::string left(const Option& option) {
  std::string out = option.name;
  if (!option.alias.empty()) out += ", " + option.alias;
  if (!option.value.empty()) out += ' ' + option.value;
  return out;
}

std::string shown(const Positional& positional) {
  switch (positional.arity) {
    case Arity::one: return positional.name;
    case Arity::maybe: return '[' + positional.name + ']';
    case Arity::some: return positional.name + "…";
    case Arity::any: return '[' + positional.name + "…]";
  }
  return positional.name;
}

std::string_view needs(const Command& command) {
  switch (command.needs) {
    case Needs::nothing: return "Needs no running node.";
    case Needs::view: return "Needs a running node and the role `view`.";
    case Needs::operate: return "Needs a running node and the role `operate`.";
  }
  return "";
}

void line(std::ostream& out, const std::string& first, std::string_view second) {
  const auto width = base::columns(first);
  out << "  " << first;
  const std::string next = "\n  " + std::string(kLeftColumns, ' ');
  if (width < kLeftColumns) out << std::string(kLeftColumns - width, ' ');
  else out << next;
  out << joined(wrapped(second, kColumnsMax - kLeftColumns - 2), next) << '\n';
}

void print_options(std::ostream& out, std::string_view title, const std::vector<Option>& options) {
  if (options.empty()) return;
  out << '\n' << title << '\n';
  for (const Option& option : options) line(out, left(option), option.help);
}

/// Wraps long lines under their own indentation.
void print_notes(std::ostream& out, const std::string& notes) {
  std::istringstream lines(notes);
  for (std::string one; std::getline(lines, one);) {
    const std::string indent(std::min(one.find_first_not_of(' '), one.size()), ' ');
    if (base::columns(one) > kColumnsMax)
      one = indent + joined(wrapped(one.substr(indent.size()), kColumnsMax - indent.size()), '\n' + indent);
    out << one << '\n';
  }
}

void print_command(std::ostream& out, const Command& command, bool with_global_options) {
  out << joined(wrapped("usage: " + usage(command), kColumnsMax - 7), "\n       ") << "\n\n"
      << joined(wrapped(command.summary + ". " + std::string(needs(command)), kColumnsMax), "\n") << '\n';
  if (!command.positionals.empty()) out << "\narguments\n";
  for (const Positional& positional : command.positionals) line(out, positional.name, positional.help);
  print_options(out, "options", command.options);
  if (with_global_options) print_options(out, "options of all commands", global_options());
  print_notes(out, command.notes);
  if (command.examples.empty()) return;
  out << "\nexamples\n";
  for (const std::string& example : command.examples) out << "  " << example << '\n';
}

/// "kv", if the command is "kv put".
std::string_view first_word(const Command& command) {
  return std::string_view(command.name).substr(0, command.name.find(' '));
}

/// Prints the commands under headings: a heading for each first word that several commands share.
void print_commands(std::ostream& out, const Commands& table) {
  std::map<std::string_view, std::size_t> counts;
  for (const Command& command : table) ++counts[first_word(command)];
  out << "\ncommands\n";
  for (const Command& command : table)
    if (counts[first_word(command)] == 1) line(out, command.name, command.summary);
  for (const Command& heading : table) {
    const std::string_view word = first_word(heading);
    if (std::exchange(counts[word], 0) < 2) continue;
    out << '\n' << word << '\n';
    for (const Command& command : table)
      if (first_word(command) == word) line(out, command.name, command.summary);
  }
}

void print_all(std::ostream& out, const Commands& table) {
  out << "usage: troupe [--data DIR | --node ID@HOST:PORT] [--json] COMMAND …\n";
  print_commands(out, table);
  print_options(out, "options of all commands, before or after the command", global_options());
  out << "\nexit status\n";
  for (const auto& [exit, meaning] : kExits) line(out, std::to_string(static_cast<int>(exit)), meaning);
  out << "\n`troupe help COMMAND` shows more.\n";
}

std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') out += "\\e";
    else if (c == '-') out += "\\-";
    else if ((c == '.' || c == '\'') && out.empty()) (out += "\\&") += c;
    else out += c;
  }
  return out;
}

void manual_entry(std::ostream& out, std::string_view term, std::string_view text) {
  out << ".TP\n.B " << roff(term) << '\n' << roff(text) << '\n';
}

}  // namespace

const std::vector<Option>& global_options() {
  static const std::vector<Option> options{
      {.name = "--data",
       .value = "DIR",
       .help = "data directory of the node to ask (default TROUPE_DATA, then $XDG_DATA_HOME/troupe)"},
      {.name = "--node", .value = "ID@HOST:PORT", .help = "remote node to ask, with your operator key"},
      {.name = "--json", .help = "print JSON"},
      {.name = "--trace-id",
       .value = "HEX",
       .help = "trace id for the messages that this command causes, for `troupe trace --id HEX`"},
      {.name = "-h", .help = "show help for the command", .alias = "--help"},
  };
  return options;
}

std::string usage(const Command& command) {
  std::string out = "troupe " + command.name;
  for (const Option& option : command.options) {
    const std::string shown = option.name + (option.value.empty() ? "" : ' ' + option.value);
    out += (option.required ? ' ' + shown : " [" + shown + ']') + (option.repeatable ? "…" : "");
  }
  if (!command.form.empty()) return out + ' ' + command.form;
  for (const Positional& positional : command.positionals) out += ' ' + shown(positional);
  return out;
}

bool print_help(std::ostream& out, const Commands& table, std::string_view about) {
  if (about.empty()) {
    print_all(out, table);
    return true;
  }
  const std::string group = std::string(about) + ' ';
  const auto in_group = [&](const Command& one) { return one.name.starts_with(group); };
  const auto exact = std::find_if(table.begin(), table.end(), [&](const auto& one) { return one.name == about; });
  const bool has_group = std::any_of(table.begin(), table.end(), in_group);
  if (exact == table.end() && !has_group) return false;
  if (exact != table.end()) print_command(out, *exact, true);
  if (has_group) {
    out << (exact != table.end() ? "\nmore commands\n" : "commands\n");
    for (const Command& command : table)
      if (in_group(command)) line(out, command.name, command.summary);
  }
  return true;
}

void print_entry(std::ostream& out, const Command& command) { print_command(out, command, false); }

void print_manual(std::ostream& out, const Commands& table, std::string_view version) {
  out << ".TH TROUPE 1 \"\" \"troupe " << roff(version) << "\" \"User Commands\"\n"
      << ".SH NAME\n"
         "troupe \\- a peer-to-peer node and its tools\n"
         ".SH SYNOPSIS\n"
         ".B troupe\n"
      << "[\\-\\-data DIR | \\-\\-node ID@HOST:PORT] [\\-\\-json] COMMAND ...\n.SH COMMANDS\n";
  for (const Command& command : table) {
    out << ".SS " << roff(usage(command)) << '\n' << roff(command.summary) << ".\n" << roff(needs(command)) << '\n';
    for (const Positional& positional : command.positionals) manual_entry(out, positional.name, positional.help);
    for (const Option& option : command.options) manual_entry(out, left(option), option.help);
    std::string below = command.notes;
    if (!command.examples.empty()) below += "\nexamples\n  " + joined(command.examples, "\n  ") + '\n';
    if (below.empty()) continue;
    out << ".PP\n.nf\n";  // unchanged
    std::istringstream notes(below);
    for (std::string one; std::getline(notes, one);) out << roff(one) << '\n';
    out << ".fi\n";
  }
  out << ".SH OPTIONS OF ALL COMMANDS\n";
  for (const Option& option : global_options()) manual_entry(out, left(option), option.help);
  out << ".SH EXIT STATUS\n";
  for (const auto& [exit, meaning] : kExits) manual_entry(out, std::to_string(static_cast<int>(exit)), meaning);
}

}  // namespace troupe::apps
