// The figures of `troupe bench task` about tasks.
#include "apps/task/bench/figures.hpp"

#include <algorithm>

#include "actors/files/api.hpp"
#include "actors/task/api.hpp"
#include "apps/bench/ran.hpp"
#include "messages/codec.hpp"
#include "messages/files.capnp.h"
#include "runtime/base/fields.hpp"

namespace troupe::bench {
namespace {

namespace tasks = task::wire;

constexpr std::chrono::seconds kTaskDue{60};
constexpr std::size_t kTasksAtOnce = 32;     // our choice: tasks in progress while their rate is measured
constexpr std::size_t kTaskNodes = 1'000;    // the issue on tasks
constexpr std::size_t kTaskChoices = 2'000;  // our choice

/// An executable of 132 bytes that exits with 0 at once: mov $60,%eax; xor %edi,%edi; syscall.
base::Bytes empty_program() {
  constexpr std::uint64_t kAt = 0x400000, kHead = 64 + 56;
  const std::uint8_t code[] = {0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05};
  base::Bytes out{0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  const auto put = [&out](auto... numbers) { (base::append_number(out, numbers), ...); };
  put(std::uint16_t{2}, std::uint16_t{62}, std::uint32_t{1}, kAt + kHead, std::uint64_t{64}, std::uint64_t{0},
      std::uint32_t{0}, std::uint16_t{64}, std::uint16_t{56}, std::uint16_t{1}, std::uint16_t{0}, std::uint16_t{0},
      std::uint16_t{0});
  put(std::uint32_t{1}, std::uint32_t{5}, std::uint64_t{0}, kAt, kAt, kHead + sizeof code, kHead + sizeof code,
      std::uint64_t{4'096});
  base::append(out, code);
  return out;
}

/// Submits empty tasks: each client submits its next task after the result of the last.
class TaskLoad final : public Measuring {
 public:
  static constexpr const char* kName = "task-load";
  struct Plan {
    runtime::Handle files, orders;
    std::size_t clients = 1;
    base::Duration span{0};
    std::string need{};  ///< requirements on the nodes that may run them
  };
  TaskLoad(Plan plan, Figure figure, Measured measured)
      : Measuring(std::move(figure), std::move(measured)), plan_(plan) {}

  void start() override {
    sink_ = feed<files::wire::PutFile, files::wire::PutPiece, files::wire::PutDone>(
        plan_.files, kTaskDue, [](files::wire::PutFile::Builder out) { out.setName("empty"); },
        [this](runtime::Answer<files::wire::PutDone> done) {
          if (!done.ok()) return fail(done.error().message);
          const auto cid = task::Cid::from(bytes_of(done.value().getCid()));
          if (!cid) return fail("the response to a put is not a content id");
          order_.program = *cid;
          order_.need = plan_.need;
          order_.limits.memory_bytes = 16u << 20;
          order_.limits.cpu.thousandths = 100;
          progress_.emplace(now(), plan_.span);
          under_way_ = plan_.clients;
          for (std::size_t i = 0; i < plan_.clients; ++i) submit();
        });
    sink_.on_ready([this] { feed_program(); });
    feed_program();
  }

 private:
  void feed_program() {
    if (!sink_.ready()) return;
    const base::Bytes program = empty_program();
    sink_.push([&](files::wire::PutPiece::Builder out) { out.setBytes(data_of(program)); });
    sink_.end();
  }
  void fail(const std::string& why) {
    ++figure_.errors;
    if (figure_.error.empty()) figure_.error = why;
    over_ = true;
    if (under_way_ == 0 || --under_way_ == 0) end();
  }
  void submit() {
    if (over_) {
      if (--under_way_ == 0) end();
      return;
    }
    const base::Bytes bytes = encode(order_);
    ask<tasks::SubmitTask, tasks::TaskSubmitted>(
        plan_.orders, now() + kTaskDue, [&](tasks::SubmitTask::Builder out) { out.setOrder(data_of(bytes)); },
        [this, from = now()](runtime::Answer<tasks::TaskSubmitted> answer) {
          if (!answer.ok()) return fail(answer.error().message);
          const auto id = task::TaskId::from(bytes_of(answer.value().getId()));
          if (!id) return fail("the response to a submission is not a task id");
          await(*id, from);
        });
  }
  void await(const task::TaskId& id, base::Instant from) {
    const std::uint64_t number = ++streams_;
    waiting_[number] = subscribe<tasks::ReadTask, tasks::TaskText>(
        plan_.orders, kTaskDue,
        [&](tasks::ReadTask::Builder out) {
          out.setId(data_of(id.view()));
          out.setWhat(tasks::TaskPart::RESULT);
          out.setFollow(true);
        },
        [](tasks::TaskText::Reader) {},
        [this, number, from](const base::Outcome<void>& ended) {
          waiting_.erase(number);
          if (!ended.ok()) return fail(ended.error().message);
          note_delay(from, now());
          if (!progress_->done(1, now())) over_ = true;
          submit();
        });
  }

  const Plan plan_;
  task::Order order_;
  runtime::Sink<files::wire::PutPiece> sink_;
  std::map<std::uint64_t, runtime::Subscription> waiting_;
  std::uint64_t streams_ = 0;
  std::size_t under_way_ = 0;
  bool over_ = false;
};

/// Chooses among a thousand nodes that differ in capabilities and price.
Figure measure_choices(Runner& runner) {
  std::vector<task::Candidate> nodes(kTaskNodes);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    task::Candidate& one = nodes[i];
    base::Bytes number;
    base::append_number(number, static_cast<std::uint64_t>(i + 1));
    std::ranges::copy(number, one.node.bytes.begin());
    std::ranges::copy(number, one.owner.bytes.begin());
    std::ranges::copy(number, one.group.prefix.begin());
    one.capabilities = {{"arch", "x86_64"},
                        {"cpu", std::uint64_t{1 + i % 16}},
                        {"disk", std::uint64_t{1} << 40},
                        {"memory", std::uint64_t{1 + i % 32} << 30},
                        {"tasks", "any"}};
    one.status = registry::Status::healthy;
    one.load = static_cast<std::uint32_t>(i * 7 % 2'000);
    one.reputation = static_cast<int>(i % 100);
  }
  task::Order order;
  order.need = "memory>=2G,arch=x86_64";
  Figure out{.what = "task.place", .clients = 1};
  const base::Instant from = runner.now();
  for (std::size_t i = 0; i < kTaskChoices; ++i) {
    task::TaskId id;
    id.bytes[0] = static_cast<std::uint8_t>(i);
    if (choose(nodes, order, id, {}, {}, 1).best.empty()) out.errors = 1;
  }
  out.per_second = kTaskChoices / std::chrono::duration<double>(runner.now() - from).count();
  return out;
}

}  // namespace

Measurement<Figures> measure_tasks(os::Waker& waker, Runner& runner, NodeProcesses& processes, base::Duration span) {
  if (auto begun = processes.begin(waker, runner); !begun.ok()) return begun.error();
  Figures out{measure_choices(runner)};
  for (const auto& [what, clients] : {std::pair("task.run", std::size_t{1}), std::pair("task.empty", kTasksAtOnce)}) {
    const TaskLoad::Plan plan{processes.service(0, files::kPath), processes.service(0, task::kOrdersPath), clients,
                              span};
    auto measured = runner.measure<TaskLoad>(what, span, {.what = what, .clients = clients}, plan);
    if (!measured.ok()) return measured.error();
    out.push_back(std::move(measured).value());
  }
  return out;
}

Measurement<Figures> measure_tasks_apart(os::Waker& waker, Runner& runner, NodeProcesses& processes,
                                         base::Duration span) {
  constexpr const char* kWorks = "bench";  // capability of the nodes that may run these tasks
  constexpr std::chrono::seconds kKnownMax{60}, kLook{1};
  if (auto begun = processes.begin(waker, runner); !begun.ok()) return begun.error();
  for (std::size_t node = 1; node < processes.size(); ++node) {
    if (auto linked = processes.connect(runner, node, 0); !linked.ok()) return linked.error();
    if (!run_troupe(runner, {"registry", "register", "--capability", kWorks, "--data", processes.data(node)}).done)
      return Failure{{base::Code::unavailable, "a node did not report that it runs tasks"}};
  }
  for (std::size_t node = 1; node < processes.size(); ++node)
    for (const base::Instant due = runner.now() + kKnownMax;
         !troupe_agrees(runner, {"registry", "view", processes.id(node), "--data", processes.data(0)});) {
      if (runner.now() > due)
        return Failure{{base::Code::timeout, "a node did not appear in the registry within a minute"}};
      if (auto waited = runner.pause(kLook); !waited.ok()) return waited.error();
    }
  const TaskLoad::Plan plan{processes.service(0, files::kPath), processes.service(0, task::kOrdersPath), 1, span,
                            kWorks};
  auto measured = runner.measure<TaskLoad>("task-apart", span, {.what = "task.apart", .clients = 1}, plan);
  if (!measured.ok()) return measured.error();
  return Figures{std::move(measured).value()};
}

}  // namespace troupe::bench
