#include "actors/raft/group_actor.hpp"

#include <algorithm>

#include "actors/raft/kv_service.hpp"
#include "actors/raft/replicator_actor.hpp"
#include "actors/raft/wire.hpp"
#include "messages/runtime.capnp.h"
#include "runtime/actor/used_elsewhere.hpp"

namespace troupe::raft {
namespace {

using base::Code;
using base::Error;

constexpr std::chrono::hours kDiskDue{24};  // waits for a device; stall_max decides when leadership is handed over
constexpr std::chrono::seconds kLookUpDue{5};
constexpr std::size_t kWriteBytesMax = std::size_t{3} << 20;

Error no_quorum() { return {Code::unavailable, "the group has no leader now: nothing was written"}; }
Error lost() { return {Code::unavailable, "the leader changed before it was written: nothing was written"}; }
Error unknown() { return {Code::unknown_outcome, "no response in time: the command may or may not have been written"}; }

}  // namespace

bool is_group_name(std::string_view name) {
  if (name == kLogName || name == kSnapshotsName) return false;
  return !name.empty() && name.size() <= kGroupNameMax && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

GroupActor::GroupActor(Setup setup)
    : setup_(std::move(setup)),
      machine_(settings().machine ? settings().machine(*this, *this, setup_.name)
                                  : std::make_unique<KvService>(*this, *this, setup_.settings, setup_.name)) {}
GroupActor::~GroupActor() = default;

void GroupActor::receive(runtime::Handlers& on) {
  on.tell<wire::Talk>([this](wire::Talk::Reader talk) { take(talk); });
  on.tell<wire::StateHashes>([this](wire::StateHashes::Reader told) { take(told); });
  on.ask<wire::FetchSnapshot, wire::SnapshotBytes>(
      [this](auto ask, auto reply) { serve_snapshot(ask, std::move(reply)); });
  on.ask<wire::GetGroup, wire::GroupStatus>([this](auto question, auto reply) {
    if (!may_command(settings(), *this, caller()))
      return reply.refuse({Code::refused, "only members and nodes in raft.clients may request a group's status"});
    if (!question.getLetSleep()) stir();
    reply.send([this](wire::GroupStatus::Builder out) { describe(out); });
  });
  on.ask<wire::ChangeMember, messages::wire::Nothing>([this](auto ask, auto reply) { change(ask, std::move(reply)); });
  on.ask<wire::TakeSnapshot, messages::wire::Nothing>([this](auto, auto reply) { begin_snapshot(std::move(reply)); });
  on.ask<wire::ReplaceMember, messages::wire::Nothing>(
      [this](auto ask, auto reply) { replace(ask, std::move(reply)); });
  on.tell<wire::MembersBehind>([this](wire::MembersBehind::Reader told) { take(told); });
  on.ask<wire::AskMembership, wire::Membership>(
      [this](auto ask, auto reply) { answer_membership(ask, std::move(reply)); });
  on.ask<wire::RecoverGroup, wire::Recovery>([this](auto ask, auto reply) { recover(ask, std::move(reply)); });
  on.stream<wire::FollowGroup, wire::GroupRole>([this](auto, auto sink) { follow(std::move(sink)); });
  on.timer<AskIn>([this] { ask_in(); });
  on.timer<TellLoss>([this] { tell_loss(); });
  on.timer<CompareHashes>([this] { compare_hashes(); });
  on.timer<Pump>([this] { pump(); });
  on.timer<Tick>([this] { pump(); });
  on.timer<Sweep>([this] { sweep(); });
  on.timer<Open>([this] { open(); });
  on.timer<FetchOn>([this] { fetch_next(); });
  on.timer<Tend>([this] { pump(); });
  on.describe<wire::GroupStatus>([this](wire::GroupStatus::Builder out) { describe(out); });
  machine_->receive(on);
}

void GroupActor::start() {
  log_ = node().find(std::string(kPath) + "/log");
  snapshots_ = node().find(std::string(kPath) + "/snapshots");
  runtime::Service service{self(), machine_->kinds()};
  for (const auto* kind : {&messages::kind_of<wire::Talk>(), &messages::kind_of<wire::StateHashes>(),
                           &messages::kind_of<wire::FetchSnapshot>(), &messages::kind_of<wire::GetGroup>(),
                           &messages::kind_of<wire::ChangeMember>(), &messages::kind_of<wire::TakeSnapshot>(),
                           &messages::kind_of<wire::ReplaceMember>(), &messages::kind_of<wire::RecoverGroup>(),
                           &messages::kind_of<wire::MembersBehind>(), &messages::kind_of<wire::AskMembership>()})
    service.kinds.push_back(kind);
  node().publish(path(), std::move(service));
  open();
}

void GroupActor::stop() {
  for (auto& [index, waiting] : std::exchange(waiting_, {})) waiting.submission->done(unknown());
  if (!complaint_.empty()) settings().health->clear("raft.group." + setup_.name);
  settings().counters->each.forget(setup_.name);
}

void GroupActor::down(const runtime::Handle& ended, const std::optional<Error>&) {
  for (auto& [member, line] : lines_)
    if (line.down(ended) && raft_ && raft_->known_leader() == member) stir();
}

// -- messages from other members --------------------------------------------------------------------------------------

void GroupActor::take(wire::Talk::Reader talk) {
  if (!raft_) return;
  // Two processes with one identity could vote and acknowledge twice, so both stay silent.
  if (runtime::used_elsewhere(settings().links->own_id_met(), now())) return;
  const auto message = raft::read(talk);
  Counters& counters = *settings().counters;
  ++counters.messages_taken;
  if (!comes_from(message ? &message->from : nullptr)) return;
  if (const auto taken = raft_->receive(*message, now()); !taken.ok()) {
    ++counters.messages_rejected;
    if (taken.error() == Rejected::conflicts_with_committed) contradicted(message->from);
  }
  pump_soon();
}

/// Counts and refuses a message unless it comes from the member that it names. Looks up a sender that may be a member.
bool GroupActor::comes_from(const MemberId* from) {
  const bool named = from != nullptr && caller().node == from->node;
  if (named && trusts(*from)) return true;
  ++settings().counters->messages_rejected;
  if (named) look_up();
  else refuse({Code::malformed, "the message is malformed or its sender is not the member that it names"});
  return false;
}

/// Returns the members at the time when this member was added, until it is in its own configuration. Its first snapshot
/// may be older than its leader's membership.
const Configuration* GroupActor::told_members() const {
  const bool joins = raft_ && setup_.known && !raft_->log().configuration().find(setup_.self);
  return joins ? &*setup_.known : nullptr;
}

bool GroupActor::trusts(const MemberId& member) {
  if (raft_->log().configuration().find(member) || vouched_for_.contains(member)) return true;
  // Members that it learnt of later are not used, because a removed member must not stay trusted forever.
  const Configuration* told = told_members();
  return told && told->find(member);
}

/// A leader may have been added while this member was away. It asks a member that it knows for all members, so it does
/// not matter which unknown node triggered the request.
void GroupActor::look_up() {
  if (now() < look_up_at_) return;
  look_up_at_ = now() + kLookUpPeriod;
  std::set<MemberId> members;
  for (const Configuration* some : {&raft_->log().configuration(), told_members()})
    if (some)
      for (const auto& [member, seat] : some->seats) members.insert(member);
  std::erase_if(members, [this](const MemberId& member) { return member.node == setup_.self.node; });
  if (members.empty()) return;
  const std::vector<MemberId> known(members.begin(), members.end());
  const runtime::Handle to = handle_to(known[looked_up_++ % known.size()]);
  if (!to) return;
  ask<wire::GetGroup, wire::GroupStatus>(
      to, now() + kLookUpDue, [](wire::GetGroup::Builder out) { out.setLetSleep(true); },
      [this, run = run_](runtime::Answer<wire::GroupStatus> answer) {
        if (run != run_ || !answer.ok() || answer.value().getMembers().size() > kMembersMax) return;
        if (vouched_for_.size() >= kMembersMax) vouched_for_.clear();
        for (const auto row : answer.value().getMembers()) {
          const auto member = raft::read(row.getMember());
          if (!member || trusts(*member)) continue;
          world().mutations.sometimes("raft: a member that was not known was vouched for");
          vouched_for_.insert(*member);
        }
      });
}

Line* GroupActor::line_to(const MemberId& member) {
  const Seat* seat = raft_ ? raft_->log().configuration().find(member) : nullptr;
  if (const Configuration* told = told_members(); told && !seat) seat = told->find(member);
  const base::Endpoint at = seat ? seat->address : base::Endpoint{};
  const auto found = lines_.find(member);
  if (found != lines_.end() && (found->second.at() == at || !seat)) return &found->second;
  if (found == lines_.end() && lines_.size() >= 2 * kMembersMax) lines_.clear();
  return &lines_.insert_or_assign(member, Line(settings().links, member, at, path_here())).first->second;
}

runtime::Handle GroupActor::handle_to(const MemberId& member) {
  if (member.node == setup_.self.node) return {};
  bool fresh = false;
  const runtime::Handle out = line_to(member)->handle(now(), fresh);
  if (fresh) watch(out);
  return out;
}

runtime::Handle GroupActor::leader() {
  if (!raft_ || leads()) return {};
  const auto known = raft_->known_leader();
  if (!known) return {};
  const runtime::Handle out = handle_to(*known);
  // Without a link a command may be lost and its outcome unknown, so it waits.
  return settings().links->linked(known->node) ? out : runtime::Handle{};
}

bool GroupActor::has(const base::NodeId& node) const {
  if (!raft_) return false;
  const auto& seats = raft_->log().configuration().seats;
  return std::ranges::any_of(seats, [&](const auto& one) { return one.first.node == node; });
}

void GroupActor::say_directly(const Message& message) {
  const runtime::Handle to = handle_to(message.to);
  if (!to) return;
  ++settings().counters->messages_sent;
  tell<wire::Talk>(to, [&](wire::Talk::Builder out) { write(out, message); });
}

void GroupActor::say_through(const runtime::Handle& replicator, const Message& message) {
  ++settings().counters->messages_sent;
  tell<wire::Talk>(replicator, [&](wire::Talk::Builder out) { write(out, message); });
}

// -- the core --------------------------------------------------------------------------------------------------------

void GroupActor::pump_soon() { after<Pump>(base::Duration::zero()); }

void GroupActor::stir() {
  if (raft_ && raft_->stir(now())) pump_soon();
}

void GroupActor::pump() {
  if (!raft_) return;
  raft_->short_of_room(*settings().short_of_room);
  raft_->tick(now());
  const std::uint64_t run = run_;
  for (int rounds = 0; rounds < 64; ++rounds) {
    ask_reads();
    Output out = raft_->take(now());
    const bool more = out.save || !out.messages.empty() || !out.apply.empty() || !out.reads.empty() ||
                      !out.reads_failed.empty() || !out.loads.empty() || out.fetch || !out.events.empty();
    if (!more) break;
    perform(out);
    if (run != run_ || !raft_) return;
  }
  resubmit();
  snapshot_if_due();
  look_at_changes();
  tell_role();
  judge();
  arm();
}

void GroupActor::arm() {
  if (!raft_) return;
  const base::Instant wake = raft_->wake_at();
  after<Tick>(wake > now() ? wake - now() : base::Duration::zero());
  const base::Instant tend = machine_->tend();
  if (tend != base::Instant::max()) after<Tend>(std::max<base::Duration>(tend - now(), std::chrono::milliseconds(1)));
}

void GroupActor::perform(Output& out) {
  if (out.save) save(*out.save);
  change_role();
  if (raft_->log().configuration_index() != configuration_index_) {
    configuration_index_ = raft_->log().configuration_index();
    vouched_for_.clear();
    role_->members_changed();
    tell_members();
  }
  for (const Event& event : out.events) note(event);
  for (const Message& message : out.messages) role_->say(message);
  for (const Load& one : out.loads) load(one);
  apply(out.apply);
  for (const ReadyState& one : out.reads) {
    const auto found = reads_asked_.find(one.id);
    if (found == reads_asked_.end()) continue;
    reads_ready_.emplace(one.index, std::move(found->second));
    reads_asked_.erase(found);
  }
  for (const ReadId& id : out.reads_failed) {
    const auto found = reads_asked_.find(id);
    if (found == reads_asked_.end()) continue;
    for (ReadWaiting& read : found->second) reads_.push_back(std::move(read));
    reads_asked_.erase(found);
  }
  while (!reads_ready_.empty() && reads_ready_.begin()->first <= applied_) {
    auto reads = std::move(reads_ready_.begin()->second);
    reads_ready_.erase(reads_ready_.begin());
    for (ReadWaiting& read : reads) read.ready({});
  }
  if (out.fetch) fetch(*out.fetch);
}

void GroupActor::change_role() {
  const Role role = raft_->role();
  if (role_ && role_->name() == name(role)) return;
  Counters& counters = *settings().counters;
  if (role_) {
    if (role_->name() == name(Role::leader)) --counters.leading;
    role_->end();
  }
  if (role == Role::leader) ++counters.leading, ++counters.leads_won;
  if (role == Role::candidate) ++counters.elections;
  if (role == Role::leader && (taking_ || fetching_ || installing_))
    world().mutations.sometimes("raft: the leader changed during a snapshot");
  role_ = behaviour_of(role, *this);
  role_->begin();
}

void GroupActor::follow(runtime::Sink<wire::GroupRole> sink) {
  Follower& one = followers_.emplace_back(Follower{std::move(sink)});
  one.sink.on_ready([this] { tell_role(); });
  one.sink.on_cancel([&one] { one.over = true; });
  tell_role();
}

void GroupActor::tell_role() {
  followers_.remove_if([](const Follower& one) { return one.over; });
  if (followers_.empty()) return;
  Told told;
  if (raft_) {
    const auto leader = raft_->known_leader();
    told = {leads(), raft_->term(), leader ? std::optional(leader->node) : std::nullopt, configuration_index_};
  }
  for (Follower& one : followers_) {
    if (one.told == told || !one.sink.ready()) continue;
    one.told = told;
    one.sink.push([&](wire::GroupRole::Builder out) {
      out.setLeads(told.leads);
      out.setTerm(told.term.value);
      if (told.leader) out.setLeader(data_of(told.leader->view()));
      if (!raft_) return;
      const auto& seats = raft_->log().configuration().seats;
      auto members = out.initMembers(size32(seats));
      unsigned i = 0;
      for (const auto& [member, seat] : seats) members.set(i++, data_of(member.node.view()));
    });
  }
}

void GroupActor::note(const Event& event) {
  const auto& log = settings().log;
  const auto member = event.member.node.hex().substr(0, 8);
  switch (event.what) {
    case Event::What::role:
      log.info("a member changes its role",
               {{"group", setup_.name}, {"role", name(raft_->role())}, {"term", raft_->term().value}});
      break;
    case Event::What::configuration: log.info("the members have changed", {{"group", setup_.name}}); break;
    case Event::What::recovering:
      log.warn("a follower has lost entries that it acknowledged", {{"group", setup_.name}, {"node", member}});
      break;
    case Event::What::disk_stalled:
      ++settings().counters->stalls;
      log.warn("this disk does not respond: leadership goes to another member",
               {{"group", setup_.name}, {"node", member}});
      break;
    case Event::What::clock_drifts:
      ++settings().counters->drifts;
      log.warn("a member's clock drifts: reads now ask a quorum", {{"group", setup_.name}, {"node", member}});
      break;
    case Event::What::removed:
      log.info("this member was removed", {{"group", setup_.name}});
      raft_->removed(now());
      break;
    case Event::What::quorum_lost: log.warn("a quorum does not respond", {{"group", setup_.name}}); break;
  }
}

void GroupActor::save(const Save& save) {
  std::size_t at = 0;
  bool first = true;
  do {
    std::size_t bytes = 0;
    std::vector<Entry> part;
    const Index begins = at < save.entries.size() ? save.entries[at].index : Index{};
    while (at < save.entries.size() && part.size() < kAppendEntriesMax &&
           (part.empty() || bytes + save.entries[at].bytes() <= kWriteBytesMax)) {
      bytes += save.entries[at].bytes();
      part.push_back(save.entries[at++]);
    }
    const bool last = at == save.entries.size();
    ask<wire::WriteLog, messages::wire::Nothing>(
        log_, now() + kDiskDue,
        [&](wire::WriteLog::Builder out) {
          out.setIncarnation(setup_.self.incarnation);
          if (first) {
            out.setRestarts(save.restart.has_value());
            out.setHasState(save.state.has_value());
            if (save.state) write(out.initState(), *save.state);
          }
          out.setFirst(begins.value);
          write(out.initEntries(size32(part)), part);
        },
        [this, run = run_, id = save.id, last](const runtime::Answer<messages::wire::Nothing>& answer) {
          if (failed(run, answer) || !last) return;
          raft_->saved(id, now());
          pump_soon();
        });
    first = false;
  } while (at < save.entries.size());
}

void GroupActor::load(const Load& load) {
  ask<wire::ReadLog, wire::LogEntries>(
      log_, now() + kDiskDue,
      [&](wire::ReadLog::Builder out) {
        out.setIncarnation(setup_.self.incarnation);
        out.setFrom(load.from.value);
        out.setTo(load.to.value);
        out.setBytesMax(static_cast<std::uint32_t>(load.bytes_max));
      },
      [this, run = run_, load](runtime::Answer<wire::LogEntries> answer) {
        if (failed(run, answer)) return;
        auto entries = read_entries(answer.value().getEntries(), Index{answer.value().getFirst()});
        raft_->loaded(load.member, load.from, entries ? std::move(*entries) : std::vector<Entry>{}, now());
        pump_soon();
      });
}

void GroupActor::apply(const std::vector<Entry>& entries) {
  for (const Entry& entry : entries) {
    if (entry.kind == EntryKind::command) machine_->apply(entry);
    else machine_->skip(entry);
    applied_ = entry.index;
    applied_bytes_ += entry.bytes();
    ++settings().counters->applied;
    note_hash();
    const auto found = waiting_.find(entry.index);
    if (found == waiting_.end()) continue;
    Waiting waiting = std::move(found->second);
    waiting_.erase(found);
    if (waiting.term == entry.term) waiting.submission->done({});
    else waiting.submission->done(lost());
  }
  if (entries.empty()) return;
  contradicted_.reset();
  raft_->applied(applied_);
  answer_hashes();
}

// -- commands and reads ----------------------------------------------------------------------------------------------

void GroupActor::submit(std::shared_ptr<Submission> submission) {
  if (recovering_ && only_member())
    return submission->done(Error{Code::corrupt, "group " + setup_.name + ": " + why_not_});
  if (recovering_) return submission->done(Error{Code::unavailable, "this member is recovering: " + why_not_});
  if (!role_) return park(std::move(submission));
  if (raft_->is_removed()) return submission->done(Error{Code::refused, left_out()});
  stir();
  role_->submit(std::move(submission));
}

void GroupActor::park(std::shared_ptr<Submission> submission) {
  parked_bytes_ += submission->bytes;
  if (parked_.size() >= kParkedMax || parked_bytes_ > kParkedBytesMax) {
    parked_bytes_ -= submission->bytes;
    return submission->done(Error{Code::overloaded, "too many commands wait for a leader"});
  }
  parked_.push_back(std::move(submission));
  if (!std::exchange(sweeping_, true)) after<Sweep>(kSweepPeriod);
}

void GroupActor::propose(std::shared_ptr<Submission> submission) {
  if (!submission->frees && !raft_->has_room()) {
    world().mutations.sometimes("raft: a command was refused, because devices are nearly full");
    return submission->done(Error{Code::no_space,
                                  "not enough free space in the group: less than 32 MiB free on the leader's device or "
                                  "on half of the voters'; commands that remove data are still accepted"});
  }
  const auto position = raft_->propose(submission->command(), now());
  if (!position.ok()) {
    switch (position.error()) {
      case Refused::too_large: return submission->done(Error{Code::malformed, "the command is too large"});
      case Refused::uncommitted_full:
        return submission->done(Error{Code::overloaded, "too many commands wait for a quorum: retry later"});
      default: return park(std::move(submission));
    }
  }
  ++settings().counters->proposed;
  const auto [index, term] = position.value();
  // A command at the same index was overwritten here. Another member may still have it and commit it.
  if (const auto before = waiting_.find(index); before != waiting_.end()) before->second.submission->done(unknown());
  waiting_.insert_or_assign(index, Waiting{term, std::move(submission)});
  if (!std::exchange(sweeping_, true)) after<Sweep>(kSweepPeriod);
  pump_soon();
}

void GroupActor::read(base::Instant due, base::Callback<void(base::Outcome<void>)> ready) {
  if (recovering_ && only_member()) return ready(Error{Code::corrupt, "group " + setup_.name + ": " + why_not_});
  if (!raft_) return ready(Error{Code::unavailable, "this member does not serve: " + why_not_});
  if (raft_->is_removed()) return ready(Error{Code::refused, left_out()});
  if (reads_.size() >= settings().core.reads_max)
    return ready(Error{Code::overloaded, "too many reads wait for a leader"});
  ++settings().counters->reads;
  reads_.push_back({due, std::move(ready)});
  if (!std::exchange(sweeping_, true)) after<Sweep>(kSweepPeriod);
  pump_soon();
}

/// All reads since the last round share one round.
void GroupActor::ask_reads() {
  if (reads_.empty()) return;
  const auto id = raft_->read(now());
  if (id.ok()) reads_asked_.emplace(id.value(), std::exchange(reads_, {}));
}

void GroupActor::resubmit() {
  if (parked_.empty() || !role_ || role_->name() == name(Role::candidate)) return;
  if (!raft_->known_leader() || raft_->transferring()) return;
  parked_bytes_ = 0;
  for (auto& submission : std::exchange(parked_, {})) role_->submit(std::move(submission));
}

/// Ends requests that have timed out.
void GroupActor::sweep() {
  sweeping_ = false;
  const base::Instant at = now();
  std::vector<std::shared_ptr<Submission>> late;
  std::erase_if(parked_, [&](auto& one) {
    if (one->due > at) return false;
    parked_bytes_ -= one->bytes;
    late.push_back(std::move(one));
    return true;
  });
  for (auto& one : late) one->done(no_quorum());
  late.clear();
  std::erase_if(waiting_, [&](auto& one) {
    if (one.second.submission->due > at) return false;
    late.push_back(std::move(one.second.submission));
    return true;
  });
  for (auto& one : late) one->done(unknown());
  std::vector<ReadWaiting> reads;
  const auto sort_out = [&](std::vector<ReadWaiting>& list) {
    for (ReadWaiting& one : list)
      if (one.due <= at) reads.push_back(std::move(one));
    std::erase_if(list, [&](const ReadWaiting& one) { return one.due <= at; });
  };
  sort_out(reads_);
  for (auto& [id, list] : reads_asked_) sort_out(list);
  for (auto& [index, list] : reads_ready_) sort_out(list);
  std::erase_if(reads_asked_, [](const auto& one) { return one.second.empty(); });
  std::erase_if(reads_ready_, [](const auto& one) { return one.second.empty(); });
  for (ReadWaiting& read : reads) read.ready(Error{Code::unavailable, "no quorum responded in time: nothing was read"});
  const bool waits = !parked_.empty() || !waiting_.empty() || !reads_.empty() || !reads_asked_.empty() ||
                     !reads_ready_.empty() || !changes_.empty() || !changes_asked_.empty();
  if (waits && !std::exchange(sweeping_, true)) after<Sweep>(kSweepPeriod);
  look_at_changes();
  if (!reads_.empty() || !parked_.empty()) pump_soon();
}

runtime::Handle GroupActor::start_replicator(const MemberId& member, const base::Endpoint& at) {
  const std::string name = member.node.hex().substr(0, 16) + "-" + std::to_string(++replicators_);
  return spawn<ReplicatorActor>(name, Line(settings().links, member, at, path_here()));
}

}  // namespace troupe::raft
