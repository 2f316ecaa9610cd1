// Arrays: orders that are many tasks.
#include <algorithm>
#include <memory>
#include <optional>

#include "actors/task/orders_actor.hpp"
#include "messages/codec.hpp"

namespace troupe::task {
namespace {

using base::Code;

constexpr std::size_t kBatchBytes = 1u << 20;  // our choice: of members written at once

}  // namespace

/// Accepts the order of an array that some node could run.
void OrdersActor::accept_array(Order order, std::uint32_t members, Submitted reply) {
  if (arrays_.size() >= settings_.tasks_max)
    return reply.refuse({Code::overloaded, "too many arrays at this node (task.tasks_max)"});
  const TaskId id = id_of(order);
  nonces_.insert_or_assign(order.nonce, id);
  ArrayJob& job = arrays_.emplace(id, ArrayJob{.array = {.order = std::move(order), .members = members}}).first->second;
  job.askers.push_back(std::move(reply));
  store::RowChange change;
  change.save.push_back({array_key(id), job.array.encode()});
  tasks_.save(std::move(change), [this, id](const base::Outcome<void>& saved) {
    const auto known = arrays_.find(id);
    if (known == arrays_.end()) return;
    known->second.written = saved.ok();
    answer_askers(known->second, id, saved);
    if (saved.ok()) return make_members(id);
    // The array never existed; its row is erased in case it was written after all.
    nonces_.erase(known->second.array.order.nonce);
    arrays_.erase(known);
    store::RowChange last;
    last.erase.push_back(array_key(id));
    tasks_.write(std::move(last), [](const base::Outcome<void>&) {});
  });
}

void OrdersActor::answer_askers(ArrayJob& job, const TaskId& id, const base::Outcome<void>& saved) {
  for (Submitted& reply : std::exchange(job.askers, {})) {
    if (saved.ok()) reply.send([&](wire::TaskSubmitted::Builder out) { out.setId(data_of(id.view())); });
    else reply.refuse(saved.error());
  }
}

/// Adds the next members, with the row that counts them, while there is space; again once they are written.
void OrdersActor::make_members(const TaskId& id) {
  ArrayJob& job = arrays_.at(id);
  if (!ready_ || !job.written || job.making || !(job.array.grows() || job.unsaved)) return;
  store::RowChange change;
  std::vector<TaskId> made;
  Array next = job.array;
  for (std::size_t bytes = 0; next.grows() && made.size() < kMadeMax && bytes < kBatchBytes; ++next.made) {
    if (jobs_.size() >= settings_.tasks_max) forget_oldest();
    if (jobs_.size() >= settings_.tasks_max || !arrays_.contains(id)) break;
    Order order = next.member(next.made);
    const TaskId member = id_of(order);
    if (forgetting_.contains(member)) break;
    if (jobs_.contains(member)) continue;
    const Entry& entry = add(member, std::move(order)).entry;
    change.save.push_back({task_key(member), entry.encode()});
    bytes += change.save.back().value.size();
    made.push_back(member);
    member_known(id, member);
  }
  if (next.made == job.array.made && !job.unsaved) return;
  job.array.made = next.made;
  job.making = true;
  job.unsaved = false;
  change.save.push_back({array_key(id), job.array.encode()});
  tasks_.save(std::move(change),
              [this, id, made](const base::Outcome<void>& saved) { members_saved(id, made, saved); });
  count();
  arm();
}

void OrdersActor::members_saved(const TaskId& id, const std::vector<TaskId>& made, const base::Outcome<void>& saved) {
  const auto known = arrays_.find(id);
  if (known != arrays_.end()) known->second.making = false, known->second.unsaved = !saved.ok();
  for (const TaskId& one : made) {
    const auto job = jobs_.find(one);
    if (job == jobs_.end()) continue;
    job->second.written = true;
    if (!saved.ok()) unsaved_.insert(one);  // it exists all the same, and is written again
  }
  if (saved.ok()) settings_.counters->submitted.fetch_add(made.size(), std::memory_order_relaxed);
  if (known != arrays_.end() && saved.ok()) make_members(id);
  arm();
  place();
}

void OrdersActor::view(wire::ViewArray::Reader question, runtime::Reply<wire::ArrayIs> reply) const {
  if (!ready_) return reply.refuse(tasks_.refusal());
  const auto id = TaskId::from(bytes_of(question.getId()));
  const auto at = id ? arrays_.find(*id) : arrays_.end();
  if (at == arrays_.end()) return reply.refuse({Code::not_found, "this node has no array with that id"});
  const Array& array = at->second.array;
  std::array<std::uint32_t, kStates> states{};
  std::uint32_t met = 0;
  for (std::uint32_t i = 0; i < array.members && met < at->second.known; ++i) {
    const auto job = jobs_.find(id_of(array.member(i)));
    if (job == jobs_.end()) continue;
    ++states[static_cast<std::size_t>(job->second.told().state())];
    ++met;
  }
  const State missing = array.closed ? State::cancelled : State::queued;
  states[static_cast<std::size_t>(missing)] += array.members - array.made;
  reply.send([&](wire::ArrayIs::Builder out) {
    out.setArray(data_of(array.encode()));
    auto to = out.initStates(kStates);
    for (unsigned i = 0; i < kStates; ++i) to.set(i, states[i]);
  });
}

void OrdersActor::cancel_array(const TaskId& id, runtime::Reply<wire::TaskCancelled> reply) {
  ArrayJob& job = arrays_.at(id);
  std::vector<TaskId> open;
  for (const auto& [member, array] : members_)
    if (array == id && jobs_.at(member).entry.task.cancel("an operator cancelled its array", unix_ms()))
      open.push_back(member);
  if (open.empty() && !job.array.grows() && !job.array.closed)
    return reply.refuse({Code::conflict, "all members of the array have ended"});
  job.array.closed = true;
  // Responds once the end of each member is durable, and so is what is reported.
  struct Ends {
    runtime::Reply<wire::TaskCancelled> reply;
    std::size_t left;
    std::optional<base::Error> error;
  };
  const auto ends = std::make_shared<Ends>(Ends{std::move(reply), open.size() + 1, std::nullopt});
  const auto saved = [ends](const base::Outcome<void>& done) {
    if (!done.ok() && !ends->error) ends->error = done.error();
    if (--ends->left > 0) return;
    if (ends->error) return ends->reply.refuse(*ends->error);
    ends->reply.send([](wire::TaskCancelled::Builder) {});
  };
  store::RowChange change;
  change.save.push_back({array_key(id), job.array.encode()});
  tasks_.save(std::move(change), saved);
  for (const TaskId& member : open) changed(member, saved);
}

// -- members

const TaskId* OrdersActor::array_of(const TaskId& id) const {
  const auto at = members_.find(id);
  return at == members_.end() ? nullptr : &at->second;
}

void OrdersActor::member_known(const TaskId& array, const TaskId& id) {
  if (!members_.emplace(id, array).second) return;
  ArrayJob& job = arrays_.at(array);
  ++job.known;
  const State state = jobs_.at(id).durable.state();
  if (!final(state)) ++job.open;
  else if (state == State::done) ++job.done;
  else ++job.failed;
}

/// Called when its end is durable.
void OrdersActor::member_ended(const TaskId& id) {
  const TaskId* const array = array_of(id);
  if (array == nullptr) return;
  ArrayJob& job = arrays_.at(*array);
  --job.open;
  if (jobs_.at(id).durable.state() == State::done) ++job.done;
  else ++job.failed;
}

/// Returns whether a task after the array may begin: once each member is done. Members forgotten before a restart do
/// not count as done.
OrdersActor::Turn OrdersActor::turn_after(const ArrayJob& job) {
  if (job.done == job.array.members) return Turn::now;
  const bool may_be_done = job.failed == 0 && (job.open > 0 || job.array.grows());
  return may_be_done ? Turn::later : Turn::never;
}

void OrdersActor::member_forgotten(const TaskId& id) {
  const auto at = members_.find(id);
  if (at == members_.end()) return;
  const TaskId array = at->second;
  members_.erase(at);
  const auto job = arrays_.find(array);
  if (job == arrays_.end() || --job->second.known > 0 || job->second.array.grows()) return;
  nonces_.erase(job->second.array.order.nonce);
  arrays_.erase(job);
  store::RowChange last;
  last.erase.push_back(array_key(array));
  tasks_.write(std::move(last), [](const base::Outcome<void>&) {});
}

/// The rows of tasks do not name their array, so the members are derived from the arrays.
void OrdersActor::arrays_loaded() {
  for (auto& [id, job] : arrays_)
    for (std::uint32_t i = 0; i < job.array.made; ++i)
      if (const TaskId member = id_of(job.array.member(i)); jobs_.contains(member)) member_known(id, member);
}

}  // namespace troupe::task
