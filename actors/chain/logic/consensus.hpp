#pragma once
// One height of consensus at one node: messages, time-outs and blocks in; what to sign, send, fetch and decide out.
//
// Source  Buchman, Kwon & Milosevic, "The latest gossip on BFT consensus", arXiv 1807.04938, Algorithm 1. "Line" in the
//         comments is a line of it, and its names are kept.
// Duty    of the caller, after each input: take(), and do the effects in order. What is lost is sent again: neighbours
//         compare what they hold, a validator's own contents of the whole height among it.
//         What receive() has not taken is not to be remembered as heard: it may be needed when it comes again.
// Trust   what receive() is given has been verified to be of its validator; all else in it may be a lie.
// Limits  votes of kRoundsKept rounds back, of the next round, and of each validator's latest kRoundsAhead beyond.
//         Proposals of this round and the next. An equivocator is named once a height.
// Owner   the validator's actor, a new object for each height; not thread-safe.
#include <memory>
#include <set>

#include "actors/chain/logic/evidence.hpp"
#include "actors/chain/logic/guard.hpp"
#include "actors/chain/logic/rotation.hpp"
#include "actors/chain/logic/tally.hpp"
#include "actors/chain/logic/times.hpp"

namespace troupe::chain {

/// Our choice: older prevotes are needed only for a value proposed again, whose round is kept besides.
inline constexpr std::uint32_t kRoundsKept = 64;
/// Two are enough for a node far behind to find the others. The first correct validator in a round r saw a quorum of
/// precommits of r - 1. So over 1/3 of the power is correct and has r - 1 among its latest two, if r is the last round.
inline constexpr std::size_t kRoundsAhead = 2;

/// What a height begins with; all but `self` is the same at each node.
struct HeightStart {
  Fork fork;
  Height height;
  std::shared_ptr<const ValidatorSet> validators;
  Rotation rotation;
  UnixMs parent_time{};
  Times times{};
  std::optional<base::NodeId> self{};  ///< without it, or if it is no validator: the node watches and signs nothing
};

struct Timeout {
  Place place;
  Step step = Step::propose;

  friend bool operator==(const Timeout&, const Timeout&) = default;
};

enum class Verdict : std::uint8_t { valid, invalid };

// Effects.
/// The prevotes that prove the valid value of the next guard: saved with that guard in place of earlier ones, and
/// handed to receive() after a restart. Others take a value proposed again by these votes alone; those of liars cannot
/// be had again, and a lock that cannot be proven would hold up the height for ever.
struct Keep {
  std::vector<SignedVote> prevotes;
};
/// Save and sync the guard, what Keep named, the whole blocks that the guard names, and the signed content. Then send
/// the content, and hand it back by receive(): a validator hears itself. Own contents are kept until the height is
/// done, and handed to receive() after a restart.
template <class Content>
struct Sign {
  Guard guard;
  Content content;
};
/// Hand the time-out back after this span.
struct Schedule {
  Timeout timeout;
  UnixMs after{};
};
/// It is this node's turn: answer with built(). Line 18, getValue().
struct BuildBlock {
  Round round;
};
/// Fetch the block with all its transactions, validate it, and answer with block(); at once if it is here. "Invalid"
/// may rest on what the id determines alone. Whatever else is wrong, such as an approval, a size, or a list that is not
/// the one of its root, is the fault of the one who sent it: fetch it elsewhere.
struct FetchBlock {
  BlockId block;
};
/// The height is done. Whatever comes later is refused.
struct Decided {
  Commit commit;
};
/// Over 2/3 precommitted a block that is invalid here: this node, or over 1/3 of the validators, is wrong.
struct Diverged {
  BlockId block;
};
using Effect =
    std::variant<Keep, Sign<Vote>, Sign<Proposal>, Schedule, BuildBlock, FetchBlock, Evidence, Decided, Diverged>;

/// Why a message was of no use. It has changed nothing; but evidence may be given out.
enum class Rejected : std::uint8_t {
  elsewhere,     ///< of another fork or height
  stranger,      ///< not of a validator of this height
  malformed,     ///< a valid round that is not before its round, a round or a time out of range
  not_proposer,  ///< a proposal out of turn
  old,           ///< of a round that is not kept any more
  far,           ///< of a round too far ahead
  known,         ///< it was here
  contradicts,   ///< another content of this validator for this step was here, and this one is not kept
  decided,       ///< the height is done
};

class Consensus {
 public:
  /// Begins round 0, or goes on where `guard` stands if that is of this height. `mutations` outlives it.
  Consensus(HeightStart start, const Guard& guard, const base::Mutations& mutations = base::kNoMutations);

  /// Whether receive() would take it: what it would refuse need neither be verified nor be remembered.
  bool needs(const SignedVote& vote) const;
  bool needs(const SignedProposal& proposal) const;
  /// Whether receive() would give out evidence against its validator, also if it refuses it.
  bool accuses(const SignedVote& vote) const;
  bool accuses(const SignedProposal& proposal) const;

