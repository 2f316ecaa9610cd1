// How a member starts: its snapshot, then its log. Also what it does after a disk error.
#include <algorithm>

#include "actors/raft/group_actor.hpp"
#include "actors/raft/wire.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::raft {
namespace {

constexpr std::chrono::seconds kOpenDue{600};
constexpr std::chrono::seconds kReopenDelay{1};

}  // namespace

/// Returns true if the response belongs to an earlier opening, or is an error, which ends this opening.
template <class A>
bool GroupActor::failed(std::uint64_t run, const runtime::Answer<A>& answer) {
  if (run != run_) return true;
  if (answer.ok()) return false;
  reopen(answer.error());
  return true;
}
template bool GroupActor::failed(std::uint64_t, const runtime::Answer<messages::wire::Nothing>&);
template bool GroupActor::failed(std::uint64_t, const runtime::Answer<wire::LogEntries>&);
template bool GroupActor::failed(std::uint64_t, const runtime::Answer<wire::SnapshotFound>&);

void GroupActor::open() {
  ++run_;
  ask<wire::FindSnapshot, wire::SnapshotFound>(
      snapshots_, now() + kOpenDue,
      [&](wire::FindSnapshot::Builder out) { out.setIncarnation(setup_.self.incarnation); },
      [this, run = run_](runtime::Answer<wire::SnapshotFound> answer) {
        if (failed(run, answer)) return;
        if (answer.value().getDamaged()) return recovering("its snapshot is corrupted");
        if (!answer.value().getFound())
          return found_snapshot(setup_.founding ? founding(*setup_.founding) : Snapshot{}, false);
        auto snapshot = raft::read(answer.value().getSnapshot());
        base::ensure(snapshot.has_value(), "a snapshot that was found can be read");
        found_snapshot(std::move(*snapshot), true);
      });
}

void GroupActor::found_snapshot(Snapshot snapshot, bool has_file) {
  machine_->begin_load();
  auto loaded = [this, snapshot]() mutable {
    if (!machine_->end_load(snapshot.index)) return recovering("its snapshot cannot be read");
    open_log(std::move(snapshot));
  };
  if (!has_file || snapshot.bytes == 0) return loaded();
  load_chunk(snapshot, 0, loaded);
}

void GroupActor::load_chunk(const Snapshot& snapshot, std::uint64_t offset, base::Callback<void()> loaded) {
  ask<wire::ReadChunk, wire::SnapshotChunk>(
      snapshots_, now() + kOpenDue,
      [&](wire::ReadChunk::Builder out) {
        out.setIncarnation(setup_.self.incarnation);
        out.setIndex(snapshot.index.value);
        out.setOffset(offset);
      },
      [this, run = run_, snapshot, loaded = std::move(loaded)](runtime::Answer<wire::SnapshotChunk> answer) mutable {
        if (run != run_) return;
        if (!answer.ok()) return reopen(answer.error());
        const auto chunk = answer.value();
        // Unreadable bytes are detected at the end of the load.
        if (!machine_->load(bytes_of(chunk.getChunk())) || chunk.getNext() == 0) return loaded();
        load_chunk(snapshot, chunk.getNext(), std::move(loaded));
      });
}

void GroupActor::open_log(Snapshot snapshot) {
  ask<wire::OpenLog, wire::LogOpened>(
      log_, now() + kOpenDue, [&](wire::OpenLog::Builder out) { out.setIncarnation(setup_.self.incarnation); },
      [this, run = run_, snapshot = std::move(snapshot)](runtime::Answer<wire::LogOpened> answer) mutable {
        if (run != run_) return;
        if (!answer.ok()) return reopen(answer.error());
        const auto log = answer.value();
        if ((log.getDamaged() || !log.getFound()) && world().mutations.on("raft.votes_without_its_log"))
          return opened({setup_.self, setup_.epoch, {}, Log(snapshot), snapshot.index}, true, false);
        if (log.getDamaged())
          return recovering(log.getWhy().size() > 0 ? text_of(log.getWhy())
                                                    : "acknowledged entries of its log cannot be read");
        if (!log.getFound()) return recovering("its log is missing");
        const auto state = raft::read(log.getState());
        base::ensure(state.has_value(), "a vote that was stored can be read");
        const Index first{log.getFirst()}, last{log.getLast()};
        const Index from = snapshot.index;
        auto restored =
            std::make_shared<Restored>(Restored{setup_.self, setup_.epoch, *state, Log(std::move(snapshot)), from});
        if (last < first && first > from.next()) return recovering("its snapshot is missing");
        if (last < first || last < from) return opened(std::move(*restored), last >= first, false);
        if (first > from.next()) return recovering("entries of its log are missing");
        // The snapshot's entry, if it is there, shows whether the log continues after it.
        read_log(std::move(restored), std::max(first, from), last, true);
      });
}

