#include "actors/raft/log_actor.hpp"

#include "actors/raft/wire.hpp"

namespace troupe::raft {

template <class Q, class A>
void LogActor::serve(runtime::Handlers& on, void (LogActor::*handler)(typename Q::Reader, runtime::Reply<A>)) {
  on.ask<Q, A>([this, handler](typename Q::Reader ask, runtime::Reply<A> reply) {
    if (logs_) (this->*handler)(ask, std::move(reply));
    else reply.refuse(closed_);
  });
}

void LogActor::receive(runtime::Handlers& on) {
  serve<wire::OpenLog>(on, &LogActor::open_log);
  serve<wire::WriteLog>(on, &LogActor::write_log);
  serve<wire::ReadLog>(on, &LogActor::read_log);
  on.tell<wire::KeepMembers>([this](wire::KeepMembers::Reader told) { keep(told); });
  on.tell<wire::CompactLog>([this](wire::CompactLog::Reader tell) {
    if (!logs_) return;
    if (const auto done = logs_->compact(tell.getIncarnation(), Index{tell.getTo()}); !done.ok())
      return fail(done.error());
    after<Tidy>(kTidyDelay);
  });
  on.timer<Flush>([this] { flush(); });
  on.timer<Tidy>([this] { tidy(); });
  on.timer<Reopen>([this] { open(); });
  on.timer<LookAtRoom>([this] { look_at_room(); });
  on.timer<Cover>([this] { cover(); });
  on.timer<NoteSizes>([this] { note_sizes(); });
  on.describe<wire::LogState>([this](wire::LogState::Builder state) { describe(state); });
}

void LogActor::open() {
  if (!holds_ && settings_->log_open->exchange(true)) {
    closed_ = {base::Code::unavailable, "an earlier actor still waits for the device", kReopenDelay};
    return after<Reopen>(kReopenDelay);
  }
  holds_ = true;
  auto opened = Logs::open(world().disk, directory_, world().chance.seed());
  if (opened.ok()) {
    logs_ = std::move(opened).value();
    if (kept_) logs_->keep(*kept_);
    judge_sizes();
    look_at_room();
    // The previous run may have ended within that time.
    if (!std::exchange(covering_, true)) after<Cover>(kCoverDelay);
    return after<Tidy>(kTidyDelay);
  }
  closed_ = to_error(opened.error());
  closed_.retry_after = kReopenDelay;
  after<Reopen>(kReopenDelay);
}

void LogActor::open_log(wire::OpenLog::Reader ask, runtime::Reply<wire::LogOpened> reply) {
  // Records may be unsynced writes of an earlier run: Packs syncs what it keeps at its start.
  flush();
  if (!logs_) return reply.refuse(closed_);
  const auto found = logs_->find(ask.getIncarnation());
  asked_.insert(ask.getIncarnation());
  reply.send([&](wire::LogOpened::Builder out) {
    out.setFound(found.has_value());
    const bool damaged = logs_->damaged(ask.getIncarnation());
    const bool torn = damaged && world().mutations.on("raft.cuts_acknowledged");  // the log begins at the snapshot
    out.setDamaged(damaged && !torn);
    if (damaged) out.setWhy(text_of(logs_->loss()));
    if (!found) return;
    write(out.initState(), found->state);
    out.setFirst(torn ? 1 : found->first.value);
    out.setLast(torn ? 0 : found->last.value);
  });
}

/// A write after a lost write would leave a gap, and entries before a gap are given up. So a log's owner first asks
/// what the log has.
void LogActor::write_log(wire::WriteLog::Reader ask, Done reply) {
  if (!ask.getRestarts() && !asked_.contains(ask.getIncarnation()))
    return reply.refuse({base::Code::unavailable, "a write of this log may be lost: it must be reopened"});
  ++writes_;
  Save save;
  if (ask.getRestarts()) save.restart.emplace();
  if (ask.getHasState()) save.state = read(ask.getState());
  auto entries = read_entries(ask.getEntries(), Index{ask.getFirst()});
  base::ensure(entries.has_value(), "a group writes entries that can be read again");
  save.entries = std::move(*entries);
  if (kept_ && ask.getRestarts()) kept_->insert(ask.getIncarnation());
  const auto written = logs_->write(ask.getIncarnation(), save);
  if (!written.ok()) {
    waiting_.push_back(std::move(reply));
    return fail(written.error());
  }
  if (waiting_.empty()) after<Flush>(base::Duration::zero());  // after all writes that already wait
  waiting_.push_back(std::move(reply));
  if (waiting_.size() >= kWritesAtOnce) flush();
}

void LogActor::flush() {
  if (!logs_ || waiting_.empty()) return;
  const base::Instant began = now();
  const auto synced = world().mutations.on("raft.acknowledged_unsynced") ? store::StoreResult<void>() : logs_->sync();
  if (!synced.ok()) return fail(synced.error());
  ++syncs_;
  if (!std::exchange(looking_, true)) after<LookAtRoom>(base::Duration::zero());
  if (!std::exchange(covering_, true)) after<Cover>(kCoverDelay);
  if (const base::Duration took = now() - began; took >= runtime::kSlowSync)
    node().alarms().sound(runtime::Alarm::slow_sync, path(), took, now());
  for (Done& reply : std::exchange(waiting_, {})) reply.done();
}

/// Covers only if no write came since the previous call, because in a burst each write covers the previous write. Notes
/// the pack sizes in any case.
void LogActor::cover() {
  covering_ = false;
  if (!logs_) return;
  if (std::exchange(writes_covered_, writes_) == writes_) {
    const auto covered = logs_->cover();
    if (covered.ok()) {
      if (const auto synced = logs_->sync(); !synced.ok()) return fail(synced.error());
      ++syncs_;
      return note_sizes();
    }
    // Without free space nothing was stored: retries.
    if (!(covered.error() == store::StoreError::no_space)) return fail(covered.error());
  }
  flush();
  if (!logs_) return;
  note_sizes();
  covering_ = true;
  after<Cover>(kCoverDelay);
}

void LogActor::note_sizes() {
  if (!logs_) return;
  static_cast<void>(logs_->note_sizes());
  judge_sizes();
}

void LogActor::judge_sizes() {
  const auto& why = logs_->not_noted();
  if (why) after<NoteSizes>(kNoteDelay);
  if (settings_->health == nullptr) return;
  if (why)
    settings_->health->raise(
        kHealthSource, observe::HealthState::degraded,
        "the sizes of the groups' logs cannot be noted, so a log that is cut from now on may go unnoticed: " +
            why->message);
  else settings_->health->clear(kHealthSource);
}

void LogActor::stop() {
  flush();
  if (settings_->health != nullptr) settings_->health->clear(kHealthSource);
}

void LogActor::fail(const store::StoreError& why) {
  closed_ = to_error(why);
  closed_.retry_after = kReopenDelay;
  logs_.reset();
  asked_.clear();
  for (Done& reply : std::exchange(waiting_, {})) reply.refuse(closed_);
  after<Reopen>(kReopenDelay);
}

/// Runs while it writes, and until there is free space again.
void LogActor::look_at_room() {
  const auto free = world().disk.free_bytes();
  const bool is = free.ok() && free.value() < store::kReserveBytes;
  *settings_->short_of_room = is;
  looking_ = is || writes_looked_at_ != writes_;
  writes_looked_at_ = writes_;
  if (looking_) after<LookAtRoom>(kRoomPeriod);
}

void LogActor::read_log(wire::ReadLog::Reader ask, runtime::Reply<wire::LogEntries> reply) {
  const Index from{ask.getFrom()};
  const auto entries = logs_->read(ask.getIncarnation(), from, Index{ask.getTo()},
                                   std::min<std::size_t>(ask.getBytesMax(), kLogRecordBytesMax));
  if (!entries.ok()) return reply.refuse(to_error(entries.error()));
  reply.send([&](wire::LogEntries::Builder out) {
    out.setFirst(from.value);
    write(out.initEntries(size32(entries.value())), entries.value());
  });
}

void LogActor::keep(wire::KeepMembers::Reader told) {
  const auto incarnations = told.getIncarnations();
  kept_.emplace(incarnations.begin(), incarnations.end());
  if (!logs_) return;
  logs_->keep(*kept_);
  after<Tidy>(kTidyDelay);
}

void LogActor::tidy() {
  if (!logs_) return;
  flush();
  if (!logs_) return;
  const auto tidied = logs_->tidy();
  // Without free space nothing is moved, and all records stay.
  if (!tidied.ok() && tidied.error() == store::StoreError::no_space) return after<Tidy>(kRoomDelay);
  if (!tidied.ok()) return fail(tidied.error());
  judge_sizes();
  if (tidied.value()) after<Tidy>(kTidyDelay);
  else if (logs_->not_noted()) after<Tidy>(kRoomDelay);
}

void LogActor::describe(wire::LogState::Builder state) const {
  state.setSyncs(syncs_);
  state.setWrites(writes_);
  if (!logs_) return state.setFailure(text_of(closed_.message.substr(0, 256)));
  const Logs::Usage usage = logs_->usage();
  state.setLogs(static_cast<std::uint32_t>(usage.logs));
  state.setEntries(usage.entries);
  state.setBytes(usage.bytes);
  state.setDeadBytes(usage.dead_bytes);
}

}  // namespace troupe::raft
