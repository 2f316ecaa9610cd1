@0xddd83d899f452c89;
# The account ledger: requests to `/wallet`. A node without the ledger forwards each request to a node that has it
# (`ledger.book`); requests of other nodes are served only at the ledger. Errors of all requests: `unavailable` if the
# ledger does not answer, or `ledger.book` is empty.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
$Cxx.namespace("troupe::wallet::wire");

struct Approval {
  # A signature by one signer of a policy.

  key @0 :Data;
  signature @1 :Data;
}

struct SignedTransfer {
  # The bytes of actors/wallet/logic/ledger/transfer.hpp, the policy of the debited account
  # (actors/wallet/logic/policy.hpp), and the approvals of these bytes.

  transfer @0 :Data;
  policy @1 :Data;
  approvals @2 :List(Approval);
  onChain @3 :List(Approval);
  # If the ledger is the chain of its node: approvals of the transaction that follows from the transfer
  # (actors/chain/logic/book_transfer.hpp), by ascending key, as many as the policy requires.
}

struct GetBook $kind(from = [peer, view, operate], bytesMax = 64) {
  # Requests the data of the ledger. Answered by BookIs.
}

struct BookIs $kind(from = [peer, view, operate], bytesMax = 1024) {
  # Answers GetBook.

  book @0 :Data;
  owner @1 :Data;
  # The address that may issue money.
  sequence @2 :UInt64;
  # Sequence of the latest posting.
  head @3 :Data;
  issued @4 :UInt64;
  accounts @5 :UInt64;
  place @6 :Text;
  # As in `ledger.book`.
}

struct GetAccount $kind(from = [peer, view, operate], bytesMax = 128) {
  # Requests an account. Answered by AccountIs, also for an account that was never credited.

  address @0 :Data;
  ofNoKey @1 :Bool;
  # The address belongs to an account without a key. Callers must say so, because a ledger that is a chain cannot know
  # it.
}

struct AccountIs $kind(from = [peer, view, operate], bytesMax = 512) {
  # Answers GetAccount.

  account @0 :AccountRow;
  book @1 :Data;
  chain @2 :ChainTerms;
  # Null unless the ledger is the chain of its node.
}

struct ChainTerms {
  # The data that turns a transfer into a transaction of the chain.

  height @0 :UInt64;
  # Height of the latest final block.
  baseFee @1 :UInt64;
  # Per gas in the next block.
  fork @2 :UInt32;
  address @3 :Data;
  # The account's address on the chain: its own address, or, for an account without a key, the address of a key of the
  # ledger's node.
  chain @4 :Data;
  # The id of the chain's genesis. The ledger's id is derived from it and from the key of the ledger's node.
}

struct AccountRow {
  address @0 :Data;
  balance @1 :UInt64;
  debits @2 :UInt64;
  # The number of the latest transfer that debited it: the next transfer has this number plus one.
  kind @3 :Text;
  # For an account without a key: its kind, such as "escrow", which is part of the hash that is its address; otherwise
  # empty.
  since @4 :UInt64;
  # When it was first credited, Unix ms; 0: never.
}

struct ListAccounts $kind(from = [peer, view, operate], bytesMax = 128) {
  # Requests all accounts by ascending address. Answered by Accounts.

  from @0 :Data;
  # The first address, or empty.
}

struct Accounts $kind(from = [peer, view, operate], bytesMax = 131072) {
  # At most 512.

  rows @0 :List(AccountRow);
  more @1 :Bool;
}

struct PostTransfer $kind(from = [peer, operate], bytesMax = 16384) {
  # Posts a transfer. Answered by Posted once it is durable. The same bytes again get the same answer. Errors:
  # `malformed`, `refused` (not approved, funds), `conflict` (not the next number, or another transfer was posted with
  # this request id), `overloaded`, and for other nodes `no_space` while the ledger's node needs the rest of its device.

