@0x939bca00b1c65c7e;
# Raft groups: messages between members and requests of clients, at `/raft/NAME`; management of groups, at `/raft`; and
# requests of a group to its disks.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
$Cxx.namespace("troupe::raft::wire");

struct Member {
  # A node with one log.

  node @0 :Data;
  # 20 bytes.
  incarnation @1 :UInt64;
  # Random for each log, never 0.
}

struct Entry {
  # Its index follows from its position in the list.

  term @0 :UInt64;
  kind @1 :UInt8;
  # 0 a command for the state machine, 1 a configuration, 2 the start of a term.
  data @2 :Data;
  # At most 3 MiB.
}

struct SnapshotMark {
  # The state after the entry `index`.

  index @0 :UInt64;
  term @1 :UInt64;
  configuration @2 :Data;
  # As actors/raft/logic/configuration.hpp encodes it; at most 4096 bytes.
  bytes @3 :UInt64;
  digest @4 :Data;
  # Digest of the state machine's part: its size, and its SHA-256.
}

struct Talk $kind(from = [peer], bytesMax = 2621440, whenFull = dropNewest) {
  # A message from a member to another member. Contradictory fields are refused in every state.

  from @0 :Member;
  to @1 :Member;
  epoch @2 :UInt64;
  # Increased by each `recover --force-new-cluster`; a message with another epoch is refused.
  term @3 :UInt64;
  body :union {
    voteRequest :group {
      campaign @4 :UInt8;
      # 0: pre-vote (would the receiver vote?); 1: vote; 2: vote, in an election that the leader has requested.
      last @5 :UInt64;
      lastTerm @6 :UInt64;
    }
    voteReply :group {
      pre @7 :Bool;
      granted @8 :Bool;
    }
    append :group {
      previous @9 :UInt64;
      previousTerm @10 :UInt64;
      commit @11 :UInt64;
      sequence @12 :UInt64;
      # Sequence number of the leader's message to this follower; the answer repeats it.
      entries @13 :List(Entry);
      # From `previous` + 1 on; at most 8192.
    }
    appendReply :group {
      accepted @14 :Bool;
      match @15 :UInt64;
      # If accepted: the log is durable up to this index. Otherwise `previous` of the refused message.
      hint @16 :UInt64;
      hintTerm @17 :UInt64;
      # If not accepted: the logs may agree up to `hint`, where the sender's entry has the term `hintTerm`.
      sequence @18 :UInt64;
    }
    heartbeat :group {
      commit @19 :UInt64;
      round @20 :UInt64;
      sequence @21 :UInt64;
      quietMs @33 :UInt32;
      # Above 0: the group sleeps, and the next heartbeat comes within this time, at most a minute. 0: as usual.
    }
    heartbeatReply :group {
      round @22 :UInt64;
      durable @23 :UInt64;
      clock @24 :Int64;
      # Nanoseconds of the sender's monotonic clock.
      sequence @25 :UInt64;
      shortOfRoom @32 :Bool;
      # The sender's device is nearly full: a leader accepts no command that needs space while half of the voters report
      # this.
    }
    installSnapshot :group {
      # The receiver fetches it (FetchSnapshot) and then answers appendReply.
      snapshot @26 :SnapshotMark;
      sequence @27 :UInt64;
    }
    timeoutNow @28 :Void;
    readRequest @29 :UInt64;
    # A read by its number.
    readReply :group {
      id @30 :UInt64;
      index @31 :UInt64;
      # The read is linearizable on a state that has applied this index.
    }
    wake @34 :Void;
    # A follower in a sleeping group requests a heartbeat from its leader.
    commit @35 :UInt64;
    # The committed index, but at most the index that the receiver has acknowledged. Not answered.
  }
}

struct StateHashes $kind(from = [peer], bytesMax = 256, whenFull = dropNewest) {
  # The messages with which a leader compares the states of all members after an entry. Ignored if term or epoch differ.

  from @0 :Member;
  epoch @1 :UInt64;
  term @2 :UInt64;
  index @3 :UInt64;
  union {
    ask @4 :Void;
    # From the leader: requests the hash. From a follower: the leader's log contradicts an entry that is committed at
    # the follower, so the leader must ask all members.
    answer @5 :UInt64;
    right @6 :UInt64;
    # The hash of the majority: a member with another hash stops.
    stop @7 :Void;
    # No hash has a majority.
  }
}

