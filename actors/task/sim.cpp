#include "actors/task/sim.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "actors/files/api.hpp"
#include "actors/task/attempt_actor.hpp"
#include "actors/task/inputs_actor.hpp"
#include "actors/task/logic/spot.hpp"
#include "actors/task/worker_actor.hpp"
#include "messages/codec.hpp"
#include "messages/files.capnp.h"
#include "runtime/base/ensure.hpp"
#include "runtime/sim/clients.hpp"
#include "runtime/sim/draw.hpp"
#include "runtime/sim/programs.hpp"

namespace troupe::task {
namespace {

using namespace std::chrono_literals;
using sim::node_name;

constexpr std::chrono::seconds kAnswer{30}, kPutIdle{300};
constexpr std::chrono::hours kReadIdle{2};
constexpr base::Duration kTime = 20s, kHostedTime = 60s;
constexpr base::Duration kSilent = 2 * kSign + kSign / 2;  // a running node sends a sign of life every kSign
constexpr std::string_view kContent = "#!/sim\n";

/// What a program does, by its number.
enum class Plan : std::uint8_t { prints, takes_long, fails, crashes, hangs, leaves, floods };
constexpr std::size_t kPlans = 7;
constexpr std::uint64_t kHangs = static_cast<std::uint64_t>(Plan::hangs);
constexpr std::size_t kFloodLines = 60'000;  // more than a stream's credit

Plan plan_of(std::uint64_t number) { return static_cast<Plan>(number % kPlans); }

std::string text_of_flood(std::uint64_t number) {
  std::string out;
  for (std::size_t i = 0; i < kFloodLines; ++i) out += std::to_string(number) + " and line " + std::to_string(i) + '\n';
  return out;
}

/// Returns the standard output of a program that ends by itself.
std::string printed_by(std::uint64_t number) {
  if (plan_of(number) == Plan::floods) return text_of_flood(number);
  return "answer " + std::to_string(number) + '\n';
}

sim::Script program(const sim::Run& run) {
  const auto& command = run.spec.command;
  if (const auto spot = spot_of({command.begin() + 1, command.end()}))
    return {sim::Work{100ms, 50ms}, sim::print(answer_of(*spot))};
  const auto number = command.size() > 1 ? std::stoull(command[1]) : 0;
  if (command.size() > 2 && std::stoull(command[2]) == run.node)
    return {sim::print("a lie of node " + std::to_string(run.node) + '\n')};
  const sim::Print answer = sim::print(printed_by(number));
  switch (plan_of(number)) {
    case Plan::prints: return {answer};
    case Plan::takes_long: return {sim::Work{5s, 1s}, answer};
    case Plan::fails: return {answer, sim::print("no\n", ports::Output::errors), sim::Exit{3}};
    case Plan::crashes: return {answer, sim::Work{1s, 1s}, sim::Crash{}};
    case Plan::hangs: return {answer, sim::Hang{}};
    case Plan::leaves: return {answer, sim::Leave{"left", {'a', 'b'}}};
    case Plan::floods: return {answer, sim::Work{1s, 0s}};
  }
  return {};
}

const sim::Programs& programs() {
  static const sim::Programs all = [] {
    sim::Programs out;
    out.add("/task/" + std::string(kProgramName), program);
    return out;
  }();
  return all;
}

std::vector<sim::Operation> draw_operations(base::Random& random, const sim::Shape& shape) {
  sim::Draw draw(random, shape);
  std::vector<sim::Operation> out;
  for (std::size_t i = 0, count = draw.count(2, 30); i < count; ++i) {
    const base::Duration at = draw.moment();
    const std::uint16_t node = draw.node();
    if (draw.below(4) == 0) {
      out.push_back({at, node, "tasks.cancel", {{"which", draw.below(8)}}});
    } else {
      if (draw.below(4) == 0) {
        out.push_back({at, node, "tasks.hosted", {}});
        continue;
      }
      if (draw.below(8) == 0) {
        out.push_back({at, node, "tasks.follows", {{"plan", draw.below(kPlans * 100)}}});
        continue;
      }
      const std::int64_t replicas = draw.below(4) == 0 ? 3 : 1;
      out.push_back({at, node, "tasks.submit", {{"plan", draw.below(kPlans * 100)}, {"replicas", replicas}}});
    }
  }
  // In half of the runs some tasks have a malicious node, which lies whatever it is asked.
  if (draw.below(2) == 0) return out;
  for (std::size_t i = 0, count = draw.count(2, 12); i < count; ++i) {
    const base::Duration at = draw.moment();
    const std::uint16_t node = draw.node(), liar = draw.node();
    out.push_back({at, node, "tasks.lied", {{"plan", draw.below(kPlans * 100)}, {"liar", liar}}});
  }
  return out;
}

/// A submission: its program, its replicas, and the number of the node that lies about it.
struct Wish {
  std::uint64_t plan = 0;
  std::uint8_t replicas = 1;
  std::optional<std::uint64_t> liar{};
  bool hosted = false;   ///< it talks to a host
  bool follows = false;  ///< it begins after the last task of its node
};

struct Client : sim::Client {
  runtime::Sink<files::wire::PutPiece> sink;
};

class TaskWorkload final : public sim::Workload, private sim::Clients<Client> {
 public:
  TaskWorkload(sim::Nodes& nodes, const sim::Scenario& scenario)
      : Clients(nodes), swaps_(std::ranges::any_of(scenario.faults, [](const sim::Fault& fault) {
          return fault.what == sim::FaultKind::disk_swap;
        })) {}

