#pragma once
// The chain of this node, at kPath: agrees with its neighbours on the next block, runs it, keeps it, and answers for
// it.
//
// Heights  one at a time. A height begins when transactions wait, when others have begun it, or after block.empty_ms;
//          it ends when its block is durable. A node that is no validator takes part alike, and signs nothing.
// Blocks   come as header and ids; what of their transactions does not wait here is asked of the one who sent them. A
//          body whose signatures are wrong says nothing of its id: it is asked of another neighbour.
// Signing  is `/validator`'s: a content is handed back to consensus once it is signed, and so durable.
// Trust    what is heard was verified to be of its validator before it counts, or is passed on.
// Limits   kCandidatesMax blocks of a height; kEarlyMax messages of a height that has not begun; kNeighboursMax.
#include <deque>
#include <map>
#include <set>

#include "actors/chain/api.hpp"
#include "actors/chain/ledger.hpp"
#include "actors/chain/logic/consensus.hpp"
#include "actors/chain/logic/mempool.hpp"
#include "actors/chain/settings.hpp"
#include "messages/chain.capnp.h"
#include "messages/common.capnp.h"
#include "runtime/actor/actor.hpp"

namespace troupe::chain {

class ChainActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "chain";
  static constexpr std::size_t kCandidatesMax = 64;   // our choice
  static constexpr std::size_t kEarlyMax = 4'096;     // our choice
  static constexpr std::size_t kNeighboursMax = 50;   // beyond that a mesh is needed
  static constexpr std::size_t kWaitersMax = 16'384;  // our choice
  explicit ChainActor(ChainSettings settings);

  void receive(runtime::Handlers& on) override;
  void start() override;
  void stop() override;

  // For simulations.
  /// Null before it is read.
  const rows::Head* head() const { return ready_ ? &ledger_.head() : nullptr; }
  /// Validators that signed two contents for one step.
  std::vector<base::NodeId> accused() const;

 private:
  struct RowsAgain {};
  struct Reopen {};
  struct Greet {};
  struct Timeouts {};
  struct Begin {};
  struct Mend {};
  struct TellTransactions {};
  struct Waiters {};

  /// A block of the next height that is whole here.
  struct Candidate {
    Block block;
    base::Bytes bytes;
    BlockId id;
    std::shared_ptr<const std::vector<Approved>> transactions;
    Verdict verdict = Verdict::invalid;
  };
  /// One whose transactions are not all here yet.
  struct Assembly {
    Block block;  // without transactions
    std::vector<TxId> ids;
    std::map<TxId, Approved> have;
    bool asking = false;
  };
  struct Neighbour {
    runtime::Handle handle;
    Height height;
    std::set<TxId> told;  // this height's, by us or by it
  };
  /// What `/validator` is asked for, one after another: again until it has answered.
  struct Signing {
    Guard guard;
    std::variant<Vote, Proposal> content;
    std::vector<SignedVote> proof;
  };
  struct Waiter {
    base::Instant due;
    bool pending = false;  // it waited here
    runtime::Reply<wire::TransactionInfo> reply;
  };
  struct AccountWaiter {
    base::Instant due;
    wallet::Address address;
    Height height;  // whose root is waited for
    runtime::Reply<wire::ChainAccount> reply;
  };
  using Admitted = base::Callback<void(base::Outcome<void>)>;

  // Life (chain_actor.cpp).
  void open();
  void opened(const base::Outcome<void>& read);
  void hear_guard(runtime::Answer<wire::GuardIs> answer);
  void resume(wire::GuardIs::Reader kept);
  const Genesis& genesis() const { return settings_.genesis->genesis(); }
  bool has_chain() const { return settings_.genesis != nullptr; }
  bool ours(capnp::Data::Reader chain) const;
  UnixMs unix_ms() const;
  runtime::Handle at(const base::NodeId& neighbour) const;
  wallet::Address owner_of(const base::NodeId& validator) const;
  template <class A>
  bool refuse_unready(runtime::Reply<A>& reply) const;
  void failed(const std::string& why);
  /// What is on disk is read again: it is not known what was written.
  void reopen(const std::string& why);

