#include "apps/cli/parse.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>

#include "apps/cli/shell_word.hpp"
#include "apps/cli/terminal.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/base/nearest.hpp"
#include "runtime/base/text.hpp"
#include "runtime/config/forms.hpp"

namespace troupe::apps {
namespace {

// CLI11 finds the command and its options. This file checks the arguments, and what is required, allowed and within
// bounds. So all commands use the same error texts, and a value is never mistaken for something else (CLI11 splits
// "[a,b]", and forgets a "--" if options may follow a subcommand).

constexpr std::size_t kShownBytesMax = 80;

std::string help_for(std::string_view about) {
  return about.empty() ? "troupe help" : "troupe help " + std::string(about);
}

void keep_all(CLI::Option* option) {
  option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  option->allow_extra_args(false);
}

std::optional<std::string> not_a_choice(const std::string& name, const std::vector<std::string>& choices,
                                        const std::string& value) {
  if (choices.empty() || std::find(choices.begin(), choices.end(), value) != choices.end()) return std::nullopt;
  return name + " must be one of: " + joined(choices) + "; not " + in_quotes(value);
}

class Parser {
 public:
  explicit Parser(const Commands& table) : table_(table) {
    app_.allow_extras();
    app_.set_help_flag();
    app_.require_subcommand(0, 1);
    data_ = app_.add_option("--data");
    node_ = app_.add_option("--node");
    trace_ = app_.add_option("--trace-id");
    for (auto* option : {data_, node_, trace_}) keep_all(option->expected(1));
    json_ = app_.add_flag("--json");
    help_ = app_.add_flag("-h,--help");
    version_ = app_.add_flag("--version");
    for (const Command& command : table_) add(command);
  }

  base::Result<Parsed, Failure> parse(const std::vector<std::string>& arguments) {
    const auto mark = std::find(arguments.begin(), arguments.end(), "--");
    try {
      app_.parse(std::vector<std::string>(std::make_reverse_iterator(mark), arguments.rend()));
    } catch (const CLI::ParseError& error) {
      return usage_failure(error.what(), help_for(about()));
    }
    if (help_->count() > 0 || arguments.empty()) return Parsed(HelpWanted{about()});
    if (const auto bad = unknown_word()) return *bad;
    if (const auto bad = option_of_a_group()) return *bad;
    const Command* command = chosen();
    if (!command && app_.get_subcommands().empty() && version_->count() > 0) command = find("version");
    if (!command) return incomplete();
    auto globals = read_globals();
    if (!globals.ok()) return globals.error();
    if (!globals.value().more_nodes.empty() && !command->several_nodes)
      return usage_failure("--node is given twice", "troupe help");
    std::vector<std::string> words = app_.remaining(true);
    if (mark != arguments.end()) words.insert(words.end(), mark + 1, arguments.end());
    auto values = read_values(*command, words);
    if (!values.ok()) return values.error();
    std::string line = "troupe";
    for (const std::string& word : arguments) line += ' ' + shell_word(word);
    return Parsed(Invocation(*command, table_, std::move(globals).value(), std::move(values).value(), std::move(line)));
  }

 private:
  void add(const Command& command) {
    CLI::App* at = &app_;
    for (std::size_t end = 0; end < command.name.size(); ++end) {
      const std::size_t begin = end;
      end = std::min(command.name.find(' ', begin), command.name.size());
      at = below(*at, command.name.substr(0, end), command.name.substr(begin, end - begin));
    }
    base::ensure(leaves_.emplace(at, &command).second, "each command has a unique name");
    for (const Option& option : command.options) {
      const std::string names = option.alias.empty() ? option.name : option.name + ',' + option.alias;
      if (option.value.empty()) at->add_flag(names);
      else keep_all(at->add_option(names)->expected(1));
    }
    for (std::size_t i = 0; i + 1 < command.positionals.size(); ++i)
      base::ensure(command.positionals[i].arity == Arity::one || (command.positionals[i].arity == Arity::maybe &&
                                                                  command.positionals[i + 1].arity == Arity::maybe),
                   "only the last arguments of a command are optional, and only the final argument repeats");
  }

