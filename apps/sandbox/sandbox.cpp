// troupe sandbox
#include "apps/sandbox/sandbox.hpp"

#include "runtime/base/text.hpp"
#include "runtime/config/forms.hpp"

namespace troupe::apps {
namespace {

constexpr std::size_t kShownMax = 40;

constexpr const char* kRunNotes = R"(
The program sees DIR read-only as its root, or an empty root. /task, where it starts, and /tmp are private and removed
afterwards. It has a loopback and no other network, no capabilities, none of your environment and none of your ids.

exit status
  the program's; 128 plus the number of the signal that has ended it
  124   the time limit was reached
  125   the sandbox could not be created
  126   the program could not be started; 127: it was not found
With --json the last line on standard error is an object: exitStatus, signal, limit, tripwire, usage, cgroup.
)";

Failure wrong(const char* option, const std::string& text, const std::string& needs) {
  return usage_failure(std::string(option) + " needs " + needs + ", not \"" + base::shortened(text, kShownMax) + '"',
                       "troupe help sandbox run");
}

}  // namespace

std::vector<Option> limit_options() {
  const sandbox::Limits usual;
  const auto bytes = [](std::uint64_t count) { return config::bytes_text({count}); };
  return {
      {.name = "--cpu", .value = "CORES", .help = "cores, such as 0.5 (default 1)"},
      {.name = "--memory",
       .value = "SIZE",
       .help = "memory with K, M or G, including its written files; default " + bytes(usual.memory_bytes)},
      {.name = "--disk",
       .value = "SIZE",
       .help = "limit of data written to /task and /tmp; default " + bytes(usual.disk_bytes)},
      number_option("--pids", "N", "limit of processes and threads; default " + std::to_string(usual.pids), 1,
                    sandbox::kPidsMax),
      {.name = "--time",
       .value = "T",
       .help = "wall-clock time, such as 90s; default " + config::duration_text(usual.time)},
      number_option(
          "--files", "N",
          "limit of open files per process, and of files in /task and /tmp; default " + std::to_string(usual.files),
          sandbox::kFilesMin, sandbox::kFilesMax),
      {.name = "--output",
       .value = "SIZE",
       .help = "limit of output and errors together; default " + bytes(usual.output_bytes)},
  };
}

base::Result<sandbox::Limits, Failure> limits_of(const Invocation& invocation, Streams streams) {
  sandbox::Limits out;
  if (const auto text = invocation.text("--cpu")) {
    const auto cores = sandbox::parse_cores(*text);
    if (!cores) return wrong("--cpu", *text, "cores from 0.01 to 1024 with at most three decimals");
    out.cpu = *cores;
  }
  struct Size {
    const char* option;
    std::uint64_t& to;
    std::uint64_t min;
  };
  const Size sizes[] = {{"--memory", out.memory_bytes, sandbox::kMemoryBytesMin},
                        {"--disk", out.disk_bytes, sandbox::kDiskBytesMin},
                        {"--output", out.output_bytes, 1}};
  for (const auto& [option, to, min] : sizes) {
    if (&to == &out.output_bytes && streams == Streams::no_limit) continue;
    const auto text = invocation.text(option);
    if (!text) continue;
    const auto bytes = sandbox::parse_size(*text);
    if (!bytes || *bytes < min)
      return wrong(option, *text, "a size such as 64M, at least " + config::bytes_text({min}) + " and at most 1 PiB");
    to = *bytes;
  }
  if (const auto text = invocation.text("--time")) {
    const auto time = config::parse_duration(*text);
    if (!time || *time < sandbox::kTimeMin) return wrong("--time", *text, "a time such as 90s, at least 1ms");
    out.time = *time;
  }
  if (const auto pids = invocation.number("--pids")) out.pids = static_cast<std::uint32_t>(*pids);
  if (const auto files = invocation.number("--files")) out.files = static_cast<std::uint32_t>(*files);
  return out;
}

std::optional<std::string> cgroup_text(int version) {
  if (version == 0) return std::nullopt;
  return 'v' + std::to_string(version);
}

Commands sandbox_commands() {
  std::vector<Option> run{
      {.name = "--root", .value = "DIR", .help = "folder to use as its root (default an empty root)"}};
  for (auto& option : limit_options()) run.push_back(std::move(option));
  run.push_back({.name = "--no-cgroup", .help = "check its limits every 50 ms instead of with cgroups"});
  run.push_back({.name = "--tripwires", .help = "end it when it tries to mount, trace or load modules"});
  return {
      {.name = "sandbox check",
       .summary = "Try to escape from a sandbox, and report whether this machine prevents it",
       .run = sandbox_check},
      {.name = "sandbox run",
       .summary = "Run a program in a sandbox",
       .options = std::move(run),
       .positionals = {{.name = "CMD", .help = "program and, after --, its arguments", .arity = Arity::some}},
       .effect = Effect::write,
       .notes = kRunNotes,
       .run = sandbox_run},
  };
}

}  // namespace troupe::apps