  // Rounds (chain_actor_rounds.cpp).
  void next_height();
  void begin_if_due();
  std::optional<base::NodeId> validator_here() const;
  void begin();
  void drive();
  void perform(Keep& effect);
  template <class Content>
  void perform(Sign<Content>& effect);
  void perform(Schedule& effect);
  void perform(BuildBlock& effect);
  void perform(FetchBlock& effect);
  void perform(Evidence& effect);
  void perform(Decided& effect);
  void perform(Diverged& effect);
  void sign_next();
  template <class Content>
  void sign(const Signing& signing, const Content& content);
  template <class Content>
  void signed_content(const Content& content, runtime::Answer<wire::SignedIs> answer);
  void timeouts();
  void arm();
  /// Whether it is of the next height, of use, and of its validator.
  template <class Content>
  bool wanted(const Signed<Content>& message) const;
  void take(const SignedVote& vote);
  void take(const SignedProposal& proposal);
  bool others_have_begun() const;
  /// A precommit for a final block: whether it is news.
  bool hear_late(const SignedVote& vote);
  void forget_late();
  std::vector<SignedVote> late() const;
  Commit head_commit() const;
  EvidenceView evidence_view() const;

  // Blocks (chain_actor_blocks.cpp).
  void build(Round round);
  void offer(const BlockId& id, wire::ProposedBlock::Reader body, const runtime::Handle& from);
  void assemble(const BlockId& id, const runtime::Handle& from);
  void whole(const BlockId& id);
  std::shared_ptr<Candidate> judge(Block block, std::vector<Approved> transactions) const;
  void add(std::shared_ptr<const Candidate> candidate);
  void fetch(const BlockId& id);
  bool follows(const Header& header) const;
  void finish(std::shared_ptr<const Candidate> candidate, const Commit& commit, bool synced);
  void finished(const Candidate& candidate, const Commit& commit, const Executed& executed, bool synced);
  void settle(const Candidate& candidate, const Executed& executed);

  // Transactions (chain_actor_transactions.cpp).
  void submit(wire::SubmitTransaction::Reader ask, runtime::Reply<wire::TransactionInfo> reply);
  void admit(Approved transaction, std::optional<base::NodeId> from, bool dry, Admitted done);
  void hear_have(wire::HaveTransactions::Reader have);
  void give(wire::GetTransactions::Reader ask, runtime::Reply<wire::Transactions> reply);
  void tell_transactions();
  void answer_final(const rows::Location& at, runtime::Reply<wire::TransactionInfo> reply);
  void write_pending(wire::TransactionInfo::Builder out, const Approved& one) const;
  void answer(const TxId& id, runtime::Reply<wire::TransactionInfo> reply, base::Duration wait);
  void tell_waiters(const TxId& id);
  void tell_account_waiters();
  void overdue();

  // Neighbours (chain_actor_gossip.cpp).
  void greet();
  void hear_head(const base::NodeId& node, const runtime::Handle& handle, wire::ChainHead::Reader head);
  void tell_head();
  void tell_health();
  void write_head(wire::ChainHead::Builder out) const;
  void push(const SignedVote& vote, const std::optional<base::NodeId>& except);
  void push(const SignedProposal& proposal, wire::ProposedBlock::Reader body,
            const std::optional<base::NodeId>& except);
  void push_own(const SignedProposal& proposal, const Candidate& candidate);
  template <class Message, class Fill>
  void tell_all(const std::optional<base::NodeId>& except, Fill&& fill);
  void write(wire::ProposedBlock::Builder out, const Candidate& candidate) const;
  void mend();
  void hear_held(wire::HeldVotes::Reader held);
  void sync();
  void take_next();
  void give(wire::GetBlocks::Reader ask, runtime::Reply<wire::FinalBlocks> reply);
  void gather(Height from, std::shared_ptr<std::vector<FinalRow>> so_far, std::size_t bytes,
              runtime::Reply<wire::FinalBlocks> reply);

