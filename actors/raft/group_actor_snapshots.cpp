// Snapshots of a member: taken while it serves, given to other members, and fetched from the leader.
#include "actors/raft/group_actor.hpp"
#include "actors/raft/snapshot_files.hpp"
#include "actors/raft/wire.hpp"

namespace troupe::raft {
namespace {

using messages::wire::Nothing;

constexpr std::chrono::minutes kChunkDue{10};
constexpr std::chrono::seconds kFetchDue{10};
constexpr std::chrono::minutes kSnapshotShort{1};  // our choice: how often removed data is turned into free space
constexpr std::chrono::minutes kSnapshotLook{1};   // our choice: how often a member's complaint causes a check
constexpr std::chrono::seconds kSnapshotRetry{5};  // our choice: retry after a failed write on a full device

}  // namespace

// -- taken -----------------------------------------------------------------------------------------------------------

void GroupActor::snapshot_if_due() {
  if (taking_ || installing_ || !raft_) return;
  const Index since = raft_->log().snapshot().index;
  const bool due =
      applied_ - since >= settings().snapshot_after_entries || applied_bytes_ >= settings().snapshot_after_bytes;
  const bool short_of_room = *settings().short_of_room;  // the log before the next snapshot is dropped
  if (applied_ == since || now() < snapshot_at_ || !(due || short_of_room)) return;
  snapshot_at_ = now() + (due ? base::Duration(kSnapshotRetry) : kSnapshotShort);
  begin_snapshot({});
}

void GroupActor::begin_snapshot(GroupActor::Nothing reply) {
  if (!raft_) return reply.refuse({base::Code::unavailable, "this member does not serve: " + why_not_});
  if (taking_) return taking_->replies.push_back(std::move(reply));
  if (applied_ == raft_->log().snapshot().index) return reply.done();
  take_snapshot(std::move(reply));
}

void GroupActor::take_snapshot(GroupActor::Nothing reply) {
  const auto term = raft_->log().term_at(applied_);
  if (!term || installing_) return reply.refuse({base::Code::overloaded, "another snapshot is being installed"});
  taking_.emplace();
  taking_->snapshot = {.index = applied_, .term = *term, .configuration = raft_->log().configuration_at(applied_)};
  taking_->chunks = machine_->freeze();
  if (reply.open()) taking_->replies.push_back(std::move(reply));
  applied_bytes_ = 0;
  write_chunk(true);
}

void GroupActor::write_chunk(bool first) {
  const auto chunk = taking_->chunks->next(kSnapshotChunkBytes);
  if (!chunk) return end_snapshot();
  ask<wire::WriteSnapshot, messages::wire::Nothing>(
      snapshots_, now() + kChunkDue,
      [&](wire::WriteSnapshot::Builder out) {
        out.setIncarnation(setup_.self.incarnation);
        out.setIndex(taking_->snapshot.index.value);
        out.setFirst(first);
        out.setChunk(data_of(*chunk));
      },
      [this, run = run_](const runtime::Answer<messages::wire::Nothing>& answer) {
        if (run != run_ || !taking_) return;
        if (answer.ok()) return write_chunk(false);
        for (auto& reply : taking_->replies) reply.refuse(answer.error());
        settings().log.warn("a snapshot was not written",
                            {{"group", setup_.name}, {"why", std::string_view(answer.error().message)}});
        taking_.reset();
      });
}

void GroupActor::end_snapshot() {
  taking_->chunks.reset();
  ask<wire::EndSnapshot, wire::SnapshotFound>(
      snapshots_, now() + kChunkDue,
      [&](wire::EndSnapshot::Builder out) {
        out.setIncarnation(setup_.self.incarnation);
        write(out.initSnapshot(), taking_->snapshot);
      },
      [this, run = run_](runtime::Answer<wire::SnapshotFound> answer) {
        if (run != run_ || !taking_) return;
        Taking taking = std::move(*taking_);
        taking_.reset();
        if (!answer.ok()) {
          for (auto& reply : taking.replies) reply.refuse(answer.error());
          return;
        }
        auto snapshot = raft::read(answer.value().getSnapshot());
        base::ensure(snapshot.has_value(), "a written snapshot can be read");
        ++settings().counters->snapshots;
        machine_->settle([this, run, snapshot = std::move(*snapshot), replies = std::move(taking.replies)]() mutable {
          if (run == run_) snapshot_ended(std::move(snapshot), std::move(replies));
        });
      });
}

void GroupActor::snapshot_ended(Snapshot snapshot, std::vector<Nothing> replies) {
  // Another snapshot may have been installed since. A snapshot of the same index replaces a corrupted one.
  if (snapshot.index >= raft_->log().snapshot().index) {
    tell<wire::CompactLog>(log_, [&](wire::CompactLog::Builder out) {
      out.setIncarnation(setup_.self.incarnation);
      out.setTo(snapshot.index.value);
    });
    raft_->compacted(std::move(snapshot));
  }
  for (auto& reply : replies) reply.done();
  pump_soon();
}

// -- given -----------------------------------------------------------------------------------------------------------

void GroupActor::serve_snapshot(wire::FetchSnapshot::Reader question, runtime::Reply<wire::SnapshotBytes> reply) {
  const auto asker = caller().node;
  if (!raft_ || !asker || !has(*asker) || raft::read(question.getMember()) != setup_.self)
    return reply.refuse({base::Code::refused, "only members of the group may fetch its snapshot"});
  if (question.getDamaged()) look_at_snapshot();
  ask<wire::ReadSnapshot, wire::SnapshotBytes>(
      snapshots_, now() + kFetchDue,
      [&](wire::ReadSnapshot::Builder out) {
        out.setIncarnation(setup_.self.incarnation);
        out.setIndex(question.getIndex());
        out.setOffset(question.getOffset());
      },
      [this, run = run_, asker = *asker,
       reply = std::move(reply)](const runtime::Answer<wire::SnapshotBytes>& answer) mutable {
        if (!answer.ok() && answer.error().code != base::Code::not_found && run == run_) look_at_snapshot();
        if (!answer.ok() && answer.error().code == base::Code::not_found && leads())
          for (const auto& [member, seat] : raft_->log().configuration().seats)
            if (member.node == asker) raft_->snapshot_gone(member);
        reply.forward(answer.envelope());
      });
}

/// A member fetched bytes with another digest, or this device does not return them. If this device is at fault, the
/// snapshot is rewritten from the machine: members that need more than the log have no other source.
void GroupActor::look_at_snapshot() {
  if (!raft_ || raft_->log().snapshot().bytes == 0) return;  // a founded group's snapshot has no file
  if (looking_at_snapshot_ || now() < snapshot_looked_at_ + kSnapshotLook) return;
  looking_at_snapshot_ = true;
  snapshot_looked_at_ = now();
  ask<wire::FindSnapshot, wire::SnapshotFound>(
      snapshots_, now() + kChunkDue,
      [&](wire::FindSnapshot::Builder out) { out.setIncarnation(setup_.self.incarnation); },
      [this, run = run_](runtime::Answer<wire::SnapshotFound> answer) {
        looking_at_snapshot_ = false;
        if (run != run_ || !raft_ || taking_ || installing_) return;
        if (answer.ok() && answer.value().getFound() && !answer.value().getDamaged()) return;
        settings().log.warn("a snapshot is corrupted on the device and is written again", {{"group", setup_.name}});
        world().mutations.sometimes("raft: a snapshot that rotted was written anew");
        take_snapshot({});
      });
}

// -- fetched ---------------------------------------------------------------------------------------------------------

void GroupActor::fetch(const Fetch& fetch) {
  if (fetching_ && fetching_->snapshot == fetch.snapshot && fetching_->from == fetch.from) return;
  if (installing_ || taking_) return;  // the leader offers it again
  if (fetching_ && fetching_->from != fetch.from)
    world().mutations.sometimes("raft: the leader changed during a snapshot");
  fetching_ = Fetching{.from = fetch.from, .snapshot = fetch.snapshot};
  fetch_next();
}

void GroupActor::fetch_next() {
  if (!fetching_ || fetching_->asked || !raft_) return;
  if (fetching_->snapshot.bytes == 0) return fetched({});
  const runtime::Handle from = handle_to(fetching_->from);
  if (!from) return after<FetchOn>(kFetchRetry);
  fetching_->asked = true;
  ask<wire::FetchSnapshot, wire::SnapshotBytes>(
      from, now() + kFetchDue,
      [&](wire::FetchSnapshot::Builder out) {
        write(out.initMember(), fetching_->from);
        out.setIndex(fetching_->snapshot.index.value);
        out.setOffset(fetching_->offset);
      },
      [this, run = run_, index = fetching_->snapshot.index](runtime::Answer<wire::SnapshotBytes> answer) {
        if (run != run_ || !fetching_ || fetching_->snapshot.index != index) return;
        fetching_->asked = false;
        if (answer.ok() && answer.value().getBytes().size() > 0) return fetched(bytes_of(answer.value().getBytes()));
        if (answer.ok()) complain();  // it is shorter than the leader said
        if (answer.ok() || !base::transient(answer.error().code)) return fetching_.reset();  // another is offered
        world().mutations.sometimes("raft: the fetch of a snapshot went on after a break");
        after<FetchOn>(kFetchRetry);
      });
}

void GroupActor::fetched(base::ByteView bytes) {
  fetching_->asked = true;
  const bool last = fetching_->offset + bytes.size() >= fetching_->snapshot.bytes;
  ask<wire::ReceiveSnapshot, messages::wire::Nothing>(
      snapshots_, now() + kChunkDue,
      [&](wire::ReceiveSnapshot::Builder out) {
        out.setIncarnation(setup_.self.incarnation);
        out.setIndex(fetching_->snapshot.index.value);
        out.setOffset(fetching_->offset);
        out.setBytes(data_of(bytes));
      },
      [this, run = run_, index = fetching_->snapshot.index, size = bytes.size(),
       last](const runtime::Answer<messages::wire::Nothing>& answer) {
        if (run != run_ || !fetching_ || fetching_->snapshot.index != index) return;
        fetching_->asked = false;
        if (!answer.ok()) return fetching_.reset();
        fetching_->offset += size;
        if (last) install();
        else fetch_next();
      });
}

/// The fetched bytes have another digest. If this message is lost, the next member that fetches them complains.
void GroupActor::complain() {
  const runtime::Handle from = handle_to(fetching_->from);
  if (!from) return;
  ask<wire::FetchSnapshot, wire::SnapshotBytes>(
      from, now() + kFetchDue,
      [&](wire::FetchSnapshot::Builder out) {
        write(out.initMember(), fetching_->from);
        out.setIndex(fetching_->snapshot.index.value);
        out.setOffset(fetching_->snapshot.bytes);
        out.setDamaged(true);
      },
      [](const runtime::Answer<wire::SnapshotBytes>&) {});
}

/// All bytes are here. They are checked, made durable, and replace the machine's state.
void GroupActor::install() {
  const Snapshot snapshot = fetching_->snapshot;
  if (!raft_->begin_install(snapshot).ok()) return fetching_.reset();
  installing_ = true;
  const auto give_up = [this] {
    installing_ = false;
    fetching_.reset();
    (void)raft_->install_ended(std::nullopt, now());
    pump_soon();
  };
  ask<wire::EndSnapshot, wire::SnapshotFound>(
      snapshots_, now() + kChunkDue,
      [&](wire::EndSnapshot::Builder out) {
        out.setIncarnation(setup_.self.incarnation);
        write(out.initSnapshot(), snapshot);
        out.setReceived(true);
      },
      [this, run = run_, snapshot, give_up](const runtime::Answer<wire::SnapshotFound>& answer) {
        if (run != run_) return;
        if (!answer.ok()) {
          settings().log.warn("a snapshot was not installed",
                              {{"group", setup_.name}, {"why", std::string_view(answer.error().message)}});
          if (answer.error().code == base::Code::corrupt && fetching_) complain();
          return give_up();
        }
        machine_->begin_load();
        const auto loaded = [this, snapshot] {
          // The digest was right, so the leader has the same bytes: this version cannot read them.
          if (!machine_->end_load(snapshot.index)) return recovering("the snapshot of its leader cannot be read");
          installing_ = false;
          fetching_.reset();
          if (!raft_->install_ended(snapshot, now()).ok())
            return recovering("an installed snapshot contradicts committed entries");
          applied_ = snapshot.index;
          applied_bytes_ = 0;
          ++settings().counters->snapshots_installed;
          // Submissions whose entries the snapshot replaces.
          while (!waiting_.empty() && waiting_.begin()->first <= applied_) {
            auto submission = std::move(waiting_.begin()->second.submission);
            waiting_.erase(waiting_.begin());
            submission->done(base::Error{base::Code::unknown_outcome,
                                         "a snapshot replaces its entry: the command may have been written"});
          }
          pump_soon();
        };
        if (snapshot.bytes == 0) return loaded();
        load_chunk(snapshot, 0, loaded);
      });
}

}  // namespace troupe::raft
