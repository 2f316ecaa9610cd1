@0x8e220568f1863665;
# Escrows: requests to `/escrow`. Escrows are kept where the account ledger is; other nodes forward requests, as
# messages/wallet.capnp says.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
using Wallet = import "/messages/wallet.capnp";
$Cxx.namespace("troupe::escrow::wire");

struct SignedAct {
  # The bytes of a signed action (actors/escrow/logic/escrow.hpp), its party's policy, and the approvals of these bytes.

  act @0 :Data;
  policy @1 :Data;
  approvals @2 :List(Wallet.Approval);
}

struct GetTerms $kind(from = [peer, view, operate], bytesMax = 64) {
  # Requests the parts of an agreement that come from the ledger's node. Answered by TermsAre.
}

struct TermsAre $kind(from = [peer, view, operate], bytesMax = 512) {
  # Times in ms.

  book @0 :Data;
  fund @1 :Data;
  # The address of the community's fund.
  signBy @2 :UInt64;
  fundBy @3 :UInt64;
  start @4 :UInt64;
  deliver @5 :UInt64;
  review @6 :UInt64;
  mediation @7 :UInt64;
  arbiterTerm @8 :UInt64;
  grace @9 :UInt64;
  now @10 :UInt64;
  # Unix ms.
  upSince @11 :UInt64;
  # After an outage: since when the ledger accepts commands again, in Unix ms; 0: there was no outage.
  steady @12 :Bool;
  # False for a while after the clock of a single-node ledger has jumped.
}

struct OpenEscrow $kind(from = [peer, operate], bytesMax = 8192) {
  # A buyer proposes. Its action is a Sign with number 1. Answered by EscrowIs; a repeated request gets the same answer.

  agreement @0 :Data;
  # actors/escrow/logic/agreement.hpp
  sign @1 :SignedAct;
}

struct TakeAct $kind(from = [peer, operate], bytesMax = 32768) {
  # A party or an arbiter acts. Answered by ActTaken; for a Fund only once the ledger has reported the result of the
  # deposit. Errors: `not_found`, `refused` (state, party, funds, a guard), `conflict` (what the action agrees to no
  # longer exists, or a later action was accepted), `malformed`.

  act @0 :SignedAct;
  deposit @1 :Wallet.SignedTransfer;
  # For a Fund: the transfer that it names.
  request @2 :Data;
  # 16 bytes, unique within this account, or empty. The same action again is answered without being repeated; another
  # action is a `conflict`.
}

struct ActTaken $kind(from = [peer, view, operate], bytesMax = 128) {
  # Answers TakeAct and LookAt.

  sequence @0 :UInt64;
  # Sequence of the latest log entry at that time.
  changed @1 :Bool;
  # False: the action already had its effect.
}

struct GetEscrow $kind(from = [peer, view, operate], bytesMax = 128) {
  # Requests the log of an escrow, from which everything else follows. Answered by EscrowIs, or `not_found`.

  escrow @0 :Data;
  after @1 :UInt64;
  # Only entries with larger sequences.
}

struct EscrowIs $kind(from = [peer, view, operate], bytesMax = 1179648) {
  # Answers GetEscrow and OpenEscrow.

  agreement @0 :Data;
  commitment @1 :Data;
  # The buyer's commitment.
  entries @2 :List(Data);
  # actors/escrow/logic/event_log.hpp; at most 1 MiB with the acts.
  acts @3 :List(ActRow);
  # The signed actions that caused these entries.
  more @4 :Bool;
  notes @5 :List(Text);
  # Notes of the guards.
}

struct ActRow {
  sequence @0 :UInt64;
  # Sequence of the first entry that it caused.
  act @1 :SignedAct;
}

struct ListEscrows $kind(from = [peer, view, operate], bytesMax = 256) {
  # Requests escrows by ascending id. Answered by Escrows.

  account @0 :Data;
  # Only escrows with this party; empty: all.
  from @1 :Data;
  # The first id, or empty.
  state @2 :Text;
  # Only escrows in this state; empty: all.
}

struct Escrows $kind(from = [peer, view, operate], bytesMax = 262144) {
  # Answers ListEscrows.

  rows @0 :List(EscrowRow);
  next @1 :Data;
  # The id to continue from; empty: this was the last page. A page may be empty without being the last.
}

struct EscrowRow {
  escrow @0 :Data;
  state @1 :Text;
  amount @2 :UInt64;
  deadline @3 :UInt64;
  # Unix ms; 0: none.
  buyer @4 :Data;
  provider @5 :Data;
}

