// Scripts for bash, zsh and fish.
#include <algorithm>
#include <cstdint>
#include <map>
#include <string_view>

#include "apps/cli/help.hpp"
#include "apps/cli/terminal.hpp"

namespace troupe::apps {
namespace {

using Words = std::vector<std::string>;

/// What a shell offers at a position of a command line.
struct Offer {
  enum class Kind : std::uint8_t { nothing, words, files, directories } kind = Kind::nothing;
  Words words{};
  bool operator==(const Offer&) const = default;
};

/// Whether the placeholder of a value, such as "PATH|-", has `word` among its alternatives.
bool names_a(std::string_view placeholder, std::string_view word) {
  for (std::size_t begin = 0; begin < placeholder.size();) {
    const std::size_t end = std::min(placeholder.find_first_of("|[]. ", begin), placeholder.size());
    if (placeholder.substr(begin, end - begin) == word) return true;
    begin = end + 1;
  }
  return false;
}

Offer offer(std::string_view placeholder, const Words& choices, const Words& suggestions) {
  if (!choices.empty()) return {Offer::Kind::words, choices};
  for (const char* word : {"FILE", "PATH", "ARCHIVE", "PROGRAM", "CMD", "F"})
    if (names_a(placeholder, word)) return {Offer::Kind::files, suggestions};
  if (!suggestions.empty()) return {Offer::Kind::words, suggestions};
  return {names_a(placeholder, "DIR") ? Offer::Kind::directories : Offer::Kind::nothing};
}

/// What may follow a command or a group.
struct Follow {
  std::string after;  ///< "config", "config show", or empty
  Offer offer;
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

void add_word(std::vector<Follow>& all, const std::string& after, const std::string& word) {
  Follow& before = follow(all, after);
  before.offer.kind = Offer::Kind::words;
  add_once(before.offer.words, word);
}

void add_arguments(Follow& own, const Command& command) {
  for (const Positional& positional : command.positionals) {
    const Offer one = offer(positional.name, positional.choices, positional.suggestions);
    if (one.kind == Offer::Kind::nothing) continue;
    if (own.offer.kind != Offer::Kind::words) own.offer.kind = one.kind;
    for (const std::string& word : one.words) add_once(own.offer.words, word);
  }
}

/// Longer prefixes first, the empty prefix last: a shell takes the first that matches.
std::vector<Follow> follows(const Commands& table) {
  std::vector<Follow> all;
  follow(all, "");
  follow(all, "help");
  for (const Command& command : table) {
    for (std::size_t begin = 0; begin < command.name.size();) {
      const std::size_t end = std::min(command.name.find(' ', begin), command.name.size());
      const std::string before = command.name.substr(0, begin == 0 ? 0 : begin - 1);
      const std::string word = command.name.substr(begin, end - begin);
      add_word(all, before, word);
      add_word(all, before.empty() ? "help" : "help " + before, word);
      begin = end + 1;
    }
  }
  for (const Command& command : table) {
    Follow& own = follow(all, command.name);
    own.options = names(command.options);
    add_arguments(own, command);
  }
  std::stable_sort(all.begin(), all.end(), [](const Follow& a, const Follow& b) {
    return std::count(a.after.begin(), a.after.end(), ' ') + !a.after.empty() >
           std::count(b.after.begin(), b.after.end(), ' ') + !b.after.empty();
  });
  return all;
}

std::string offered(const Offer& offer, std::string_view open, std::string_view close) {
  static constexpr const char* kKinds[] = {"nothing", "words", "files", "directories"};
  return std::string("kind=") + kKinds[static_cast<std::size_t>(offer.kind)] + " offered=" + std::string(open) +
         joined(offer.words, " ") + std::string(close);
}

std::string cases(const Commands& table, std::string_view open, std::string_view close) {
  std::string out;
  for (const Follow& one : follows(table)) {
    const std::string pattern = one.after.empty() ? "*" : '"' + one.after + " \"*";
    out += "      " + pattern + ") " + offered(one.offer, open, close) + " options=" + std::string(open) +
           joined(one.options, " ") + std::string(close) + " ;;\n";
  }
  return out;
}

/// For each option with a value that can be completed: a case for its command, or one case for all if they agree.
std::string value_cases(const Commands& table, std::string_view open, std::string_view close) {
  std::map<std::string, std::vector<std::pair<std::string, Offer>>> by_name;
  const auto add = [&](const std::string& command, const std::vector<Option>& options) {
    for (const Option& option : options)
      if (!option.value.empty())
        for (const std::string& name : names({option}))
          by_name[name].emplace_back(command, offer(option.value, option.choices, option.suggestions));
  };
  add("", global_options());
  for (const Command& command : table) add(command.name, command.options);
  std::string special, general;
  const auto one_case = [&](const std::string& pattern, const Offer& what) {
    return "      " + pattern + ") " + offered(what, open, close) + " ;;\n";
  };
  for (const auto& [name, uses] : by_name) {
    const Offer& first = uses.front().second;
    if (std::all_of(uses.begin(), uses.end(), [&](const auto& use) { return use.second == first; })) {
      if (first.kind != Offer::Kind::nothing) general += one_case("*\" " + name + '"', first);
    } else {
      for (const auto& [command, what] : uses) special += one_case('"' + command + " \"*\" " + name + '"', what);
    }
  }
  return special + general;
}

/// Options whose next word is a value, so it is not a command.
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

std::string fish_values(const Offer& offer) {
  switch (offer.kind) {
    case Offer::Kind::nothing: return " -x";
    case Offer::Kind::words: return " -x -a " + fish_quoted(joined(offer.words, " "));
    case Offer::Kind::files: return " -r -F";
    case Offer::Kind::directories: return " -x -a '(__fish_complete_directories)'";
  }
  return "";
}

/// An argument's values: files are offered without an option that expects them.
std::string fish_arguments(const Offer& offer) {
  return offer.kind == Offer::Kind::files ? " -F" : " -f" + fish_values(offer).substr(std::string_view(" -x").size());
}

std::string fish_option(const std::string& condition, const Option& option) {
  std::string out = "complete -c troupe";
  if (!condition.empty()) out += " -n " + fish_quoted(condition);
  for (const std::string& name : {option.name, option.alias}) {
    if (name.starts_with("--")) out += " -l " + name.substr(2);
    else if (name.starts_with("-")) out += " -s " + name.substr(1);
  }
  if (!option.value.empty()) out += fish_values(offer(option.value, option.choices, option.suggestions));
  return out + " -d " + fish_quoted(option.help) + '\n';
}

}  // namespace

std::string bash_completion(const Commands& table) {
  return R"(# bash completion for troupe: source it, or put it into bash-completion's folder.
_troupe() {
  local current="${COMP_WORDS[COMP_CWORD]}" option="" named="" kind="" offered="" options="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "${COMP_WORDS[i]}" in
      )" +
         with_value(table) + R"()
        option="${COMP_WORDS[i]}"
        ((i++))
        [[ "${COMP_WORDS[i]}" == "=" ]] && ((i++)) ;;
      -*) ;;
      *) named+="${COMP_WORDS[i]} " ;;
    esac
  done
  if ((i > COMP_CWORD)); then # the value of an option
    [[ "$current" == "=" ]] && current=""
    case "$named $option" in
)" + value_cases(table, "\"", "\"") +
         R"(    esac
  else
    case "$named" in
)" + cases(table, "\"", "\"") +
         R"(    esac
    [[ "$current" == -* ]] && kind=words && offered="$options )" +
         joined(names(global_options()), " ") + R"("
  fi
  COMPREPLY=()
  case "$kind" in
    words) mapfile -t COMPREPLY < <(compgen -W "$offered" -- "$current") ;;
    files) mapfile -t COMPREPLY < <(compgen -f -W "$offered" -- "$current") ;;
    directories) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
  esac
}
complete -o filenames -F _troupe troupe
)";
}

