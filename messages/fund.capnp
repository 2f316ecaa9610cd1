@0xfd3330102342a8e8;
# The fund of an account ledger: requests to `/fund`. The fund is kept where the ledger is; other nodes forward
# requests, as messages/wallet.capnp says.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
using Wallet = import "/messages/wallet.capnp";
$Cxx.namespace("troupe::fund::wire");

struct GetFund $kind(from = [peer, view, operate], bytesMax = 64) {
  # Requests the fund itself. Answered by FundIs.
}

struct FundIs $kind(from = [peer, view, operate], bytesMax = 65536) {
  # Answers GetFund.

  book @0 :Data;
  # 32 bytes; the fund's account follows from it.
  owner @1 :Data;
  # The address of the ledger's owner.
  threshold @2 :UInt32;
  signers @3 :List(Data);
  # Ascending addresses of 32 bytes, at most 16.
  dailyCap @4 :UInt64;
  # 0: no cap.
  spentToday @5 :UInt64;
  # Amount approved on this UTC day.
  open @6 :UInt32;
  # Proposals that have not ended.
  allocations @7 :List(Allocation);
  # At most 256, by name.
  sequence @8 :UInt64;
  # Sequence of the latest entry of the log.
  head @9 :Data;
  # Its hash.
}

struct Allocation {
  # The payments in a category.

  category @0 :Text;
  spent @1 :UInt64;
  payments @2 :UInt64;
}

struct Propose $kind(from = [peer, operate], bytesMax = 4096) {
  # A signer proposes. Answered by ProposalIs; a repeated request gets the same answer. Errors: `refused` (not a signer,
  # a limit), `conflict` (other content has this nonce), `malformed`.

  content @0 :Data;
  # actors/fund/logic/proposal.hpp
  by @1 :Wallet.Approval;
  # Approval of propose_bytes(). With an empty key and signature, an operator acts as the owner of the ledger, in the
  # way that Wallet.Issue requires.
}

struct SignProposal $kind(from = [peer, operate], bytesMax = 1024) {
  # A signer agrees. Answered by ProposalIs; if the signature reaches the threshold, only once the ledger has posted the
  # payment. Errors: `not_found`, `refused` (not a signer, expired, the daily cap, or the ledger's reason), `conflict`
  # (enough have signed, or the request id was used for another proposal).

  id @0 :Data;
  by @1 :Wallet.Approval;
  # Approval of sign_bytes(), as in Propose.
  request @2 :Data;
  # 16 bytes, unique for this signer, or empty. A repeated request is answered with the proposal's current state.
}

struct GetProposal $kind(from = [peer, view, operate], bytesMax = 128) {
  # Answered by ProposalIs, or `not_found`.

  id @0 :Data;
}

struct ProposalIs $kind(from = [peer, view, operate], bytesMax = 4096) {
  # Answers Propose, SignProposal and GetProposal.

  id @0 :Data;
  content @1 :Data;
  by @2 :Data;
  # Address of its proposer.
  proposed @3 :UInt64;
  # Unix ms.
  expires @4 :UInt64;
  # Unix ms.
  signed @5 :List(Data);
  # Addresses of signers, in the order of their signatures.
  state @6 :Text;
  # open, paid, done, expired or refused
  ended @7 :UInt64;
  # Unix ms; 0: not yet.
  why @8 :Text;
  # Why it was refused.
  transfer @9 :Data;
  # The transfer that paid it; empty: none.
}

struct ListProposals $kind(from = [peer, view, operate], bytesMax = 128) {
  # Answered by Proposals.

  from @0 :Data;
  # `next` of the previous answer; empty: the first page, which has all open proposals.
}

struct Proposals $kind(from = [peer, view, operate], bytesMax = 1048576) {
  # At most 64 open proposals, and at most 128 ended proposals per page, by id.

  rows @0 :List(ProposalIs);
  next @1 :Data;
  # The id to continue from; empty: this was the last page.
}

struct ListEntries $kind(from = [peer, view, operate], bytesMax = 128) {
  # Requests the log of the fund. Answered by Entries.

  after @0 :UInt64;
  # The page starts after this sequence.
}

struct Entries $kind(from = [peer, view, operate], bytesMax = 1048576) {
  # At most 256, by sequence.

  rows @0 :List(Data);
  # actors/fund/logic/fund.hpp
  more @1 :Bool;
}

struct FundState $kind(from = [peer, view, operate], bytesMax = 512) {
  # The inspector's view of `/fund`.

  place @0 :Text;
  here @1 :Bool;
  # Whether this node now keeps the fund.
  why @2 :Text;
  # Why requests fail; empty: they are served.
}

struct FundRowState $kind(from = [peer, view, operate], bytesMax = 1024) {
  # The inspector's view of `/fund/state`.

  threshold @0 :UInt32;
  signers @1 :UInt32;
  open @2 :UInt32;
  # Proposals that have not ended.
  paying @3 :Text;
  # The proposal whose payment is in progress; empty: none.
  sequence @4 :UInt64;
  # Sequence of the latest entry of the log.
  why @5 :Text;
  # Why the fund does not serve; empty: it does.
}