  transfer @0 :SignedTransfer;
  request @1 :Text;
  # A request id of at most 64 bytes, unique for this account, or empty. A retry may have another number: it gets the
  # first answer if its credits and memo are the same.
  toNoKey @2 :Bool;
  # A deposit: all credited accounts belong to no key, as in GetAccount, and a part of the ledger's node posts the
  # deposit for an account that it keeps. From another process it is `unavailable`. Without this flag, a credit to an
  # account that a part of the program keeps is `refused`.
}

struct Posted $kind(from = [peer, view, operate], bytesMax = 256) {
  # Answers PostTransfer and Issue.

  id @0 :Data;
  # Id of the transfer.
  sequence @1 :UInt64;
  time @2 :UInt64;
  # Unix ms.
}

struct Issue $kind(from = [peer, operate], bytesMax = 1024) {
  # An operator of the ledger issues (mints) money. Answered by Posted; `refused` unless the request comes over the
  # local socket of the ledger's node or of a member of its group.

  to @0 :Data;
  amount @1 :UInt64;
  memo @2 :Text;
  request @3 :Text;
}

struct ListPostings $kind(from = [peer, view, operate], bytesMax = 128) {
  # Requests the postings of an account, the latest first. Answered by Postings.

  address @0 :Data;
  # Empty: all postings of the ledger.
  before @1 :UInt64;
  # Only postings with a lower sequence; 0: from the latest.
  limit @2 :UInt32;
  # At most 256; 0 means 256.
}

struct Postings $kind(from = [peer, view, operate], bytesMax = 1114112) {
  # At most 1 MiB.

  rows @0 :List(Data);
  # actors/wallet/logic/ledger/book.hpp
  more @1 :Bool;
}

struct CheckBook $kind(from = [peer, operate], bytesMax = 64) {
  # Recomputes all accounts from the first posting. Answered by BookChecked.
}

struct BookChecked $kind(from = [peer, view, operate], bytesMax = 65536) {
  # Answers CheckBook.

  accounts @0 :UInt64;
  postings @1 :UInt64;
  issued @2 :UInt64;
  sum @3 :UInt64;
  # Sum of all balances.
  mismatches @4 :List(Data);
  # Accounts whose stored row differs; at most 256.
  brokenAt @5 :UInt64;
  # The first wrong posting; 0: none.
  broken @6 :Text;
  # What is wrong with it.
  issuers @7 :List(Issuer);
  # At most 256.
}

struct Issuer {
  address @0 :Data;
  amount @1 :UInt64;
}

struct Propose $kind(from = [peer, operate], bytesMax = 16384) {
  # Proposes a transfer of an account with several signers, with the first approval. Answered by ProposalIs. Errors as
  # for PostTransfer, and `overloaded` if the account has too many proposals.

  transfer @0 :SignedTransfer;
  expires @1 :UInt64;
  # Unix ms.
}

struct SignProposal $kind(from = [peer, operate], bytesMax = 1024) {
  # Adds an approval; the approval that reaches the threshold posts the transfer. Answered by ProposalIs. Errors:
  # `not_found`, `refused`, `conflict` if the transfer is already posted.

  id @0 :Data;
  approval @1 :Approval;
}

struct GetProposal $kind(from = [peer, view, operate], bytesMax = 128) {
  # Answered by ProposalIs, or `not_found`.

  id @0 :Data;
}

struct ProposalIs $kind(from = [peer, view, operate], bytesMax = 16384) {
  # Answers Propose, SignProposal and GetProposal.

  id @0 :Data;
  # Id of the transfer.
  transfer @1 :SignedTransfer;
  expires @2 :UInt64;
  posted @3 :Bool;
}

struct ListProposals $kind(from = [peer, view, operate], bytesMax = 128) {
  # Requests the proposals of an account: at most 64, first those that can be paid. Answered by Proposals.

  address @0 :Data;
}

struct Proposals $kind(from = [peer, view, operate], bytesMax = 1114112) {
  # Answers ListProposals.

  rows @0 :List(ProposalIs);
}

