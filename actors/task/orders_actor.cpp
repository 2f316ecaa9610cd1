// Requests of operators: submit, list, view and cancel; and the rows.
#include "actors/task/orders_actor.hpp"

#include <algorithm>

#include "actors/task/logic/risk.hpp"
#include "messages/codec.hpp"

namespace troupe::task {
namespace {

using base::Bytes;
using base::ByteView;
using base::Code;
using base::Error;

// Keys in the keyspace of tasks, in addition to those of book.hpp.
constexpr std::uint8_t kStartsRow = 's';
constexpr std::size_t kPageRows = 256;
const Error kUnknown{Code::not_found, "this node has no task with that id"};

}  // namespace

OrdersActor::OrdersActor(TaskSettings settings)
    : settings_(std::move(settings)),
      tasks_(*this, settings_.rows(kTaskRows, "the tasks")),
      texts_(*this,
             [this] {
               auto out = settings_.rows(kTextRows, "the output of tasks");
               out.first = Bytes(TaskId::kBytes + 16, 0xff);  // nothing is loaded at the start: rows are read on demand
               return out;
             }()),
      texts_of_(settings_.kept_bytes),
      settlement_(*this, settings_.identity) {}

void OrdersActor::receive(runtime::Handlers& on) {
  on.ask<wire::SubmitTask, wire::TaskSubmitted>(
      [this](wire::SubmitTask::Reader request, Submitted reply) { submit(request, std::move(reply)); });
  on.ask<wire::ListTasks, wire::TaskRows>(
      [this](wire::ListTasks::Reader question, auto reply) { list(question, std::move(reply)); });
  on.ask<wire::ViewTask, wire::TaskIs>(
      [this](wire::ViewTask::Reader question, auto reply) { view(question, std::move(reply)); });
  on.ask<wire::ViewArray, wire::ArrayIs>(
      [this](wire::ViewArray::Reader question, auto reply) { view(question, std::move(reply)); });
  on.ask<wire::CancelTask, wire::TaskCancelled>(
      [this](wire::CancelTask::Reader request, auto reply) { cancel(request, std::move(reply)); });
  on.stream<wire::ReadTask, wire::TaskText>(
      [this](wire::ReadTask::Reader question, runtime::Sink<wire::TaskText> to) { read(question, std::move(to)); });
  on.ask<wire::RenewAttempt, wire::AttemptRenewed>(
      [this](wire::RenewAttempt::Reader request, auto reply) { renew(request, std::move(reply)); });
  on.timer<Tick>([this] { tick(); });
  on.timer<StartAgain>([this] { save_start(); });
  on.timer<StillThere>([this] { still_there(); });
  tasks_.receive<TasksAgain>(on);
  texts_.receive<TextsAgain>(on);
  on.describe<wire::OrdersState>([this](wire::OrdersState::Builder state) {
    std::size_t attempts = 0;
    for (const auto& [node, count] : busy_) attempts += count;
    state.setTasks(size32(jobs_));
    state.setOpen(size32(open_));
    state.setAttempts(static_cast<std::uint32_t>(attempts));
    state.setNodes(size32(nodes_));
  });
}

void OrdersActor::start() {
  has_ = world().hardware.has();
  make_candidates();
  after<StillThere>(kStillThere);
  node()
      .publish<wire::SubmitTask, wire::ListTasks, wire::ViewTask, wire::ViewArray, wire::CancelTask, wire::ReadTask,
               wire::RenewAttempt>(kOrdersPath, self());
  texts_.load([](ByteView, ByteView) { return store::Use::keep; }, [](const base::Outcome<void>&) {});
  tasks_.load([this](ByteView key, ByteView value) { return take(key, value); },
              [this](const base::Outcome<void>&) { loaded(); });
}

void OrdersActor::stop() {
  tasks_.stop();
  texts_.stop();
}

void OrdersActor::check() const {
  tasks_.check();
  texts_.check();
  std::size_t attempts = 0, running = 0;
  std::uint64_t text_bytes = 0;
  for (const auto& [node, count] : busy_) attempts += count;
  for (const auto& [id, job] : jobs_) {
    job.entry.task.check();
    running += job.running.size();
    text_bytes += job.entry.text_bytes;
    for (const auto& [token, one] : job.running) {
      const Attempt* const attempt = job.entry.task.find(token);
      base::ensure(attempt != nullptr && attempt->active(), "a stream belongs to an attempt in progress");
    }
  }
  base::ensure(attempts == running, "each attempt in progress is counted for its node");
  base::ensure(text_bytes == texts_of_.used(), "each byte of output is charged to a node");
  base::ensure(open_.size() + ended_.size() == jobs_.size(), "a task is open or has ended");
}

// -- rows

store::Use OrdersActor::take(ByteView key, ByteView value) {
  if (key.size() == 1 && key[0] == kStartsRow && value.size() == sizeof starts_) {
    starts_ = base::load<std::uint64_t>(value);
    return store::Use::keep;
  }
  if (key.size() == 1 + base::NodeId::kBytes && key[0] == kRecordRow) {
    const bool fits = value.size() == 1 && value[0] <= kValidMax && records_.size() < kRecordsMax;
    if (!fits) return store::Use::erase;
    records_.insert_or_assign(*base::NodeId::from(key.subspan(1)), Record(value[0]));
    return store::Use::keep;
  }
  const auto id = key.empty() ? std::nullopt : TaskId::from(key.subspan(1));
  if (id && key[0] == kArrayRow) {
    auto array = Array::decode(value);
    if (!array || id_of(array->order) != *id) return store::Use::erase;
    nonces_.insert_or_assign(array->order.nonce, *id);
    arrays_.emplace(*id, ArrayJob{.array = std::move(*array), .written = true});
    return store::Use::keep;
  }
  if (!id || key[0] != kTaskRow) return store::Use::erase;
  auto entry = Entry::decode(value);
  if (!id || !entry || id_of(entry->order) != *id) return store::Use::erase;
  nonces_.insert_or_assign(entry->order.nonce, *id);
  const Attempt* const result = entry->task.result();
  const Texts texts{.of = result == nullptr ? base::User<base::NodeId>{settings_.self(), {}, true} : user_of(*result),
                    .bytes = entry->text_bytes};
  texts_of_.hold(texts.of, texts.bytes);
  Task task = entry->task;
  Job& job =
      jobs_.emplace(*id, Job{.entry = std::move(*entry), .durable = std::move(task), .written = true}).first->second;
  job.texts.emplace(kTextsBefore, texts);
  return store::Use::keep;
}

void OrdersActor::loaded() {
  ++starts_;
  arrays_loaded();
  for (auto& [id, job] : jobs_) {
    Task& task = job.entry.task;
    if (!final(task.state())) {
      world().mutations.sometimes("task: a task went on after a restart");
      if (!mutated("task.restart_forgets")) task.restarted(unix_ms());
      if (!mutated("task.restart_untold")) unsaved_.insert(id);
      if (!job.entry.order.hosts.empty()) job.held_until = surely_ended(now(), kLeaseMax);
    }
    if (final(task.state())) ended_.emplace(task.ended_ms(), id);
    else open_.insert(job.rank(id));
    if (final(task.state()) && job.entry.debt == Debt::owed) owing_[id].again = now();
    if (job.entry.order.payment == Payment::escrow) settlement_.learn([](const base::Outcome<void>&) {});
  }
  save_start();
}

/// Retries until the start is durable; no attempt is placed before.
void OrdersActor::save_start() {
  Bytes row;
  base::append_number(row, starts_);
  store::RowChange change;
  change.save.push_back({{kStartsRow}, std::move(row)});
  tasks_.save(std::move(change), [this](const base::Outcome<void>& saved) {
    if (!saved.ok()) return after<StartAgain>(kTickPeriod);
    ready_ = true;
    count();
    look();
    arm();
  });
}

void OrdersActor::save(const TaskId& id, Done done) {
  const Entry& entry = jobs_.at(id).entry;
  store::RowChange change;
  change.save.push_back({task_key(id), entry.encode()});
  tasks_.save(std::move(change),
              [this, id, task = entry.task, done = std::move(done)](const base::Outcome<void>& saved) mutable {
                const auto job = jobs_.find(id);
                if (job != jobs_.end() && saved.ok()) {
                  const bool ended = final(task.state()) && !final(job->second.durable.state());
                  job->second.durable = std::move(task);
                  if (ended) member_ended(id);
                }
                if (job != jobs_.end() && !saved.ok()) unsaved_.insert(id);
                arm();
                done(saved);
              });
}

void OrdersActor::erase_row(const TaskId& id) {
  forgetting_.insert(id);
  store::RowChange last;
  last.erase.push_back(task_key(id));
  tasks_.write(std::move(last), [this, id](const base::Outcome<void>& erased) {
    if (erased.ok()) forgetting_.erase(id);
  });
}

void OrdersActor::count() { settings_.counters->open.store(open_.size(), std::memory_order_relaxed); }

// -- operators

void OrdersActor::submit(wire::SubmitTask::Reader request, Submitted reply) {
  if (!ready_) return reply.refuse(tasks_.refusal());
  auto order = decode(bytes_of(request.getOrder()));
  if (!order) return reply.refuse({Code::malformed, "the order's format is invalid, or it exceeds a limit"});
  const crypto::Identity& self = *settings_.identity;
  order->submitter = self.public_key();
  order->submitter_nonce = self.nonce();
  if (order->queue_max_s == UINT32_MAX)
    order->queue_max_s = static_cast<std::uint32_t>(settings_.queue_max / std::chrono::seconds(1));
  if (request.getRisk() != 0)
    if (const auto why = set_replicas(*order, request.getRisk())) return reply.refuse(*why);
  if (order->after && !jobs_.contains(*order->after) && !arrays_.contains(*order->after))
    return reply.refuse(
        {Code::not_found, "this node has no task or array " + order->after->hex() + " for it to follow"});
  if (request.getRequest().size() > 0) order->nonce = nonce_of(order->submitter, text_of(request.getRequest()));
  else world().chance.fill(order->nonce.bytes);
  const std::uint32_t array = request.getArray();
  if (array > 0 && fault(*order, array))
    return reply.refuse({Code::malformed, "an array has 1 to 10,000 members, each within the limits of a task"});
  if (array > settings_.tasks_max)
    return reply.refuse({Code::overloaded, "the array has more members than this node keeps tasks (task.tasks_max)"});
  if (answer_known(*order, reply)) return;
  if (order->payment == Payment::free || !settlement_.book().empty())
    return admit(std::move(*order), array, std::move(reply));
  // Without a ledger there may still be free nodes.
  settlement_.learn(
      [this, array, order = std::move(*order), reply = std::move(reply)](const base::Outcome<void>&) mutable {
        if (!answer_known(order, reply)) admit(std::move(order), array, std::move(reply));
      });
}

/// Accepts the order if some node could run it, at the latest after a scan of the nodes.
void OrdersActor::admit(Order order, std::uint32_t array, Submitted reply) {
  if (choose(candidates(), order, TaskId{}, policy(), {}, 1).possible())
    return accept(std::move(order), array, std::move(reply));
  if (parked_.size() >= kParkedMax)
    return reply.refuse({Code::overloaded, "too many tasks wait for the list of nodes", std::chrono::seconds(1)});
  parked_.push_back({std::move(order), array, std::move(reply)});
  look();
}

/// Returns whether the request was made before. It then gets the same response, at the latest once its row is written.
bool OrdersActor::answer_known(const Order& order, Submitted& reply) {
  const auto there = nonces_.find(order.nonce);
  if (there == nonces_.end()) return false;
  if (id_of(order) != there->second) {
    reply.refuse({Code::conflict, "this request has already submitted a different order"});
    return true;
  }
  if (const auto array = arrays_.find(there->second); array != arrays_.end()) {
    array->second.askers.push_back(std::move(reply));
    if (array->second.written) answer_askers(array->second, there->second, {});
    return true;
  }
  Job& job = jobs_.at(there->second);
  job.askers.push_back(std::move(reply));
  if (job.written) answer_askers(there->second, {});
  return true;
}

std::optional<Error> OrdersActor::set_replicas(Order& order, double risk) const {
  if (!(risk > 0 && risk < 1) || !order.deterministic)
    return Error{Code::malformed, "a risk must be above 0 and below 1, and the task deterministic"};
  const auto m = first_to(risk, settings_.dishonest, kReplicasMax);
  if (!m)
    return Error{Code::refused, "no number of replicas up to " + std::to_string(kReplicasMax) +
                                    " makes wrong results that rare (task.dishonest)"};
  order.replicas = order.quorum = static_cast<std::uint8_t>(*m);
  // Up to m - 1 wrong results may come before the last right one.
  order.retries = static_cast<std::uint8_t>(std::min<unsigned>(order.retries + *m - 1, kRetriesMax));
  return std::nullopt;
}

/// Accepts an order that some node could run.
void OrdersActor::accept(Order order, std::uint32_t array, Submitted reply) {
  if (array > 0) return accept_array(std::move(order), array, std::move(reply));
  if (jobs_.size() >= settings_.tasks_max) forget_oldest();
  if (jobs_.size() >= settings_.tasks_max)
    return reply.refuse(
        {Code::overloaded, "too many tasks are open at this node (task.tasks_max)", std::chrono::seconds(10)});
  const TaskId id = id_of(order);
  if (forgetting_.contains(id))
    return reply.refuse({Code::unavailable, "the task is being evicted", std::chrono::seconds(1)});
  Job& job = add(id, std::move(order));
  job.askers.push_back(std::move(reply));
  save(id, [this, id](const base::Outcome<void>& saved) {
    const auto known = jobs_.find(id);
    if (known == jobs_.end()) return;
    known->second.written = saved.ok();
    answer_askers(id, saved);
    if (saved.ok()) {
      settings_.counters->submitted.fetch_add(1, std::memory_order_relaxed);
      return place();
    }
    // The task never existed; its row is erased in case it was written after all.
    open_.erase(known->second.rank(id));
    nonces_.erase(known->second.entry.order.nonce);
    unsaved_.erase(id);
    jobs_.erase(known);
    erase_row(id);
    count();
  });
  count();
  arm();
}

OrdersActor::Job& OrdersActor::add(const TaskId& id, Order order) {
  Bytes bytes = sign(order, settings_.identity->key());
  const Task task(order, unix_ms());
  nonces_.insert_or_assign(order.nonce, id);
  Job& job = jobs_
                 .emplace(id, Job{.entry = {.order = std::move(order), .signed_order = std::move(bytes), .task = task},
                                  .durable = task})
                 .first->second;
  open_.insert(job.rank(id));
  return job;
}

void OrdersActor::answer_askers(const TaskId& id, const base::Outcome<void>& saved) {
  for (Submitted& reply : std::exchange(jobs_.at(id).askers, {})) {
    if (saved.ok()) reply.send([&](wire::TaskSubmitted::Builder out) { out.setId(data_of(id.view())); });
    else reply.refuse(saved.error());
  }
}

void OrdersActor::list(wire::ListTasks::Reader question, runtime::Reply<wire::TaskRows> reply) const {
  if (!ready_) return reply.refuse(tasks_.refusal());
  const auto behind = TaskId::from(bytes_of(question.getBehind()));
  if (!behind && question.getBehind().size() > 0)
    return reply.refuse({Code::malformed, "invalid task id: expected 32 bytes"});
  auto at = behind ? jobs_.upper_bound(*behind) : jobs_.begin();
  const auto rows = std::min<std::size_t>(kPageRows, static_cast<std::size_t>(std::distance(at, jobs_.end())));
  reply.send([&](wire::TaskRows::Builder out) {
    auto to = out.initRows(static_cast<unsigned>(rows));
    for (unsigned i = 0; i < to.size(); ++i, ++at) {
      const Order& order = at->second.entry.order;
      const Task& task = at->second.told();
      to[i].setId(data_of(at->first.view()));
      to[i].setState(static_cast<std::uint8_t>(task.state()));
      to[i].setPriority(order.priority);
      to[i].setAttempt(size32(task.attempts()));
      if (!task.attempts().empty()) to[i].setNode(data_of(task.attempts().back().node.view()));
      to[i].setReason(text_of(task.reason()));
      to[i].setSubmittedMs(task.submitted_ms());
      if (const TaskId* const array = array_of(at->first)) {
        to[i].setArray(data_of(array->view()));
        to[i].setIndex(order.index.value_or(0));
      }
    }
    out.setMore(at != jobs_.end());
  });
}

void OrdersActor::view(wire::ViewTask::Reader question, runtime::Reply<wire::TaskIs> reply) {
  if (!ready_) return reply.refuse(tasks_.refusal());
  const auto id = TaskId::from(bytes_of(question.getId()));
  const auto job = id ? jobs_.find(*id) : jobs_.end();
  if (job == jobs_.end()) return reply.refuse(kUnknown);
  const Entry& entry = job->second.entry;
  const Task& task = job->second.told();
  reply.send([&](wire::TaskIs::Builder out) {
    out.setOrder(data_of(encode(entry.order)));
    out.setTask(data_of(task.encode()));
    if (!final(task.state()))
      out.setWhy(choose(candidates(), entry.order, *id, policy(), task.apart(Task::Away::nodes), 1).why());
    const auto paid_by = settlement_.known_escrow(*id, entry.order);
    if (paid_by && entry.debt != Debt::none) out.setEscrow(data_of(paid_by->view()));
    const Attempt* const result = task.result();
    const auto parts = result == nullptr ? entry.parts.end() : entry.parts.find(result->token);
    if (parts == entry.parts.end()) return;
    auto to = out.initParts(size32(parts->second));
    for (unsigned i = 0; i < to.size(); ++i) {
      to[i].setOutput(parts->second[i].output);
      to[i].setBytes(parts->second[i].bytes);
      to[i].setDigest(data_of(parts->second[i].digest.view()));
    }
  });
}

void OrdersActor::cancel(wire::CancelTask::Reader request, runtime::Reply<wire::TaskCancelled> reply) {
  if (!ready_) return reply.refuse(tasks_.refusal());
  const auto id = TaskId::from(bytes_of(request.getId()));
  if (id && arrays_.contains(*id)) return cancel_array(*id, std::move(reply));
  const auto job = id ? jobs_.find(*id) : jobs_.end();
  if (job == jobs_.end()) return reply.refuse(kUnknown);
  auto done = [reply = std::move(reply)](const base::Outcome<void>& saved) mutable {
    if (!saved.ok()) return reply.refuse(saved.error());
    reply.send([](wire::TaskCancelled::Builder) {});
  };
  if (job->second.entry.task.cancel("an operator cancelled it", unix_ms())) return changed(*id, std::move(done));
  const State state = job->second.entry.task.state();
  if (state != State::cancelled)
    return done(Error{Code::conflict, "the task has already ended: " + std::string(name(state))});
  save(*id, std::move(done));  // again, because it may not be durable yet
}

}  // namespace troupe::task