struct GetHeld $kind(from = [peer, view, operate], bytesMax = 128) {
  # Requests how much of an account's money is in open escrows. Answered by HeldIs.

  address @0 :Data;
}

struct HeldIs $kind(from = [peer, view, operate], bytesMax = 64) {
  # Answers GetHeld.

  amount @0 :UInt64;
}

struct ListHeld $kind(from = [peer, view, operate], bytesMax = 128) {
  # Requests the money in open escrows, by account. Answered by HeldAccounts.

  from @0 :Data;
  # `next` of the previous answer, or empty.
}

struct HeldAccounts $kind(from = [peer, view, operate], bytesMax = 65536) {
  # Answers ListHeld. An account may be in several answers; its amounts must be added up.

  rows @0 :List(HeldAccount);
  # At most 512, by ascending address.
  next @1 :Data;
  # Empty: there are no more.
}

struct HeldAccount {
  address @0 :Data;
  amount @1 :UInt64;
}

struct WatchEscrows $kind(from = [peer, view, operate], bytesMax = 128) {
  # Requests all events from now on. Answered by a stream of EscrowEvent.

  escrow @0 :Data;
  # Empty: all.
}

struct EscrowEvent $kind(from = [peer, view, operate], bytesMax = 8192, whenFull = credit) {
  # An item of WatchEscrows.

  escrow @0 :Data;
  entry @1 :Data;
}

struct LookAt $kind(from = [peer, operate], bytesMax = 128) {
  # An operator of the ledger has checked an escrow that a guard has stopped, and lets it continue. Answered by
  # ActTaken. `refused` unless it is sent in the way that Wallet.Issue requires.

  escrow @0 :Data;
}

struct JoinArbiters $kind(from = [peer, operate], bytesMax = 16384) {
  # An arbiter pays its bond to the account of all arbiters. Answered by Nothing once the payment is posted; from then
  # on the arbiter can be drawn. Errors: `conflict` if the account is already an arbiter, `overloaded`, and as for
  # Wallet.PostTransfer.

  deposit @0 :Wallet.SignedTransfer;
}

struct LeaveArbiters $kind(from = [peer, operate], bytesMax = 4096) {
  # An arbiter leaves, and its bond is paid back. Answered by Nothing; `conflict` while it is drawn in an open dispute.

  address @0 :Data;
  policy @1 :Data;
  approvals @2 :List(Wallet.Approval);
  # Approvals of "troupe arbiter leave v1" and the id of the transfer with which it joined.
}

struct ListArbiters $kind(from = [peer, view, operate], bytesMax = 64) {
  # Answered by Arbiters.
}

struct Arbiters $kind(from = [peer, view, operate], bytesMax = 262144) {
  # Answers ListArbiters: the arbiters that can be drawn, and the record of former arbiters; at most 1,000.

  rows @0 :List(ArbiterRow);
  account @1 :Data;
  # The account to which bonds are paid.
}

struct ArbiterRow {
  address @0 :Data;
  bond @1 :UInt64;
  # 0: no longer an arbiter.
  joined @2 :Data;
  # The id of its deposit.
  drawn @3 :UInt32;
  ruled @4 :UInt32;
  silent @5 :UInt32;
  since @6 :UInt64;
  # Unix ms: the arbiter can be drawn for escrows that were proposed after this time. 0: it joined before this was
  # recorded.
}

struct GetClock $kind(from = [peer], bytesMax = 64) {
  # The node with the escrows requests the time of the other members of its group. Answered by ClockIs.
}

struct ClockIs $kind(from = [peer], bytesMax = 64) {
  # Answers GetClock.

  now @0 :UInt64;
  # Unix ms.
}

# -- escrows of tasks

struct TakeTaskAct $kind(from = [peer, operate], bytesMax = 16384) {
  # A submitter or a provider acts (actors/escrow/logic/task_escrow.hpp). Answered by TaskEscrowIs; for an Engage only
  # once the ledger has reported the result of the deposit. The same action again changes nothing. Errors: `not_found`,
  # `refused` (party, funds, a limit), `conflict` (another action came before), `malformed`, `overloaded`.

  act @0 :SignedAct;
  agreement @1 :Data;
  # For an Engage: the first Engage begins the escrow.
  deposit @2 :Wallet.SignedTransfer;
  # For an Engage: the transfer that it names.
}

struct GetTaskEscrow $kind(from = [peer, view, operate], bytesMax = 128) {
  # Answered by TaskEscrowIs, or `not_found`.

  escrow @0 :Data;
}

