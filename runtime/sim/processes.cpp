#include "runtime/sim/processes.hpp"

#include <algorithm>
#include <array>
#include <caf/actor_cast.hpp>
#include <cerrno>
#include <csignal>
#include <map>
#include <string>
#include <utility>

#include "runtime/ports/events.hpp"
#include "runtime/ports/output_window.hpp"

namespace troupe::sim {
namespace {

using sandbox::Ended;
using sandbox::Limit;

constexpr std::uint64_t kSmallPieces = 4;  // our choice: one piece in four is cut short

sandbox::Outcome without_start(Ended how, int status, std::string why) {
  sandbox::Outcome out;
  out.how = how;
  out.status = status;
  out.why = std::move(why);
  return out;
}

/// A file that a program has left.
class LeftFile final : public ports::File {
 public:
  explicit LeftFile(base::Bytes bytes) : bytes_(std::move(bytes)) {}

  ports::DiskResult<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    if (offset >= bytes_.size()) return std::size_t{0};
    const auto rest = base::ByteView(bytes_).subspan(static_cast<std::size_t>(offset));
    const std::size_t count = std::min(rest.size(), out.size());
    std::copy_n(rest.begin(), count, out.begin());
    return count;
  }
  ports::DiskResult<void> append(base::ByteView) override { return ports::DiskError::denied; }
  ports::DiskResult<void> sync() override { return ports::DiskError::denied; }
  ports::DiskResult<void> truncate(std::uint64_t) override { return ports::DiskError::denied; }
  ports::DiskResult<std::uint64_t> size() const override { return std::uint64_t{bytes_.size()}; }

 private:
  base::Bytes bytes_;
};

}  // namespace

/// All processes of the node; the timeline and the handles of owners keep it alive.
class Processes::Table : public std::enable_shared_from_this<Table> {
 public:
  using Number = std::uint64_t;

  Table(Stage& stage, std::uint16_t node)
      : stage_(stage), node_(node), chance_(stage.stream("processes." + std::to_string(node))) {}

  void use(const Programs& programs) { programs_ = &programs; }
  std::size_t size() const { return all_.size(); }

  Number start(ports::ProcessStart what, const runtime::Handle& owner) {
    const Number number = ++number_;
    if (crashed_) return number;
    const auto refuse = [&](std::string why) {
      ports::deliver(owner, ports::ProcessEnded{what.ticket, without_start(Ended::not_made, 0, std::move(why))});
      return number;
    };
    if (what.input.size() > ports::kInputBytesMax) return refuse("the input is too large");
    if (what.spec.command.empty()) return refuse("there is no program to run");
    if (all_.size() >= ports::kProcessesMax) return refuse("the node has too many processes already");
    One& one = all_[number];
    one.number = number;
    one.owner = caf::actor_cast<caf::weak_actor_ptr>(owner);
    one.start = std::move(what);
    one.started = stage_.now();
    const auto span = static_cast<std::uint64_t>((base::Duration(kMakingTimeMax) - kMakingTimeMin).count());
    const base::Duration making = kMakingTimeMin + base::Duration(chance_.below(span + 1));
    one.next = later(making, one, [](Table& table, One& made) { table.begin(made); });
    return number;
  }

  void grant(Number number, std::size_t bytes) {
    const auto found = all_.find(number);
    if (found == all_.end()) return;
    found->second.window.granted(bytes);
    go_on(number);
  }

  void end(Number number, std::optional<Limit> limit) {
    const auto found = all_.find(number);
    if (found == all_.end()) return;
    found->second.ended_by_owner = true;
    kill(found->second, limit);
    go_on(number);
  }

  void drop(Number number) {
    const auto found = all_.find(number);
    if (found == all_.end()) return;
    forget(found);
  }

  void crash() {
    crashed_ = true;
    while (!all_.empty()) forget(all_.begin());
  }

 private:
  struct One {
    Number number = 0;
    ports::ProcessStart start;
    caf::weak_actor_ptr owner;
    base::Instant started;
    Script script;
    std::size_t at = 0;       // in the script
    std::size_t printed = 0;  // bytes of the current Print
    bool waits = true;        // for its sandbox, or for a scheduled event
    Work work;                // in progress, while it waits
    base::Instant worked_from;
    sandbox::Usage usage;
    std::map<std::string, base::Bytes> files;
    std::array<base::Bytes, 2> pipes;
    std::uint64_t output_bytes = 0;
    ports::OutputWindow window;
    std::weak_ptr<const void> measured;
    std::optional<sandbox::Outcome> outcome;
    base::Duration lingers{};
    bool ended_by_owner = false;
    bool too_much = false;
    Stage::Appointment next, time_limit, measuring;
  };
  using All = std::map<Number, One>;

  /// Does that after a while, unless the process is gone by then, and continues from there.
  template <class What>
  Stage::Appointment later(base::Duration delay, const One& one, What what) {
    return stage_.after(delay, [table = weak_from_this(), number = one.number, what] {
      const auto self = table.lock();
      if (!self) return;
      const auto found = self->all_.find(number);
      if (found == self->all_.end()) return;
      what(*self, found->second);
      self->go_on(number);
    });
  }