struct FetchSnapshot $kind(from = [peer], bytesMax = 256) {
  # A member fetches the bytes of a snapshot. Answered by SnapshotBytes; `not_found` if the answering member has a newer
  # snapshot.

  member @0 :Member;
  # The member that answers.
  index @1 :UInt64;
  offset @2 :UInt64;
  damaged @3 :Bool;
  # The fetched bytes are not the named snapshot, so the answering member must check its file.
}

struct SnapshotBytes $kind(from = [peer], bytesMax = 1114112) {
  # Answers FetchSnapshot: at most 1 MiB; empty after the end.

  bytes @0 :Data;
}

# -- clients -------------------------------------------------------------------------------------------------------------

struct Condition {
  key @0 :Data;
  union {
    absent @1 :Void;
    equals @2 :Data;
    revision @3 :UInt64;
    # The revision of the key's last change; 0: the key is absent.
  }
}

struct Operation {
  key @0 :Data;
  # 1 to 1024 bytes.
  union {
    get @1 :Void;
    put @2 :Data;
    # At most 1 MiB.
    remove @3 :Void;
  }
  lease @4 :UInt64;
  # For put: the key is deleted with this lease; 0: none.
}

struct Execute $kind(from = [peer, operate], bytesMax = 2228224) {
  # A client requests a change. Answered by Executed once it is applied. Errors: `malformed`, `refused` if the sender is
  # not permitted, `unavailable` if nothing was written because there is no quorum, `overloaded`, `unknown_outcome`.

  request @0 :Text;
  # A request id of at most 64 bytes, or empty. A retry with the same id gets the same answer and changes nothing.
  dueMs @1 :UInt32;
  # How long the sender waits; at most an hour.
  what :union {
    txn :group {
      conditions @2 :List(Condition);
      operations @3 :List(Operation);
      # All are done if all conditions hold, otherwise none. At most 1024 conditions and operations together.
    }
    grantMs @4 :UInt64;
    # A new lease with that time to live.
    drop @5 :UInt64;
    # A lease to drop; its keys are deleted with it.
  }
  forwarded @6 :Bool;
  # Another member has forwarded the request, so it is not forwarded again.
}

enum Outcome {
  done @0;
  conflict @1;
  # A condition does not hold: nothing was changed.
  noLease @2;
  leaseExists @3;
  sessionsFull @4;
  leasesFull @5;
  malformed @6;
  answerTooLarge @7;
  notLeader @8;
  # The command was sent to a member that does not lead: nothing was written.
}

struct MaybeValue {
  union {
    absent @0 :Void;
    value @1 :Data;
  }
}

struct Executed $kind(from = [peer, view, operate], bytesMax = 2228224) {
  # Answers Execute.

  outcome @0 :Outcome;
  revision @1 :UInt64;
  # Revision of the store afterwards.
  repeated @2 :Bool;
  # The answer belongs to an earlier command with this request id.
  values @3 :List(MaybeValue);
  # The values of the gets in their order; in a conflict the value of the first condition that does not hold.
  lease @4 :UInt64;
  # The granted lease.
}

struct GetKey $kind(from = [peer, view, operate], bytesMax = 2048) {
  # A client reads a key. Answered by GotKey. Errors: `conflict` if the revision is no longer stored, `unavailable`.

  key @0 :Data;
  stale @1 :Bool;
  # Returns what this member has applied, without asking the other members.
  revision @2 :UInt64;
  # The state after this revision; 0: now.
  dueMs @3 :UInt32;
}

struct GotKey $kind(from = [peer, view, operate], bytesMax = 1114112) {
  # Answers GetKey.

  found @0 :Bool;
  value @1 :Data;
  revision @2 :UInt64;
  created @3 :UInt64;
  # Revisions of the key's last change and its creation; 0 in a read of the past.
  lease @4 :UInt64;
  storeRevision @5 :UInt64;
}

struct RangeKeys $kind(from = [peer, view, operate], bytesMax = 4096) {
  # A client reads keys in byte order. Answered by KeyRows.

  prefix @0 :Data;
  from @1 :Data;
  limit @2 :UInt32;
  # At most 1000; 0 means 1000.
  stale @3 :Bool;
  dueMs @4 :UInt32;
}

