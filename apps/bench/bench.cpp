// troupe bench actor | bench link | bench dht | bench kv | bench escrow | bench task | bench chain | bench file
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>

#include "actors/dht/settings.hpp"
#include "apps/bench/figures.hpp"
#include "apps/bench/held.hpp"
#include "apps/cli/command.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/shell_word.hpp"
#include "apps/cli/terminal.hpp"
#include "messages/output/bench.capnp.h"
#include "runtime/base/text.hpp"

namespace troupe::apps {
namespace {

constexpr double kSecondsDefault = 2;
constexpr double kSecondsMax = 600;
constexpr const char* kNoTasks = "task.slots=0";  // nodes check in their first minute what others compute
constexpr std::uint64_t kActorsMax = 1'000'000;   // 2 GiB and more
constexpr std::uint64_t kMessagesMax = 1u << 30;  // minutes
constexpr std::uint64_t kMibDefault = 256;
constexpr std::uint64_t kMibMax = 16'384;  // 16 GiB: minutes
constexpr std::uint64_t kDhtNodesDefault = 64;
constexpr std::uint64_t kDhtNodesMin = 4;
constexpr std::uint64_t kDhtNodesMax = 1'000;  // four descriptors and two ports each
constexpr std::uint64_t kDhtCopiesDefault = 8;
constexpr std::uint64_t kInFlightDefault = 16;
constexpr std::uint64_t kInFlightMax = 512;  // what one node searches for at once
constexpr std::uint64_t kValidatorsDefault = 4;
constexpr std::uint64_t kLinksMax = 10'000;  // what one address has ports for

// -- what is printed --------------------------------------------------------------------------------------------------

void print_json(std::ostream& out, const bench::Figures& figures) {
  JsonLine<output::wire::BenchRows> line;
  auto rows = line->initRows(static_cast<unsigned>(figures.size()));
  for (unsigned i = 0; i < rows.size(); ++i) {
    const bench::Figure& from = figures[i];
    auto row = rows[i];
    row.setWhat(from.what);
    row.setClients(from.clients);
    if (from.per_second) row.getPerSecond().setValue(*from.per_second);
    if (from.mib_per_second) row.getMibPerSecond().setValue(*from.mib_per_second);
    if (const auto delay = bench::percentile_ms(from.delays, 50)) row.getP50Ms().setValue(*delay);
    if (const auto delay = bench::percentile_ms(from.delays, 90)) row.getP90Ms().setValue(*delay);
    if (const auto delay = bench::percentile_ms(from.delays, 99)) row.getP99Ms().setValue(*delay);
    row.setErrors(from.errors);
    if (from.resident_bytes) row.getResidentBytes().setValue(*from.resident_bytes);
    if (from.requests_each) row.getRequestsEach().setValue(*from.requests_each);
    if (from.cpu_ms_each) row.getCpuMsEach().setValue(*from.cpu_ms_each);
    if (from.syncs_each) row.getSyncsEach().setValue(*from.syncs_each);
    if (from.mib) row.getMib().setValue(*from.mib);
    if (from.seconds) row.getSeconds().setValue(*from.seconds);
    if (from.seconds_max) row.getSecondsMax().setValue(*from.seconds_max);
    if (from.ratio) row.getRatio().setValue(*from.ratio);
  }
  write_json_line(out, capnp::toDynamic(rows.asReader()));
}

std::string number(std::optional<double> value) {
  if (!value) return "-";
  const int digits = *value >= 1'000 || *value == 0 ? 0 : 3 - static_cast<int>(std::floor(std::log10(*value)));
  return fixed(*value, std::clamp(digits, 0, 6));
}

/// Columns that no figure fills are left out.
void print_text(std::ostream& out, const bench::Figures& figures) {
  struct Filled {
    const char* heading;
    std::function<std::string(const bench::Figure&)> cell;
  };
  const auto delay = [](std::size_t percent) {
    return [percent](const bench::Figure& one) { return number(bench::percentile_ms(one.delays, percent)); };
  };
  const auto field = [](auto of) { return [of](const bench::Figure& one) { return number(one.*of); }; };
  const std::vector<Filled> all{
      {"PER SECOND", field(&bench::Figure::per_second)},
      {"MIB/S", field(&bench::Figure::mib_per_second)},
      {"P50 MS", delay(50)},
      {"P90 MS", delay(90)},
      {"P99 MS", delay(99)},
      {"RESIDENT BYTES",
       [](const bench::Figure& one) { return one.resident_bytes ? std::to_string(*one.resident_bytes) : "-"; }},
      {"MIB", field(&bench::Figure::mib)},
      {"REQUESTS EACH", field(&bench::Figure::requests_each)},
      {"CPU MS EACH", field(&bench::Figure::cpu_ms_each)},
      {"SYNCS EACH", field(&bench::Figure::syncs_each)},
      {"SECONDS", field(&bench::Figure::seconds)},
      {"LONGEST", field(&bench::Figure::seconds_max)},
      {"RATIO", field(&bench::Figure::ratio)}};
  std::vector<Filled> shown;
  for (const Filled& column : all)
    if (std::ranges::any_of(figures, [&](const auto& one) { return column.cell(one) != "-"; })) shown.push_back(column);
  std::vector<Column> columns{{"FIGURE"}, {"CLIENTS", Align::right}};
  for (const Filled& column : shown) columns.push_back({column.heading, Align::right});
  columns.push_back({"ERRORS", Align::right});
  TextTable table(columns);
  for (const auto& one : figures) {
    std::vector<std::string> row{one.what, std::to_string(one.clients)};
    for (const Filled& column : shown) row.push_back(column.cell(one));
    row.push_back(std::to_string(one.errors));
    table.add(row);
  }
  table.print(out);
}

/// Figures that counted an error mean nothing: they are printed, and the command fails.
Ending print(const Invocation& invocation, Console& console, const bench::Measurement<bench::Figures>& figures) {
  if (!figures.ok()) return figures.error();
  if (invocation.globals.json) print_json(console.out, figures.value());
  else print_text(console.out, figures.value());
  console.out.flush();
  for (const auto& one : figures.value()) {
    if (one.errors > 0)
      return Failure{{base::Code::internal, one.what + " counted " + std::to_string(one.errors) +
                                                (one.errors == 1 ? " error" : " errors") +
                                                (one.error.empty() ? "" : "; the first: " + one.error)},
                     "its figure means nothing",
                     "again, on a machine with less to do",
                     Exit::failed};
  }
  return Exit::done;
}

// -- what is measured -------------------------------------------------------------------------------------------------

bench::Measurement<base::Duration> span_of(const Invocation& invocation) {
  const auto text = invocation.text("--seconds");
  if (!text) return std::chrono::duration_cast<base::Duration>(std::chrono::duration<double>(kSecondsDefault));
  double seconds = 0;
  const auto read = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (read.ec != std::errc() || read.ptr != text->data() + text->size() || !(seconds > 0 && seconds <= kSecondsMax))
    return usage_failure("--seconds is above 0, and 600 at most", "troupe help " + invocation.command().name);
  return std::chrono::duration_cast<base::Duration>(std::chrono::duration<double>(seconds));
}

Ending run_actor(const Invocation& invocation, Console& console) {
  const auto span = span_of(invocation);
  if (!span.ok()) return span.error();
  const bool counting = !invocation.has("--no-counters");
  if (!counting && invocation.has("--mailbox"))
    return usage_failure("a mailbox has no limit without counters: --mailbox would fill the memory",
                         "troupe help bench actor");
  os::Waker waker{SIGINT, SIGTERM};
  const auto folder = bench::ScratchFolder::make(invocation.text("--dir").value_or(""));
  if (!folder.ok()) return folder.error();
  const bool holds = invocation.has("--hold");
  if (invocation.has("--busy") && !holds)
    return usage_failure("--busy is for what --hold keeps", "troupe bench actor --hold --busy");
  if (invocation.has("--slow") && !holds)
    return usage_failure("--slow is for what --hold keeps", "troupe bench actor --hold --slow 50");
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
  const Ending ending = print(invocation, console, figures);
  if (!holds) return ending;
  if (const auto begun = held.begin(runner, *folder.value()); !begun.ok()) return begun.error();
  if (invocation.has("--busy")) bench::HeldNode::keep_busy(runner);
  if (const auto slow = invocation.number("--slow"))
    bench::HeldNode::keep_slow(runner, std::chrono::milliseconds(*slow));
  console.err << "held until Ctrl-C: troupe inspect --data " << shell_word(folder.value()->path()) << std::endl;
  runner.hold([&] { return held.ended(); });
  return ending;
}

Ending run_link(const Invocation& invocation, Console& console) {
  const auto span = span_of(invocation);
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
  if (!idle) return print(invocation, console, bench::measure_links(waker, runner, *second.value(), span.value()));
  const auto figure = bench::measure_idle_links(waker, runner, *second.value(), *idle);
  if (!figure.ok()) return figure.error();
  const Ending ending = print(invocation, console, bench::Figures{figure.value()});
  if (invocation.has("--hold")) runner.hold();
  return ending;
}

Ending run_dht(const Invocation& invocation, Console& console) {
  const auto span = span_of(invocation);
  if (!span.ok()) return span.error();
  bench::DhtPlan plan{.nodes = invocation.number("--nodes").value_or(kDhtNodesDefault),
                      .copies = invocation.number("--copies").value_or(0),
                      .in_flight = invocation.number("--in-flight").value_or(kInFlightDefault),
                      .span = span.value()};
  // A value is got where it is not: fewer nodes than twice the copies would leave hardly any.
  if (plan.copies == 0) plan.copies = std::min<std::size_t>(kDhtCopiesDefault, plan.nodes / 2);
  if (plan.copies > plan.nodes / 2)
    return usage_failure("--copies is half of --nodes at most", "troupe help bench dht");
  os::Waker waker{SIGINT, SIGTERM};
  const auto folder = bench::ScratchFolder::make(invocation.text("--dir").value_or(""));
  if (!folder.ok()) return folder.error();
  bench::Runner runner(waker, *folder.value(), {});
  return print(invocation, console, bench::measure_dht(runner, plan));
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
  return print(invocation, console,
               bench::measure_files(waker, runner, *processes.value(), *folder.value(), given,
                                    invocation.number("--mib").value_or(kMibDefault) << 20));
}

Ending run_kv(const Invocation& invocation, Console& console) {
  const auto span = span_of(invocation);
  if (!span.ok()) return span.error();
  os::Waker waker{SIGINT, SIGTERM};
  const auto folder = bench::ScratchFolder::make(invocation.text("--dir").value_or(""));
  if (!folder.ok()) return folder.error();
  const auto processes = bench::NodeProcesses::start(invocation.table(), *folder.value(), bench::kKvNodes, {kNoTasks});
  if (!processes.ok()) return processes.error();
  bench::Runner runner(waker, *folder.value(), {});
  if (invocation.has("--failover"))
    return print(invocation, console, bench::measure_kv_failover(waker, runner, *processes.value()));
  if (const auto puts = invocation.number("--puts"))
    return print(invocation, console, bench::measure_kv_memory(waker, runner, *processes.value(), *puts));
  return print(invocation, console, bench::measure_kv(waker, runner, *processes.value(), span.value()));
}

Ending run_escrow(const Invocation& invocation, Console& console) {
  const auto span = span_of(invocation);
  if (!span.ok()) return span.error();
  const std::string only = invocation.text("--only").value_or("");
  const auto wanted = [&only](std::string_view what) {
    return only.empty() || (',' + only + ',').find(',' + std::string(what) + ',') != std::string::npos;
  };
  os::Waker waker{SIGINT, SIGTERM};
  bench::Figures figures;
  const auto add = [&figures](bench::Measurement<bench::Figures> more) -> std::optional<Failure> {
    if (!more.ok()) return more.error();
    figures.insert(figures.end(), more.value().begin(), more.value().end());
    return std::nullopt;
  };
  const std::string rate = "escrow.rate_per_account=1000000", transfers = "wallet.transfers_per_account=100000000";
  const bool airdrop = wanted("airdrop.pay") || wanted("airdrop.verify");
  const bool asleep = wanted("escrow.asleep") || wanted("escrow.wake") || wanted("escrow.start");
  if (!wanted("escrow.transfer") && !wanted("escrow.whole") && !airdrop && !asleep)
    return usage_failure(
        "--only names figures: escrow.transfer, escrow.whole, escrow.asleep, escrow.wake, escrow.start, airdrop.pay, "
        "airdrop.verify",
        "troupe help bench escrow");
  // Each has nodes of its own, which are made before any thread of this process.
  const auto folder = bench::ScratchFolder::make(invocation.text("--dir").value_or(""));
  if (!folder.ok()) return folder.error();
  const auto group_folder = bench::ScratchFolder::make(invocation.text("--dir").value_or(""));
  if (!group_folder.ok()) return group_folder.error();
  const auto alone =
      bench::NodeProcesses::start(invocation.table(), *folder.value(), 1, {"ledger.book=self", rate, transfers});
  if (!alone.ok()) return alone.error();
  const auto group = bench::NodeProcesses::start(invocation.table(), *group_folder.value(), bench::kKvNodes,
                                                 {"ledger.book=group:bench", rate, transfers, kNoTasks});
  if (!group.ok()) return group.error();
  const auto asleep_folder = bench::ScratchFolder::make(invocation.text("--dir").value_or(""));
  if (!asleep_folder.ok()) return asleep_folder.error();
  const auto sleeper = bench::NodeProcesses::start(invocation.table(), *asleep_folder.value(), 1, {"ledger.book=self"});
  if (!sleeper.ok()) return sleeper.error();
  const auto drop_folder = bench::ScratchFolder::make(invocation.text("--dir").value_or(""));
  if (!drop_folder.ok()) return drop_folder.error();
  const auto drop = bench::NodeProcesses::start(invocation.table(), *drop_folder.value(), 1,
                                                {"ledger.book=self", "airdrop.objections=1s"});
  if (!drop.ok()) return drop.error();
  if (wanted("escrow.transfer")) {
    bench::Runner runner(waker, *folder.value(), {});
    if (auto failed = add(bench::measure_transfers(waker, runner, *alone.value(), span.value()))) return *failed;
  }
  if (wanted("escrow.whole")) {
    bench::Runner runner(waker, *group_folder.value(), {});
    if (auto failed = add(bench::measure_escrows(waker, runner, *group.value(), span.value()))) return *failed;
  }
  if (asleep) {
    bench::Runner runner(waker, *asleep_folder.value(), {});
    if (auto failed = add(bench::measure_asleep(waker, runner, *sleeper.value()))) return *failed;
  }
  if (airdrop) {
    bench::Runner runner(waker, *drop_folder.value(), {});
    if (auto failed = add(bench::measure_airdrop(waker, runner, *drop.value()))) return *failed;
  }
  return print(invocation, console, figures);
}

Ending run_task(const Invocation& invocation, Console& console) {
  const std::string only = ',' + invocation.text("--only").value_or("") + ',';
  const auto wanted = [&](std::initializer_list<const char*> figures) {
    return only == ",," || std::ranges::any_of(figures, [&](const char* one) {
             return only.find(',' + std::string(one) + ',') != std::string::npos;
           });
  };
  const bool tasks = wanted({"task.place", "task.run", "task.empty"}), lists = wanted({"registry.fed", "registry.ls"});
  const bool sandboxes = wanted({"sandbox.start", "sandbox.pool"});
  const bool apart = wanted({"task.apart"});
  if (!tasks && !apart && !lists && !sandboxes)
    return usage_failure(
        "--only names figures: sandbox.start, sandbox.pool, task.place, task.run, task.empty, task.apart, "
        "registry.fed, registry.ls",
        "troupe help bench task");
  const auto span = span_of(invocation);
  if (!span.ok()) return span.error();
  os::Waker waker{SIGINT, SIGTERM};
  auto launcher = sandbox::Launcher::start();
  if (!launcher) return Failure{{base::Code::unavailable, "no process can be started that makes sandboxes"}};
  // Each has a node of its own, which is made before any thread of this process.
  const auto task_folder = bench::ScratchFolder::make(invocation.text("--dir").value_or(""));
  if (!task_folder.ok()) return task_folder.error();
  const auto worker = bench::NodeProcesses::start(invocation.table(), *task_folder.value(), 1);
  if (!worker.ok()) return worker.error();
  constexpr std::size_t kApart = 5;  // the issue on tasks
  const auto apart_folder = bench::ScratchFolder::make(invocation.text("--dir").value_or(""));
  if (!apart_folder.ok()) return apart_folder.error();
  const auto five = bench::NodeProcesses::start(invocation.table(), *apart_folder.value(), apart ? kApart : 0);
  if (!five.ok()) return five.error();
  const auto folder = bench::ScratchFolder::make(invocation.text("--dir").value_or(""));
  if (!folder.ok()) return folder.error();
  // The ten thousand have no work to show.
  const auto node = bench::NodeProcesses::start(invocation.table(), *folder.value(), 1,
                                                {"identity.work_bits=0", "registry.beats_per_second=100000"});
  if (!node.ok()) return node.error();
  bench::Figures figures;
  if (sandboxes) {
    bench::Runner runner(waker, *task_folder.value(), {});
    for (const bench::Ready ready : {bench::Ready::no, bench::Ready::yes}) {
      auto more = bench::measure_sandboxes(runner, *launcher, span.value(), ready);
      if (!more.ok()) return more.error();
      figures.push_back(std::move(more).value());
    }
  }
  if (tasks) {
    bench::Runner runner(waker, *task_folder.value(), {});
    auto more = bench::measure_tasks(waker, runner, *worker.value(), span.value());
    if (!more.ok()) return more.error();
    for (bench::Figure& one : more.value()) figures.push_back(std::move(one));
  }
  if (apart) {
    bench::Runner runner(waker, *apart_folder.value(), {});
    auto more = bench::measure_tasks_apart(waker, runner, *five.value(), span.value());
    if (!more.ok()) return more.error();
    figures.insert(figures.end(), more.value().begin(), more.value().end());
  }
  if (lists) {
    bench::Runner runner(waker, *folder.value(), {});
    auto more = bench::measure_registry(waker, runner, *node.value());
    if (!more.ok()) return more.error();
    figures.insert(figures.end(), more.value().begin(), more.value().end());
  }
  return print(invocation, console, figures);
}

Ending run_chain(const Invocation& invocation, Console& console) {
  const auto span = span_of(invocation);
  if (!span.ok()) return span.error();
  bench::ChainPlan plan{.validators = invocation.number("--validators").value_or(kValidatorsDefault),
                        .span = span.value(),
                        .only = invocation.text("--only").value_or("")};
  plan.nodes = invocation.number("--nodes").value_or(plan.validators);
  if (plan.nodes < plan.validators)
    return usage_failure("--nodes counts the validators too: it is not less than --validators",
                         "troupe help bench chain");
  if (const std::string name = plan.unknown(); !name.empty())
    return usage_failure(
        '"' + base::shortened(name, 40) + "\" is no figure of such nodes; of up to 4 there are " +
            "chain.verify, chain.transfer, chain.sync, chain.final, chain.pause with 4 validators, and "
            "chain.execute; of more chain.verify, chain.transfer, chain.final and chain.gossip",
        "troupe help bench chain");
  os::Waker waker{SIGINT, SIGTERM};
  const auto folder = bench::ScratchFolder::make(invocation.text("--dir").value_or(""));
  if (!folder.ok()) return folder.error();
  if (plan.in_one_process()) {
    bench::Runner runner(waker, *folder.value(), {});
    return print(invocation, console, bench::measure_chain_inside(runner, plan));
  }
  auto nodes = bench::ChainNodes::start(invocation.table(), *folder.value(), plan);
  if (!nodes.ok()) return nodes.error();
  bench::Runner runner(waker, *folder.value(), {});
  return print(invocation, console, bench::measure_chain(waker, runner, nodes.value(), plan));
}

}  // namespace

Commands bench_commands() {
  const Option seconds{.name = "--seconds", .value = "S", .help = "seconds for which each figure is measured (2)"};
  const Option dir{.name = "--dir", .value = "DIR", .help = "directory for temporary data, which is removed"};
  const Option hold{.name = "--hold", .help = "keep the nodes until Ctrl-C after measuring, for `troupe inspect`"};
  return {
      {.name = "bench actor",
       .summary = "Measure messages between actors, and their memory",
       .options = {seconds,
                   dir,
                   number_option("--actors", "N", "measure the memory of N idle actors", 1, kActorsMax),
                   number_option("--mailbox", "N",
                                 "memory after N messages to an actor that has stopped, and answers of another", 1,
                                 kMessagesMax),
                   number_option("--asks", "N", "memory after N answered questions with a deadline", 1, kMessagesMax),
                   hold,
                   number_option("--slow", "MS", "with --hold: of eight workers, one takes MS for each message", 1,
                                 10'000),
                   {.name = "--busy", .help = "with --hold: keep all cores busy with messages meanwhile"},
                   {.name = "--no-counters", .help = "switch message counters off, and mailbox limits with them"}},
       .run = run_actor},
      {.name = "bench link",
       .summary = "Measure messages over an encrypted link to a second process",
       .options = {seconds, dir,
                   number_option("--idle", "N",
                                 "measure the memory of N idle links instead, and how many answer within a second", 1,
                                 kLinksMax),
                   hold},
       .run = run_link},
      {.name = "bench dht",
       .summary = "Measure puts and gets in a DHT of many nodes in one process, with values in memory",
       .options = {number_option("--nodes", "N", "number of nodes, each with sockets of its own (64)", kDhtNodesMin,
                                 kDhtNodesMax),
                   number_option("--copies", "K", "nodes that hold a value (8; half of --nodes if that is less)", 1,
                                 dht::kContactsMax),
                   number_option("--in-flight", "W", "puts or gets in flight at a time (16)", 1, kInFlightMax), seconds,
                   dir},
       .run = run_dht},
      {.name = "bench kv",
       .summary = "Measure puts and gets of a group of three processes on loopback, with synced disks",
       .options = {seconds,
                   dir,
                   {.name = "--failover",
                    .help = "measure instead how long no put succeeds after SIGKILL of the leader, ten times"},
                   number_option("--puts", "N", "measure instead the memory of a member after N puts on 100,000 keys",
                                 1, kMessagesMax)},
       .run = run_kv},
      {.name = "bench task",
       .summary =
           "Measure sandboxes and tasks, and in two minutes a node that watches 10,000 others, and the list of them",
       .options = {seconds, {.name = "--only", .value = "WHAT,…", .help = "these figures alone"}, dir},
       .run = run_task},
      {.name = "bench escrow",
       .summary = "Measure transfers, a million escrows that sleep and airdrops at a book, and escrows at a group, "
                  "with synced disks",
       .options = {seconds, dir, {.name = "--only", .value = "WHAT,…", .help = "these figures alone"}},
       .run = run_escrow},
      {.name = "bench chain",
       .summary = "Measure a ledger of validators on loopback, and a million accounts at one, with synced disks",
       .options = {number_option("--validators", "V", "nodes that vote (4); up to 4 nodes are processes", 1,
                                 bench::ChainPlan::kNodesMax),
                   number_option("--nodes", "N", "nodes in all; more than 4 are in one process (those that vote)", 1,
                                 bench::ChainPlan::kNodesMax),
                   seconds,
                   {.name = "--only", .value = "WHAT,…", .help = "these figures alone"},
                   dir},
       .run = run_chain},
      {.name = "bench file",
       .summary = "Measure a file put at a node of its own, then put, got and verified in one process",
       .options = {dir,
                   number_option("--mib", "N", "size of the file (256)", 1, kMibMax),
                   {.name = "--file", .value = "PATH", .help = "put this file instead"}},
       .run = run_file}};
}

}  // namespace troupe::apps
