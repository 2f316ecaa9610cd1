@0xe1c6f0a4b7d25c93;
# Airdrops of an account ledger: requests to `/airdrop`. Airdrops are kept where the ledger is; other nodes forward
# requests, as messages/wallet.capnp says.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
using Wallet = import "/messages/wallet.capnp";
$Cxx.namespace("troupe::airdrop::wire");

struct CreateAirdrop $kind(from = [peer, operate], bytesMax = 65536) {
  # An owner promises a pool to the accounts of a list, whose pages are sent later. Answered by AirdropIs once the
  # ledger has posted the deposit; a repeated request gets the same answer. Errors: `refused` (funds, a limit),
  # `conflict` (other terms have this nonce), `malformed`.

  terms @0 :Data;
  # actors/airdrop/logic/terms.hpp
  by @1 :Wallet.Approval;
  # The owner's approval of these bytes.
  deposit @2 :Wallet.SignedTransfer;
  # The pool, to the account of the airdrop.
}

struct AddPage $kind(from = [peer, operate], bytesMax = 65536) {
  # The next page of the list. Answered by AirdropStep; a repeated request gets the same answer. The last page publishes
  # the airdrop. Errors: `not_found`, `refused` (not the page that the terms name).

  id @0 :Data;
  page @1 :UInt32;
  rows @2 :Data;
}

struct AirdropStep $kind(from = [peer, view, operate], bytesMax = 256) {
  # Answers AddPage and RunAirdrop.

  state @0 :Text;
  # created, published, paying, paid, returning or returned
  pages @1 :UInt32;
  # Received pages.
  ends @2 :UInt64;
  # When the time for objections ends, in Unix ms.
}

struct GetAirdrop $kind(from = [peer, view, operate], bytesMax = 128) {
  # Answered by AirdropIs, or `not_found`.

  id @0 :Data;
}

struct AirdropIs $kind(from = [peer, view, operate], bytesMax = 65536) {
  # Answers CreateAirdrop and GetAirdrop.

  terms @0 :Data;
  by @1 :Wallet.Approval;
  step @2 :AirdropStep;
  created @3 :UInt64;
  # Unix ms.
  ended @4 :UInt64;
  # 0: not yet.
  reached @5 :UInt32;
  # All recipients before this index were paid or struck, or get nothing.
  paid @6 :UInt64;
  struck @7 :UInt32;
  struckWeights @8 :UInt64;
  why @9 :Text;
  # Why the pool was returned.
}

struct ListAirdrops $kind(from = [peer, view, operate], bytesMax = 128) {
  # Answered by Airdrops.

  from @0 :Data;
  # An id, or empty.
}

struct Airdrops $kind(from = [peer, view, operate], bytesMax = 131072) {
  # At most 256, by id.

  rows @0 :List(AirdropRow);
  next @1 :Data;
  # The id to continue from; empty: this was the last page.
}

struct AirdropRow {
  id @0 :Data;
  owner @1 :Data;
  pool @2 :UInt64;
  paid @3 :UInt64;
  state @4 :Text;
  recipients @5 :UInt32;
  ends @6 :UInt64;
}

struct GetPage $kind(from = [peer, view, operate], bytesMax = 128) {
  # Answered by PageIs; `not_found` also if the page has not arrived yet.

  id @0 :Data;
  page @1 :UInt32;
}

struct PageIs $kind(from = [peer, view, operate], bytesMax = 65536) {
  # Answers GetPage.

  rows @0 :Data;
}

struct GetObjections $kind(from = [peer, view, operate], bytesMax = 128) {
  # Answered by Objections.

  id @0 :Data;
  from @1 :UInt32;
  # The first index in the list.
}

struct Objections $kind(from = [peer, view, operate], bytesMax = 262144) {
  # At most 64, by index.

  rows @0 :List(ObjectedRow);
  more @1 :Bool;
}

struct ObjectedRow $kind(from = [peer, view, operate], bytesMax = 4096) {
  # Answers Object and Decide.

  index @0 :UInt32;
  objected @1 :Data;
  # actors/airdrop/logic/airdrop.hpp
}

struct Object $kind(from = [peer, operate], bytesMax = 1024) {
  # An account with one key, which has had money before, objects to a recipient. Answered by ObjectedRow. Errors:
  # `not_found`, `refused` (too late, no such account, a limit), `conflict` (it has objected with another reason).

  id @0 :Data;
  index @1 :UInt32;
  recipient @2 :Data;
  # The recipient's address at that index.
  reason @3 :Text;
  by @4 :Wallet.Approval;
}

struct Decide $kind(from = [peer, operate], bytesMax = 512) {
  # The owner strikes or keeps a recipient to which an account has objected. Answered by ObjectedRow. Errors: as for
  # Object, and `conflict` if the owner has decided the opposite.

  id @0 :Data;
  index @1 :UInt32;
  recipient @2 :Data;
  strike @3 :Bool;
  by @4 :Wallet.Approval;
}

struct RunAirdrop $kind(from = [peer, operate], bytesMax = 128) {
  # Waits until everything is paid, or for some seconds. Answered by AirdropStep; repeat the request to wait longer.
  # `refused` during the time for objections, or if the pool was returned.

  id @0 :Data;
}

struct Unfinished $kind(bytesMax = 256) {
  # The actor of an airdrop reports that the airdrop continues, or has ended.

  id @0 :Data;
  owner @1 :Data;
  over @2 :Bool;
}

struct AirdropsState $kind(from = [peer, view, operate], bytesMax = 512) {
  # The inspector's view of `/airdrop`.

  place @0 :Text;
  here @1 :Bool;
  # Whether this node now keeps the airdrops.
  why @2 :Text;
  # Why requests fail; empty: they are served.
}

struct AirdropListState $kind(from = [peer, view, operate], bytesMax = 128) {
  # The inspector's view of `/airdrop/list`.

  awake @0 :UInt32;
  unfinished @1 :UInt32;
}

struct AirdropState $kind(from = [peer, view, operate], bytesMax = 1024) {
  # The inspector's view of an airdrop.

  state @0 :Text;
  sentence @1 :Text;
  # The next event.
  recipients @2 :UInt32;
  reached @3 :UInt32;
  pool @4 :UInt64;
  paid @5 :UInt64;
  inFlight @6 :UInt32;
  # Payments that the ledger has not answered yet.
}