struct KeyRow {
  key @0 :Data;
  value @1 :Data;
  revision @2 :UInt64;
  created @3 :UInt64;
  lease @4 :UInt64;
  ttlMs @5 :UInt64;
  # Time to live of its lease; 0: no lease.
}

struct KeyRows $kind(from = [peer, view, operate], bytesMax = 2621440) {
  # Answers RangeKeys: about 1 MiB of rows, at least one if there is any.

  rows @0 :List(KeyRow);
  more @1 :Bool;
  revision @2 :UInt64;
}

struct WatchKeys $kind(from = [peer, view, operate], bytesMax = 4096) {
  # A client requests all changes of keys that begin with `prefix`. Answered by a stream of KeyChange, which misses no
  # change; `conflict` if the revision is no longer stored.

  prefix @0 :Data;
  revision @1 :UInt64;
  # The first revision; 0: from now on.

  forMs @2 :UInt32;
  # Duration of the stream; 0: until it is cancelled.
}

struct KeyChange $kind(from = [peer, view, operate], bytesMax = 1114112, whenFull = credit) {
  # An item of WatchKeys: one changed key.

  revision @0 :UInt64;
  key @1 :Data;
  removed @2 :Bool;
  value @3 :Data;
  request @4 :Text;
}

struct KeepLease $kind(from = [peer, operate], bytesMax = 64) {
  # A client renews a lease: its time to live starts again now. Answered by LeaseKept, or `not_found`.

  lease @0 :UInt64;
  dueMs @1 :UInt32;
  forwarded @2 :Bool;
}

struct LeaseKept $kind(from = [peer, view, operate], bytesMax = 64) {
  # Answers KeepLease.

  ttlMs @0 :UInt64;
}

# -- groups and their members --------------------------------------------------------------------------------------------

struct Address {
  node @0 :Data;
  endpoint @1 :Text;
  # Numeric HOST:PORT; empty: the address that `/peers` knows.
}

struct InitGroup $kind(from = [operate], bytesMax = 16384) {
  # An operator creates a group. Answered by GroupMade. Repeated with the same members, it changes nothing.

  group @0 :Text;
  # 1 to 32 of a-z, 0-9, '-' and '_'.
  members @1 :List(Address);
  # At most 16; this node is added if missing. Empty: only this node.
}

struct GroupMade $kind(from = [peer, view, operate], bytesMax = 16384) {
  # Answers InitGroup.

  failed @0 :List(MemberFailed);
  # Members that have not created the group.
  already @1 :Bool;
}

struct MemberFailed {
  node @0 :Data;
  reason @1 :Text;
}

struct PrepareMember $kind(from = [peer], bytesMax = 256) {
  # A node asks another node to become a member. Answered by MemberPrepared; `refused` unless `raft.invites` has the
  # node.

  group @0 :Text;
}

struct MemberPrepared $kind(from = [peer], bytesMax = 8192) {
  # Answers PrepareMember: the incarnation is durable.

  incarnation @0 :UInt64;
  founded @1 :Bool;
  configuration @2 :Data;
  # If the node already is a member of a group of this name: that group's first configuration; empty if the node joined
  # later.
}

struct FoundGroup $kind(from = [peer], bytesMax = 8192) {
  # Asks a prepared member to create its part of the group. Answered by Nothing; `conflict` if it is in another group of
  # this name.

  group @0 :Text;
  configuration @1 :Data;
}

struct JoinGroup $kind(from = [peer], bytesMax = 8192) {
  # Asks a prepared member to join: it begins without a log, and waits for the leader. Answered by Nothing.

  group @0 :Text;
  incarnation @1 :UInt64;
  epoch @2 :UInt64;
  configuration @3 :Data;
  # The members whose messages it accepts.
}

struct ListGroups $kind(from = [view, operate], bytesMax = 64) {
  # An operator requests the groups of this node. Answered by Groups.
}

struct FollowGroups $kind(bytesMax = 64) {
  # Subscribes the sender to GroupsChanged for some minutes.
}

struct GroupsChanged $kind(bytesMax = 64) {
  # Notifies a follower that the groups of this node have changed.
}