  // What is asked (chain_actor_answers.cpp).
  void answers(runtime::Handlers& on);
  Height target() const;
  bool has_quorum() const;
  void status(runtime::Reply<wire::ChainStatus>& reply) const;
  void blocks(wire::ListBlocks::Reader ask, runtime::Reply<wire::BlockInfos> reply);
  struct Gathering;
  void list_blocks(std::shared_ptr<Gathering> gathering);
  void write(wire::BlockInfo::Builder out, const FinalRow& row) const;
  void write_genesis(wire::BlockInfo::Builder out) const;
  void tell_watchers();
  void tell_watcher(std::uint64_t id);
  void account(wire::GetChainAccount::Reader ask, runtime::Reply<wire::ChainAccount> reply);
  void prove_account(AccountWaiter waiter);
  void state(wire::ListState::Reader ask, runtime::Reply<wire::StateRows> reply);
  void transactions(wire::ListTransactions::Reader ask, runtime::Reply<wire::TransactionInfos> reply);
  struct Listing;
  void list_next(std::shared_ptr<Listing> listing);
  void validators(runtime::Reply<wire::ValidatorInfos> reply);
  void write_final(wire::TransactionInfo::Builder out, const Block& block, std::uint32_t index,
                   const base::Bytes& receipt) const;
  struct Verifying;
  void verify(wire::VerifyChain::Reader ask, runtime::Reply<wire::ChainVerified> reply);
  void verify_next(std::shared_ptr<Verifying> verifying);

  const ChainSettings settings_;
  ChainId chain_{};
  Fork fork_;
  Ledger ledger_;
  bool ready_ = false, halted_ = false;

  // The height at hand.
  std::unique_ptr<Consensus> consensus_;  // none before it has begun
  Guard guard_;                           // of the height before, or as `/validator` keeps it
  std::optional<base::PublicKey> key_;    // of this node's validator
  std::vector<SignedVote> proof_;         // to be kept with the next guard
  std::deque<Signing> to_sign_;
  bool signing_ = false;  // the first of them is under way
  std::multimap<base::Instant, Timeout> timeouts_;
  std::map<BlockId, std::shared_ptr<const Candidate>> candidates_;
  std::map<BlockId, Assembly> assemblies_;
  std::set<BlockId> wanted_;        // asked for, not here
  std::set<BlockId> at_validator_;  // whole blocks that `/validator` has
  std::vector<SignedVote> early_votes_;
  std::vector<SignedProposal> early_proposals_;
  bool finishing_ = false, driving_ = false;
  bool barren_ = false;    // nothing of what waits could be in the latest block
  base::Instant since_{};  // when the head came to be, by this node's clock
  std::uint64_t progress_ = 0, progress_told_ = 0;
  std::deque<UnixMs> spans_;  // between the latest blocks
  UnixMs head_time_{};
  std::map<base::NodeId, Evidence> evidence_;  // of validators that signed twice
  /// Precommits for final blocks that were not in their commits: by height and validator.
  std::map<std::pair<Height, base::NodeId>, SignedVote> late_;
  std::vector<SignedVote> unheard_;  // came while the block at hand was being kept
  base::Instant heard_quorum_{};

  Mempool mempool_;
  std::vector<TxId> to_tell_;
  std::map<TxId, base::Instant> fetching_;
  std::multimap<TxId, Waiter> waiters_;
  std::vector<AccountWaiter> account_waiters_;

  std::map<base::NodeId, Neighbour> neighbours_;
  std::set<base::NodeId> greeting_, strangers_;
  bool syncing_ = false;
  std::deque<std::pair<base::Bytes, Commit>> synced_;

  struct Watcher {
    runtime::Sink<wire::ChainBlock> sink;
    Height next;
  };
  std::map<std::uint64_t, Watcher> watchers_;
  std::uint64_t watcher_ids_ = 0;
  bool verifying_ = false;
};

}  // namespace troupe::chain