struct PayFrom $kind(bytesMax = 8192) {
  # A part of this node that keeps an account without a key pays from it. Answered by Posted; a repeated request gets
  # the same answer.

  transfer @0 :Data;
  kind @1 :Text;
  id @2 :Data;
}

struct Follow $kind(bytesMax = 256) {
  # From now on the part of this node at `path` keeps the account of `kind` and `id`: only PayFrom and PostTransfer with
  # `toNoKey` credit it. Each credit is reported to that part until it answers, except payments from another kept
  # account. With an empty path no part keeps the account any longer; that has an effect only if the account was never
  # credited or has `ended`. Answered by Nothing once that is durable.

  kind @0 :Text;
  id @1 :Data;
  path @2 :Text;
  ended @3 :Bool;
  # With an empty path: the part has paid all that it owes from the account. If the ledger is a chain, which cannot
  # refuse a payment, the remaining money goes to the fund before this is answered.
}

struct Credited $kind(bytesMax = 512) {
  # Reports that a kept account was credited. Answered by Nothing once the credit is recorded; repeated until then.

  kind @0 :Text;
  id @1 :Data;
  sequence @2 :UInt64;
  # Sequence of the posting.
  transfer @3 :Data;
  from @4 :Data;
  amount @5 :UInt64;
}

# --- this node's own account, at `/wallet/own`

struct GetOwnAccount $kind(from = [view, operate], bytesMax = 64) {
  # Requests this node's own account. Answered by OwnAccountIs; `unavailable` if the ledger does not answer.
}

struct OwnAccountIs $kind(from = [view, operate], bytesMax = 256) {
  # Answers GetOwnAccount.

  address @0 :Data;
  balance @1 :UInt64;
  daily @2 :UInt64;
  # The maximum that the node itself spends per UTC day.
  spent @3 :UInt64;
  # How much of `daily` is spent.
  payments @4 :UInt32;
  # Number of payments that wait for their turn.
}

struct PayOwn $kind(from = [operate], bytesMax = 1024) {
  # Pays from the account of this node. Answered by Posted. Errors: `overloaded`, and as for PostTransfer.

  to @0 :Data;
  amount @1 :UInt64;
  memo @2 :Text;
  request @3 :Text;
  # As in PostTransfer.
}

struct Spend $kind(bytesMax = 512) {
  # A part of this node wants to pay from the node's account. Answered by Spending when it is the part's turn: the part
  # then sends the transfer itself, and reports the result by Spent within 30 s. Errors as for PayOwn, and `refused`
  # above the daily limit.

  to @0 :Data;
  amount @1 :UInt64;
  memo @2 :Text;
}

struct Spending $kind(bytesMax = 2048) {
  # Answers Spend.

  transfer @0 :SignedTransfer;
}

struct Spent $kind(bytesMax = 128) {
  # Reports the result of a transfer from Spending.

  transfer @0 :Data;
  # Id of the transfer.
  posted @1 :Bool;
  # False: the transfer was refused, and is not sent again.
}

struct OwnState $kind(from = [view, operate], bytesMax = 512) {
  # The inspector's view of `/wallet/own`.

  address @0 :Text;
  daily @1 :UInt64;
  spent @2 :UInt64;
  waiting @3 :UInt32;
}

struct WalletState $kind(from = [peer, view, operate], bytesMax = 512) {
  # The inspector's view of `/wallet`.

  place @0 :Text;
  here @1 :Bool;
  # Whether this node now keeps the ledger.
  why @2 :Text;
  # Why requests fail; empty: they are served.
}

struct BookState $kind(from = [peer, view, operate], bytesMax = 512) {
  # The inspector's view of `/wallet/book`.

  sequence @0 :UInt64;
  accounts @1 :UInt64;
  issued @2 :UInt64;
  waiting @3 :UInt32;
  # Orders that wait for the commit in progress.
  untold @4 :UInt32;
  # Credits that are not acknowledged yet.
}
