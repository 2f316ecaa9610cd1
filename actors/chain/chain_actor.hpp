#pragma once
// This node's chain, at kPath: agrees with its neighbours on the next block, runs it, stores it, and answers requests.
// Begins and ends the heights; its parts do the rest (README.md).
//
// Heights  one at a time. A height begins when transactions wait, when more than a third of the power has begun it, or
//          after block.empty_ms; it ends when its block is durable. A node without a validator signs nothing.
// Signing  is done by `/validator`: consensus gets a vote or proposal back once it is signed and durable.
// Trust    the signature of a message is verified before the message counts or is forwarded.
// Limits   before a height has begun, kEarlyMax of its messages are kept, kEarlyOfOneMax per validator.
#include <deque>
#include <map>

#include "actors/chain/api.hpp"
#include "actors/chain/queries.hpp"
#include "actors/chain/rejoining.hpp"
#include "actors/chain/vote_repair.hpp"

namespace troupe::chain {

class ChainActor final : public runtime::Actor, private Rounds {
 public:
  static constexpr const char* kName = "chain";
  static constexpr std::size_t kEarlyMax = 4'096;   // our choice
  static constexpr std::size_t kEarlyOfOneMax = 8;  // our choice: both votes of two future rounds, twice
  explicit ChainActor(ChainSettings settings);

  void receive(runtime::Handlers& on) override;
  void start() override;
  void stop() override;

  // For simulations.
  /// Returns null before the head is read.
  const rows::Head* head() const { return chain_.ready ? &chain_.ledger.head() : nullptr; }
  /// Whether this node is a validator by its id, but does not have the key.
  bool keyless() const { return chain_.keyless(); }
  /// Returns the validators that signed two different contents for one step.
  std::vector<base::NodeId> accused() const;
  /// Returns null if no height is in progress.
  const Consensus* consensus() const { return chain_.ready ? chain_.consensus.get() : nullptr; }
  const Ledger& ledger() const { return chain_.ledger; }
  /// Returns up to `most` waiting transactions, sorted by sender and nonce.
  std::vector<const Approved*> waiting(std::size_t most) const { return chain_.mempool.some({}, most); }
  /// Returns the complete blocks of the next height.
  std::vector<BlockId> blocks_here() const;
  /// Returns the next block, without transactions and not sealed, with this node as its proposer.
  Block next_block(UnixMs time) const;
  runtime::Handle at(const base::NodeId& neighbour) const { return neighbours_.at(neighbour); }
  UnixMs unix_ms() const { return chain::unix_ms(wall()); }

 private:
  struct RowsAgain {};
  struct Reopen {};
  struct Timeouts {};
  struct Begin {};
  struct Mend {};

  /// A request to `/validator`. Only the first is in flight; it is repeated until `/validator` responds.
  struct Signing {
    Guard guard;
    std::variant<Vote, Proposal> content;
    std::vector<SignedVote> proof;
  };

  // Life (chain_actor.cpp).
  void open();
  void opened(const base::Outcome<void>& read) override;
  void ask_guard(std::vector<base::Bytes> blocks);
  void hear_guard(runtime::Answer<wire::GuardIs> answer, std::vector<base::Bytes> blocks);
  void resume(wire::GuardIs::Reader kept, const std::vector<base::Bytes>& blocks);
  void failed(const std::string& why) override;
  void reopen(const std::string& why) override;
  void suspend() override;
  /// Forgets the data of the previous fork, because the chain has resumed as a later fork.
  void forget_fork();
  void diverged(const Divergence& divergence) override;
  void stand_still();

  // Rounds (chain_actor_rounds.cpp).
  void next_height();
  void begin_if_due() override;
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
  void sign_next() override;
  void passed(const Guard& guard) override;
  template <class Content>
  void sign(const Signing& signing, const Content& content);
  template <class Content>
  void signed_content(const Content& content, runtime::Answer<wire::SignedIs> answer);
  void timeouts();
  void arm();
  /// Returns whether the message belongs to the next height, is useful, and was signed by its validator.
  template <class Content>
  bool wanted(const Signed<Content>& message);
  void take(const SignedVote& vote);
  void take(const SignedProposal& proposal);
  bool others_have_begun() const;
  /// Takes a precommit for a final block. Returns whether it is new.
  bool hear_late(const SignedVote& vote, const std::optional<base::NodeId>& from);
  void forget_late();
  std::vector<SignedVote> late() const;
  Commit head_commit() const;

  // Blocks (chain_actor_blocks.cpp).
  void build(Round round);
  std::optional<SignedProposal> proposal_of(const BlockId& id) const override;
  void is_whole(const Candidate& candidate) override;
  void finish(std::shared_ptr<const Candidate> candidate, const Commit& commit, bool synced) override;
  void finished(const std::shared_ptr<const Candidate>& candidate, const Commit& commit, const Executed& executed,
                bool synced);

  // Neighbours and clients (chain_actor.cpp).
  void hear_head(const base::NodeId& node, wire::ChainHead::Reader head);
  void tell_health();
  void tell_date();
  void mend();
  Height target() const;
  bool has_quorum() const;
  bool stands_still() const;
  void status(runtime::Reply<wire::ChainStatus>& reply) const;

  LocalChain chain_;
  Neighbours neighbours_;
  HeadComparison heads_;
  ForkRecovery forks_;
  BlockAssembly assembly_;
  VoteRepair repair_;
  BlockSync sync_;
  TransactionPool pool_;
  TransactionGossip gossip_;
  ClientRequests requests_;
  ChainQueries queries_;
  Verification verification_;
  StateDiff diff_;
  Rejoining rejoining_;

  Guard guard_;                    // the guard of the previous height, or the guard that `/validator` sent
  std::vector<SignedVote> proof_;  // to save with the next guard
  std::deque<Signing> to_sign_;
  bool signing_ = false;  // the first of `to_sign_` is in flight
  std::multimap<base::Instant, Timeout> timeouts_;
  std::set<BlockId> at_validator_;  // complete blocks that `/validator` has
  std::vector<SignedVote> early_votes_;
  std::vector<SignedProposal> early_proposals_;
  bool driving_ = false;
  base::Instant since_{};  // when this head was reached, by this node's clock
  std::uint64_t progress_ = 0, progress_told_ = 0;
  std::deque<UnixMs> spans_;  // times between the latest blocks
  UnixMs head_time_{};
  /// Precommits for final blocks that no block contains yet, by height and validator.
  std::map<std::pair<Height, base::NodeId>, SignedVote> late_;
  /// Precommits that arrived while a block was being stored, by sender and validator.
  std::map<std::pair<std::optional<base::NodeId>, base::NodeId>, SignedVote> unheard_;
  base::Instant heard_quorum_{};
};

}  // namespace troupe::chain
