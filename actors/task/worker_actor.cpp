#include "actors/task/worker_actor.hpp"

#include <algorithm>

#include "actors/task/checks_actor.hpp"
#include "actors/task/inputs_actor.hpp"
#include "actors/task/logic/loader.hpp"
#include "actors/task/logic/network.hpp"
#include "actors/task/orders_actor.hpp"
#include "actors/task/warnings_actor.hpp"
#include "messages/codec.hpp"
#include "messages/reputation.capnp.h"
#include "runtime/actor/user.hpp"
#include "runtime/base/whole_units.hpp"

namespace troupe::task {
namespace {

using base::Code;
using base::Error;

constexpr std::uint64_t kProbeTicket = 1;
constexpr std::chrono::seconds kMaliceDue{30};
constexpr const char* kShort = "this node takes no tasks from other nodes now: its machine was just out of memory";

}  // namespace

Used WorkerActor::used_by(const One& one) {
  constexpr std::uint32_t kStreams = 3;  // its output, its errors, and what wakes the reader of both
  const Order& order = one.what->order;
  const sandbox::Limits limits = AttemptActor::limits_of(order, one.user.reserved);
  Used out{limits.cpu.thousandths,
           kStreams + static_cast<std::uint32_t>(order.outputs.size()) + static_cast<std::uint32_t>(order.hosts.size()),
           limits.pids, limits.memory_bytes};
  if (one.program_ended) out.slots = out.pids = 0;
  return out;
}

WorkerActor::WorkerActor(TaskSettings settings)
    : settings_(std::move(settings)),
      malice_(*this, settings_),
      earnings_(*this, settings_.identity, settings_.registry),
      orders_({kOrdersPerSecond, kOrdersPerSecond}, base::Instant{}),
      starts_(kStarts, base::Instant{}) {}

void WorkerActor::receive(runtime::Handlers& on) {
  on.stream<wire::RunAttempt, wire::AttemptItem>(
      [this](wire::RunAttempt::Reader request, runtime::Sink<wire::AttemptItem> to) { take(request, std::move(to)); });
  on.timer<Sign>([this] { sign(); });
  on.timer<Probe>([this] { probe(); });
  on.timer<Tell>([this] { tell_registry(); });
  earnings_.receive<RefreshPrice, HandAgain>(on);
  on.tell<wire::AttemptAnswered>([this](wire::AttemptAnswered::Reader told) {
    const auto task = TaskId::from(bytes_of(told.getTask()));
    const auto answer = Answer::from(bytes_of(told.getAnswer()));
    const auto owed = task ? owed_.find({*task, told.getToken()}) : owed_.end();
    if (owed == owed_.end() || !answer) return;
    earnings_.hand_in(owed->second.escrow, told.getToken(), *answer);
    owed_.erase(owed);
  });
  malice_.receive<MaliceAgain>(on);
  on.tell<wire::AttemptMalicious>([this](wire::AttemptMalicious::Reader told) { hear_malice(told); });
  on.tell<wire::WarnedOf>([this](wire::WarnedOf::Reader told) { hear_warnings(told); });
  on.describe<wire::WorkerState>([this](wire::WorkerState::Builder state) {
    state.setSlots(slots_);
    state.setUsed(own_.slots + others_.slots);
    state.setMemoryBytes(memory_);
    state.setMemoryUsed(memory_used());
    state.setRunning(size32(all_) - size32(waiting_));
    state.setWaiting(size32(waiting_));
    state.setClosed(closed_);
  });
}

void WorkerActor::start() {
  const auto has = world().hardware.has();
  slots_ = settings_.slots_of(has).thousandths;
  memory_ = settings_.memory_of(has);
  pids_ = TaskSettings::pids_of_others(has);
  spawn("inputs", [settings = settings_] { return std::make_unique<InputsActor>(settings); },
        {.kind = InputsActor::kName, .placement = ports::Placement::own_thread});
  spawn("orders", [settings = settings_] { return std::make_unique<OrdersActor>(settings); },
        {.kind = OrdersActor::kName});
  spawn("warnings", [settings = settings_] { return std::make_unique<WarningsActor>(settings); },
        {.kind = WarningsActor::kName});
  if (settings_.require_verified)
    spawn("checks", [settings = settings_] { return std::make_unique<ChecksActor>(settings); },
          {.kind = ChecksActor::kName, .placement = ports::Placement::own_thread});
  node().publish<wire::RunAttempt>(kPath, self());
  malice_.start();
  earnings_.on_book([this] { tell_registry(); });
  earnings_.refresh();
  after<Tell>(kTryAgain);
  if (slots_ == 0) {
    closed_ = "task.slots is 0";
    return;
  }
  closed_ = "it has just started";
  probe();
}

void WorkerActor::stop() {
  malice_.stop();
  for (auto& [id, one] : all_)
    if (one.waiting) one.waiting.fail({Code::unavailable, "the node is stopping"});
}

void WorkerActor::check() const {
  Used own, others;
  for (const auto& [id, one] : all_) {
    base::ensure(waiting_.contains(id) == !one.actor, "an attempt waits or runs");
    if (!one.actor) continue;
    (one.user.reserved ? own : others) += used_by(one);
  }
  base::ensure(own == own_ && others == others_, "the resources of running attempts are counted");
  base::ensure(std::max(own.slots, others.slots) <= slots_ && memory_used() <= memory_ &&
                   std::max(own.descriptors, others.descriptors) <= kDescriptorsMax,
               "no more runs than may");
}

// -- whether a sandbox can be made: a missing program fails only after its sandbox was made

void WorkerActor::probe() {
  ports::ProcessStart nothing;
  nothing.ticket = kProbeTicket;
  nothing.spec.command = {"/task/nothing"};
  nothing.spec.environment = sandbox::default_environment();
  nothing.spec.group = settings_.group();
  probing_ = world().processes.start(std::move(nothing), self());
}

void WorkerActor::process(ports::ProcessEvent&& event) {
  const auto* const ended = std::get_if<ports::ProcessEnded>(&event);
  if (ended == nullptr || !probing_) return;
  probing_.reset();
  const bool made = ended->outcome.how != sandbox::Ended::not_made;
  closed_ = made ? "" : "sandbox: " + ended->outcome.why;
  if (settings_.health != nullptr) {
    if (made) settings_.health->clear(kSandboxSource);
    else settings_.health->raise(kSandboxSource, observe::HealthState::degraded, closed_);
  }
  if (!made) after<Probe>(kTryAgain);
  tell_registry();
}

/// Called periodically, because the registry may have restarted.
void WorkerActor::tell_registry() {
  after<Tell>(kTryAgain);
  registry::Capabilities all;
  if (closed_.empty()) registry::put(all, {std::string(kTasksCapability), settings_.provider.told()});
  if (closed_.empty() && settings_.host_usr) registry::put(all, {std::string(kUsrCapability), registry::Flag{}});
  if (!settings_.network.empty()) registry::put(all, {std::string(kNetworkCapability), settings_.network});
  if (settings_.require_verified) registry::put(all, {std::string(registry::kChecksCapability), registry::Flag{}});
  if (!earnings_.book().empty()) registry::put(all, {std::string(kBookCapability), earnings_.book()});
  base::Bytes bytes;
  append(bytes, all);
  tell<registry::wire::MeasuredOf>(node().find(registry::kPath), [&](registry::wire::MeasuredOf::Builder out) {
    out.setDomain("task");
    out.setCapabilities(data_of(bytes));
  });
}

// -- requests

std::optional<Error> WorkerActor::refusal_of(const base::NodeId& submitter) const {
  if (!closed_.empty()) return Error{Code::refused, "this node takes no tasks now: " + closed_};
  if (submitter == settings_.self()) return std::nullopt;
  if (is_short())
    return Error{Code::overloaded, kShort, std::chrono::ceil<std::chrono::milliseconds>(short_until_ - now())};
  return malice_.refusal(submitter, wall());
}

std::optional<Error> WorkerActor::refusal(const AttemptActor::What& what) const {
  const Order& order = what.order;
  const bool checks = may_check(what.submitter) && is_check(order);
  if (const auto why = refusal_of(what.submitter); why && !checks) return why;
  if (AttemptActor::limits_of(order, what.submitter == settings_.self()).cpu.thousandths > slots_)
    return Error{Code::refused, "the task may use more cores than this node gives to tasks (task.slots)"};
  if (order.limits.memory_bytes > (what.submitter == settings_.self() ? memory_ : memory_of_others()))
    return Error{Code::refused, "the task may use more memory than this node gives to tasks (task.memory)"};
  for (const std::string& host : order.hosts)
    if (!grants(settings_.network, host))
      return Error{Code::refused, "this node does not let tasks connect to " + host + " (task.network)"};
  if (what.submitter == settings_.self()) return std::nullopt;
  if (order.limits.pids > pids_)
    return Error{
        Code::refused,
        "the task may have more processes than this node allows for other nodes' tasks, " + std::to_string(pids_) +
            " together: an eighth of what the machine has, or what its limit of open files (ulimit -n) allows"};
  return settings_.provider.refusal(order, what.submitter, wall());
}

/// Records the case in this node's own reputation records, and warns other nodes.
void WorkerActor::hear_malice(wire::AttemptMalicious::Reader told) {
  const auto submitter = base::NodeId::from(bytes_of(told.getSubmitter()));
  const auto task = TaskId::from(bytes_of(told.getTask()));
  if (!submitter || !task) return;
  malice_.note(*submitter, text_of(told.getTripwire()), Malice::Where::here, base::unix_milliseconds(wall()));
  ask<reputation::wire::Observe, reputation::wire::Reported>(
      node().find(settings_.reputation), now() + kMaliceDue,
      [&](reputation::wire::Observe::Builder out) {
        out.setNode(data_of(submitter->view()));
        out.setEvent("malicious_behavior");
        out.setRequest("malice " + task->hex() + ' ' + std::to_string(told.getToken()));
      },
      [](const runtime::Answer<reputation::wire::Reported>&) {
      });  // the reputation itself reports what it could not store
  const auto one = all_.find(*task);
  if (one == all_.end()) return;
  if (one->second.what->order_bytes.empty()) return;  // too large for a warning
  if (is_check(one->second.what->order)) return;      // other nodes would not believe it
  tell<wire::WarnOf>(node().find(kWarningsPath), [&](wire::WarnOf::Builder out) {
    out.setSubmitter(data_of(submitter->view()));
    out.setCall(told.getTripwire());
    out.setOrder(data_of(one->second.what->order_bytes));
  });
}

void WorkerActor::hear_warnings(wire::WarnedOf::Reader told) {
  const auto submitter = base::NodeId::from(bytes_of(told.getSubmitter()));
  if (!submitter || malice_.refusal(*submitter, wall())) return;
  settings_.log.warn("other nodes report malicious programs of a submitter: this node refuses its tasks",
                     {{"node", submitter->hex()}});
  malice_.note(*submitter, text_of(told.getCall()), Malice::Where::elsewhere, told.getUnixMs());
}

void WorkerActor::take(wire::RunAttempt::Reader request, runtime::Sink<wire::AttemptItem> to) {
  const base::Duration lease = std::chrono::milliseconds(request.getLeaseMs());
  sign_within(sign_period(lease));
  const runtime::Caller from = caller();
  const base::NodeId submitter = from.node.value_or(settings_.self());
  const User user = runtime::user_of(from);
  Asked asked{{{}, request.getToken(), submitter, escrow::TaskEscrowId::from(bytes_of(request.getEscrow()))},
              user,
              std::move(to)};
  asked.what.lease = lease;
  asked.what.coordinated_at = from.at.value_or(base::Endpoint{});
  // Verifying a signature costs as much as hundreds of these refusals.
  const auto why = refusal_of(submitter);
  if (why && !may_check(submitter)) return turn_away(asked, *why);
  if (from.node && orders_.take(user, now()))
    return turn_away(asked, {Code::overloaded, "too many orders to verify at this node", std::chrono::seconds(1)});
  auto order = read_order(bytes_of(request.getOrder()), settings_.work_bits);
  if (!order.ok()) return turn_away(asked, {Code::malformed, "invalid order: " + std::string(name(order.error()))});
  asked.what.order = std::move(order).value();
  if (crypto::node_id(asked.what.order.submitter, asked.what.order.submitter_nonce) != submitter)
    return turn_away(asked, {Code::refused, "another node signed the order, not the node that asks"});
  if (why && !is_check(asked.what.order)) return turn_away(asked, *why);
  if (!places_.fits(user, 1))
    return turn_away(asked, {Code::overloaded, "too many tasks wait at this node", std::chrono::seconds(10)});
  if (const auto bytes = bytes_of(request.getOrder()); from.node && bytes.size() <= kWarnedOrderBytesMax)
    asked.what.order_bytes.assign(bytes.begin(), bytes.end());
  if (asked.what.paid_by) {
    if (!look_ups_.fits(user, 1))
      return turn_away(asked, {Code::overloaded, "this node looks up too many escrows", std::chrono::seconds(10)});
    return look_up(std::make_shared<Asked>(std::move(asked)));
  }
  // A node pays itself nothing, and checks are free because they prove this node to other nodes.
  const bool free = !from.node || is_check(asked.what.order);
  const std::uint64_t wanted = free ? 0 : earnings_.wanted(asked.what.order);
  if (wanted > 0)
    return turn_away(asked, {Code::refused, "this node's price is " + std::to_string(wanted) +
                                                ", and no escrow holds it (task submit --max-price)"});
  admit(std::move(asked));
}

/// Checks that its price is in the escrow that it names. During that it holds a slot, and its submitter gets signs of
/// life.
void WorkerActor::look_up(std::shared_ptr<Asked> asked) {
  places_.hold(asked->user, 1);
  look_ups_.hold(asked->user, 1);
  looking_up_.push_back(asked);
  asked->to.on_cancel([asked = std::weak_ptr(asked)] {
    if (const auto it = asked.lock()) it->gone = true;
  });
  const AttemptActor::What& what = asked->what;
  earnings_.check(what.order, what.token, *what.paid_by, [this, asked](const base::Outcome<wallet::UnixMs>& due) {
    places_.release(asked->user, 1);
    look_ups_.release(asked->user, 1);
    std::erase_if(looking_up_, [&](const auto& one) { return one.expired() || one.lock() == asked; });
    if (!due.ok()) return turn_away(*asked, due.error());
    asked->engaged = true;
    asked->what.due = due.value();
    if (asked->gone) return turn_away(*asked, {Code::refused, "its submitter gave it up"});
    admit(std::move(*asked));
  });
}

void WorkerActor::turn_away(Asked& asked, const Error& why) {
  settings_.counters->turned_away.fetch_add(1, std::memory_order_relaxed);
  asked.to.fail(why);
  // An attempt that runs or has run does not resign.
  const bool known = asked.engaged && owed_.contains({id_of(asked.what.order), asked.what.token});
  if (asked.engaged && !known) earnings_.resign(*asked.what.paid_by, asked.what.token);
}

void WorkerActor::admit(Asked asked) {
  if (const auto why = refusal(asked.what)) return turn_away(asked, *why);
  const TaskId id = id_of(asked.what.order);
  const std::uint64_t token = asked.what.token;
  const auto known = tokens_.find(id);
  if (known != tokens_.end() && token <= known->second)
    return turn_away(asked, {Code::conflict, "this node has already run a later attempt of the task"});
  if (!places_.fits(asked.user, 1))
    return turn_away(asked, {Code::overloaded, "too many tasks wait at this node", std::chrono::seconds(10)});
  if (const auto there = all_.find(id); there != all_.end()) {
    if (there->second.actor) {
      there->second.relay.reset();  // ends its actor
      return turn_away(
          asked, {Code::overloaded, "an earlier attempt of the task is still ending here", std::chrono::seconds(1)});
    }
    forget(id);
  }
  if (asked.what.submitter != settings_.self())
    tell<wire::LookForWarnings>(node().find(kWarningsPath), [&](wire::LookForWarnings::Builder out) {
      out.setSubmitter(data_of(asked.what.submitter.view()));
    });
  tokens_.insert_or_assign(id, token);
  places_.hold(asked.user, 1);
  if (asked.what.paid_by) owed_.insert_or_assign({id, token}, Owed{*asked.what.paid_by});
  One& one = all_[id];
  one.what = std::make_shared<const AttemptActor::What>(std::move(asked.what));
  one.user = asked.user;
  one.came = now();
  one.waiting = std::move(asked.to);
  one.waiting.on_cancel([this, id] { give_up(id); });
  waiting_.insert(id);
  one.waiting.on_ready([this, id] { say_waits(id); });
  say_waits(id);
  begin_next();
}

/// Local tasks do not wait for cores of other nodes' tasks, which may hold them long; both share the machine.
bool WorkerActor::fits(const One& one) const {
  Used used = used_by_its_like(one);
  used.memory = memory_used();
  return used.fits(used_by(one), most(one.user.reserved));
}

Used WorkerActor::most(bool own) const {
  return {slots_, kDescriptorsMax, own ? UINT32_MAX : pids_, own ? memory_ : memory_of_others()};
}

Line::Running WorkerActor::running(const One& one, base::Instant began) {
  return {began + one.what->order.limits.time + kBeginMargin, used_by(one)};
}

Line WorkerActor::line_behind(const One& head) const {
  std::vector<Line::Running> all;
  for (const auto& [id, one] : all_) {
    if (!one.actor) continue;
    all.push_back(running(one, one.began));
    if (one.user.reserved) all.back().used = {.memory = all.back().used.memory};
  }
  Used used = others_;
  used.memory = memory_used();
  return {used, most(false), used_by(head), std::move(all), now()};
}

std::optional<TaskId> WorkerActor::next(bool own, const std::optional<Line>& line) const {
  std::optional<TaskId> best;
  std::tuple<bool, std::int64_t, base::Duration>
      rank{};  // local tasks come first, because other nodes choose their priority
  for (const TaskId& id : waiting_) {
    const One& one = all_.at(id);
    if ((one.user.reserved ? !own || line : is_short()) || now() < one.begins_at) continue;
    const base::Duration waited = now() - one.came;
    const std::tuple mine{one.user.reserved, std::int64_t{one.what->order.priority} + waited / kAging, waited};
    if (best && mine <= rank) continue;
    if (line && !(fits(one) && line->lets_pass(running(one, now())))) continue;
    best = id;
    rank = mine;
  }
  return best;
}

bool WorkerActor::too_late(const One& one) const {
  return one.what->is_due_within(one.what->order.limits.time + Earnings::kDueMargin, wall());
}

/// Begins attempts in order, and also those that do not delay the first of another node that does not fit. So small
/// attempts cannot pass a large one forever, and cores are not idle. If local tasks wait for their own cores, other
/// nodes' attempts still begin.
void WorkerActor::begin_next() {
  bool own = true;
  std::size_t put_off = 0;
  std::optional<Line> line;
  while (const auto id = next(own, line)) {
    One& one = all_.at(*id);
    if (too_late(one)) {
      one.waiting.fail({Code::refused, "it has waited so long that its escrow would no longer pay"});
      return forget(*id);  // begins the next
    }
    if (fits(one)) {
      // Starts are limited: an attempt given up right after its begin costs a sandbox, and then holds no quota.
      if (const auto wait = wait_to_begin(one.user)) {
        one.begins_at = now() + std::max<base::Duration>(*wait, kPutOff);
        if (++put_off == kPutOffMax) return;
        continue;
      }
      if (line) line->passed(running(one, now()));
      begin(*id);
    } else if (!one.user.reserved) {
      line.emplace(line_behind(one));
    } else if (one.what->order.limits.memory_bytes <= memory_ - memory_used()) {
      own = false;
    } else {
      return;
    }
  }
}

std::optional<base::Duration> WorkerActor::wait_to_begin(const User& user) {
  if (user.reserved) return std::nullopt;
  return starts_.take(user, now());
}

void WorkerActor::begin(const TaskId& id) {
  One& one = all_.at(id);
  waiting_.erase(id);
  one.began = now();
  used_by_its_like(one) += used_by(one);
  one.actor = spawn(id.hex(),
                    [settings = settings_, what = one.what] { return std::make_unique<AttemptActor>(settings, what); },
                    {.kind = AttemptActor::kName, .on_failure = runtime::logic::OnFailure::stop});
  watch(one.actor);
  one.relay = std::make_unique<runtime::OutputRelay<wire::AttemptItem>>(std::move(one.waiting));
  auto* const relay = one.relay.get();
  // Without a time-out: the stream is silent while its reader is slow, and the end of an attempt is reported anyway.
  relay->from(subscribe_raw<wire::StartAttempt>(
      one.actor, base::Duration::max(), [](wire::StartAttempt::Builder) {},
      [this, id, relay](const runtime::Envelope& item) {
        relay->item(item);
        const auto at = all_.find(id);
        if (at == all_.end() || at->second.relay.get() != relay || at->second.program_ended) return;
        runtime::Envelope::Reading<wire::AttemptItem> reading(item);
        const auto what = reading.root();
        at->second.lacks_input = what.isLacksInput();
        at->second.program_runs = at->second.program_runs || !(what.isWaits() || what.isLacksInput());
        if (what.isOutput() || what.isEnded()) note_end(at->second);
      },
      [this, id, relay](const base::Result<void, Error>& end) {
        relay->ended(end);
        const auto at = all_.find(id);
        const bool known = at != all_.end() && at->second.relay.get() == relay;
        const bool ran = known && at->second.program_runs, lacks = known && at->second.lacks_input;
        // Before the start the error comes from an input, which an untrusted node can cause.
        if (ran && !end.ok() && end.error().code == Code::overloaded) run_short(end.error());
        // Perhaps no sandbox can be made any longer.
        if (!end.ok() && end.error().code == Code::unavailable && !lacks && !probing_) probe();
      },
      kUntaken));
  settings_.counters->attempts.fetch_add(1, std::memory_order_relaxed);
  count();
}

/// Sends the waiting attempts of other nodes elsewhere.
void WorkerActor::run_short(const Error& why) {
  if (!is_short())
    settings_.log.warn(
        "tasks were ended because this machine is out of memory: it takes no tasks from other nodes for now");
  short_until_ = now() + why.retry_after;
  std::vector<TaskId> others;
  for (const TaskId& id : waiting_)
    if (!all_.at(id).user.reserved) others.push_back(id);
  for (const TaskId& id : others) {
    all_.at(id).waiting.fail({Code::overloaded, kShort, why.retry_after});
    forget(id);
  }
}

/// Frees the cores of an ended program: its submitter may take long to read its outputs.
void WorkerActor::note_end(One& one) {
  used_by_its_like(one) -= used_by(one);
  one.program_ended = true;
  used_by_its_like(one) += used_by(one);
  begin_next();
}

// -- ends

void WorkerActor::give_up(const TaskId& id) {
  const auto at = all_.find(id);
  if (at != all_.end() && waiting_.contains(id)) forget(id);
}

void WorkerActor::down(const runtime::Handle& ended, const std::optional<Error>&) {
  const auto at = std::ranges::find(all_, ended, [](const auto& one) { return one.second.actor; });
  if (at == all_.end()) return;
  const TaskId id = at->first;
  if (auto& relay = at->second.relay; relay && !relay->over()) {
    places_.hold(at->second.user, 1);
    draining_.push_back({at->second.user, std::move(relay), now() + kDrainMax});
  }
  forget(id);
}

void WorkerActor::sweep() {
  std::erase_if(draining_, [this](const Draining& one) {
    const bool ends = one.relay->over() || now() >= one.until;
    if (ends) places_.release(one.user, 1);
    return ends;
  });
}

void WorkerActor::forget(const TaskId& id) {
  const auto at = all_.find(id);
  One& one = at->second;
  places_.release(one.user, 1);
  if (one.actor && !world().mutations.on("task.slots_kept")) used_by_its_like(one) -= used_by(one);
  if (const auto owed = owed_.find({id, one.what->token}); owed != owed_.end()) owed->second.ended = now();
  waiting_.erase(id);
  all_.erase(at);
  ended_.push_back(id);
  if (ended_.size() > kTokensMax) {
    if (!all_.contains(ended_.front())) tokens_.erase(ended_.front());
    ended_.pop_front();
  }
  count();
  begin_next();
}

void WorkerActor::sign_within(base::Duration period) {
  if (signs_ && *signs_ <= period) return;
  signs_ = period;
  after<Sign>(period);
}

void WorkerActor::sign() {
  signs_.reset();
  base::Duration next = kSign;
  for (const TaskId& id : waiting_) {
    next = std::min(next, sign_period(all_.at(id).what->lease));
    say_waits(id);
  }
  for (const auto& one : looking_up_) {
    const auto asked = one.lock();
    if (!asked) continue;
    next = std::min(next, sign_period(asked->what.lease));
    if (asked->to.ready()) asked->to.push([](wire::AttemptItem::Builder out) { out.setWaits(); });
  }
  sweep();
  if (!waiting_.empty()) begin_next();  // running attempts may be overdue now
  std::erase_if(owed_, [this](const auto& one) {
    const bool nothing_comes = one.second.ended != base::Instant{} && now() >= one.second.ended + kSign;
    if (nothing_comes) earnings_.resign(one.second.escrow, one.first.second);
    return nothing_comes;
  });
  if (!all_.empty() || !looking_up_.empty() || !draining_.empty() || !owed_.empty()) sign_within(next);
}

void WorkerActor::say_waits(const TaskId& id) {
  const auto at = all_.find(id);
  if (at == all_.end() || !at->second.waiting.ready()) return;
  at->second.waiting.push([](wire::AttemptItem::Builder out) { out.setWaits(); });
}

void WorkerActor::count() {
  settings_.counters->running.store(all_.size() - waiting_.size(), std::memory_order_relaxed);
}

}  // namespace troupe::task