std::string zsh_completion(const Commands& table) {
  return R"(#compdef troupe
# zsh completion for troupe: put it as _troupe into a folder of $fpath.
_troupe() {
  local option="" named="" kind="" i
  local -a offered options
  for ((i = 2; i < CURRENT; i++)); do
    case "${words[i]}" in
      )" +
         with_value(table) + R"() option="${words[i]}"; ((i++)) ;;
      -*) ;;
      *) named+="${words[i]} " ;;
    esac
  done
  if [[ "$PREFIX" == --*=* ]]; then
    option="${PREFIX%%=*}"
    compset -P '*='
    i=$((CURRENT + 1))
  fi
  if ((i > CURRENT)); then # the value of an option
    case "$named $option" in
)" + value_cases(table, "(", ")") +
         R"(    esac
  else
    case "$named" in
)" + cases(table, "(", ")") +
         R"(    esac
    if [[ "$PREFIX" == -* ]]; then
      kind=words
      offered=($options )" +
         joined(names(global_options()), " ") + R"()
    fi
  fi
  case "$kind" in
    words) compadd -- $offered ;;
    files)
      compadd -- $offered
      _files ;;
    directories) _files -/ ;;
  esac
}
if [[ "${funcstack[1]}" == _troupe ]]; then _troupe "$@"; else compdef _troupe troupe; fi
)";
}

std::string fish_completion(const Commands& table) {
  std::string out = "# fish completion for troupe: put it into ~/.config/fish/completions/troupe.fish.\n";
  for (const Option& option : global_options()) out += fish_option("", option);
  Words groups;
  std::string help_words;
  for (const Command& command : table) {
    std::string condition;
    for (std::size_t begin = 0; begin < command.name.size();) {
      const std::size_t end = std::min(command.name.find(' ', begin), command.name.size());
      const std::string word = command.name.substr(begin, end - begin), path = command.name.substr(0, end);
      const bool whole = end == command.name.size();
      if (whole || std::find(groups.begin(), groups.end(), path) == groups.end()) {
        if (!whole) groups.push_back(path);
        if (begin == 0) help_words += (help_words.empty() ? "" : " ") + word;
        out += "complete -c troupe -f -n " + (begin == 0 ? "__fish_use_subcommand" : fish_quoted(condition)) + " -a " +
               word + (whole ? " -d " + fish_quoted(command.summary) : "") + '\n';
      }
      condition += (begin == 0 ? "" : "; and ") + ("__fish_seen_subcommand_from " + word);
      begin = end + 1;
    }
    for (const Option& option : command.options) out += fish_option(condition, option);
    for (const Positional& positional : command.positionals) {
      const Offer one = offer(positional.name, positional.choices, positional.suggestions);
      if (one.kind == Offer::Kind::nothing) continue;
      out += "complete -c troupe -n " + fish_quoted(condition) + fish_arguments(one) + '\n';
    }
  }
  out += "complete -c troupe -f -n '__fish_seen_subcommand_from help' -a " + fish_quoted(help_words) + '\n';
  return out;
}

}  // namespace troupe::apps