  void perform(const sim::Operation& operation) override {
    by_operation([&] {
      if (operation.what == "tasks.cancel")
        return cancel(operation.node, static_cast<std::size_t>(operation.number("which")));
      if (operation.what == "tasks.hosted")
        return store(operation.node, {.plan = kHangs, .replicas = 2, .hosted = true});
      const auto plan = static_cast<std::uint64_t>(operation.number("plan"));
      if (operation.what == "tasks.follows") return store(operation.node, {.plan = plan, .follows = true});
      if (operation.what == "tasks.lied")
        return store(operation.node, {plan, 3, static_cast<std::uint64_t>(operation.number("liar")) + 1});
      base::ensure(operation.what == "tasks.submit", "an operation of this domain is in its spec");
      store(operation.node, {plan, static_cast<std::uint8_t>(operation.number("replicas"))});
    });
  }
  void died(std::size_t node) override {
    note_name(node);
    Clients::died(node);
    running_.erase(node);
    used_.erase(node);
    probing_.clear();
    std::erase_if(hosted_, [node](const auto& one) { return one.first.second == node; });
  }
  void handled(std::size_t node, std::string_view, const runtime::Actor& actor) override {
    const auto* const worker = dynamic_cast<const WorkerActor*>(&actor);
    if (worker != nullptr) {
      note_name(node);
      running_[node] = worker->tasks();
      std::erase_if(hosted_, [node, worker](const auto& one) {
        return one.first.second == node && !worker->has(one.first.first);
      });
    }
    const auto* const attempt = dynamic_cast<const AttemptActor*>(&actor);
    // The actors of a killed node still end: what they show then is not a program that runs.
    if (attempt != nullptr && nodes_.serving(node) && !attempt->what().order.hosts.empty())
      look_at_hosted(node, *attempt);
    const auto* const inputs = dynamic_cast<const InputsActor*>(&actor);
    if (inputs != nullptr) used_[node] = inputs->used();
  }

  void probe() override {
    for (std::size_t node = 0; node < nodes_.size(); ++node) note_name(node);
    for (std::size_t node = 0; node < nodes_.size(); ++node) look_at_next(node);
  }
  std::vector<std::string> waits() const override {
    std::vector<std::string> out = under_way();
    bool all_over = true;
    for (const Known& one : tasks_) {
      if (lost(one) || one.read) continue;
      all_over = false;
      out.push_back("a task of " + node_name(one.node) + " is " + std::string(name(one.state)));
    }
    if (!all_over || nodes_.any_gone()) return out;
    for (const auto& [node, count] : running_)
      if (count > 0 && nodes_.serving(node))
        out.push_back(node_name(node) + " runs " + std::to_string(count) + " attempts of ended tasks");
    for (const auto& [node, count] : used_)
      if (count > 0 && nodes_.serving(node))
        out.push_back(node_name(node) + " holds " + std::to_string(count) + " inputs of ended tasks");
    return out;
  }

 private:
  struct Known {
    std::size_t node = 0;
    TaskId id;
    std::uint64_t plan = 0;
    std::optional<std::uint64_t> liar{};  ///< the node that lies about it
    std::optional<TaskId> after{};
    State state = State::queued;
    std::string end;    ///< as first reported
    bool read = false;  ///< its end was checked, and is right
  };
  void note_name(std::size_t node) {
    if (const auto id = nodes_.id(node)) known_as_[node].insert(*id);
  }
  /// Returns whether nothing is promised about it, because its node lost its data.
  bool lost(const Known& one) const { return nodes_.lost_data(one.node) || !nodes_.id(one.node); }

