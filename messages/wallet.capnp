@0xddd83d899f452c89;
# The book of accounts: what is asked of `/wallet`. A node that does not keep the book passes each question on to one that
# does (`ledger.book`); a question of another node is served at the book alone. Errors of all of them: `unavailable` if the
# book does not answer, or `ledger.book` is empty.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
$Cxx.namespace("troupe::wallet::wire");

struct Approval {
  # A signature by one signer of a policy.

  key @0 :Data;
  signature @1 :Data;
}

struct SignedTransfer {
  # The bytes of actors/wallet/logic/ledger/transfer.hpp, the policy of the account that is debited
  # (actors/wallet/logic/policy.hpp), and who has approved these bytes.

  transfer @0 :Data;
  policy @1 :Data;
  approvals @2 :List(Approval);
  onChain @3 :List(Approval);
  # Where the book is the chain of its node: of the transaction that follows from the transfer
  # (actors/chain/logic/book_transfer.hpp), by rising key, as many as the policy demands.
}

struct GetBook $kind(from = [peer, view, operate], bytesMax = 64) {
  # Asks for the book itself. Answered by BookIs.
}

struct BookIs $kind(from = [peer, view, operate], bytesMax = 1024) {
  # Answers GetBook.

  book @0 :Data;
  owner @1 :Data;
  # The address that issues.
  sequence @2 :UInt64;
  # Of the latest posting.
  head @3 :Data;
  issued @4 :UInt64;
  accounts @5 :UInt64;
  place @6 :Text;
  # As `ledger.book` has it.
}

struct GetAccount $kind(from = [peer, view, operate], bytesMax = 128) {
  # Answered by AccountIs, also for an account that was never credited.

  address @0 :Data;
  ofNoKey @1 :Bool;
  # The address is that of an account which belongs to no key. Asked where the book may be a chain, which cannot tell.
}

struct AccountIs $kind(from = [peer, view, operate], bytesMax = 512) {
  # Answers GetAccount.

  account @0 :AccountRow;
  book @1 :Data;
  chain @2 :ChainTerms;
  # Null unless the book is the chain of its node.
}

struct ChainTerms {
  # What a transfer needs to be a transaction of the chain.

  height @0 :UInt64;
  # Of the latest final block.
  baseFee @1 :UInt64;
  # For each gas in the next block.
  fork @2 :UInt32;
  address @3 :Data;
  # At which the account stands on the chain: its own; that of a key of the book's node if it belongs to no key.
  chain @4 :Data;
  # The id of its genesis. That of the book covers it and the key of the book's node.
}

struct AccountRow {
  address @0 :Data;
  balance @1 :UInt64;
  debits @2 :UInt64;
  # The number of the latest transfer that debited it: the next one has one more.
  kind @3 :Text;
  # key, escrow, …: of an account that belongs to no key, the kind in its hash; empty for others.
  since @4 :UInt64;
  # When it was first credited, Unix ms; 0: never.
}

struct ListAccounts $kind(from = [peer, view, operate], bytesMax = 128) {
  # All accounts by rising address. Answered by Accounts.

  from @0 :Data;
  # The first address, or empty.
}

struct Accounts $kind(from = [peer, view, operate], bytesMax = 131072) {
  # At most 512.

  rows @0 :List(AccountRow);
  more @1 :Bool;
}

struct PostTransfer $kind(from = [peer, operate], bytesMax = 16384) {
  # Answered by Posted once it is durable. The same bytes again are answered alike. Errors: `malformed`, `refused` (not
  # approved, funds), `conflict` (the number is not the next one; or another transfer was posted under the request),
  # `overloaded`, `no_space`; the last is for other nodes while the book's node needs what is left of its device.

  transfer @0 :SignedTransfer;
  request @1 :Text;
  # At most 64 bytes, of this account; empty: none. A retry may have another number: what the first has posted is
  # answered, if its credits and memo are the same.
  toNoKey @2 :Bool;
  # All accounts that are credited belong to no key, as in GetAccount: a deposit, which a part of the book's node posts
  # for an account that it keeps. From another process it is `unavailable`. Without it a credit to an account that a
  # part of the program keeps is `refused`.
}

struct Posted $kind(from = [peer, view, operate], bytesMax = 256) {
  # Answers PostTransfer and Issue.

  id @0 :Data;
  # Of the transfer.
  sequence @1 :UInt64;
  time @2 :UInt64;
  # Unix ms.
}

struct Issue $kind(from = [peer, operate], bytesMax = 1024) {
  # An operator of the book makes money. Answered by Posted. `refused` where it did not come over the local socket of
  # the book's node or of a member of its group.

  to @0 :Data;
  amount @1 :UInt64;
  memo @2 :Text;
  request @3 :Text;
}

struct ListPostings $kind(from = [peer, view, operate], bytesMax = 128) {
  # The postings of an account, the latest first. Answered by Postings.