struct Groups $kind(from = [peer, view, operate], bytesMax = 1048576) {
  # Answers ListGroups, by name.

  groups @0 :List(GroupRow);
}

struct GroupRow {
  name @0 :Text;
  incarnation @1 :UInt64;
  member @2 :Bool;
  # False: this node is prepared, and waits for the node that creates the group.
}

struct GetGroup $kind(from = [peer, view, operate], bytesMax = 64) {
  # Requests a member's status. Answered by GroupStatus; `refused` to a node that is neither a member nor in
  # `raft.clients`.

  letSleep @0 :Bool;
  # Do not wake up a sleeping group for this request: the reported state of members may then be ten seconds old.
}

struct GroupStatus $kind(from = [peer, view, operate], bytesMax = 65536) {
  # Answers GetGroup; also the inspector's view of `/raft/NAME`.

  group @0 :Text;
  node @1 :Data;
  incarnation @2 :UInt64;
  role @3 :Text;
  # leader, follower, candidate, learner, recovering, opening, removed
  term @4 :UInt64;
  leader @5 :Data;
  # Empty: unknown.
  commit @6 :UInt64;
  applied @7 :UInt64;
  last @8 :UInt64;
  hash @9 :UInt64;
  revision @10 :UInt64;
  keys @11 :UInt64;
  epoch @12 :UInt64;
  members @13 :List(MemberRow);
  why @14 :List(WhyRow);
  reason @15 :Text;
  # Why it does not serve; empty: it does.
  oldestRevision @16 :UInt64;
  leases @17 :UInt64;
  sessions @18 :UInt64;
  watchers @19 :UInt64;
  asleep @20 :Bool;
  # The group was unused for a while, so members exchange a heartbeat only every 10 s. A request for this status wakes
  # it up.
  rowBytes @21 :UInt64;
  # Approximate memory of the group's keys at this member.
  rowsMax @22 :UInt64;
  # Above this size, a ledger in the group accepts no new rows from other nodes (kv.rows_max).
  kinds @23 :List(KindRow);
  # The parts of rowBytes that belong to the group's actors, by kind; at most 16.
}

struct KindRow {
  kind @0 :Text;
  bytes @1 :UInt64;
}

struct MemberRow {
  member @0 :Member;
  address @1 :Text;
  kind @2 :Text;
  # voter, learner
  match @3 :UInt64;
  state @4 :Text;
  # Reported by the leader: probe, replicate, snapshot, recovering, or "self" for itself. Reported by another member:
  # "unknown"; while the group has no leader, "answers" or "silent" for a voter.
  lagMs @5 :UInt64;
  # Time since its last answer; for a silent member, since its last answer or since the group lost its leader.
  inFlight @6 :UInt32;
}

struct WhyRow {
  # One part of the time that a commit now takes.

  what @0 :Text;
  node @1 :Data;
  microseconds @2 :UInt64;
}

struct ReachGroup $kind(from = [view, operate], bytesMax = 128) {
  # A client of this node is about to send requests to a group. Answered by Nothing: from now on `/raft/NAME` at this
  # node accepts requests, as a member, or as a guest that forwards them to a member. `not_found` if neither this node
  # nor a linked node is in such a group.

  group @0 :Text;
}

struct FollowGroup $kind(bytesMax = 64) {
  # A part of this node asks which member leads a group of which this node is a member. Answered by a stream of
  # GroupRole: the current state, then each change. Changes while the reader is busy are reported together in the next
  # item.
}

struct GroupRole $kind(bytesMax = 4096, whenFull = credit) {
  # An item of FollowGroup.

  leads @0 :Bool;
  # Whether this member leads, in the term `term`.
  term @1 :UInt64;
  leader @2 :Data;
  # Empty: unknown.
  members @3 :List(Data);
}

struct ChangeMember $kind(from = [peer, operate], bytesMax = 512) {
  # An operator changes the members. Answered by Nothing once the change is committed; for a new voter, once it votes.
  # Errors: `conflict` if the group would lose its quorum or another change is pending, `not_found`, `unavailable`.

  change @0 :MemberChange;
  member @1 :Address;
  incarnation @2 :UInt64;
  # 0: the receiver asks the node for it.
  learner @3 :Bool;
  dueMs @4 :UInt32;
  forwarded @5 :Bool;
}