  void store(std::size_t node, const Wish& wish) {
    Client& client = begin(node, "a put of a program");
    nodes_.inside(node, [this, &client, wish](Inside& actor) {
      namespace wire = files::wire;
      client.sink = actor.feed<wire::PutFile, wire::PutPiece, wire::PutDone>(
          actor.node().find(files::kPath), kPutIdle, [](wire::PutFile::Builder out) { out.setName("program"); },
          [this, &client, wish](runtime::Answer<wire::PutDone> answer) {
            if (client.over) return;
            const Error error = answer.ok() ? Error() : answer.error();
            end(client, error);
            if (error) return;
            const auto cid = Cid::from(bytes_of(answer.value().getCid()));
            if (cid) submit(client.node, *cid, wish);
          });
      client.sink.on_ready([this, &client] { feed(client); });
      feed(client);
    });
  }
  void feed(Client& client) {
    if (!client.sink.ready()) return;
    client.sink.push([](files::wire::PutPiece::Builder out) { out.setBytes(data_of(base::as_bytes(kContent))); });
    client.sink.end();
  }

  void submit(std::size_t node, const Cid& program, const Wish& wish) {
    Order order;
    order.program = program;
    order.arguments = {std::to_string(wish.plan)};
    if (wish.liar) order.arguments.push_back(std::to_string(*wish.liar));
    order.outputs = {"left"};
    order.limits.time = wish.hosted ? kHostedTime : kTime;
    if (wish.hosted) order.hosts = {"example.org:443"};
    if (wish.follows)
      for (const Known& one : tasks_)
        if (one.node == node) order.after = one.id;
    order.limits.memory_bytes = 64u << 20;
    order.limits.cpu.thousandths = 500;
    order.replicas = wish.replicas;
    order.quorum = static_cast<std::uint8_t>(wish.replicas / 2 + 1);
    order.deterministic = true;
    order.queue_max_s = UINT32_MAX;
    const base::Bytes bytes = encode(order);
    Client& client = begin(node, "task " + std::to_string(wish.plan));
    ask<wire::SubmitTask, wire::TaskSubmitted>(
        client, kOrdersPath, kAnswer, [bytes](wire::SubmitTask::Builder out) { out.setOrder(data_of(bytes)); },
        [this, &client, plan = wish.plan, liar = wish.liar, after = order.after](const Error& error,
                                                                                 wire::TaskSubmitted::Reader told) {
          const auto id = error ? std::nullopt : TaskId::from(bytes_of(told.getId()));
          if (id) tasks_.push_back({.node = client.node, .id = *id, .plan = plan, .liar = liar, .after = after});
        });
  }

  void cancel(std::size_t node, std::size_t which) {
    std::vector<std::size_t> own;
    for (std::size_t i = 0; i < tasks_.size(); ++i)
      if (tasks_[i].node == node) own.push_back(i);
    if (own.empty()) return;
    const std::size_t recent = std::min<std::size_t>(own.size(), 2);  // older tasks have ended
    Known& one = tasks_[own[own.size() - 1 - which % recent]];
    ask<wire::CancelTask, wire::TaskCancelled>(
        begin(node, "to cancel a task"), kOrdersPath, kAnswer,
        [id = one.id](wire::CancelTask::Builder out) { out.setId(data_of(id.view())); },
        [](const Error&, wire::TaskCancelled::Reader) {});
  }

  /// Effects at a host cannot be undone, so at most as many attempts run at once as the task has replicas. A suspended
  /// node ends its own attempt only when it resumes; the gap in its signs of life shows that.
  void look_at_hosted(std::size_t node, const AttemptActor& attempt) {
    const TaskId id = id_of(attempt.what().order);
    if (!attempt.runs()) return static_cast<void>(hosted_.erase({id, node}));
    const base::Duration at = nodes_.time();
    const auto [found, fresh] = hosted_.try_emplace({id, node}, Hosted{at, at});
    Hosted& own = found->second;
    if (!fresh && at - own.seen > kSilent) own.counts_from = at + kSign;
    own.seen = at;
    const auto counts = [at](const Hosted& one) { return at - one.seen <= kSilent && at >= one.counts_from; };
    if (!counts(own)) return;
    std::string where;
    std::size_t count = 0;
    for (const auto& [key, one] : hosted_)
      if (key.first == id && counts(one)) where += ' ' + node_name(key.second), ++count;
    if (count > attempt.what().order.replicas)
      nodes_.violated("alone", "a task with hosts runs at more nodes than it has replicas:" + where);
  }