  void begin(One& one) {
    const sandbox::Spec& spec = one.start.spec;
    const Program* const program = programs_->find(spec.command.front());
    one.waits = false;
    if (program == nullptr) {
      one.outcome = without_start(Ended::not_started, ENOENT,
                                  "the program " + spec.command.front() + " could not be started: no such program");
      return;
    }
    one.script = (*program)({spec, one.start.input, node_, chance_});
    one.usage.pids_max = 1;
    one.time_limit = later(spec.limits.time, one, [](Table& table, One& late) { table.kill(late, Limit::time); });
    measure_later(one);
  }

  void measure_later(One& one) {
    one.measuring = later(sandbox::kUsagePeriod, one, [](Table& table, One& measured) {
      table.measure(measured);
      table.measure_later(measured);
    });
  }

  void measure(One& one) {
    if (!one.measured.expired()) return;
    const auto credit = std::make_shared<const char>();
    one.measured = credit;
    tell_owner(one, ports::Measured{one.start.ticket, usage(one), credit});
  }

  sandbox::Usage usage(const One& one) const {
    sandbox::Usage out = one.usage;
    out.wall = stage_.now() - one.started;
    out.output_bytes = one.output_bytes;
    if (one.waits && one.work.time > base::Duration::zero()) out.cpu += cpu_so_far(one);
    return out;
  }

  /// Returns the used part of the current work, as if it were spread evenly.
  base::Duration cpu_so_far(const One& one) const {
    const double part =
        static_cast<double>((stage_.now() - one.worked_from).count()) / static_cast<double>(one.work.time.count());
    return base::Duration(static_cast<base::Duration::rep>(part * static_cast<double>(one.work.cpu.count())));
  }

  /// Runs the script and the output until both wait, and sends the end if it has come.
  void go_on(Number number) {
    const auto found = all_.find(number);
    if (found == all_.end()) return;
    One& one = found->second;
    bool moved = true;
    while (moved) {
      const bool acted = act(one);
      moved = flow(one) || acted;
    }
    if (!one.outcome) return;
    if (one.ended_by_owner) one.pipes = {};
    if (!one.pipes[0].empty() || !one.pipes[1].empty()) return;
    sandbox::Outcome outcome = std::move(*one.outcome);
    outcome.usage.output_bytes = one.output_bytes;
    if (one.too_much) {
      outcome.how = Ended::signalled;
      outcome.status = SIGKILL;
      outcome.limit = Limit::output;
    }
    ports::ProcessEnded told{one.start.ticket, std::move(outcome)};
    const auto& wanted = one.start.spec.outputs;
    for (std::uint32_t i = 0; i < wanted.size() && told.outcome.how == Ended::exited; ++i) {
      const auto file = one.files.find(wanted[i]);
      if (file == one.files.end()) continue;
      told.outcome.outputs.push_back(i);
      told.outputs.push_back(std::make_shared<LeftFile>(std::move(file->second)));
    }
    tell_owner(one, std::move(told));
    forget(found);
  }

  /// Runs the script until it waits. Returns whether it did anything.
  bool act(One& one) {
    bool acted = false;
    while (!one.outcome && !one.waits) {
      const auto before = std::pair(one.at, one.printed);
      if (one.at == one.script.size()) over(one, Ended::exited, 0);
      else std::visit([&](const auto& what) { perform(one, what); }, one.script[one.at]);
      if (!one.outcome && std::pair(one.at, one.printed) == before) break;
      acted = true;
    }
    return acted;
  }