enum MemberChange {
  add @0;
  remove @1;
  transfer @2;
}

struct MembersBehind $kind(from = [peer], bytesMax = 16384) {
  # A leader reports to all members which members do not count: members that have lost acknowledged entries and not
  # recovered all of them, and members that do not answer. Sent every few seconds; once the lists are empty, once more.

  members @0 :List(MemberBehind);
  silent @1 :List(Member);
  # Members that have not answered for 30 s or more.
}

struct MemberBehind {
  member @0 :Member;
  owed @1 :UInt64;
  # It had acknowledged all entries up to this index.
}

struct AskMembership $kind(from = [peer], bytesMax = 64) {
  # A member that knows no leader asks whether it was removed. Answered by Membership; `unavailable` if the receiver
  # knows no leader either.

  incarnation @0 :UInt64;
  # The incarnation of the requesting node.
}

struct Membership $kind(from = [peer], bytesMax = 64) {
  # Answers AskMembership.

  member @0 :Bool;
  # False: the answering member's committed configuration does not have that member.
}

struct TakeSnapshot $kind(from = [operate], bytesMax = 64) {
  # An operator requests a snapshot. Answered by Nothing once it is durable.
}

struct ReplaceMember $kind(from = [peer], bytesMax = 256) {
  # A node that has lost its log asks to be accepted as its next incarnation, in place of the lost incarnation. Answered
  # by Nothing once the leader has proposed that; `unavailable` from a member that does not lead.

  lost @0 :Member;
  next @1 :Member;
  # Both are incarnations of the requesting node.
  endpoint @2 :Text;
}

struct RecoverGroup $kind(from = [operate], bytesMax = 64) {
  # A survivor continues alone after the majority is permanently lost. Without `yes` nothing changes. Answered by
  # Recovery.

  yes @0 :Bool;
}

struct Recovery $kind(from = [peer, view, operate], bytesMax = 256) {
  # Answers RecoverGroup. From now on all entries up to `last` count, including entries after `commit` that were never
  # committed. Entries after `last` that the other members have committed are lost.

  commit @0 :UInt64;
  last @1 :UInt64;
  epoch @2 :UInt64;
  # Epoch of the new cluster; members of the old cluster are refused.
  members @3 :UInt32;
  # Number of members that are left behind.
}

struct MembersAre $kind(bytesMax = 8192) {
  # A group reports its current members to `/raft`, which sends requests to them if this node loses its log.

  group @0 :Text;
  configuration @1 :Data;
}

struct LostLog $kind(bytesMax = 256) {
  # A group reports to `/raft` that it has lost acknowledged entries and must continue under another incarnation.

  group @0 :Text;
  incarnation @1 :UInt64;
}

struct NewEpoch $kind(bytesMax = 256) {
  # A group reports to `/raft` that this member continues alone in a new epoch. Answered by Nothing once durable.

  group @0 :Text;
  epoch @1 :UInt64;
  restart @2 :Bool;
  # Whether the group's actor is to be started again.
}

# -- the disks of this node ----------------------------------------------------------------------------------------------

struct Vote {
  term @0 :UInt64;
  voted @1 :Bool;
  vote @2 :Member;
  commit @3 :UInt64;
}

struct OpenLog $kind(bytesMax = 64) {
  # A group requests the durable part of its log. Answered by LogOpened.

  incarnation @0 :UInt64;
}

struct LogOpened $kind(bytesMax = 512) {
  # Answers OpenLog.

  found @0 :Bool;
  damaged @1 :Bool;
  # Whether acknowledged entries may be missing.
  state @2 :Vote;
  first @3 :UInt64;
  last @4 :UInt64;
  # The readable entries are `first` to `last`; none if `last` is below `first`.
  why @5 :Text;
  # Which file was cut, if known.
}

struct WriteLog $kind(bytesMax = 4194304) {
  # A group changes its log. Answered by Nothing once it is durable; after an error the log must be reopened.

  incarnation @0 :UInt64;
  restarts @1 :Bool;
  # All earlier entries are void.
  hasState @2 :Bool;
  state @3 :Vote;
  first @4 :UInt64;
  # The index of the first of `entries`, which replace all stored entries from this index on.
  entries @5 :List(Entry);
}

struct ReadLog $kind(bytesMax = 128) {
  # A group reads entries. Answered by LogEntries.

