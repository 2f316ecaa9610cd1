// troupe bench actor | bench link | bench dht | bench kv | bench file
#include <algorithm>

#include "actors/dht/settings.hpp"
#include "apps/bench/command.hpp"
#include "apps/bench/figures.hpp"
#include "apps/bench/held.hpp"
#include "apps/cli/shell_word.hpp"

namespace troupe::apps {
namespace {

constexpr std::uint64_t kActorsMax = 1'000'000;   // needs 2 GiB or more
constexpr std::uint64_t kMessagesMax = 1u << 30;  // takes minutes
constexpr std::uint64_t kMibDefault = 256;
constexpr std::uint64_t kMibMax = 16'384;  // 16 GiB: takes minutes
constexpr std::uint64_t kDhtNodesDefault = 64;
constexpr std::uint64_t kDhtNodesMin = 4;
constexpr std::uint64_t kDhtNodesMax = 1'000;  // four descriptors and two ports each
constexpr std::uint64_t kDhtCopiesDefault = 8;
constexpr std::uint64_t kInFlightDefault = 16;
constexpr std::uint64_t kInFlightMax = 512;  // limit of one node's concurrent searches
constexpr std::uint64_t kLinksMax = 10'000;  // limited by the ports of one address

Ending run_actor(const Invocation& invocation, Console& console) {
  const auto span = bench::span_of(invocation);
  if (!span.ok()) return span.error();
  const bool counting = !invocation.has("--no-counters");
  if (!counting && invocation.has("--mailbox"))
    return usage_failure(
        "--mailbox needs message counters: without them a mailbox has no limit and would fill the memory",
        "troupe help bench actor");
  os::Waker waker{SIGINT, SIGTERM};
  const auto folder = bench::ScratchFolder::make(invocation.text("--dir").value_or(""));
  if (!folder.ok()) return folder.error();
  const bool holds = invocation.has("--hold");
  if (invocation.has("--busy") && !holds)
    return usage_failure("--busy needs --hold", "troupe bench actor --hold --busy");
  if (invocation.has("--slow") && !holds)
    return usage_failure("--slow needs --hold", "troupe bench actor --hold --slow 50");
  bench::HeldNode held;
  bench::Runner runner(waker, *folder.value(), {.counting = counting});
  std::shared_ptr<void> stopped;
  const auto flood = [&](bench::Runner& at, std::uint64_t count) {
    return bench::measure_stopped_actor(at, count, holds ? &stopped : nullptr);
  };
  auto figures = bench::measure_actors(runner, span.value());
  if (!figures.ok()) return figures.error();
  const auto also = [&](const char* option, auto take) -> bench::Measurement<void> {
    const auto count = invocation.number(option);
    if (!count) return {};
    auto figure = take(runner, *count);
    if (!figure.ok()) return figure.error();
    figures.value().push_back(std::move(figure).value());
    return {};
  };
  for (const auto& done : {also("--asks", bench::measure_answered), also("--mailbox", flood),
                           also("--actors", bench::measure_idle_actors)})
    if (!done.ok()) return done.error();
  const Ending ending = bench::print(invocation, console, figures);
  if (!holds) return ending;
  if (const auto begun = held.begin(runner, *folder.value()); !begun.ok()) return begun.error();
  if (invocation.has("--busy")) bench::HeldNode::keep_busy(runner);
  if (const auto slow = invocation.number("--slow"))
    bench::HeldNode::keep_slow(runner, std::chrono::milliseconds(*slow));
  console.err << "running until Ctrl-C: troupe inspect --data " << shell_word(folder.value()->path()) << std::endl;
  runner.hold([&] { return held.ended(); });
  return ending;
}

Ending run_link(const Invocation& invocation, Console& console) {
  const auto span = bench::span_of(invocation);
  if (!span.ok()) return span.error();
  os::Waker waker{SIGINT, SIGTERM};
  const auto parent = invocation.text("--dir").value_or("");
  const auto folder = bench::ScratchFolder::make(parent);
  if (!folder.ok()) return folder.error();
  const auto other = bench::ScratchFolder::make(parent);
  if (!other.ok()) return other.error();
  const auto idle = invocation.number("--idle");
  const auto second = bench::SecondProcess::start([&](bench::SecondProcess::Pipes& pipes) {
    if (idle) bench::dial_links(pipes, *other.value(), *idle);
    else bench::serve_links(pipes, *other.value());
  });
  if (!second.ok()) return second.error();
  bench::Runner runner(waker, *folder.value(), {});
  if (!idle)
    return bench::print(invocation, console, bench::measure_links(waker, runner, *second.value(), span.value()));
  const auto figure = bench::measure_idle_links(waker, runner, *second.value(), *idle);
  if (!figure.ok()) return figure.error();
  const Ending ending = bench::print(invocation, console, bench::Figures{figure.value()});
  if (invocation.has("--hold")) runner.hold();
  return ending;
}

Ending run_dht(const Invocation& invocation, Console& console) {
  const auto span = bench::span_of(invocation);
  if (!span.ok()) return span.error();
  bench::DhtPlan plan{.nodes = invocation.number("--nodes").value_or(kDhtNodesDefault),
                      .copies = invocation.number("--copies").value_or(0),
                      .in_flight = invocation.number("--in-flight").value_or(kInFlightDefault),
                      .span = span.value()};
  // A value is got at a node that does not store it: fewer nodes than twice the copies would leave hardly any.
  if (plan.copies == 0) plan.copies = std::min<std::size_t>(kDhtCopiesDefault, plan.nodes / 2);
  if (plan.copies > plan.nodes / 2)
    return usage_failure("--copies must be at most half of --nodes", "troupe help bench dht");
  os::Waker waker{SIGINT, SIGTERM};
  const auto folder = bench::ScratchFolder::make(invocation.text("--dir").value_or(""));
  if (!folder.ok()) return folder.error();
  bench::Runner runner(waker, *folder.value(), {});
  return bench::print(invocation, console, bench::measure_dht(runner, plan));
}

Ending run_file(const Invocation& invocation, Console& console) {
  os::Waker waker{SIGINT, SIGTERM};
  const auto folder = bench::ScratchFolder::make(invocation.text("--dir").value_or(""));
  if (!folder.ok()) return folder.error();
  const std::string given = invocation.text("--file").value_or("");
  const auto processes =
      bench::FileProcesses::start(invocation.table(), *folder.value(), bench::measured_file(*folder.value(), given));
  if (!processes.ok()) return processes.error();
  bench::Runner runner(waker, *folder.value(), {});
  return bench::print(invocation, console,
                      bench::measure_files(waker, runner, *processes.value(), *folder.value(), given,
                                           invocation.number("--mib").value_or(kMibDefault) << 20));
}

Ending run_kv(const Invocation& invocation, Console& console) {
  const auto span = bench::span_of(invocation);
  if (!span.ok()) return span.error();
  os::Waker waker{SIGINT, SIGTERM};
  const auto folder = bench::ScratchFolder::make(invocation.text("--dir").value_or(""));
  if (!folder.ok()) return folder.error();
  const auto processes =
      bench::NodeProcesses::start(invocation.table(), *folder.value(), bench::kKvNodes, {bench::kNoTasks});
  if (!processes.ok()) return processes.error();
  bench::Runner runner(waker, *folder.value(), {});
  if (invocation.has("--failover"))
    return bench::print(invocation, console, bench::measure_kv_failover(waker, runner, *processes.value()));
  if (const auto puts = invocation.number("--puts"))
    return bench::print(invocation, console, bench::measure_kv_memory(waker, runner, *processes.value(), *puts));
  return bench::print(invocation, console, bench::measure_kv(waker, runner, *processes.value(), span.value()));
}

}  // namespace

Commands bench_commands() {
  const Option hold{.name = "--hold",
                    .help = "keep the nodes running after measuring until Ctrl-C, for `troupe inspect`"};
  return {
      {.name = "bench actor",
       .summary = "Measure messages between actors, and their memory",
       .options = {bench::seconds_option(),
                   bench::dir_option(),
                   number_option("--actors", "N", "measure the memory of N idle actors", 1, kActorsMax),
                   number_option("--mailbox", "N",
                                 "memory after N messages to a stopped actor, and another actor's response times", 1,
                                 kMessagesMax),
                   number_option("--asks", "N", "memory after N completed requests with a deadline", 1, kMessagesMax),
                   hold,
                   number_option("--slow", "MS", "with --hold: of eight workers, one takes MS per message", 1, 10'000),
                   {.name = "--busy", .help = "with --hold: also keep all cores busy with messages"},
                   {.name = "--no-counters", .help = "switch message counters off, and mailbox limits with them"}},
       .run = run_actor},
      {.name = "bench link",
       .summary = "Measure messages over an encrypted link to a second process",
       .options = {bench::seconds_option(), bench::dir_option(),
                   number_option("--idle", "N",
                                 "measure the memory of N idle links instead, and how many respond within a second", 1,
                                 kLinksMax),
                   hold},
       .run = run_link},
      {.name = "bench dht",
       .summary = "Measure puts and gets in a DHT of many nodes in one process, with values in memory",
       .options = {number_option("--nodes", "N", "number of nodes, each with its own sockets (default 64)",
                                 kDhtNodesMin, kDhtNodesMax),
                   number_option("--copies", "K", "nodes that store a value (default 8, or half of --nodes if less)", 1,
                                 dht::kContactsMax),
                   number_option("--in-flight", "W", "puts or gets in flight (default 16)", 1, kInFlightMax),
                   bench::seconds_option(), bench::dir_option()},
       .run = run_dht},
      {.name = "bench kv",
       .summary = "Measure puts and gets of a group of three processes on loopback, with synced disks",
       .options = {bench::seconds_option(),
                   bench::dir_option(),
                   {.name = "--failover",
                    .help = "measure how long no put succeeds after SIGKILL of the leader instead, ten times"},
                   number_option("--puts", "N", "measure the memory of a member after N puts on 100,000 keys instead",
                                 1, kMessagesMax)},
       .run = run_kv}};
}

Commands file_bench_commands() {
  return {{.name = "bench file",
           .summary = "Measure a file put at a separate node, then put, get and verify in one process",
           .options = {bench::dir_option(),
                       number_option("--mib", "N", "size of the file (default 256)", 1, kMibMax),
                       {.name = "--file", .value = "PATH", .help = "put this file instead"}},
           .run = run_file}};
}

}  // namespace troupe::apps
