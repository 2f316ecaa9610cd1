// What is sent to each follower: entries in a pipeline, or a snapshot (thesis 3.5, 5.4, 10.2).
#include "actors/raft/logic/raft.hpp"

namespace troupe::raft {

void Raft::replicate(base::Instant now) {
  for (auto& [id, progress] : leader()->progress) send_entries(id, progress, now);
}

void Raft::send_entries(const MemberId& to, Progress& progress, base::Instant now) {
  if (progress.standing == Standing::probe && progress.waiting) return;
  const bool probes = progress.standing == Standing::probe;
  while (progress.standing != Standing::snapshot) {
    if (progress.next < log_.first()) {
      // Only for a follower that responds: the log may be compacted without it.
      if (progress.heard + 2 * settings_.election < now) return;
      progress.standing = Standing::snapshot;
      progress.snapshot = log_.snapshot();
      progress.offered = base::Instant{};
      break;
    }
    if (progress.in_flight.full(settings_) && !progress.nudge) return;
    if (progress.next > log_.last() || progress.nudge) {
      if (probes || progress.nudge) return send_append(to, progress, {}, now);
      // Unacknowledged entries may be lost. The follower's response triggers this again.
      const Index known = std::min(progress.match, commit());
      if (progress.told_commit < known) send(to, Commit{progress.told_commit = known});
      return;
    }
    if (progress.next < log_.window_first()) {
      if (!std::exchange(progress.loading, true))
        out_.loads.push_back({to, progress.next, log_.window_first().previous(), settings_.append_bytes_max});
      return;
    }
    const Index to_index = std::min(log_.last(), progress.next + (kAppendEntriesMax - 1));
    send_append(to, progress, log_.slice(progress.next, to_index, settings_.append_bytes_max), now);
    if (probes) return;
  }
  offer_snapshot(to, progress, now);
}

void Raft::send_append(const MemberId& to, Progress& progress, std::vector<Entry> entries, base::Instant now) {
  const Index previous = progress.next.previous();
  Append append{.previous = previous,
                .previous_term = log_.term_at(previous).value_or(Term{}),
                .commit = commit(),
                .sequence = ++progress.sequence,
                .entries = std::move(entries)};
  progress.told_commit = commit();
  progress.nudge = false;
  if (progress.standing == Standing::probe) {
    progress.waiting = true;
  } else if (!append.entries.empty()) {
    std::size_t bytes = 0;
    for (const Entry& entry : append.entries) bytes += entry.bytes();
    progress.in_flight.add(append.entries.back().index, bytes, now);
    progress.next = append.entries.back().index.next();
  }
  send(to, std::move(append));
}

void Raft::offer_snapshot(const MemberId& to, Progress& progress, base::Instant now) {
  // Repeated, because offer or response may be lost. The same snapshot is offered while it is being fetched.
  if (progress.offered != base::Instant{} && now < progress.offered + settings_.election) return;
  progress.offered = now;
  send(to, InstallSnapshot{.snapshot = *progress.snapshot, .sequence = ++progress.sequence});
}

void Raft::snapshot_gone(const MemberId& member) {
  if (!leader()) return;
  const auto found = leader()->progress.find(member);
  if (found == leader()->progress.end() || found->second.standing != Standing::snapshot) return;
  found->second.snapshot = log_.snapshot();
  found->second.offered = base::Instant{};
}

void Raft::loaded(const MemberId& member, Index from, std::vector<Entry> entries, base::Instant now) {
  if (!leader()) return;
  const auto found = leader()->progress.find(member);
  if (found == leader()->progress.end()) return;
  Progress& progress = found->second;
  progress.loading = false;
  const bool wanted =
      progress.standing == Standing::replicate || (progress.standing == Standing::probe && !progress.waiting);
  if (!wanted || progress.next != from || from < log_.first()) return;
  Index next = from;
  std::size_t good = 0;
  for (; good < std::min(entries.size(), kAppendEntriesMax); ++good, next = next.next())
    if (entries[good].index != next || !log_.has(next, entries[good].term)) break;
  entries.resize(good);  // the disk returned entries that are not in the log
  if (good > 0) send_append(member, progress, std::move(entries), now);
}

}  // namespace troupe::raft