  incarnation @0 :UInt64;
  from @1 :UInt64;
  to @2 :UInt64;
  bytesMax @3 :UInt32;
}

struct LogEntries $kind(bytesMax = 4194304) {
  # Answers ReadLog: as many entries as fit.

  first @0 :UInt64;
  entries @1 :List(Entry);
}

struct CompactLog $kind(bytesMax = 64) {
  # A snapshot of `to` is durable: entries up to there are no longer needed.

  incarnation @0 :UInt64;
  to @1 :UInt64;
}

struct KeepMembers $kind(bytesMax = 131072) {
  # Lists the incarnations whose logs and snapshots are still needed; all others may be removed.

  incarnations @0 :List(UInt64);
}

struct FindSnapshot $kind(bytesMax = 64) {
  # A group requests its newest snapshot. Answered by SnapshotFound, for a snapshot whose digest was checked.

  incarnation @0 :UInt64;
}

struct SnapshotFound $kind(bytesMax = 8192) {
  # Answers FindSnapshot and EndSnapshot.

  found @0 :Bool;
  damaged @1 :Bool;
  snapshot @2 :SnapshotMark;
}

struct WriteSnapshot $kind(bytesMax = 4194304) {
  # The next chunk of a snapshot of `index`. Answered by Nothing. Offset 0 starts from scratch.

  incarnation @0 :UInt64;
  index @1 :UInt64;
  first @2 :Bool;
  chunk @3 :Data;
}

struct EndSnapshot $kind(bytesMax = 8192) {
  # All chunks are written. Answered by SnapshotFound once it is durable; older snapshots are removed.

  incarnation @0 :UInt64;
  snapshot @1 :SnapshotMark;
  # Without size and digest if `received` is false.
  received @2 :Bool;
}

struct ReceiveSnapshot $kind(bytesMax = 1179648) {
  # Bytes from another member. Answered by Nothing.

  incarnation @0 :UInt64;
  index @1 :UInt64;
  offset @2 :UInt64;
  bytes @3 :Data;
}

struct ReadSnapshot $kind(bytesMax = 128) {
  # A group reads bytes for another member. Answered by SnapshotBytes.

  incarnation @0 :UInt64;
  index @1 :UInt64;
  offset @2 :UInt64;
}

struct ReadChunk $kind(bytesMax = 128) {
  # A group reads its own snapshot. Answered by SnapshotChunk.

  incarnation @0 :UInt64;
  index @1 :UInt64;
  offset @2 :UInt64;
}

struct SnapshotChunk $kind(bytesMax = 4194304) {
  # Answers ReadChunk.

  chunk @0 :Data;
  next @1 :UInt64;
  # The offset of the next chunk; 0: this was the last chunk.
}

# -- what the inspector shows --------------------------------------------------------------------------------------------

struct RaftState $kind(from = [peer, view, operate], bytesMax = 256) {
  # The inspector's view of `/raft`.

  groups @0 :UInt32;
  prepared @1 :UInt32;
}

struct GuestState $kind(from = [peer, view, operate], bytesMax = 128) {
  # The inspector's view of `/raft/NAME` at a node that is not a member.

  members @0 :UInt32;
  asked @1 :UInt64;
}

struct LogState $kind(from = [peer, view, operate], bytesMax = 512) {
  # The inspector's view of `/raft/log`.

  logs @0 :UInt32;
  entries @1 :UInt64;
  bytes @2 :UInt64;
  deadBytes @3 :UInt64;
  syncs @4 :UInt64;
  writes @5 :UInt64;
  # Number of writes, which `syncs` syncs made durable.
  failure @6 :Text;
}

struct ReplicatorState $kind(from = [peer, view, operate], bytesMax = 512) {
  # The inspector's view of a replicator.

  member @0 :Member;
  address @1 :Text;
  linked @2 :Bool;
  sent @3 :UInt64;
  dropped @4 :UInt64;
  # Messages sent over a link, and messages dropped for lack of a link.
}

struct SnapshotsState $kind(from = [peer, view, operate], bytesMax = 256) {
  # The inspector's view of `/raft/snapshots`.

  written @0 :UInt64;
  received @1 :UInt64;
  # Number of written snapshots, and bytes received from other members.
}
