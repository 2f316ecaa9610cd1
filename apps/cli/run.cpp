#include "apps/cli/run.hpp"

#include <exception>

#include "apps/cli/help.hpp"
#include "apps/cli/parse.hpp"
#include "apps/cli/shell_word.hpp"

namespace troupe::apps {
namespace {

// A script must not mistake a cut list for a complete one.
Ending written(Ending ending, Effect effect, Console& console) {
  console.out.flush();
  if (!ending.ok() || console.out) return ending;
  return unwritten(console, effect == Effect::write ? "done, but not all output was printed" : "");
}

/// A suggested command without a node is meant for the node that was asked.
Failure of_same_node(Failure failure, const Globals& globals) {
  const std::string& line = failure.try_;
  const bool command = line.starts_with("troupe ") && !line.starts_with("troupe help") &&
                       !line.starts_with("troupe config check") && line.find(',') == std::string::npos;
  if (command && globals.data && line.find(" --data ") == std::string::npos &&
      line.find(" --node ") == std::string::npos)
    failure.try_ += " --data " + shell_word(*globals.data);
  return failure;
}

/// A change that may have been made is retried with its request id, so that it is made once.
Failure with_request(Failure failure, const Invocation& invocation) {
  const Effect effect = invocation.command().effect;
  const bool interrupted = failure.error.code == base::Code::dropped && failure.exit;
  if (effect != Effect::write || (exit_of(failure, effect) != Exit::unknown && !interrupted)) return failure;
  if (failure.try_.empty() && invocation.can_be_repeated()) failure.try_ = invocation.repeated();
  return failure;
}

Exit run_or_throw(const Commands& table, const std::vector<std::string>& arguments, Console& console, Form form) {
  const auto tell = [&](const Failure& failure, Effect effect) {
    print(console.err, failure, effect, form, colour_on_err(console));
    return exit_of(failure, effect);
  };
  const auto parsed = parse(table, arguments);
  if (!parsed.ok()) return tell(parsed.error(), Effect::read);
  Effect effect = Effect::read;
  Ending ending = Exit::done;
  if (const auto* help = std::get_if<HelpWanted>(&parsed.value())) {
    print_help(console.out, table, help->about);
  } else {
    const auto& invocation = std::get<Invocation>(parsed.value());
    effect = invocation.command().effect;
    ending = invocation.command().run(invocation, console);
    if (!ending.ok()) ending = of_same_node(with_request(ending.error(), invocation), invocation.globals);
  }
  ending = written(std::move(ending), effect, console);
  return ending.ok() ? ending.value() : tell(ending.error(), effect);
}

}  // namespace

Exit run(const Commands& table, const std::vector<std::string>& arguments, Console& console) {
  const Form form = wants_json(arguments) ? Form::json : Form::text;
  try {
    return run_or_throw(table, arguments, console, form);
  } catch (const std::exception& error) {
    const Failure failure{{base::Code::internal, std::string("a bug in this program: ") + error.what()},
                          "unknown; the change may have been made",
                          "",
                          Exit::failed};
    print(console.err, failure, Effect::write, form, colour_on_err(console));
    return Exit::failed;
  }
}

}  // namespace troupe::apps