  void perform(One& one, const Print& print) {
    base::Bytes& pipe = one.pipes[static_cast<std::size_t>(print.to)];
    const std::size_t size = std::min(print.bytes.size() - one.printed, kPipeBytes - pipe.size());
    const auto from = print.bytes.begin() + static_cast<std::ptrdiff_t>(one.printed);
    pipe.insert(pipe.end(), from, from + static_cast<std::ptrdiff_t>(size));
    one.printed += size;
    if (one.printed < print.bytes.size()) return;
    one.printed = 0;
    ++one.at;
  }
  void perform(One& one, const Work& work) {
    const auto cores = std::max<std::uint32_t>(one.start.spec.limits.cpu.thousandths, 1);
    one.work = {std::max(work.time, work.cpu * 1'000 / cores), work.cpu};
    one.worked_from = stage_.now();
    one.waits = true;
    ++one.at;
    one.next = later(one.work.time, one, [](Table&, One& done) {
      done.usage.cpu += std::exchange(done.work, {}).cpu;
      done.waits = false;
    });
  }
  void perform(One& one, const Use& use) {
    const sandbox::Limits& limits = one.start.spec.limits;
    one.usage.memory_bytes_max = std::max(one.usage.memory_bytes_max, std::min(use.memory_bytes, limits.memory_bytes));
    one.usage.disk_bytes = std::max(one.usage.disk_bytes, std::min(use.disk_bytes, limits.disk_bytes));
    one.usage.pids_max = std::max(one.usage.pids_max, std::min<std::uint64_t>(use.pids, limits.pids));
    ++one.at;
    if (use.memory_bytes > limits.memory_bytes) return kill(one, Limit::memory);
    if (use.disk_bytes > limits.disk_bytes) return over(one, Ended::exited, 1, Limit::disk);
    if (use.pids > limits.pids) return over(one, Ended::exited, 1, Limit::pids);
  }
  void perform(One& one, const Leave& leave) {
    one.files.insert_or_assign(leave.path, leave.bytes);
    ++one.at;
  }
  void perform(One& one, const Try& attempt) {
    ++one.at;
    if (one.start.spec.tripwires == sandbox::Tripwires::no) return;
    kill(one, std::nullopt);
    one.outcome->tripwire = attempt.call;
  }
  void perform(One& one, const Exit& exit) { over(one, Ended::exited, exit.status); }
  void perform(One& one, const Crash& crash) { over(one, Ended::signalled, crash.signal); }
  void perform(One& one, const Hang&) { one.waits = true; }
  void perform(One& one, const Spare&) {
    over(one, Ended::spared, 0);
    one.outcome->why = "the machine was out of memory";
  }

  void perform(One& one, const Linger& linger) {
    one.lingers = linger.time;
    ++one.at;
  }

  void kill(One& one, std::optional<Limit> limit) {
    if (one.lingers == base::Duration::zero()) return over(one, Ended::signalled, SIGKILL, limit);
    one.waits = true;
    one.next = later(std::exchange(one.lingers, {}), one,
                     [limit](Table& table, One& dying) { table.over(dying, Ended::signalled, SIGKILL, limit); });
  }

  void over(One& one, Ended how, int status, std::optional<Limit> limit = std::nullopt) {
    if (one.outcome) return;
    sandbox::Outcome out;
    out.how = how;
    out.status = status;
    out.limit = limit;
    out.usage = usage(one);
    one.outcome = std::move(out);
    for (const auto& one_of : {one.next, one.time_limit, one.measuring}) stage_.cancel(one_of);
  }

  /// Delivers as much output to the owner as it has credit for. Returns whether that was anything.
  bool flow(One& one) {
    bool flowed = false;
    for (std::size_t stream = 0; stream < one.pipes.size(); ++stream) {
      base::Bytes& pipe = one.pipes[stream];
      while (!pipe.empty() && one.window.room() > 0) {
        flowed = true;
        std::size_t size = std::min(pipe.size(), one.window.room());
        if (size > 1 && chance_.chance(1, kSmallPieces)) size = 1 + static_cast<std::size_t>(chance_.below(size));
        const std::uint64_t left = one.start.spec.limits.output_bytes - one.output_bytes;
        const auto kept = static_cast<std::size_t>(std::min<std::uint64_t>(size, left));
        const auto first = pipe.begin();
        base::Bytes piece(first, first + static_cast<std::ptrdiff_t>(kept));
        pipe.erase(first, first + static_cast<std::ptrdiff_t>(size));
        if (kept > 0) {
          one.output_bytes += kept;
          one.window.told(kept);
          stage_.note(piece);
          tell_owner(one, ports::Printed{one.start.ticket, static_cast<ports::Output>(stream), std::move(piece)});
        }
        if (kept == size) continue;
        one.too_much = true;
        one.pipes = {};
        kill(one, Limit::output);
      }
    }
    return flowed;
  }

  void tell_owner(const One& one, ports::ProcessEvent event) {
    ports::deliver(caf::actor_cast<runtime::Handle>(one.owner), std::move(event));
  }

  void forget(All::iterator one) {
    for (const auto& appointment : {one->second.next, one->second.time_limit, one->second.measuring})
      stage_.cancel(appointment);
    all_.erase(one);
  }

  Stage& stage_;
  std::uint16_t node_;
  base::Random& chance_;  // continues in the next life of the node
  const Programs* programs_ = &kNoPrograms;
  bool crashed_ = false;
  Number number_ = 0;
  All all_;
};

class Processes::Owned final : public ports::Process {
 public:
  Owned(std::shared_ptr<Table> table, Table::Number number) : table_(std::move(table)), number_(number) {}
  ~Owned() override { table_->drop(number_); }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;

  void grant(std::size_t bytes) override { table_->grant(number_, bytes); }
  void end(std::optional<Limit> limit) override { table_->end(number_, limit); }

 private:
  std::shared_ptr<Table> table_;
  Table::Number number_;
};

Processes::Processes(Stage& stage, std::uint16_t node) : table_(std::make_shared<Table>(stage, node)) {}

Processes::~Processes() { table_->crash(); }

std::unique_ptr<ports::Process> Processes::start(ports::ProcessStart what, const runtime::Handle& owner) {
  return std::make_unique<Owned>(table_, table_->start(std::move(what), owner));
}

void Processes::use(const Programs& programs) { table_->use(programs); }
void Processes::crash() { table_->crash(); }
std::size_t Processes::running() const { return table_->size(); }

}  // namespace troupe::sim
