// Scripts for bash, zsh and fish.
#include <algorithm>
#include <string_view>

#include "apps/cli/help.hpp"
#include "apps/cli/terminal.hpp"

namespace troupe::apps {
namespace {

using Words = std::vector<std::string>;

// What may follow a command or a group.
struct Follow {
  std::string after;  ///< "config", "config show", or empty
  Words words;        ///< commands or choices; without any, files are completed
  Words options;
};

void add_once(Words& words, const std::string& word) {
  if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
}

Words names(const std::vector<Option>& options) {
  Words out;
  for (const Option& option : options) {
    out.push_back(option.name);
    if (!option.alias.empty()) out.push_back(option.alias);
  }
  return out;
}

Follow& follow(std::vector<Follow>& all, const std::string& after) {
  const auto at = std::find_if(all.begin(), all.end(), [&](const Follow& one) { return one.after == after; });
  if (at != all.end()) return *at;
  return all.emplace_back(Follow{after, {}, {}});
}

// Longer ones first, the empty one last: a shell takes the first that fits.
std::vector<Follow> follows(const Commands& table) {
  std::vector<Follow> all;
  follow(all, "");
  for (const Command& command : table) {
    for (std::size_t begin = 0; begin < command.name.size();) {
      const std::size_t end = std::min(command.name.find(' ', begin), command.name.size());
      const std::string before = command.name.substr(0, begin == 0 ? 0 : begin - 1);
      add_once(follow(all, before).words, command.name.substr(begin, end - begin));
      begin = end + 1;
    }
    Follow& own = follow(all, command.name);
    own.options = names(command.options);
    if (!command.positionals.empty())
      for (const auto& choice : command.positionals.front().choices) own.words.push_back(choice);
  }
  std::stable_sort(all.begin(), all.end(), [](const Follow& a, const Follow& b) {
    return std::count(a.after.begin(), a.after.end(), ' ') + !a.after.empty() >
           std::count(b.after.begin(), b.after.end(), ' ') + !b.after.empty();
  });
  return all;
}

std::string cases(const Commands& table, std::string_view open, std::string_view close) {
  std::string out;
  for (const Follow& one : follows(table)) {
    const std::string pattern = one.after.empty() ? "*" : '"' + one.after + " \"*";
    out += "    " + pattern + ") words=" + std::string(open) + joined(one.words, " ") + std::string(close) +
           " options=" + std::string(open) + joined(one.options, " ") + std::string(close) + " ;;\n";
  }
  return out;
}

// Options whose value is the next word, which so is no command.
std::string with_value(const Commands& table) {
  Words out;
  const auto add = [&](const std::vector<Option>& options) {
    for (const Option& option : options)
      if (!option.value.empty())
        for (const std::string& name : names({option})) add_once(out, name);
  };
  add(global_options());
  for (const Command& command : table) add(command.options);
  return joined(out, "|");
}

std::string fish_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) (out += (c == '\'' || c == '\\') ? "\\" : "") += c;
  return out + '\'';
}

std::string fish_option(const std::string& condition, const Option& option) {
  std::string out = "complete -c troupe";
  if (!condition.empty()) out += " -n " + fish_quoted(condition);
  for (const std::string& name : {option.name, option.alias}) {
    if (name.starts_with("--")) out += " -l " + name.substr(2);
    else if (name.starts_with("-")) out += " -s " + name.substr(1);
  }
  if (!option.value.empty()) out += " -r";
  return out + " -d " + fish_quoted(option.help) + '\n';
}

}  // namespace

std::string bash_completion(const Commands& table) {
  return R"(# bash completion for troupe: source it, or put it into bash-completion's folder.
_troupe() {
  local current="${COMP_WORDS[COMP_CWORD]}" named="" words="" options="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "${COMP_WORDS[i]}" in
      )" +
         with_value(table) + R"() ((i++)) ;;
      -*) ;;
      *) named+="${COMP_WORDS[i]} " ;;
    esac
  done
  case "$named" in
)" + cases(table, "\"", "\"") +
         R"(  esac
  if [[ "$current" == -* ]]; then
    COMPREPLY=($(compgen -W "$options )" +
         joined(names(global_options()), " ") + R"(" -- "$current"))
  elif [[ -n "$words" ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  else
    COMPREPLY=($(compgen -f -- "$current"))
  fi
}
complete -o filenames -F _troupe troupe
)";
}

std::string zsh_completion(const Commands& table) {
  return R"(#compdef troupe
# zsh completion for troupe: put it as _troupe into a folder of $fpath.
_troupe() {
  local named="" i
  local -a words_here options
  for ((i = 2; i < CURRENT; i++)); do
    case "${words[i]}" in
      )" +
         with_value(table) + R"() ((i++)) ;;
      -*) ;;
      *) named+="${words[i]} " ;;
    esac
  done
  case "$named" in
)" +
         [&] {
           std::string out = cases(table, "(", ")");
           for (std::size_t at = 0; (at = out.find(") words=(", at)) != std::string::npos; at += 14)
             out.replace(at, 9, ") words_here=(");
           return out;
         }() +
         R"(  esac
  if [[ "$PREFIX" == -* ]]; then
    compadd -- $options )" +
         joined(names(global_options()), " ") + R"(
  elif (( ${#words_here} )); then
    compadd -- $words_here
  else
    _files
  fi
}
if [[ "${funcstack[1]}" == _troupe ]]; then _troupe "$@"; else compdef _troupe troupe; fi
)";
}

std::string fish_completion(const Commands& table) {
  std::string out = "# fish completion for troupe: put it into ~/.config/fish/completions/troupe.fish.\n";
  for (const Option& option : global_options()) out += fish_option("", option);
  Words groups;
  for (const Command& command : table) {
    std::string condition;
    for (std::size_t begin = 0; begin < command.name.size();) {
      const std::size_t end = std::min(command.name.find(' ', begin), command.name.size());
      const std::string word = command.name.substr(begin, end - begin), path = command.name.substr(0, end);
      const bool whole = end == command.name.size();
      if (whole || std::find(groups.begin(), groups.end(), path) == groups.end()) {
        if (!whole) groups.push_back(path);
        out += "complete -c troupe -f -n " + (begin == 0 ? "__fish_use_subcommand" : fish_quoted(condition)) + " -a " +
               word + (whole ? " -d " + fish_quoted(command.summary) : "") + '\n';
      }
      condition += (begin == 0 ? "" : "; and ") + ("__fish_seen_subcommand_from " + word);
      begin = end + 1;
    }
    for (const Option& option : command.options) out += fish_option(condition, option);
    if (command.positionals.empty()) continue;
    for (const auto& choice : command.positionals.front().choices)
      out += "complete -c troupe -f -n " + fish_quoted(condition) + " -a " + choice + '\n';
  }
  return out;
}

}  // namespace troupe::apps
