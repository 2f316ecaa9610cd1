// troupe sandbox run
#include "runtime/sandbox/run.hpp"

#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "apps/cli/json.hpp"
#include "apps/sandbox/sandbox.hpp"
#include "messages/output/sandbox.capnp.h"
#include "messages/usage.hpp"
#include "runtime/config/forms.hpp"

namespace troupe::apps {
namespace {

using base::Code;
using sandbox::Ended;
using sandbox::Limit;
using sandbox::Outcome;

// Same as env(1), timeout(1) and chroot(1).
constexpr auto kTimeOut = static_cast<Exit>(124);
constexpr auto kNotMade = static_cast<Exit>(125);
constexpr auto kNotStarted = static_cast<Exit>(126);
constexpr auto kNoSuchProgram = static_cast<Exit>(127);
constexpr int kSignals = 128;

Exit exit_of(const Outcome& outcome) {
  switch (outcome.how) {
    case Ended::exited: return static_cast<Exit>(outcome.status);
    case Ended::signalled:
      return outcome.limit == Limit::time ? kTimeOut : static_cast<Exit>(kSignals + outcome.status);
    case Ended::not_made:
    case Ended::spared: return kNotMade;
    case Ended::not_started: return outcome.status == ENOENT ? kNoSuchProgram : kNotStarted;
  }
  return kNotMade;
}

std::string limit_text(Limit limit, const sandbox::Limits& limits) {
  const auto bytes = [](std::uint64_t count) { return config::bytes_text({count}); };
  switch (limit) {
    case Limit::time: return "its time limit, --time " + config::duration_text(limits.time) + ", has passed";
    case Limit::cpu: return "it used more than its cores over 5 s: --cpu";
    case Limit::memory: return "it used more than --memory " + bytes(limits.memory_bytes);
    case Limit::pids: return "it had more processes and threads than --pids " + std::to_string(limits.pids);
    case Limit::disk: return "the data written to /task and /tmp filled --disk " + bytes(limits.disk_bytes);
    case Limit::files: return "it had more files than --files " + std::to_string(limits.files);
    case Limit::output: return "it printed more than --output " + bytes(limits.output_bytes);
  }
  return "";
}

/// Returns the failure of a program that did not just end, or nullopt.
std::optional<Failure> failure_of(const Outcome& outcome, const sandbox::Spec& spec) {
  const Exit exit = exit_of(outcome);
  if (outcome.how == Ended::not_made)
    return Failure{{Code::unavailable, outcome.why},
                   "the program was not started",
                   outcome.advice.empty() ? "troupe sandbox check" : outcome.advice,
                   exit};
  if (outcome.how == Ended::spared)
    return Failure{{Code::unavailable, "the program was ended: " + outcome.why},
                   "this is not the program's fault; its output until then was printed",
                   "troupe sandbox run again, once other programs need less",
                   exit};
  if (outcome.how == Ended::not_started) {
    std::string advice;
    if (outcome.status == ENOENT && !spec.root) advice = "use --root DIR, a folder that contains the program";
    else if (outcome.status == ENOENT)
      advice =
          "use the path of the program inside the root, which must also "
          "contain its loader";
    return Failure{{Code::not_found, outcome.why}, "the program was not started", advice, exit};
  }
  if (!outcome.tripwire.empty())
    return Failure{{Code::refused, "the program was ended: it tried a forbidden action (" + outcome.tripwire + ")"},
                   "it was denied; its output until then was printed",
                   "",
                   exit};
  if (!outcome.limit) return std::nullopt;
  const std::string what = limit_text(*outcome.limit, spec.limits);
  const std::string option = "--" + std::string(sandbox::name(*outcome.limit));
  if (outcome.how == Ended::signalled)
    return Failure{{Code::overloaded, "the program was ended: " + what},
                   "its output until then was printed",
                   "troupe sandbox run with a higher " + option,
                   exit};
  return Failure{
      {Code::overloaded, "the program failed with status " + std::to_string(outcome.status) + "; before, " + what},
      "it ended by itself",
      "troupe sandbox run with a higher " + option,
      exit};
}

void print_outcome(std::ostream& err, const Outcome& outcome, int cgroup) {
  JsonLine<output::wire::SandboxRan> line;
  if (outcome.how == Ended::exited) line->initExitStatus().setValue(outcome.status);
  if (outcome.how == Ended::signalled) line->initSignal().setValue(outcome.status);
  if (outcome.limit) line->setLimit(std::string(sandbox::name(*outcome.limit)));
  if (!outcome.tripwire.empty()) line->setTripwire(outcome.tripwire);
  messages::write_usage(line->initUsage(), outcome.usage);
  if (const auto text = cgroup_text(cgroup)) line->setCgroup(*text);
  line.print(err);
}

}  // namespace

Ending sandbox_run(const Invocation& invocation, Console& console) {
  const auto limits = limits_of(invocation);
  if (!limits.ok()) return limits.error();
  sandbox::Spec spec;
  spec.limits = limits.value();
  spec.command = invocation.all("CMD");
  spec.environment = sandbox::default_environment();
  if (invocation.has("--no-cgroup")) spec.cgroups = sandbox::Cgroups::never;
  if (invocation.has("--tripwires")) spec.tripwires = sandbox::Tripwires::yes;
  if (const auto root = invocation.text("--root")) {
    std::error_code failed;
    spec.root = std::filesystem::canonical(*root, failed).string();
    if (failed)
      return Failure{{Code::not_found, "the root " + *root + " cannot be used: " + failed.message()},
                     "the program was not started",
                     "",
                     kNotMade};
  }
  console.out.flush();
  const auto ran = sandbox::run(spec, {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO});
  const auto failure = failure_of(ran.outcome, spec);
  const Exit exit = ran.interrupted != 0 ? static_cast<Exit>(kSignals + ran.interrupted) : exit_of(ran.outcome);
  const bool json = invocation.globals.json;
  if (failure && ran.interrupted == 0)
    print(console.err, *failure, Effect::write, json ? Form::json : Form::text, colour_on_err(console));
  const bool started = ran.outcome.how == Ended::exited || ran.outcome.how == Ended::signalled;
  if (json && started) print_outcome(console.err, ran.outcome, ran.cgroup);
  return exit;
}

}  // namespace troupe::apps