  /// Views one task per node at a time, because some runs have small mailboxes.
  void look_at_next(std::size_t node) {
    if (probing_.contains(node) || !nodes_.serving(node)) return;
    const auto wanted = [&](std::size_t i) { return tasks_[i].node == node && !tasks_[i].read; };
    std::size_t& last = looked_at_[node];
    for (std::size_t i = 0; i < tasks_.size(); ++i) {
      last = (last + 1) % tasks_.size();
      if (!wanted(last)) continue;
      probing_.insert(node);
      return view(last);
    }
  }
  void looked(std::size_t number, bool go_on) {
    probing_.erase(tasks_[number].node);
    if (go_on) look_at_next(tasks_[number].node);
  }

  void view(std::size_t number) {
    const Known& one = tasks_[number];
    Client& client = begin(one.node, "a view of task " + std::to_string(one.plan));
    ask<wire::ViewTask, wire::TaskIs>(
        client, kOrdersPath, kAnswer, [id = one.id](wire::ViewTask::Builder out) { out.setId(data_of(id.view())); },
        [this, &client, number](const Error& error, wire::TaskIs::Reader told) {
          looked(number, false);
          Known& of = tasks_[number];
          if (lost(of)) {
            of.read = true;
            return;
          }
          if (error && error->code == base::Code::not_found)
            return violated("kept", client, "found that it is no longer known");
          if (error) return;
          const auto order = decode(bytes_of(told.getOrder()));
          const auto task = order ? Task::decode(*order, bytes_of(told.getTask())) : std::nullopt;
          if (!task) return violated("kept", client, "could not be read");
          look(client, number, *task);
        });
  }
  void look(const Client& client, std::size_t number, const Task& task) {
    Known& one = tasks_[number];
    const std::string end(base::as_text(task.encode()));
    if (!one.end.empty() && one.end != end) return violated("once", client, "found that its end has changed");
    one.state = task.state();
    std::size_t active = 0, right = 0;
    for (const Attempt& attempt : task.attempts())
      active += attempt.active(), right += attempt.verdict == Verdict::right;
    if (!final(task.state())) return;
    if (active > 0) return violated("once", client, "found an attempt in progress of an ended task");
    if (one.end.empty()) {
      one.end = end;
      nodes_.tell("a task of " + node_name(one.node) + " is " + std::string(name(task.state())) + ": " + task.reason());
    }
    if (one.liar && task.believes()) {  // a node that behaves until it is trusted is found out later
      nodes_.mutations().sometimes("task: a node was believed that may lie");
      one.read = true;
      return looked(number, true);
    }
    if (one.liar && (swaps_ || known_as_[static_cast<std::size_t>(*one.liar) - 1].size() > 1)) {
      one.read = true;  // the machine lies, once under each name that it has had
      return looked(number, true);
    }
    if (one.after && !right_to_follow(one, task)) return violated("follows", client, "found that it did not wait");
    const Plan plan = plan_of(one.plan);
    const bool should_fail = plan == Plan::fails || plan == Plan::crashes || plan == Plan::hangs;
    if (task.state() == State::done && should_fail)
      return violated("right", client, "found that it is done, though its program fails: " + story_of(task));
    if (task.result() == nullptr) {
      one.read = true;  // cancelled, expired, or each attempt was lost
      return looked(number, true);
    }
    read(number, plan != Plan::hangs);
  }
  /// Returns the results of its attempts.
  std::string story_of(const Task& task) const {
    std::string out;
    for (const Attempt& attempt : task.attempts()) {
      const auto node = nodes_.find(attempt.node);
      out += (node ? node_name(*node) : "a node that was") + " " + std::string(name(attempt.state)) + ' ' +
             std::string(name(attempt.verdict)) + (attempt.succeeded() ? " 0" : "") + "; ";
    }
    return out + "quorum " + std::to_string(task.quorum());
  }
  /// Returns whether it has run only after the task that it follows was done, as far as is known.
  bool right_to_follow(const Known& one, const Task& task) const {
    if (task.attempts().empty()) return true;
    nodes_.mutations().sometimes("task: a task began after the one that it follows");
    return std::ranges::any_of(tasks_, [&](const Known& other) {
      return other.id == one.after && (other.state == State::done || !other.read);
    });
  }
  /// Reads the standard output of the deciding attempt.
  void read(std::size_t number, bool whole) {
    const Known& one = tasks_[number];
    probing_.insert(one.node);
    Client& client = begin(one.node, "the result of task " + std::to_string(one.plan));
    const auto out = std::make_shared<std::string>();
    subscribe<wire::ReadTask, wire::TaskText>(
        client, kOrdersPath, kReadIdle,
        [id = one.id](wire::ReadTask::Builder to) {
          to.setId(data_of(id.view()));
          to.setWhat(wire::TaskPart::RESULT);
        },
        [out](wire::TaskText::Reader text) {
          if (text.getPart() == kStandardPart) *out += base::as_text(bytes_of(text.getBytes()));
        },
        [this, &client, number, out, whole](const Error& error) {
          if (error || lost(tasks_[number])) return looked(number, false);
          const std::string wanted = printed_by(tasks_[number].plan);
          if (whole ? *out != wanted : !wanted.starts_with(*out))
            return violated("right", client,
                            "has " + std::to_string(out->size()) + " bytes that its program did not print");
          tasks_[number].read = true;
          looked(number, true);
        });
  }

