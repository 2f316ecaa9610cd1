@0x8e220568f1863665;
# Escrows: what is asked of `/escrow`. They live where the book of accounts does; other nodes pass questions on, as
# messages/wallet.capnp says.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
using Wallet = import "/messages/wallet.capnp";
$Cxx.namespace("troupe::escrow::wire");

struct SignedAct {
  # The bytes of an act (actors/escrow/logic/escrow.hpp), the policy of its party, and who has approved these bytes.

  act @0 :Data;
  policy @1 :Data;
  approvals @2 :List(Wallet.Approval);
}

struct GetTerms $kind(from = [peer, view, operate], bytesMax = 64) {
  # Asks for what an agreement takes from the book's node. Answered by TermsAre.
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
  # Since when the book takes commands, after an outage: Unix ms; 0: there was none.
  steady @12 :Bool;
  # False for a while after the date of a book at one node has made a step.
}

struct OpenEscrow $kind(from = [peer, operate], bytesMax = 8192) {
  # A buyer proposes. Its act is a Sign with number 1. Answered by EscrowIs; the same again is answered alike.

  agreement @0 :Data;
  # actors/escrow/logic/agreement.hpp
  sign @1 :SignedAct;
}

struct TakeAct $kind(from = [peer, operate], bytesMax = 32768) {
  # A party or an arbiter acts. Answered by ActTaken; to a Fund once the ledger has said what became of the deposit.
  # Errors: `not_found`, `refused` (state, party, funds, a guard), `conflict` (what is accepted is not there now, or a
  # later act was taken), `malformed`.

  act @0 :SignedAct;
  deposit @1 :Wallet.SignedTransfer;
  # Of a Fund: the transfer that it names.
  request @2 :Data;
  # 16 bytes of this account alone, or empty. The same act again is answered without being done again; another one is a
  # `conflict`.
}

struct ActTaken $kind(from = [peer, view, operate], bytesMax = 128) {
  # Answers TakeAct and LookAt.

  sequence @0 :UInt64;
  # Of the latest entry of the log then.
  changed @1 :Bool;
  # False: the act had its effect already.
}

struct GetEscrow $kind(from = [peer, view, operate], bytesMax = 128) {
  # Asks for the log of an escrow, from which all else follows. Answered by EscrowIs, or `not_found`.

  escrow @0 :Data;
  after @1 :UInt64;
  # Only entries with larger sequences.
}

struct EscrowIs $kind(from = [peer, view, operate], bytesMax = 1179648) {
  # Answers GetEscrow and OpenEscrow.

  agreement @0 :Data;
  commitment @1 :Data;
  # The buyer's.
  entries @2 :List(Data);
  # actors/escrow/logic/event_log.hpp; at most 1 MiB with the acts.
  acts @3 :List(ActRow);
  # The signed acts that caused these entries.
  more @4 :Bool;
  notes @5 :List(Text);
  # What the guards have noted.
}

struct ActRow {
  sequence @0 :UInt64;
  # Of the first entry that it caused.
  act @1 :SignedAct;
}

struct ListEscrows $kind(from = [peer, view, operate], bytesMax = 256) {
  # By rising id. Answered by Escrows.

  account @0 :Data;
  # A party; empty: all.
  from @1 :Data;
  # The first id, or empty.
  state @2 :Text;
  # Only these; empty: all.
}

struct Escrows $kind(from = [peer, view, operate], bytesMax = 262144) {
  # Answers ListEscrows.

  rows @0 :List(EscrowRow);
  next @1 :Data;
  # Where to go on from; empty: that was all. A page may be empty and not be the last.
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
  # How much of an account lies in open escrows. Answered by HeldIs.

  address @0 :Data;
}

struct HeldIs $kind(from = [peer, view, operate], bytesMax = 64) {
  # Answers GetHeld.

  amount @0 :UInt64;
}

struct ListHeld $kind(from = [peer, view, operate], bytesMax = 128) {
  # What open escrows hold, by account. Answered by HeldAccounts.

  from @0 :Data;
  # `next` of the answer before, or empty.
}

struct HeldAccounts $kind(from = [peer, view, operate], bytesMax = 65536) {
  # Answers ListHeld. An account may be in several answers: its amounts are added.

  rows @0 :List(HeldAccount);
  # At most 512, by rising address.
  next @1 :Data;
  # Empty: there are no more.
}

struct HeldAccount {
  address @0 :Data;
  amount @1 :UInt64;
}

struct WatchEscrows $kind(from = [peer, view, operate], bytesMax = 128) {
  # A stream of what happens from now on. Items: EscrowEvent.

  escrow @0 :Data;
  # Empty: all.
}

struct EscrowEvent $kind(from = [peer, view, operate], bytesMax = 8192, whenFull = credit) {
  # An item of WatchEscrows.

  escrow @0 :Data;
  entry @1 :Data;
}

struct LookAt $kind(from = [peer, operate], bytesMax = 128) {
  # An operator of the book has looked at an escrow that is held: it goes on. Answered by ActTaken. `refused` where it did
  # not come as Wallet.Issue has to.

  escrow @0 :Data;
}

struct JoinArbiters $kind(from = [peer, operate], bytesMax = 16384) {
  # An arbiter pays its bond to the account of all arbiters. Answered by Nothing once that is posted, and it can be drawn.
  # Errors: `conflict` if it is one already, `overloaded`, and those of Wallet.PostTransfer.