struct TaskEscrowIs $kind(from = [peer, view, operate], bytesMax = 65536) {
  # Answers TakeTaskAct and GetTaskEscrow.

  agreement @0 :Data;
  state @1 :Text;
  # created, running, opened, settled.
  held @2 :UInt64;
  released @3 :UInt64;
  deadline @4 :UInt64;
  # Unix ms; 0: none.
  providers @5 :List(TaskProvider);
}

struct TaskProvider {
  token @0 :UInt64;
  provider @1 :Data;
  payTo @2 :Data;
  price @3 :UInt64;
  due @4 :UInt64;
  # Unix ms.
  state @5 :Text;
  answer @6 :Data;
  # Empty until the escrow has opened.
}

# -- inside the node: between `/escrow` and the actor of an escrow

struct OpenAt $kind(bytesMax = 65536) {
  # An OpenEscrow whose signature is valid, encoded again so that no part is unread. Answered by EscrowIs.

  open @0 :OpenEscrow;
  owner @1 :Data;
  # The node that forwarded the request.
  bonds @2 :UInt64;
  # Sum of the bonds of all arbiters that have been arbiters for a week, except the parties.
}

struct ActAt $kind(bytesMax = 131072) {
  # A TakeAct whose signature is valid, encoded again so that no part is unread. Answered by ActTaken.

  take @0 :TakeAct;
  owner @1 :Data;
  tight @2 :Bool;
  # The device has little space, so only an action that moves the escrow to another state is accepted.
}

struct DueAt $kind(bytesMax = 131072) {
  # Reports that the deadline may have passed. Answered by Nothing, whether or not it has.

  upSince @0 :UInt64;
  # Unix ms; 0: there was no outage.
  candidates @1 :List(Candidate);
}

struct Candidate {
  address @0 :Data;
  bond @1 :UInt64;
  since @2 :UInt64;
  # Unix ms.
}

struct Happened $kind(bytesMax = 131072) {
  # Reports that an escrow has changed.

  escrow @0 :Data;
  deadline @1 :UInt64;
  # 0: none.
  entries @2 :List(Data);
  # Only if there are watchers.
}

struct ArbitersAre $kind(bytesMax = 131072, whenFull = keepLatest) {
  # The arbiters that can be drawn from now on.

  candidates @0 :List(Candidate);
}

struct ArbiterAct $kind(bytesMax = 256) {
  # An escrow's report on the arbiter of a round, repeated until it is answered by Nothing. Repeating it is harmless.

  escrow @0 :Data;
  round @1 :UInt32;
  arbiter @2 :Data;
  how @3 :ArbiterHow;
  buyer @4 :Data;
  provider @5 :Data;
}

enum ArbiterHow {
  drawn @0;
  ruled @1;
  silent @2;
  # Each party gets half of its bond.
  over @3;
  # The parties have agreed.
}

struct ArbitersState $kind(from = [peer, view, operate], bytesMax = 256) {
  # The inspector's view of `/escrow/arbiters`.

  arbiters @0 :UInt32;
  owed @1 :UInt32;
  # Payments that are not posted yet.
}

struct Sleepy $kind(bytesMax = 128) {
  # Reports that an escrow has been idle for a while.

  escrow @0 :Data;
}

struct TaskEscrowIdle $kind(bytesMax = 128) {
  # The actor of a task escrow reports to `/escrow/tasks` that it waits for nothing.

  escrow @0 :Data;
}

struct TaskEscrowsState $kind(from = [view, operate], bytesMax = 256) {
  # The inspector's view of `/escrow/tasks`.

  awake @0 :UInt32;
  open @1 :UInt32;
}

struct TaskEscrowState $kind(from = [view, operate], bytesMax = 512) {
  # The inspector's view of `/escrow/tasks/ID`.

  state @0 :Text;
  providers @1 :UInt32;
  handedIn @2 :UInt32;
  held @3 :UInt64;
  released @4 :UInt64;
  deadline @5 :UInt64;
}

struct EscrowsState $kind(from = [peer, view, operate], bytesMax = 512) {
  # The inspector's view of `/escrow`.

  place @0 :Text;
  here @1 :Bool;
  why @2 :Text;
  awake @3 :UInt32;
  nextDeadline @4 :UInt64;
  # Unix ms; 0: none.
}

struct EscrowState $kind(from = [peer, view, operate], bytesMax = 2048) {
  # The inspector's view of `/escrow/ID`.

  state @0 :Text;
  sentence @1 :Text;
  sequence @2 :UInt64;
  waiting @3 :UInt32;
  # Number of commands that wait for the command in progress.
}