  CLI::App* below(CLI::App& parent, const std::string& path, const std::string& word) {
    CLI::App*& sub = by_path_[path];
    if (sub) return sub;
    sub = parent.add_subcommand(word);
    sub->allow_extras();
    sub->set_help_flag();
    sub->fallthrough();  // global options may follow
    sub->require_subcommand(0, 1);
    return sub;
  }

  // Returns the deepest group or command that was named.
  const CLI::App& deepest() const {
    const CLI::App* at = &app_;
    while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
    return *at;
  }

  std::string about() const {
    std::string out;
    for (const CLI::App* at = &deepest(); at != &app_; at = at->get_parent())
      out = at->get_name() + (out.empty() ? "" : ' ' + out);
    return out;
  }

  const Command* chosen() const {
    const auto at = leaves_.find(&deepest());
    return at == leaves_.end() ? nullptr : at->second;
  }

  const Command* find(std::string_view name) const {
    const auto at = std::find_if(table_.begin(), table_.end(), [&](const auto& one) { return one.name == name; });
    return at == table_.end() ? nullptr : &*at;
  }

  // Returns the failure for a word that is not an option, a command or an argument of the chosen command.
  std::optional<Failure> unknown_word() const {
    const auto words = app_.remaining(true);
    const auto option = std::find_if(words.begin(), words.end(),
                                     [](const std::string& word) { return word.size() > 1 && word.front() == '-'; });
    if (option != words.end()) return unknown("option", *option, known_options());
    if (!chosen() && !words.empty()) return unknown("command", words.front(), known_words());
    return std::nullopt;
  }

  // "sim run" is below "sim", which is also a command: an option that only "sim" knows is unknown to "sim run".
  std::optional<Failure> option_of_a_group() const {
    for (const CLI::App* at = deepest().get_parent(); at != nullptr && at != &app_; at = at->get_parent()) {
      const auto group = leaves_.find(at);
      if (group == leaves_.end()) continue;
      for (const Option& option : group->second->options)
        if (at->get_option(option.name)->count() > 0) return unknown("option", option.name, known_options());
    }
    return std::nullopt;
  }

  Failure unknown(const char* kind, const std::string& word, const std::vector<std::string>& known) const {
    const std::vector<std::string_view> views(known.begin(), known.end());
    const auto near = base::nearest(word.substr(0, word.find('=')), views);
    std::string what = std::string("unknown ") + kind + ' ' + in_quotes(word);
    if (!near.empty()) what += "; did you mean \"" + std::string(near) + "\"?";
    return usage_failure(std::move(what), help_for(about()));
  }

  std::vector<std::string> known_options() const {
    std::vector<std::string> out{"--data", "--node", "--json", "--trace-id", "--help"};
    if (const Command* command = chosen())
      for (const Option& option : command->options) out.push_back(option.name);
    return out;
  }

  std::vector<std::string> known_words() const {
    std::vector<std::string> out;
    for (const CLI::App* sub : deepest().get_subcommands([](const CLI::App*) { return true; }))
      out.push_back(sub->get_name());
    return out;
  }

  Failure incomplete() const {
    const std::string group = about();
    if (group.empty()) return usage_failure("no command is named", "troupe help");
    return usage_failure('"' + group + "\" is incomplete; it must be followed by one of: " + joined(known_words()),
                         help_for(group));
  }