  deposit @0 :Wallet.SignedTransfer;
}

struct LeaveArbiters $kind(from = [peer, operate], bytesMax = 4096) {
  # An arbiter leaves, and its bond is paid back. Answered by Nothing. `conflict` while it is drawn in an open dispute.

  address @0 :Data;
  policy @1 :Data;
  approvals @2 :List(Wallet.Approval);
  # Of "troupe arbiter leave v1" and the id of the transfer with which it joined.
}

struct ListArbiters $kind(from = [peer, view, operate], bytesMax = 64) {
  # Answered by Arbiters.
}

struct Arbiters $kind(from = [peer, view, operate], bytesMax = 262144) {
  # Answers ListArbiters: those who can be drawn, and the record of all who ever were; at most 1,000.

  rows @0 :List(ArbiterRow);
  account @1 :Data;
  # To which bonds are paid.
}

struct ArbiterRow {
  address @0 :Data;
  bond @1 :UInt64;
  # 0: it is none any more.
  joined @2 :Data;
  # The id of its deposit.
  drawn @3 :UInt32;
  ruled @4 :UInt32;
  silent @5 :UInt32;
  since @6 :UInt64;
  # Unix ms: it is drawn for escrows that were proposed later. 0: it joined before that was written down.
}

struct GetClock $kind(from = [peer], bytesMax = 64) {
  # The node with the escrows asks the other members of its group for their time. Answered by ClockIs.
}

struct ClockIs $kind(from = [peer], bytesMax = 64) {
  # Answers GetClock.

  now @0 :UInt64;
  # Unix ms.
}

# -- escrows of tasks

struct TakeTaskAct $kind(from = [peer, operate], bytesMax = 16384) {
  # A submitter or a provider acts (actors/escrow/logic/task_escrow.hpp). Answered by TaskEscrowIs; to an Engage once the
  # ledger has said what became of the deposit. The same act again changes nothing. Errors: `not_found`, `refused` (party,
  # funds, a limit), `conflict` (another act came before), `malformed`, `overloaded`.

  act @0 :SignedAct;
  agreement @1 :Data;
  # Of an Engage: the first one begins the escrow.
  deposit @2 :Wallet.SignedTransfer;
  # Of an Engage: the transfer that it names.
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
  # An OpenEscrow whose signature holds, written anew: nothing of it is unread. Answered by EscrowIs.

  open @0 :OpenEscrow;
  owner @1 :Data;
  # The node through which it was asked.
  bonds @2 :UInt64;
  # Of all who have been there for a week, without the parties.
}

struct ActAt $kind(bytesMax = 131072) {
  # A TakeAct whose signature holds, written anew: nothing of it is unread. Answered by ActTaken.

  take @0 :TakeAct;
  owner @1 :Data;
  tight @2 :Bool;
  # The device has little room: only an act with which the escrow goes on to another state is taken.
}

struct DueAt $kind(bytesMax = 131072) {
  # The deadline may have passed. Answered by Nothing, whether or not it has.

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
  # An escrow has changed.

  escrow @0 :Data;
  deadline @1 :UInt64;
  # 0: none.
  entries @2 :List(Data);
  # Where there are watchers.
}

struct ArbitersAre $kind(bytesMax = 131072, whenFull = keepLatest) {
  # Who can be drawn, from now on.

  candidates @0 :List(Candidate);
}

struct ArbiterAct $kind(bytesMax = 256) {
  # What an escrow says of the arbiter of a round, again and again until it is answered by Nothing: once more does no harm.

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
  # Its bond is halved between the parties.
  over @3;
  # The parties have agreed.
}

struct ArbitersState $kind(from = [peer, view, operate], bytesMax = 256) {
  # What the inspector shows of `/escrow/arbiters`.

  arbiters @0 :UInt32;
  owed @1 :UInt32;
  # Payments that are not posted yet.
}

struct Sleepy $kind(bytesMax = 128) {
  # An escrow has had nothing to do for a while.

  escrow @0 :Data;
}

struct TaskEscrowIdle $kind(bytesMax = 128) {
  # The actor of an escrow of a task tells `/escrow/tasks` that it waits for nothing.

  escrow @0 :Data;
}

struct TaskEscrowsState $kind(from = [view, operate], bytesMax = 256) {
  # What the inspector shows of `/escrow/tasks`.

  awake @0 :UInt32;
  open @1 :UInt32;
}

struct TaskEscrowState $kind(from = [view, operate], bytesMax = 512) {
  # What the inspector shows of `/escrow/tasks/ID`.

  state @0 :Text;
  providers @1 :UInt32;
  handedIn @2 :UInt32;
  held @3 :UInt64;
  released @4 :UInt64;
  deadline @5 :UInt64;
}

struct EscrowsState $kind(from = [peer, view, operate], bytesMax = 512) {
  # What the inspector shows of `/escrow`.

  place @0 :Text;
  here @1 :Bool;
  why @2 :Text;
  awake @3 :UInt32;
  nextDeadline @4 :UInt64;
  # Unix ms; 0: none.
}

struct EscrowState $kind(from = [peer, view, operate], bytesMax = 2048) {
  # What the inspector shows of `/escrow/ID`.

  state @0 :Text;
  sentence @1 :Text;
  sequence @2 :UInt64;
  waiting @3 :UInt32;
  # Commands that wait for the one under way.
}
