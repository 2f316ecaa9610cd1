#include "actors/task/logic/task.hpp"

#include <algorithm>
#include <map>

#include "actors/task/logic/text_field.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/base/whole_units.hpp"

namespace troupe::task {
namespace {

constexpr std::uint8_t kTaskVersion = 1;
constexpr std::size_t kWhyBytesMax = 256;
// The attempts that are spared at once may exceed the maximum.
constexpr std::size_t kAttemptsMax = 2 * kReplicasMax + kRetriesMax + std::size_t{1} + Task::kSparedMax;

template <class Enum, std::size_t N>
std::string_view name_in(const std::string_view (&names)[N], Enum value) {
  return names[static_cast<std::size_t>(value)];
}

/// Cuts the text at a character boundary.
std::string cut(std::string text) {
  if (text.size() <= kWhyBytesMax) return text;
  std::size_t end = kWhyBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  return text;
}

/// Appends 0 for nullopt, otherwise the value plus 1.
template <class Value>
void append_small(base::Bytes& out, const std::optional<Value>& value) {
  base::append_number(out, static_cast<std::uint16_t>(value ? static_cast<unsigned>(*value) + 1 : 0));
}
std::optional<std::uint16_t> read_small(base::FieldReader& from, std::uint16_t most) {
  const auto said = from.number<std::uint16_t>();
  if (said > most + 1) from.fail();
  return said == 0 ? std::nullopt : std::optional(static_cast<std::uint16_t>(said - 1));
}

template <class Enum>
Enum read_enum(base::FieldReader& from, Enum most) {
  const auto said = from.number<std::uint8_t>();
  if (said > static_cast<std::uint8_t>(most)) from.fail();
  return from.ok() ? static_cast<Enum>(said) : Enum{};
}

void append(base::Bytes& out, const sandbox::Usage& usage) {
  for (const std::uint64_t number : {base::milliseconds(usage.cpu), base::milliseconds(usage.wall),
                                     usage.memory_bytes_max, usage.pids_max, usage.disk_bytes, usage.output_bytes})
    base::append_number(out, number);
}
sandbox::Usage read_usage(base::FieldReader& from) {
  constexpr std::uint64_t kMsMax = std::uint64_t{1} << 43;  // 278 years: fits into a Duration
  sandbox::Usage out;
  for (base::Duration* const span : {&out.cpu, &out.wall}) {
    const auto ms = from.number<std::uint64_t>();
    if (ms > kMsMax) from.fail();
    else *span = std::chrono::milliseconds(ms);
  }
  for (std::uint64_t* const number : {&out.memory_bytes_max, &out.pids_max, &out.disk_bytes, &out.output_bytes})
    *number = from.number<std::uint64_t>();
  return out;
}

std::string failure_of(const Attempt& attempt) {
  if (attempt.verdict == Verdict::malicious) return "its program made a forbidden system call";
  if (attempt.limit) return "its program reached the limit of " + std::string(name(*attempt.limit));
  if (attempt.signal) return "its program was ended by signal " + std::to_string(*attempt.signal);
  return "its program ended with " + std::to_string(attempt.exit_status.value_or(-1));
}

}  // namespace

std::string_view name(State state) {
  static constexpr std::string_view kNames[] = {"queued", "running",   "verifying", "done",
                                                "failed", "cancelled", "expired"};
  return name_in(kNames, state);
}
std::string_view name(AttemptState state) {
  static constexpr std::string_view kNames[] = {"starting", "running", "answered", "lost", "refused", "ended"};
  return name_in(kNames, state);
}
std::string_view name(Verdict verdict) {
  static constexpr std::string_view kNames[] = {"open", "right", "wrong", "malicious"};
  return name_in(kNames, verdict);
}

Task::Task(const Order& order, std::uint64_t submitted_ms)
    : submitted_ms_(submitted_ms),
      expires_ms_(submitted_ms + std::uint64_t{order.queue_max_s} * 1'000),
      queue_ms_(std::uint64_t{order.queue_max_s} * 1'000),
      asked_replicas_(order.replicas),
      asked_quorum_(order.quorum),
      retries_(order.retries),
      replicas_(order.replicas),
      quorum_(order.quorum) {}

const Attempt* Task::find(std::uint64_t token) const {
  const auto at = std::ranges::find(attempts_, token, &Attempt::token);
  return at == attempts_.end() ? nullptr : &*at;
}

const Attempt* Task::result() const { return result_ ? find(*result_) : nullptr; }

Attempt* Task::active(std::uint64_t token) {
  if (final(state_)) return nullptr;
  const auto at = std::ranges::find(attempts_, token, &Attempt::token);
  return at == attempts_.end() || !at->active() ? nullptr : &*at;
}

std::size_t Task::count(AttemptState state) const {
  return static_cast<std::size_t>(std::ranges::count(attempts_, state, &Attempt::state));
}

std::size_t Task::wanted(std::uint64_t now_ms) const {
  if (final(state_) || now_ms < retry_at_ms_) return 0;
  const auto there = static_cast<std::size_t>(std::ranges::count_if(
      attempts_, [](const Attempt& one) { return one.active() || one.state == AttemptState::answered; }));
  return replicas_ > there ? replicas_ - there : 0;
}

bool Task::may_believe() const {
  return !final(state_) && asked_quorum_ < asked_replicas_ && replicas_ == asked_replicas_ &&
         std::ranges::none_of(attempts_,
                              [](const Attempt& one) { return one.active() || one.state == AttemptState::answered; });
}

void Task::believe() {
  base::ensure(may_believe(), "one result can be enough only from the first node");
  replicas_ = quorum_ = 1;
}

void Task::doubt() {
  if (!believes()) return;
  replicas_ = asked_replicas_;
  quorum_ = asked_quorum_;
}

bool Task::compared() const {
  return result() != nullptr && std::ranges::count(attempts_, Verdict::right, &Attempt::verdict) > 1;
}

Apart Task::apart(Away away) const {
  Apart out;
  for (const Attempt& one : attempts_) {
    const bool counts = one.active() || one.state == AttemptState::answered;
    if (counts || away != Away::none) out.tried.insert(one.node);
    // Replicas are compared: nodes with one owner or in one address group are not independent.
    if (counts ? replicas_ == 1 : away != Away::sites) continue;
    out.groups.insert(one.group);
    // A node can name any owner, so a failed node must not keep the task from nodes of other address groups.
    if (counts) out.owners.insert(one.owner);
  }
  return out;
}

std::optional<std::uint64_t> Task::wake_ms() const {
  if (final(state_)) return std::nullopt;
  std::optional<std::uint64_t> out;
  if (state_ == State::queued) out = expires_ms_;
  if (retry_at_ms_ > 0) out = std::min(out.value_or(UINT64_MAX), retry_at_ms_);
  return out;
}

bool Task::place(std::uint64_t token, const Candidate& node, std::uint64_t now_ms) {
  if (wanted(now_ms) == 0 || (!attempts_.empty() && token <= attempts_.back().token)) return false;
  Attempt attempt{.token = token, .node = node.node, .owner = node.owner, .group = node.group};
  attempt.began_ms = now_ms;
  attempts_.push_back(std::move(attempt));
  retry_at_ms_ = 0;
  reason_.clear();
  return true;
}

bool Task::began(std::uint64_t token, std::uint64_t now_ms) {
  Attempt* const attempt = active(token);
  if (attempt == nullptr || attempt->state == AttemptState::running) return false;
  attempt->state = AttemptState::running;
  attempt->began_ms = now_ms;
  if (state_ == State::queued) state_ = State::running;
  return true;
}

bool Task::ended(std::uint64_t token, const Ended& how, std::uint64_t now_ms) {
  Attempt* const attempt = active(token);
  if (attempt == nullptr) return false;
  attempt->state = AttemptState::answered;
  attempt->ended_ms = now_ms;
  attempt->exit_status = how.exit_status;
  attempt->signal = how.signal;
  attempt->limit = how.limit;
  attempt->usage = how.usage;
  attempt->answer = how.answer;
  if (how.malicious) attempt->verdict = Verdict::malicious;
  if (!attempt->succeeded()) doubt();
  if (state_ == State::queued) state_ = State::running;
  decide(now_ms);
  return true;
}

bool Task::lost(std::uint64_t token, std::string why, std::uint64_t now_ms) {
  Attempt* const attempt = active(token);
  if (attempt == nullptr) return false;
  failed_attempt(*attempt, AttemptState::lost, std::move(why), now_ms);
  return true;
}

bool Task::spared(std::uint64_t token, std::string why, std::uint64_t now_ms) {
  Attempt* const attempt = active(token);
  if (attempt == nullptr) return false;
  // The placed attempts are those wanted at first, the retries, and the spared ones.
  const std::size_t placed = attempts_.size(), asked = std::size_t{asked_replicas_} + retried_;
  if (placed >= asked + kSparedMax) {
    failed_attempt(*attempt, AttemptState::lost, std::move(why), now_ms);
    return true;
  }
  end_attempt(*attempt, AttemptState::lost, std::move(why), now_ms);
  retry_at_ms_ = now_ms + std::min(kBackoffMs << std::min<std::size_t>(placed, 16), kBackoffMaxMs);
  return true;
}

bool Task::refused(std::uint64_t token, std::string why, std::uint64_t now_ms) {
  Attempt* const attempt = active(token);
  if (attempt == nullptr || attempt->state != AttemptState::starting) return false;
  failed_attempt(*attempt, AttemptState::refused, std::move(why), now_ms);
  return true;
}

bool Task::turned_away(std::uint64_t token, std::string why) {
  const Attempt* const attempt = active(token);
  if (attempt == nullptr || attempt->state != AttemptState::starting) return false;
  std::erase_if(attempts_, [&](const Attempt& one) { return one.token == token; });
  doubt();  // the next node may not be trusted
  waits_for(std::move(why));
  return true;
}

void Task::failed_attempt(Attempt& attempt, AttemptState how, std::string why, std::uint64_t now_ms) {
  end_attempt(attempt, how, std::move(why), now_ms);
  if (retried_ == retries_) return finish(State::failed, "every attempt was lost; the last: " + attempt.why, now_ms);
  const std::uint64_t wait = std::min(kBackoffMs << std::min<unsigned>(retried_, 16), kBackoffMaxMs);
  retry_at_ms_ = now_ms + wait;
  ++retried_;
}

void Task::end_attempt(Attempt& attempt, AttemptState how, std::string why, std::uint64_t now_ms) {
  attempt.state = how;
  attempt.ended_ms = now_ms;
  attempt.why = cut(std::move(why));
  doubt();
}

void Task::decide(std::uint64_t now_ms) {
  std::map<Answer, std::size_t> votes;
  for (const Attempt& one : attempts_)
    if (one.state == AttemptState::answered) ++votes[one.answer];
  const auto won = std::ranges::find_if(votes, [&](const auto& one) { return one.second >= quorum_; });
  if (won != votes.end()) {
    for (Attempt& one : attempts_) {
      if (one.state != AttemptState::answered) continue;
      if (one.answer == won->first && !result_) result_ = one.token;
      if (one.verdict == Verdict::open) one.verdict = one.answer == won->first ? Verdict::right : Verdict::wrong;
    }
    const Attempt& by = *result();
    if (by.succeeded()) return finish(State::done, "", now_ms);
    return finish(State::failed, failure_of(by), now_ms);
  }
  if (replicas_ > 1) state_ = State::verifying;
  if (count(AttemptState::answered) < replicas_) return;
  // All replicas have answered without a quorum: one more attempt is made.
  if (retried_ == retries_ || replicas_ == UINT8_MAX) return finish(State::failed, "no quorum", now_ms);
  ++retried_;
  ++replicas_;
}

bool Task::cancel(std::string why, std::uint64_t now_ms) {
  if (final(state_)) return false;
  finish(State::cancelled, std::move(why), now_ms);
  return true;
}

bool Task::tick(std::uint64_t now_ms) {
  expires_ms_ = std::min(expires_ms_, now_ms + queue_ms_);
  retry_at_ms_ = std::min(retry_at_ms_, now_ms + kBackoffMaxMs);
  if (final(state_)) return false;
  if (state_ != State::queued) {
    // An attempt that was only requested, or waits at a node, is not in progress.
    const bool idle =
        std::ranges::none_of(attempts_, [](const Attempt& one) { return one.state == AttemptState::running; });
    if (!idle) idle_since_ms_ = 0;
    else if (idle_since_ms_ == 0 || idle_since_ms_ > now_ms) idle_since_ms_ = now_ms;
    if (!idle || now_ms - idle_since_ms_ < queue_ms_) return false;
    const std::string why = replicas_ > 1 ? "no quorum" : "no other node began it in time";
    finish(State::failed, reason_.empty() ? why : why + ": " + reason_, now_ms);
    return true;
  }
  if (now_ms < expires_ms_) return false;
  const std::string waited = reason_.empty() ? "no node began it in time" : reason_;
  finish(State::expired, waited, now_ms);
  return true;
}

void Task::held(std::string why, std::uint64_t now_ms) {
  if (state_ != State::queued) return;
  expires_ms_ = now_ms + queue_ms_;
  waits_for(std::move(why));
}

void Task::waits_for(std::string why) {
  if (!final(state_)) reason_ = cut(std::move(why));
}

void Task::restarted(std::uint64_t now_ms) {
  for (std::size_t i = 0; i < attempts_.size() && !final(state_); ++i)
    if (attempts_[i].active())
      failed_attempt(attempts_[i], AttemptState::lost, "the node that coordinates it restarted", now_ms);
}

void Task::finish(State state, std::string reason, std::uint64_t now_ms) {
  state_ = state;
  reason_ = cut(std::move(reason));
  ended_ms_ = now_ms;
  retry_at_ms_ = 0;
  for (Attempt& one : attempts_) {
    if (!one.active()) continue;
    one.state = AttemptState::ended;
    one.ended_ms = now_ms;
  }
}

void Task::check() const {
  base::ensure(std::ranges::adjacent_find(attempts_, std::greater_equal<>(), &Attempt::token) == attempts_.end(),
               "the tokens of a task rise");
  base::ensure(!final(state_) || std::ranges::none_of(attempts_, &Attempt::active), "no attempt outlives its task");
  base::ensure((state_ == State::done) == (result() != nullptr && result()->succeeded() && final(state_)),
               "a task is done by an answer that succeeded");
  base::ensure(retried_ <= retries_, "a task has at most Order::retries retries");
}

base::Bytes Task::encode() const {
  base::Bytes out{kTaskVersion, static_cast<std::uint8_t>(state_), replicas_, retried_,
                  std::uint8_t{result_.has_value()}};
  base::append_number(out, result_.value_or(0));
  for (const std::uint64_t time : {submitted_ms_, ended_ms_, retry_at_ms_, idle_since_ms_, expires_ms_})
    base::append_number(out, time);
  append_text(out, reason_);
  out.push_back(static_cast<std::uint8_t>(attempts_.size()));
  for (const Attempt& one : attempts_) {
    base::append_number(out, one.token);
    base::append(out, one.node.view());
    base::append(out, one.owner.view());
    base::append(out, one.group.prefix);
    out.push_back(static_cast<std::uint8_t>(one.state));
    out.push_back(static_cast<std::uint8_t>(one.verdict));
    base::append_number(out, one.began_ms);
    base::append_number(out, one.ended_ms);
    append_text(out, one.why);
    append_small(out, one.exit_status);
    append_small(out, one.signal);
    append_small(out, one.limit);
    append(out, one.usage);
    base::append(out, one.answer.view());
  }
  return out;
}

std::optional<Task> Task::decode(const Order& order, base::ByteView bytes) {
  base::FieldReader from(bytes);
  if (from.number<std::uint8_t>() != kTaskVersion) return std::nullopt;
  Task out(order, 0);
  out.state_ = read_enum(from, State::expired);
  out.replicas_ = from.number<std::uint8_t>();
  out.retried_ = from.number<std::uint8_t>();
  const auto has_result = from.number<std::uint8_t>();
  const auto result = from.number<std::uint64_t>();
  if (has_result == 1) out.result_ = result;
  for (std::uint64_t* const time :
       {&out.submitted_ms_, &out.ended_ms_, &out.retry_at_ms_, &out.idle_since_ms_, &out.expires_ms_})
    *time = from.number<std::uint64_t>();
  out.reason_ = read_text(from, kWhyBytesMax);
  const std::size_t attempts = from.number<std::uint8_t>();
  if (attempts > kAttemptsMax) return std::nullopt;
  constexpr std::uint16_t kStatusMax = 255;
  for (std::size_t i = 0; i < attempts && from.ok(); ++i) {
    Attempt one;
    one.token = from.number<std::uint64_t>();
    one.node = from.fixed<base::NodeId>();
    one.owner = from.fixed<registry::Owner>();
    one.group.prefix = from.array<16>();
    one.state = read_enum(from, AttemptState::ended);
    one.verdict = read_enum(from, Verdict::malicious);
    one.began_ms = from.number<std::uint64_t>();
    one.ended_ms = from.number<std::uint64_t>();
    one.why = read_text(from, kWhyBytesMax);
    one.exit_status = read_small(from, kStatusMax);
    one.signal = read_small(from, kStatusMax);
    if (const auto limit = read_small(from, static_cast<std::uint16_t>(sandbox::Limit::output)))
      one.limit = static_cast<sandbox::Limit>(*limit);
    one.usage = read_usage(from);
    one.answer = from.fixed<Answer>();
    out.attempts_.push_back(std::move(one));
  }
  if (out.believes()) out.quorum_ = 1;
  const bool believes = out.replicas_ == 1 && out.asked_quorum_ < out.asked_replicas_;
  const bool exact =
      from.ended() && (out.replicas_ >= out.asked_replicas_ || believes) && has_result <= 1 &&
      (has_result == 1 || result == 0) && (!out.result_ || out.find(*out.result_) != nullptr) &&
      out.retried_ <= out.retries_ &&
      std::ranges::adjacent_find(out.attempts_, std::greater_equal<>(), &Attempt::token) == out.attempts_.end();
  return exact ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace troupe::task
