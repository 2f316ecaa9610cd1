#include "actors/task/attempt_actor.hpp"

#include <cerrno>
#include <csignal>

#include "actors/task/codec.hpp"
#include "actors/task/logic/loader.hpp"
#include "actors/task/logic/network.hpp"
#include "actors/task/logic/placement.hpp"
#include "messages/codec.hpp"
#include "messages/usage.hpp"
#include "runtime/base/address_group.hpp"
#include "runtime/ports/processes.hpp"

namespace troupe::task {
namespace {

using base::Code;
using base::Error;

constexpr std::uint64_t kTicket = 1;                    // an actor has one process
constexpr int kNotStarted = 126, kNoSuchProgram = 127;  // as env(1)

std::string inside(const std::string& path) { return "/task/" + path; }

}  // namespace

void AttemptActor::receive(runtime::Handlers& on) {
  on.stream<wire::StartAttempt, wire::AttemptItem>(
      [this](wire::StartAttempt::Reader, runtime::Sink<wire::AttemptItem> to) { begin(std::move(to)); });
  on.timer<Sign>([this] { sign(); });
  on.timer<Renew>([this] { renew(); });
  on.timer<LeaseEnds>([this] { lease_ends(); });
  on.describe<wire::AttemptState>([this](wire::AttemptState::Builder state) {
    const sandbox::Limits& limits = what_->order.limits;
    state.setToken(what_->token);
    state.setSubmitter(data_of(what_->submitter.view()));
    state.setRunning(process_ != nullptr);
    messages::write_usage(state.initUsage(), usage_);
    state.setCpu(limits.cpu.thousandths);
    state.setMemoryBytes(limits.memory_bytes);
    state.setDiskBytes(limits.disk_bytes);
    state.setTimeMs(base::milliseconds(limits.time));
  });
}

void AttemptActor::begin(runtime::Sink<wire::AttemptItem> to) {
  if (to_) return to.fail({Code::conflict, "this attempt has already begun"});
  begun_ = now();
  to_ = std::move(to);
  to_.on_ready([this] { pump(); });
  to_.on_cancel([this] {
    if (!world().mutations.on("task.attempt_stays")) given_up();
  });
  after<Sign>(sign_period(what_->lease));
  if (needs_lease()) renew();
  const Order& order = what_->order;
  inputs_[order.program];
  for (const task::Input& input : order.inputs) inputs_[input.content];
  for (auto& [cid, input] : inputs_) fetch(input, cid, Form::file);
  if (order.root) fetch(root_.emplace(), *order.root, Form::folder);
  if (order.standard_input) fetch_standard_input();
  else standard_input_.emplace();
  start_if_ready();
}

runtime::Subscription AttemptActor::use(const Cid& cid, Form form, std::function<void(wire::InputAt::Reader)> there) {
  return subscribe<wire::UseInput, wire::InputAt>(
      node().find(kInputsPath), base::Duration::max(),
      [&](wire::UseInput::Builder out) {
        out.setContent(data_of(cid.view()));
        out.setUnpacked(form == Form::folder);
        out.setAsBytes(form == Form::bytes);
        if (what_->submitter == settings_.self()) return;
        out.setSubmitter(data_of(what_->submitter.view()));
        out.setGroup(data_of(base::group_of(what_->coordinated_at).prefix));
      },
      std::move(there),
      [this](const base::Result<void, Error>& end) {
        lacks(end.ok() ? Error{Code::unavailable, "an input file is no longer kept"} : end.error());
      });
}

/// Fails, and tells the submitter if no node could provide an input, which is not this node's fault.
void AttemptActor::lacks(const Error& why) {
  const bool fetched_nowhere = why.code == Code::timeout || why.code == Code::not_found;
  if (fetched_nowhere && to_ && to_.ready()) to_.push([](wire::AttemptItem::Builder out) { out.setLacksInput(); });
  fail(why);
}

void AttemptActor::fetch(Input& input, const Cid& cid, Form form) {
  input.held = use(cid, form, [this, &input](wire::InputAt::Reader at) {
    input.path = text_of(at.getPath());
    start_if_ready();
  });
}

void AttemptActor::fetch_standard_input() {
  reading_input_ = use(*what_->order.standard_input, Form::bytes, [this](wire::InputAt::Reader at) {
    if (standard_input_ || !at.hasBytes()) return;  // a sign of life
    const auto bytes = bytes_of(at.getBytes());
    standard_input_.emplace(bytes.begin(), bytes.end());
    start_if_ready();
  });
}

void AttemptActor::start_if_ready() {
  if (process_ || !standard_input_ || (needs_lease() && !lease_.holds(now())) || too_late()) return;
  for (const auto& [cid, input] : inputs_)
    if (input.path.empty()) return;
  if (root_ && root_->path.empty()) return;
  process_ = world().processes.start(program(), self());
  standard_input_->clear();
  pump();
}

sandbox::Limits AttemptActor::limits_of(const Order& order, bool own) {
  sandbox::Limits out = order.limits;
  if (!own) out.cpu.thousandths = std::max(out.cpu.thousandths, kThousandthsOfOthersMin);
  return out;
}

bool AttemptActor::too_late() const { return what_->is_due_within(what_->order.limits.time + kHandInWithin, wall()); }

ports::ProcessStart AttemptActor::program() const {
  const Order& order = what_->order;
  ports::ProcessStart out;
  out.ticket = kTicket;
  out.input = *standard_input_;
  sandbox::Spec& spec = out.spec;
  spec.command.push_back(inside(std::string(kProgramName)));
  spec.command.insert(spec.command.end(), order.arguments.begin(), order.arguments.end());
  spec.environment = sandbox::default_environment();
  spec.outputs = order.outputs;
  spec.limits = limits_of(order, what_->submitter == settings_.self());
  spec.tripwires = settings_.tripwires ? sandbox::Tripwires::yes : sandbox::Tripwires::no;
  spec.group = settings_.group();
  spec.binds.push_back({inputs_.at(order.program).path, spec.command.front()});
  for (const task::Input& input : order.inputs)
    spec.binds.push_back({inputs_.at(input.content).path, inside(input.path)});
  for (const std::string& host : order.hosts)
    if (auto typed = base::HostPort::parse(host)) spec.hosts.push_back(std::move(*typed));
  out.reach = {.listed = addresses_of(settings_.network), .own = {settings_.endpoint()}};
  if (root_) spec.root = root_->path;
  else if (settings_.host_usr)
    for (const auto& [from, to] : kUsr) spec.binds.push_back({from, to});
  return out;
}

// -- its lease

bool AttemptActor::needs_lease() const { return !what_->order.hosts.empty() && what_->submitter != settings_.self(); }

void AttemptActor::renew() {
  if (end_ || !to_) return;  // its program has ended
  after<Renew>(lease_.period());
  const Order& order = what_->order;
  ask<wire::RenewAttempt, wire::AttemptRenewed>(
      settings_.links->remote(base::Contact{order.submitter, order.submitter_nonce, what_->coordinated_at},
                              kOrdersPath),
      now() + lease_.period(),
      [&](wire::RenewAttempt::Builder out) {
        out.setTask(data_of(id_of(order).view()));
        out.setToken(what_->token);
      },
      [this, asked = now()](const runtime::Answer<wire::AttemptRenewed>& answer) {
        if (!answer.ok()) return;  // asked again until it ends
        lease_.renewed(asked);
        after<LeaseEnds>(lease_.end() - now());
        start_if_ready();
      });
}

void AttemptActor::lease_ends() {
  if (end_ || !process_ || leaves_) return;
  if (lease_.holds(now())) return after<LeaseEnds>(lease_.end() - now());
  if (world().mutations.on("task.lease_outlived")) return;
  let_go({Code::unavailable, "its submitter did not renew the lease, so its program may not use the network"});
}

void AttemptActor::fail(const Error& why) {
  if (!to_) return;
  // For a submitter, a time-out means that this node is silent.
  if (why.code == Code::timeout) to_.fail({Code::unavailable, why.message, why.retry_after});
  else to_.fail(why);
  to_ = {};
  leave();
}

void AttemptActor::let_go(const Error& why) {
  if (process_) tell_answer({});
  fail(why);
}

// -- messages to its submitter

void AttemptActor::sign() {
  if (leaves_) return;
  after<Sign>(sign_period(what_->lease));
  if (!is_taken() && !world().mutations.on("task.attempt_stays"))
    return let_go({Code::unavailable, "its submitter reads its output too slowly"});
  if (now() >= taken_by_) return let_go({Code::unavailable, "its submitter took too long to read its output files"});
  if (lacks_lease()) return let_go({Code::unavailable, "its submitter granted no lease, so it cannot begin"});
  if (!process_ && too_late())
    return fail({Code::refused, "its inputs arrived so late that its escrow would no longer pay"});
  if (process_ && what_->is_due_within(kHandInWithin, wall())) answer_in_time();
  if (!to_.ready() || end_) return;  // an item that waits for credit is a sign of life itself
  to_.push([&](wire::AttemptItem::Builder out) {
    if (told_begin_) messages::write_usage(out.initUses(), usage_);
    else out.setWaits();
  });
}

/// The result is hashed as the submitter reads it, so a slow submitter gets the result of only a part.
void AttemptActor::answer_in_time() {
  if (end_ || std::exchange(time_is_up_, true)) return tell_answer({});
  process_->end(sandbox::Limit::time);
}

bool AttemptActor::is_taken() {
  const base::Duration bought = base::Duration(std::chrono::seconds(1)) * taken_ / kTakenPerSecond;
  taken_ = 0;
  if (to_.ready()) waited_ = {};
  else waited_ = std::max(waited_ + sign_period(what_->lease) - bought, base::Duration{});
  return waited_ < kTakenWithin;
}

base::Instant AttemptActor::taken_by() const {
  if (what_->submitter == settings_.self()) return base::Instant::max();
  std::uint64_t bytes = 0;
  for (const auto& file : end_->outputs) {
    const auto size = file->size();
    if (size.ok()) bytes += std::min(size.value(), left_bytes_ - bytes);
  }
  return now() + handed_within(bytes);
}

bool AttemptActor::lacks_lease() const {
  return !process_ && needs_lease() && !lease_.holds(now()) && now() >= begun_ + kTakenWithin;
}

void AttemptActor::process(ports::ProcessEvent&& event) {
  if (auto* const measured = std::get_if<ports::Measured>(&event)) {
    usage_ = measured->usage;
  } else if (auto* const printed = std::get_if<ports::Printed>(&event)) {
    if (leaves_ || (!to_.ready() && world().mutations.on("task.piece_dropped")))
      return process_->grant(printed->bytes.size());
    printed_.push_back(std::move(*printed));
    pump();
  } else {
    ended(std::move(std::get<ports::ProcessEnded>(event)));
  }
}

void AttemptActor::ended(ports::ProcessEnded&& end) {
  sandbox::Outcome& outcome = end.outcome;
  if (leaves_) return finish();
  if (outcome.how == sandbox::Ended::not_made || outcome.how == sandbox::Ended::spared) {
    process_.reset();
    if (outcome.how == sandbox::Ended::spared) return fail({Code::overloaded, outcome.why, kShortFor});
    return fail({Code::unavailable, outcome.why.empty() ? "the sandbox could not be made" : outcome.why});
  }
  if (outcome.how == sandbox::Ended::not_started) {
    outcome.how = sandbox::Ended::exited;
    outcome.status = outcome.status == ENOENT ? kNoSuchProgram : kNotStarted;
    const std::string text = "troupe: " + outcome.why + "\n";
    const auto bytes = base::as_bytes(text);
    printed_.push_back({kTicket, ports::Output::errors, {bytes.begin(), bytes.end()}});
  }
  if (!outcome.tripwire.empty() && what_->submitter != settings_.self())
    tell<wire::AttemptMalicious>(node().find(kPath), [&](wire::AttemptMalicious::Builder out) {
      out.setTask(data_of(id_of(what_->order).view()));
      out.setToken(what_->token);
      out.setSubmitter(data_of(what_->submitter.view()));
      out.setTripwire(outcome.tripwire);
    });
  if (time_is_up_ && (outcome.how == sandbox::Ended::exited || outcome.how == sandbox::Ended::signalled)) {
    // The program may have ended before, but its last output was dropped.
    outcome.how = sandbox::Ended::signalled;
    outcome.status = SIGKILL;
    outcome.limit = sandbox::Limit::time;
    outcome.outputs.clear();
    end.outputs.clear();
  }
  usage_ = outcome.usage;
  // Everything it wrote is in its memory; a longer file has holes.
  left_bytes_ = left_bytes_max(what_->order);
  end_ = std::move(end);
  taken_by_ = taken_by();
  pump();
}

void AttemptActor::pump() {
  if (process_ && !told_begin_ && to_.ready()) {
    told_begin_ = true;
    to_.push([](wire::AttemptItem::Builder out) { out.setBegan(); });
  }
  while (to_.ready() && !printed_.empty()) push_printed();
  if (!end_ || !printed_.empty()) return;
  while (to_.ready() && output_ < end_->outputs.size()) push_output();
  if (to_.ready() && output_ == end_->outputs.size()) push_end();
}

void AttemptActor::push_printed() {
  const ports::Printed one = std::move(printed_.front());
  printed_.pop_front();
  process_->grant(one.bytes.size());
  taken_ += one.bytes.size();
  if (what_->paid_by && one.stream == ports::Output::standard) {
    standard_.update(one.bytes);
    parts_.front().bytes += one.bytes.size();
  }
  to_.push([&](wire::AttemptItem::Builder out) {
    auto to = out.initPrinted();
    to.setStream(one.stream == ports::Output::standard ? wire::TaskStream::STANDARD : wire::TaskStream::ERRORS);
    to.setBytes(data_of(one.bytes));
  });
}

void AttemptActor::push_output() {
  const ports::File& file = *end_->outputs[output_];
  base::Bytes piece(kPieceBytes);
  const auto read = file.read(offset_, piece);
  // A file with holes may be longer than everything that the program may write.
  if (!read.ok() || read.value() > left_bytes_) {
    end_->outcome.how = sandbox::Ended::signalled;
    end_->outcome.status = 9;
    end_->outcome.limit = sandbox::Limit::disk;
    output_ = end_->outputs.size();
    return;
  }
  piece.resize(read.value());
  left_bytes_ -= piece.size();
  const bool first = offset_ == 0;
  const auto index = static_cast<std::uint16_t>(end_->outcome.outputs[output_]);
  offset_ += piece.size();
  if (piece.size() < kPieceBytes) ++output_, offset_ = 0;
  if (piece.empty() && !first) return;
  taken_ += piece.size();
  if (what_->paid_by) note_output(index, piece);
  to_.push([&](wire::AttemptItem::Builder out) {
    auto to = out.initOutput();
    to.setIndex(index);
    to.setBytes(data_of(piece));
  });
}

void AttemptActor::note_output(std::uint16_t index, base::ByteView piece) {
  if (parts_.back().output != index || parts_.size() == 1) {
    if (parts_.size() > 1) parts_.back().digest = last_.finish();
    parts_.push_back({.output = index});
  }
  last_.update(piece);
  parts_.back().bytes += piece.size();
}

void AttemptActor::tell_answer(const Ended& how) {
  if (!what_->paid_by || std::exchange(answered_, true)) return;
  if (parts_.size() > 1) parts_.back().digest = last_.finish();
  parts_.front().digest = standard_.finish();
  tell<wire::AttemptAnswered>(node().find(kPath), [&](wire::AttemptAnswered::Builder out) {
    out.setTask(data_of(id_of(what_->order).view()));
    out.setToken(what_->token);
    out.setAnswer(data_of(answer_of(how, parts_).view()));
  });
}

void AttemptActor::given_up() {
  if (process_) tell_answer({});
  to_ = {};
  leave();
}

/// Its program uses resources of the node until it has ended, and can make that take long.
void AttemptActor::leave() {
  if (!process_ || end_) return finish();
  leaves_ = true;
  process_->end(std::nullopt);
}

void AttemptActor::push_end() {
  std::optional<Ended> how;
  to_.push([&](wire::AttemptItem::Builder out) {
    auto ended = out.initEnded();
    write(ended, end_->outcome);
    how = task::read(ended.asReader());
  });
  if (how) tell_answer(*how);
  to_.end();
  to_ = {};
  finish();
}

}  // namespace troupe::task