  const bool swaps_;  ///< disks, and names with them, move between machines
  struct Hosted {
    base::Duration seen, counts_from;
  };

  std::deque<Known> tasks_;
  std::map<std::pair<TaskId, std::size_t>, Hosted> hosted_;  // running programs with hosts, by task and node
  std::set<std::size_t> probing_;                            // nodes
  std::map<std::size_t, std::size_t> looked_at_;             // the last task of each node
  std::map<std::size_t, std::set<base::NodeId>> known_as_;
  std::map<std::size_t, std::size_t> running_, used_;  // attempts, and inputs in use, at each node
};

}  // namespace

const sim::WorkloadSpec& workload() {
  static const sim::NumberSpec plan{"plan", 0, kPlans * 100 - 1}, replicas{"replicas", 1, 3}, which{"which", 0, 7},
      liar{"liar", 0, sim::kNodesMax - 1, true};
  static const sim::WorkloadSpec spec{
      .name = "tasks",
      .operations =
          {
              {"submit", "an operator stores a program and submits a task", {plan, replicas}},
              {"lied", "the same in three replicas; one node lies about them", {plan, liar}},
              {"hosted", "a task with two replicas that talk to a host and do not end", {}},
              {"follows", "a task that begins once the last task of its node is done", {plan}},
              {"cancel", "an operator ends one of the tasks of its node", {which}},
          },
      .knobs =
          {
              {"registry.active", {"true"}, true},
              {"registry.heartbeat", {"2s"}, true},
              {"task.lease", {"3s", "10s"}, true},
              {"task.network", {"*:443"}, true},
              {"task.queue_max", {"30s", "120s"}, true},
              {"task.require_verified", {"true", "false"}, true},
              {"task.slots", {"0.5", "1", "2", "all"}, true},
          },
      .invariants =
          {
              {"kept", "an acknowledged task is known until it is evicted"},
              {"once", "a task ends once, and has no attempt in progress then"},
              {"alone", "a task that talks to hosts never runs at more nodes than it has replicas"},
              {"follows", "a task that follows another task runs only if that is done"},
              {"right", "a task is done only if its program succeeded, and its result is what the program printed"},
          },
      .sometimes =
          {
              {"task: an attempt was lost and repeated", "another node ran what the first node did not finish"},
              {"task: one that waited at a node went to another", "a node was free, and the first node busy"},
              {"task: a task went on after a restart", "the rows of an open task were read back"},
              {"task: a node has answered a check right", "its vouch lets it get tasks", true},
              {"task: a task began after the one that it follows", "an operator named it", true},
              {"task: replicas agreed", "several nodes had the same result", true},
              {"task: a replica was wrong", "two agreed, and a malicious node did not"},
              {"task: a node was believed that may lie", "it was right ten times before"},
          },
      .mutants =
          {
              {"task.loss_unheard", "a task waits for an attempt whose node is gone"},
              {"task.restart_forgets", "attempts from before a restart count as running"},
              {"task.restart_untold", "a task's state after a restart is not stored"},
              {"task.attempt_stays", "an attempt continues after its submitter has given it up"},
              {"task.lease_outlived", "a program that talks to hosts continues after its lease has ended"},
              {"task.inputs_held", "an input stays in use forever"},
              {"task.slots_kept", "the resources of an ended attempt are not released"},
              {"task.old_texts", "output of a lost attempt is read as output of the next attempt"},
              {"task.piece_dropped", "output that is printed without credit is lost"},
          },
      .draw = draw_operations,
      .make = sim::make_workload<TaskWorkload>,
      .programs = programs,
  };
  return spec;
}

}  // namespace troupe::task
