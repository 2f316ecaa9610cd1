// Messages of nodes about their attempts.
#include "actors/reputation/api.hpp"
#include "actors/task/attempt_actor.hpp"
#include "actors/task/codec.hpp"
#include "actors/task/orders_actor.hpp"
#include "messages/codec.hpp"
#include "messages/reputation.capnp.h"

namespace troupe::task {
namespace {

using base::Code;
using base::Error;

constexpr std::chrono::seconds kObserveDue{30};
constexpr std::uint64_t kTextOverhead = 128;  // of a row: its key, its head, and the store's overhead
constexpr std::size_t kSavingMax = 64;        // our choice: 4 MiB per attempt wait for the disk
constexpr const char* kTooMuch = "its node sent more than the order allows, or in the wrong sequence";

/// Returns whether the node declined before anything began, so it may be asked again.
bool says_no(Code code) {
  switch (code) {
    case Code::refused:
    case Code::overloaded:
    case Code::no_space:
    case Code::unsupported:
    case Code::unavailable: return true;
    default: return false;
  }
}

}  // namespace

OrdersActor::Running* OrdersActor::find(const TaskId& id, std::uint64_t token) {
  const auto job = jobs_.find(id);
  if (job == jobs_.end()) return nullptr;
  const auto one = job->second.running.find(token);
  return one == job->second.running.end() ? nullptr : &one->second;
}

void OrdersActor::hear(const TaskId& id, std::uint64_t token, wire::AttemptItem::Reader item) {
  Running* const one = find(id, token);
  if (one == nullptr) return;
  if (one->ended) return lose(id, token, kTooMuch);
  switch (item.which()) {
    case wire::AttemptItem::WAITS: return;
    case wire::AttemptItem::LACKS_INPUT: one->lacks_input = true; return;
    case wire::AttemptItem::BEGAN:
    case wire::AttemptItem::USES:
      // Saved so that the attempt is known if this node crashes; nothing waits for that.
      if (Job& job = jobs_.at(id); job.entry.task.began(token, unix_ms())) {
        const Order& order = job.entry.order;
        const base::Duration handed = AttemptActor::handed_within(AttemptActor::left_bytes_max(order));
        one->ends_by = now() + order.limits.time + handed + kEndsMargin;
        save(id, [](const base::Outcome<void>&) {});
      }
      jobs_.at(id).lacked = 0;
      if (const auto alone = left_alone_.find(one->node); alone != left_alone_.end()) alone->second.in_a_row = 0;
      return read_of(id);
    case wire::AttemptItem::PRINTED: return hear_printed(id, token, *one, item.getPrinted());
    case wire::AttemptItem::OUTPUT: return hear_output(id, token, *one, item.getOutput());
    case wire::AttemptItem::ENDED:
      one->ended = task::read(item.getEnded());
      if (!one->ended) return lose(id, token, "its node sent an invalid end");
      return save_gathered(id, token);
  }
}

void OrdersActor::hear_printed(const TaskId& id, std::uint64_t token, Running& one, wire::TaskPrinted::Reader printed) {
  const base::ByteView bytes = bytes_of(printed.getBytes());
  const std::uint64_t most = jobs_.at(id).entry.order.limits.output_bytes;
  if (bytes.empty() || bytes.size() > kPieceBytes || bytes.size() > most - one.printed || !one.outputs.empty())
    return lose(id, token, kTooMuch);
  one.printed += bytes.size();
  const bool standard = printed.getStream() == wire::TaskStream::STANDARD;
  if (standard) {
    one.standard.update(bytes);
    one.standard_bytes += bytes.size();
  }
  if (gather(one, standard, bytes)) return;
  save_gathered(id, token);
  if (find(id, token) != nullptr) save_text(id, token, one, {standard ? kStandardPart : kErrorsPart, unix_ms(), bytes});
}

/// Returns whether small pieces are gathered until a tick. A row costs more than a few bytes, and space for rows is
/// made by forgetting other tasks, so an attempt with many small pieces gathers further ones.
bool OrdersActor::gather(Running& one, bool standard, base::ByteView bytes) {
  base::Bytes& gathered = one.gathered[standard ? 0 : 1];
  const bool many = one.texts >= kSmallTexts + one.printed / kTextBytesLeast;
  if (!many || gathered.size() + bytes.size() > kPieceBytes) return false;
  base::append(gathered, bytes);
  return true;
}

void OrdersActor::save_gathered(const TaskId& id, std::uint64_t token) {
  for (const std::size_t stream : {0, 1}) {
    Running* const one = find(id, token);
    if (one == nullptr) return;  // there was no space for the one before
    const base::Bytes bytes = std::exchange(one->gathered[stream], {});
    if (!bytes.empty()) save_text(id, token, *one, {stream == 0 ? kStandardPart : kErrorsPart, unix_ms(), bytes});
  }
}

void OrdersActor::hear_output(const TaskId& id, std::uint64_t token, Running& one, wire::TaskOutput::Reader output) {
  const base::ByteView bytes = bytes_of(output.getBytes());
  const std::uint16_t index = output.getIndex();
  const bool first = one.outputs.empty() || one.outputs.back().output < index;
  const bool known = index < jobs_.at(id).entry.order.outputs.size();
  // A piece after a short piece is invalid: each is a row, and space for rows is made by forgetting other tasks.
  const bool ended = !first && one.outputs.back().bytes % kPieceBytes != 0;
  if (!known || ended || bytes.size() > kPieceBytes || bytes.size() > one.left ||
      (!first && (one.outputs.back().output != index || bytes.empty())))
    return lose(id, token, kTooMuch);
  if (one.outputs.empty()) {
    save_gathered(id, token);
    if (find(id, token) == nullptr) return;
  }
  if (first) {
    if (!one.outputs.empty()) one.outputs.back().digest = one.output.finish();
    one.outputs.push_back({.output = index});
  }
  one.left -= bytes.size();
  one.output.update(bytes);
  one.outputs.back().bytes += bytes.size();
  save_text(id, token, one, {index, unix_ms(), bytes});
}

void OrdersActor::save_text(const TaskId& id, std::uint64_t token, Running& one, const Text& text) {
  const std::uint64_t bytes = text.bytes.size() + kTextOverhead;
  Job& job = jobs_.at(id);
  const base::User<base::NodeId> node = user_of(*job.entry.task.find(token));
  if (!make_room(node, bytes))
    return lose(id, token, "no space for its output, or its address group has used its quota (task.kept_bytes)");
  Texts& texts = job.texts[token];
  texts.of = node;
  texts.rows = one.texts + 1;
  texts.bytes += bytes;
  job.entry.text_bytes += bytes;
  texts_of_.hold(node, bytes);
  store::RowChange change;
  change.save.push_back({text_key(id, texts_of(token), one.texts++), encode(text)});
  if (++one.saving == kSavingMax) {
    one.stream.pause();
    one.paused = one.paused.value_or(now());
  }
  texts_.save(std::move(change), [this, id, token](const base::Outcome<void>& saved) {
    Running* const of = find(id, token);
    if (of == nullptr) return;
    if (--of->saving == kSavingMax / 2 && of->paused) {
      of->stream.resume();
      if (of->ends_by) of->ends_by = *of->ends_by + (now() - *of->paused);
      of->paused.reset();
    }
    if (!saved.ok()) return lose(id, token, "its output could not be written: " + saved.error().message);
    read_of(id);
    if (of->over && of->saving == 0) answered(id, token);
  });
}

/// Renews a lease for the node that runs the attempt, while it does.
void OrdersActor::renew(wire::RenewAttempt::Reader request, runtime::Reply<wire::AttemptRenewed> reply) {
  const auto id = TaskId::from(bytes_of(request.getTask()));
  Running* const one = id ? find(*id, request.getToken()) : nullptr;
  if (one == nullptr || one->node != caller().node || one->over)
    return reply.refuse({Code::not_found, "that node has no such attempt in progress"});
  one->renewed = now();
  reply.send([](wire::AttemptRenewed::Builder) {});
}

/// Delays the task; its node still gets other tasks.
void OrdersActor::lacks_input(const TaskId& id, std::uint64_t token, const Error& why) {
  Job& job = jobs_.at(id);
  const Attempt& attempt = *job.entry.task.find(token);
  if (job.running.at(token).paid) paid_for_nothing(job);
  job.declined.add(attempt.node, attempt.group);
  job.declined_why = why.message;
  // Attempts that fail together count once, because they were placed together.
  if (!job.placed_again || now() >= *job.placed_again)
    job.placed_again = now() + kLackedFirst * (1u << std::min(job.lacked++, kLackedDoubled));
  job.entry.task.turned_away(token, "a node did not take it: " + why.message);
  changed(id);
}

void OrdersActor::stream_ended(const TaskId& id, std::uint64_t token, const base::Outcome<void>& end) {
  Running* const one = find(id, token);
  if (one == nullptr) return;
  if (end.ok()) {
    if (!one->ended) return lose(id, token, "its node sent no end");
    one->over = true;
    if (one->saving == 0) answered(id, token);
    return;
  }
  if (mutated("task.loss_unheard")) return;
  const Error& why = end.error();
  Task& task = jobs_.at(id).entry.task;
  const Attempt* const attempt = task.find(token);
  if (attempt->state == AttemptState::starting && one->lacks_input && says_no(why.code))
    return lacks_input(id, token, why);
  if (attempt->state == AttemptState::starting && says_no(why.code)) {
    // Unless it resigned, its price comes back only when it was due, so such a node is not tried again soon.
    const base::Duration first = one->paid ? base::Duration(kPaidForNothing) : base::Duration(kLeftAlone);
    leave_alone(one->node, first, why.retry_after);
    if (one->paid) paid_for_nothing(jobs_.at(id));
    jobs_.at(id).declined.add(attempt->node, attempt->group);
    jobs_.at(id).declined_why = why.message;
    task.turned_away(token, "a node did not take it: " + why.message);
    return changed(id);
  }
  if (attempt->state == AttemptState::starting && why.code != Code::timeout) {
    if (one->node != settings_.self() && !one->lacks_input) leave_alone(one->node, kLeftAlone);
    task.refused(token, why.message, unix_ms());
    return changed(id);
  }
  if (why.code == Code::timeout) return timed_out(id, token, "its lease expired: its node is silent");
  if (why.code == Code::overloaded) return spare(id, token, why);
  observe(id, *attempt, "task_failure");
  lose(id, token, why.message);
}

void OrdersActor::answered(const TaskId& id, std::uint64_t token) {
  Job& job = jobs_.at(id);
  Running& one = job.running.at(token);
  Parts parts{{kStandardPart, one.standard_bytes, one.standard.finish()}};
  if (!one.outputs.empty()) one.outputs.back().digest = one.output.finish();
  parts.insert(parts.end(), one.outputs.begin(), one.outputs.end());
  Ended how = *one.ended;
  how.answer = answer_of(how, parts);
  job.entry.parts.insert_or_assign(token, std::move(parts));
  job.entry.task.ended(token, how, unix_ms());
  changed(id);
}

void OrdersActor::lose(const TaskId& id, std::uint64_t token, const std::string& why) {
  world().mutations.sometimes("task: an attempt was lost and repeated");
  // A node that costs a retry does not get the next task at once.
  if (const Running* const one = find(id, token); one != nullptr && one->node != settings_.self())
    leave_alone(one->node, kLeftAlone);
  jobs_.at(id).entry.task.lost(token, why, unix_ms());
  changed(id);
}

/// Its machine was out of memory because of other programs. So this counts neither as a failure of the node nor as a
/// retry, unless the node says so often, which costs it nothing.
void OrdersActor::spare(const TaskId& id, std::uint64_t token, const Error& why) {
  Job& job = jobs_.at(id);
  const Running* const one = find(id, token);
  if (one->paid) paid_for_nothing(job);
  if (one->node != settings_.self()) {
    leave_alone(one->node, one->paid ? base::Duration(kPaidForNothing) : base::Duration(kLeftAlone), why.retry_after);
    const bool again = std::exchange(left_alone_.at(one->node).spared, true);
    if (again) observe(id, *job.entry.task.find(token), "task_failure");
  }
  job.entry.task.spared(token, why.message, unix_ms());
  changed(id);
}

void OrdersActor::timed_out(const TaskId& id, std::uint64_t token, const std::string& why) {
  observe(id, *jobs_.at(id).entry.task.find(token), "task_timeout");
  lose(id, token, why);
}

/// Ends overdue attempts: a worker could send signs of life forever.
void OrdersActor::end_late() {
  if (mutated("task.loss_unheard")) return;
  std::vector<std::pair<TaskId, std::uint64_t>> late;
  for (const auto& [priority, since, id] : open_)
    for (const auto& [token, one] : jobs_.at(id).running)
      if (one.ends_by && now() >= *one.ends_by && !one.paused && !one.over) late.emplace_back(id, token);
  for (const auto& [id, token] : late)
    if (find(id, token) != nullptr) timed_out(id, token, "its node let it run beyond its time limit");
}

void OrdersActor::changed(const TaskId& id, Done saved) {
  Job& job = jobs_.at(id);
  Task& task = job.entry.task;
  for (auto at = job.running.begin(); at != job.running.end();) {
    const Attempt* const attempt = task.find(at->first);
    if (attempt != nullptr && attempt->active()) {
      ++at;
      continue;
    }
    const auto busy = busy_.find(at->second.node);
    if (--busy->second == 0) busy_.erase(busy);
    const bool over = attempt != nullptr && attempt->state == AttemptState::answered;
    if (at->second.renewed && !over)
      job.held_until =
          std::max(job.held_until.value_or(base::Instant{}), surely_ended(*at->second.renewed, settings_.lease));
    at = job.running.erase(at);
  }
  drop_unread(id);
  if (!final(task.state())) {
    save(id, std::move(saved));  // what a crash loses of it is repeated
    read_of(id);
    return place();
  }
  if (open_.erase(job.rank(id)) > 0) {
    ended_.emplace(task.ended_ms(), id);
    auto& counters = *settings_.counters;
    (task.state() == State::done ? counters.done : counters.failed).fetch_add(1, std::memory_order_relaxed);
    count();
    for (const Attempt& one : task.attempts()) {
      if (one.verdict == Verdict::right) observe(id, one, "task_success");
      if (one.verdict == Verdict::wrong) observe(id, one, "malicious_behavior");
    }
    if (task.compared()) remember(task);
  }
  if (task.state() == State::done && job.entry.order.replicas > 1) world().mutations.sometimes("task: replicas agreed");
  save(id, [this, id, saved = std::move(saved)](const base::Outcome<void>& done) mutable {
    read_of(id);
    saved(done);
    settle_if_owing(id);
  });
  place();
}

bool OrdersActor::believed(const base::NodeId& node) {
  const auto known = records_.find(node);
  return settings_.trust && known != records_.end() && known->second.believed(random().next());
}

void OrdersActor::remember(const Task& task) {
  store::RowChange change;
  for (const Attempt& one : task.attempts()) {
    if (one.verdict == Verdict::wrong) world().mutations.sometimes("task: a replica was wrong");
    if (one.verdict != Verdict::right && one.verdict != Verdict::wrong) continue;
    if (records_.size() >= kRecordsMax && !records_.contains(one.node)) continue;
    Record& record = records_[one.node];
    if (one.verdict == Verdict::right) record.right();
    else record.wrong();
    change.save.push_back({record_key(one.node), {static_cast<std::uint8_t>(record.row())}});
  }
  tasks_.write(std::move(change), [](const base::Outcome<void>&) {});
}

/// Reports to this node's reputation records, which exclude its own work.
void OrdersActor::observe(const TaskId& id, const Attempt& attempt, const char* event) {
  if (attempt.node == settings_.self()) return;
  ask<reputation::wire::Observe, reputation::wire::Reported>(
      node().find(settings_.reputation), now() + kObserveDue,
      [&](reputation::wire::Observe::Builder out) {
        out.setNode(data_of(attempt.node.view()));
        out.setEvent(event);
        out.setRequest("task " + id.hex() + ' ' + std::to_string(attempt.token));
      },
      [](const runtime::Answer<reputation::wire::Reported>&) {
      });  // the reputation itself reports what it could not store
}

}  // namespace troupe::task