void GroupActor::read_log(std::shared_ptr<Restored> restored, Index from, Index last, bool fresh) {
  ask<wire::ReadLog, wire::LogEntries>(
      log_, now() + kOpenDue,
      [&](wire::ReadLog::Builder out) {
        out.setIncarnation(setup_.self.incarnation);
        out.setFrom(from.value);
        out.setTo(last.value);
        out.setBytesMax(kLogPageBytes);
      },
      [this, run = run_, restored, last, fresh](runtime::Answer<wire::LogEntries> answer) mutable {
        if (run != run_) return;
        if (!answer.ok()) return reopen(answer.error());
        const auto entries = read_entries(answer.value().getEntries(), Index{answer.value().getFirst()});
        if (!entries || entries->empty()) return recovering("entries of its log cannot be read");
        Log& log = restored->log;
        for (const Entry& entry : *entries) {
          if (entry.index == log.snapshot().index) {
            // A crash came between a snapshot and the log that was to restart after it.
            if (entry.term != log.snapshot().term) return opened(std::move(*restored), true, false);
            continue;
          }
          // A leader overwrote it once, and that leader's entries are gone: its term is smaller.
          if (entry.term < log.last_term()) return opened(std::move(*restored), false, false);
          if (!log.append(entry).ok()) return recovering("entries of its log contradict each other");
        }
        const Index end = entries->back().index;
        if (end >= last) return opened(std::move(*restored), false, false);
        read_log(std::move(restored), end.next(), last, false);
      });
}

/// `restarts`: the log on the disk is unusable.
void GroupActor::opened(Restored restored, bool restarts, bool saved) {
  const bool raised = restored.state.term < restored.log.last_term();
  if ((restarts || raised) && !saved) {
    if (raised) restored.state = {.term = restored.log.last_term()};
    ask<wire::WriteLog, messages::wire::Nothing>(
        log_, now() + kOpenDue,
        [&](wire::WriteLog::Builder out) {
          out.setIncarnation(setup_.self.incarnation);
          out.setRestarts(restarts);
          out.setHasState(true);
          write(out.initState(), restored.state);
        },
        [this, run = run_, restored](const runtime::Answer<messages::wire::Nothing>& answer) mutable {
          if (!failed(run, answer)) opened(std::move(restored), false, true);
        });
    return;
  }
  if (!restored.consistent()) return recovering("its state is ahead of its log");
  applied_ = restored.applied;
  applied_bytes_ = 0;
  compared_ = applied_;
  poll_.reset();
  hash_asked_.reset();
  contradicted_.reset();
  why_not_.clear();
  raft_ = std::make_unique<Raft>(settings().core, std::move(restored), now(), base::Random(random().next()));
  raft_->plant(world().mutations);
  configuration_index_ = raft_->log().configuration_index();
  role_ = behaviour_of(raft_->role(), *this);
  if (setup_.lost != 0) ask_in();
  pump();
}

void GroupActor::recovering(std::string why) {
  settings().log.error("a member has lost data that it acknowledged and no longer takes part",
                       {{"group", setup_.name}, {"why", std::string_view(why)}});
  world().mutations.sometimes("raft: a member found that it has lost something");
  if (only_member()) why = "its only member has lost acknowledged data: " + why + "; reads and writes are refused";
  stop_serving(why);
  recovering_ = true;
  if (!only_member()) tell_loss();
  judge();
}

/// No other node has the lost data, so it does not begin another log and keeps the rest on disk.
bool GroupActor::only_member() const {
  return setup_.known && std::ranges::all_of(setup_.known->seats,
                                             [this](const auto& one) { return one.first.node == setup_.self.node; });
}

void GroupActor::reopen(const base::Error& why) {
  if (why_not_.empty())
    settings().log.warn("the disk has failed: a group is reopened",
                        {{"group", setup_.name}, {"why", std::string_view(why.message)}});
  stop_serving(why.message);
  after<Open>(kReopenDelay);
}

/// Answers everything that waits. From now on only the disk's contents count.
void GroupActor::stop_serving(const std::string& why) {
  ++run_;
  why_not_ = why;
  if (role_ && role_->name() == name(Role::leader)) --settings().counters->leading;
  if (role_) role_->end();
  role_.reset();
  raft_.reset();
  taking_.reset();
  fetching_.reset();
  installing_ = false;
  for (auto& [index, waiting] : std::exchange(waiting_, {}))
    waiting.submission->done(base::Error{base::Code::unknown_outcome, "this member stops: " + why});
  std::vector<ReadWaiting> reads = std::exchange(reads_, {});
  for (auto& [id, list] : std::exchange(reads_asked_, {}))
    for (ReadWaiting& one : list) reads.push_back(std::move(one));
  for (auto& [index, list] : std::exchange(reads_ready_, {}))
    for (ReadWaiting& one : list) reads.push_back(std::move(one));
  for (ReadWaiting& one : reads) one.ready(base::Error{base::Code::unavailable, "this member does not serve: " + why});
  tell_role();
}

}  // namespace troupe::raft
