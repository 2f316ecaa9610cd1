#include "apps/run.hpp"

#include <exception>
#include <ostream>

#include "apps/help.hpp"
#include "apps/parse.hpp"

namespace troupe::apps {
namespace {

Ending run_command(const Invocation& invocation, Console& console) {
  auto ending = invocation.command().run(invocation, console);
  console.out.flush();
  // A script that reads a cut list must not take it for a whole one.
  if (ending.ok() && !console.out)
    return Failure{{base::Code::internal, "standard output could not be written"},
                   invocation.command().effect == Effect::write ? "done, but not all of it was printed" : "",
                   "",
                   Exit::failed};
  return ending;
}

Exit run_or_throw(const Commands& table, const std::vector<std::string>& arguments, Console& console, Form form) {
  const auto tell = [&](const Failure& failure, Effect effect) {
    print(console.err, failure, effect, form, colour_on_err(console));
    return exit_of(failure, effect);
  };
  const auto parsed = parse(table, arguments);
  if (!parsed.ok()) return tell(parsed.error(), Effect::read);
  if (const auto* help = std::get_if<HelpWanted>(&parsed.value())) {
    print_help(console.out, table, help->about);
    return Exit::done;
  }
  const auto& invocation = std::get<Invocation>(parsed.value());
  const auto ending = run_command(invocation, console);
  return ending.ok() ? ending.value() : tell(ending.error(), invocation.command().effect);
}

}  // namespace

Exit run(const Commands& table, const std::vector<std::string>& arguments, Console& console) {
  const Form form = wants_json(arguments) ? Form::json : Form::text;
  try {
    return run_or_throw(table, arguments, console, form);
  } catch (const std::exception& error) {
    const Failure failure{{base::Code::internal, std::string("a mistake in this program: ") + error.what()},
                          "unknown; what the command had begun may have been done",
                          "",
                          Exit::failed};
    print(console.err, failure, Effect::write, form, colour_on_err(console));
    return Exit::failed;
  }
}

}  // namespace troupe::apps