  address @0 :Data;
  # Empty: all of the book.
  before @1 :UInt64;
  # Only sequences below it; 0: from the latest.
  limit @2 :UInt32;
  # At most 256; 0: that many.
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
  # Of all balances.
  mismatches @4 :List(Data);
  # Accounts whose stored row differs; at most 256.
  brokenAt @5 :UInt64;
  # The first posting that is wrong; 0: none is.
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
  # A transfer of an account with several signers, with one approval. Answered by ProposalIs. Errors as PostTransfer, and
  # `overloaded` if the account has as many as may be.

  transfer @0 :SignedTransfer;
  expires @1 :UInt64;
  # Unix ms.
}

struct SignProposal $kind(from = [peer, operate], bytesMax = 1024) {
  # One more approval; the one that reaches the threshold posts the transfer. Answered by ProposalIs. Errors:
  # `not_found`, `refused`, `conflict` if it is posted already.

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
  # Of the transfer.
  transfer @1 :SignedTransfer;
  expires @2 :UInt64;
  posted @3 :Bool;
}

struct ListProposals $kind(from = [peer, view, operate], bytesMax = 128) {
  # Of one account; at most 64 are answered, those that can still be paid first. Answered by Proposals.

  address @0 :Data;
}

struct Proposals $kind(from = [peer, view, operate], bytesMax = 1114112) {
  # Answers ListProposals.

  rows @0 :List(ProposalIs);
}

struct PayFrom $kind(bytesMax = 8192) {
  # A part of this node that keeps an account of no key pays from it. Answered by Posted; the same again is answered
  # alike.

  transfer @0 :Data;
  kind @1 :Text;
  id @2 :Data;
}

struct Follow $kind(bytesMax = 256) {
  # From now on the account of kind and id is kept: it is credited only by PayFrom, and by PostTransfer with `toNoKey`.
  # Each credit is told to the part that keeps it, at the path, until it has answered; but not what another kept account
  # pays. Without a path: no part keeps it any more, if it was never credited; otherwise that changes nothing, except
  # where it has `ended`.
  # Answered by Nothing once that is durable.

  kind @0 :Text;
  id @1 :Data;
  path @2 :Text;
  ended @3 :Bool;
  # Without a path: the part has paid all that it owes from the account. Where the book is a chain, which cannot refuse a
  # payment, what is left there goes to the fund before this is answered.
}

struct Credited $kind(bytesMax = 512) {
  # The account was credited. Answered by Nothing once it is noted; told again and again until then.

  kind @0 :Text;
  id @1 :Data;
  sequence @2 :UInt64;
  # Of the posting.
  transfer @3 :Data;
  from @4 :Data;
  amount @5 :UInt64;
}

# --- the account of a node's own, at `/wallet/own`

struct GetOwnAccount $kind(from = [view, operate], bytesMax = 64) {
  # Answered by OwnAccountIs. `unavailable` if the book does not answer.
}

struct OwnAccountIs $kind(from = [view, operate], bytesMax = 256) {
  # Answers GetOwnAccount.

  address @0 :Data;
  balance @1 :UInt64;
  daily @2 :UInt64;
  # The node itself spends no more than that on a day of UTC.
  spent @3 :UInt64;
  # Of it.
  payments @4 :UInt32;
  # That wait for their turn.
}

struct PayOwn $kind(from = [operate], bytesMax = 1024) {
  # Pays from the account of this node. Answered by Posted. Errors: `overloaded`, and those of PostTransfer.

  to @0 :Data;
  amount @1 :UInt64;
  memo @2 :Text;
  request @3 :Text;
  # As that of PostTransfer.
}

struct Spend $kind(bytesMax = 512) {
  # A part of this node wants to pay from the node's account. Answered by Spending in its turn: it sends the transfer
  # itself, and says by Spent what became of it; that is waited for for 30 s. Errors as PayOwn, and
  # `refused` beyond the daily limit.

  to @0 :Data;
  amount @1 :UInt64;
  memo @2 :Text;
}

struct Spending $kind(bytesMax = 2048) {
  # Answers Spend.

  transfer @0 :SignedTransfer;
}

struct Spent $kind(bytesMax = 128) {
  # The end of a transfer that Spending gave.

  transfer @0 :Data;
  # Its id.
  posted @1 :Bool;
  # False: it was refused, and is not sent again.
}

struct OwnState $kind(from = [view, operate], bytesMax = 512) {
  # What the inspector shows of `/wallet/own`.

  address @0 :Text;
  daily @1 :UInt64;
  spent @2 :UInt64;
  waiting @3 :UInt32;
}

struct WalletState $kind(from = [peer, view, operate], bytesMax = 512) {
  # What the inspector shows of `/wallet`.

  place @0 :Text;
  here @1 :Bool;
  # Whether this node keeps the book now.
  why @2 :Text;
  # Why nothing is asked of it; empty: it answers.
}

struct BookState $kind(from = [peer, view, operate], bytesMax = 512) {
  # What the inspector shows of `/wallet/book`.

  sequence @0 :UInt64;
  accounts @1 :UInt64;
  issued @2 :UInt64;
  waiting @3 :UInt32;
  # Orders that wait for the commit under way.
  untold @4 :UInt32;
  # Credits that were not answered yet.
}