  base::Result<Globals, Failure> read_globals() const {
    Globals globals;
    globals.json = json_->count() > 0;
    for (const CLI::Option* option : {data_, trace_})
      if (option->count() > 1) return usage_failure(option->get_name() + " is given twice", "troupe help");
    if (data_->count() > 0 && node_->count() > 0)
      return usage_failure("--data and --node exclude each other: --data names a local node, --node a remote one",
                           "troupe help");
    if (data_->count() > 0) {
      globals.data = data_->results().front();
      if (globals.data->empty()) return usage_failure("--data needs a directory", "troupe help");
    }
    for (const std::string& text : node_->results()) {
      const auto address = config::PeerAddress::parse(text);
      if (!address || !address->pinned)
        return usage_failure("--node needs ID@HOST:PORT with an id of 40 hexadecimal digits, got " + in_quotes(text),
                             "troupe status, at that node, shows both");
      const NodeAddress node{*address->pinned, address->at};
      if (globals.node) globals.more_nodes.push_back(node);
      else globals.node = node;
    }
    if (trace_->count() > 0) {
      const std::string& text = trace_->results().front();
      const auto trace = parse_trace(text);
      if (!trace)
        return usage_failure("--trace-id needs up to 16 hexadecimal digits that are not all 0, got " + in_quotes(text),
                             "troupe help trace");
      globals.trace = *trace;
    }
    return globals;
  }

  base::Result<Invocation::Values, Failure> read_values(const Command& command,
                                                        const std::vector<std::string>& words) const {
    Invocation::Values values;
    for (const Option& option : command.options) {
      const CLI::Option* parsed = deepest().get_option(option.name);
      auto& given = values[option.name];
      if (option.value.empty()) given.resize(parsed->count(), "true");
      else given = parsed->results();
      if (const auto wrong = fault(option, given)) return usage_failure(*wrong, help_for(command.name));
    }
    auto left = words.begin();
    for (const Positional& positional : command.positionals) {
      auto& given = values[positional.name];
      const auto take = std::min<std::ptrdiff_t>(words.end() - left, is_many(positional.arity) ? PTRDIFF_MAX : 1);
      given.assign(left, left + take);
      left += take;
      if (const auto wrong = fault(positional, given)) return usage_failure(*wrong, help_for(command.name));
    }
    if (left != words.end()) return usage_failure("unexpected argument " + in_quotes(*left), help_for(command.name));
    return values;
  }

  const Commands& table_;
  CLI::App app_;
  CLI::Option* data_;
  CLI::Option* node_;
  CLI::Option* trace_;
  CLI::Option* json_;
  CLI::Option* help_;
  CLI::Option* version_;
  std::map<std::string, CLI::App*> by_path_;
  std::map<const CLI::App*, const Command*> leaves_;
};

}  // namespace

std::string in_quotes(std::string_view text) { return '"' + base::shortened(text, kShownBytesMax) + '"'; }

bool is_many(Arity arity) { return arity == Arity::some || arity == Arity::any; }

std::optional<std::string> fault(const Option& option, const std::vector<std::string>& given) {
  if (given.size() > 1 && !option.repeatable && !option.value.empty()) return option.name + " is given twice";
  for (const auto& value : given) {
    if (const auto wrong = not_a_choice(option.name, option.choices, value)) return wrong;
    if (option.max == 0) continue;
    const auto number = config::parse_count(value);
    if (!number || *number < option.min || *number > option.max)
      return option.name + " needs a whole number from " + std::to_string(option.min) + " to " +
             std::to_string(option.max) + ", not " + in_quotes(value);
  }
  return std::nullopt;
}

std::optional<std::string> fault(const Positional& positional, const std::vector<std::string>& given) {
  const bool required = positional.arity == Arity::one || positional.arity == Arity::some;
  if (given.empty() && required) return positional.name + " is missing: " + positional.help;
  for (const auto& value : given)
    if (const auto wrong = not_a_choice(positional.name, positional.choices, value)) return wrong;
  return std::nullopt;
}

base::Result<Parsed, Failure> parse(const Commands& table, const std::vector<std::string>& arguments) {
  return Parser(table).parse(arguments);
}

bool wants_json(const std::vector<std::string>& arguments) {
  const auto end = std::find(arguments.begin(), arguments.end(), "--");
  return std::find(arguments.begin(), end, "--json") != end;
}

}  // namespace troupe::apps
