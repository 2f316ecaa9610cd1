// troupe bench task
#include "apps/bench/command.hpp"

#include <algorithm>

#include "apps/bench/figures.hpp"
#include "apps/registry/bench/figures.hpp"
#include "apps/task/bench/figures.hpp"
#include "runtime/sandbox/launcher.hpp"

namespace troupe::apps {
namespace {

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
        "invalid --only: expected figures out of sandbox.start, sandbox.pool, task.place, task.run, task.empty, "
        "task.apart, registry.fed, registry.ls",
        "troupe help bench task");
  const auto span = bench::span_of(invocation);
  if (!span.ok()) return span.error();
  os::Waker waker{SIGINT, SIGTERM};
  auto launcher = sandbox::Launcher::start();
  if (!launcher) return Failure{{base::Code::unavailable, "cannot start the process that makes sandboxes"}};
  // Each figure has its own node, which is started before this process creates a thread.
  const auto task_folder = bench::ScratchFolder::make(invocation.text("--dir").value_or(""));
  if (!task_folder.ok()) return task_folder.error();
  const auto worker = bench::NodeProcesses::start(invocation.table(), *task_folder.value(), 1);
  if (!worker.ok()) return worker.error();
  constexpr std::size_t kApart = 5;  // the issue on tasks
  const auto apart_folder = bench::ScratchFolder::make(invocation.text("--dir").value_or(""));
  if (!apart_folder.ok()) return apart_folder.error();
  const auto five =
      bench::NodeProcesses::start(invocation.table(), *apart_folder.value(), apart ? kApart : 0, {"task.accept=any"});
  if (!five.ok()) return five.error();
  const auto folder = bench::ScratchFolder::make(invocation.text("--dir").value_or(""));
  if (!folder.ok()) return folder.error();
  // The ten thousand registered nodes run no tasks.
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
  return bench::print(invocation, console, figures);
}

}  // namespace

Commands task_bench_commands() {
  return {{.name = "bench task",
           .summary = "Measure sandboxes and tasks; then, for two and a half minutes, a node that watches 10,000 "
                      "nodes, and the list of them",
           .options = {bench::seconds_option(), bench::only_option(), bench::dir_option()},
           .run = run_task}};
}

}  // namespace troupe::apps