  base::Result<void, Rejected> receive(const SignedVote& vote);
  /// `now` by the wall clock: the time at which a proposal came first is what counts.
  base::Result<void, Rejected> receive(const SignedProposal& proposal, UnixMs now);
  /// One that was scheduled. Late and repeated ones are harmless.
  void timeout(const Timeout& timeout);
  /// What became of a FetchBlock; `time` and `proposer` are those of the block. Valid: all its transactions are here,
  /// and it follows the last final block, also in time. An answer that was not asked for is ignored.
  void block(const BlockId& id, UnixMs time, const base::NodeId& proposer, Verdict verdict);
  /// A new block for BuildBlock, which is whole and valid here; its time is later than the parent's. Ignored if the
  /// round is over.
  void built(Round round, const BlockId& id, UnixMs time);

  /// What is to be done since the last call, in order.
  std::vector<Effect> take();

  Place place() const { return {start_.fork, start_.height, round_}; }
  Step step() const { return step_; }
  const std::optional<Proven>& locked() const { return locked_; }
  const std::optional<Proven>& valid() const { return valid_; }
  const Guard& guard() const { return guard_; }
  bool decided() const { return decided_; }
  /// Second contents for one step, which the guard did not let be signed.
  std::uint64_t refused() const { return refused_; }
  const Validator& proposer() const { return start_.validators->at(turns_.now); }
  const Validator& next_proposer() const { return start_.validators->at(turns_.next); }  ///< of the next round

  /// What is held, for neighbours that lack it: rounds in order, prevotes before precommits.
  std::vector<SignedVote> votes() const;
  std::vector<SignedProposal> proposals() const;

 private:
  struct RoundVotes {
    Tally prevotes, precommits;
  };
  struct HeldProposal {
    SignedProposal message;
    UnixMs received{};
  };
  struct Report {
    UnixMs time{};
    base::NodeId proposer{};
    Verdict verdict = Verdict::invalid;
  };
  struct Block {
    Round mentioned;
    std::optional<Report> report{};
  };
  struct Turns {
    Rotation rotation;
    Round round;  ///< of `now`
    std::size_t now = 0, next = 0;
  };

  bool planted(const char* bug) const { return mutations_.on(bug); }

  // consensus.cpp: rounds, signing, bounds
  void resume();
  void enter(Round round);
  void start_round(Round round);
  void forget_old_rounds();
  bool kept(Round round) const;
  bool my_turn() const { return self_ && *self_ == turns_.now; }
  void sign(const Vote& vote);
  void sign(const Proposal& proposal);
  template <class Content>
  void sign_if_allowed(const Content& content);
  void prevote(const Choice& choice);
  void precommit(const Choice& choice);
  void schedule(Step step);
  void want(const BlockId& id);
  const Report* report(const BlockId& id) const;
  bool valid_here(const BlockId& id) const;

  // consensus_receive.cpp: what counts
  bool here(const Place& place) const { return place.fork == start_.fork && place.height == start_.height; }
  std::optional<Rejected> unfit(const SignedVote& vote) const;
  std::optional<Rejected> unfit(const SignedProposal& proposal) const;
  std::optional<Rejected> no_room(std::size_t index, Round round) const;
  void make_room(std::size_t index, Round round);
  const Tally* tally_of(const Vote& vote) const;
  std::uint64_t heard_in(Round round) const;
  template <class Content>
  void accuse(std::size_t index, const Signed<Content>& first, const Signed<Content>& second);

  // consensus_rules.cpp: Algorithm 1
  void apply_rules();
  bool propose();
  bool judge_proposal();
  std::optional<Choice> judgement(const HeldProposal& held) const;
  bool lock();
  bool precommit_nil();
  bool watch_prevotes();
  bool watch_precommits();
  bool decide();
  void check() const;

  HeightStart start_;
  Guard guard_;
  const base::Mutations& mutations_;
  std::optional<std::size_t> self_;  // the index

  Round round_;
  Step step_ = Step::propose;
  std::optional<Round> proof_kept_;       // of valid_
  std::optional<Proven> locked_, valid_;  // lockedValue and lockedRound, validValue and validRound
  Turns turns_;
  // In this round:
  bool proposed_ = false, building_ = false, prevotes_watched_ = false, precommits_watched_ = false;
  bool decided_ = false, diverged_ = false;

  std::map<Round, RoundVotes> rounds_;
  std::map<Round, HeldProposal> proposals_;
  std::map<BlockId, Block> blocks_;
  std::map<std::size_t, std::set<Round>> ahead_;  // by validator: beyond the next round
  std::set<std::size_t> accused_;
  std::uint64_t refused_ = 0;
  std::vector<Effect> out_;
};

}  // namespace troupe::chain
