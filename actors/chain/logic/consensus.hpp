#pragma once
// One height of consensus at one node. In: messages, timeouts, blocks. Out: what to sign, send, fetch and decide.
//
// Source  Buchman, Kwon & Milosevic, "The latest gossip on BFT consensus", arXiv 1807.04938, Algorithm 1. "Line" in
//         comments means a line of this algorithm, whose names are kept.
// Duty    the caller calls take() after each input and performs the effects in order. Neighbours compare their messages
//         of the whole height and resend lost ones. A message that receive() refused must not be recorded as received,
//         because it may be needed when it arrives again.
// Trust   the caller has verified the signature of each received message; everything else in it may be false.
// Limits  keeps votes of the last kRoundsKept rounds and of the next round. Of later rounds, keeps each validator's
//         votes in its latest kRoundsAhead. Keeps proposals of this round and the next. Reports an equivocator once per
//         height.
// Owner   the validator's actor, a new object for each height; not thread-safe.
#include <memory>
#include <set>

#include "actors/chain/logic/evidence.hpp"
#include "actors/chain/logic/guard.hpp"
#include "actors/chain/logic/rotation.hpp"
#include "actors/chain/logic/tally.hpp"
#include "actors/chain/logic/times.hpp"

namespace troupe::chain {

/// Our choice: older prevotes are needed only for a value proposed again, whose round is kept too.
inline constexpr std::uint32_t kRoundsKept = 64;
/// Two are enough for a node far behind to find the other nodes. Let r be the last round: the first correct validator
/// in r saw a quorum of precommits of r - 1. So over 1/3 of the power is correct and has r - 1 among its latest two.
inline constexpr std::size_t kRoundsAhead = 2;

/// The input with which a height begins; all of it except `self` is the same at each node.
struct HeightStart {
  Fork fork;
  Height height;
  std::shared_ptr<const ValidatorSet> validators;
  Rotation rotation;
  UnixMs parent_time{};
  Times times{};
  std::optional<base::NodeId> self{};  ///< without it, or if it is not a validator, the node only watches
};

struct Timeout {
  Place place;
  Step step = Step::propose;

  friend bool operator==(const Timeout&, const Timeout&) = default;
};

enum class Verdict : std::uint8_t { valid, invalid };

// Effects.
/// Save these prevotes, which prove the valid value of the next guard, together with that guard, in place of earlier
/// ones. After a restart, pass them to receive(). Other nodes accept a value proposed again only because of these
/// votes. Votes of malicious validators cannot be obtained again, and a lock without proof would block the height.
struct Keep {
  std::vector<SignedVote> prevotes;
};
/// Save and sync the guard, the votes of Keep, the whole blocks that the guard names, and the signed content. Then send
/// the content and pass it to receive(): a validator counts its own messages. Keep this node's own contents until the
/// height is done, and pass them to receive() after a restart.
template <class Content>
struct Sign {
  Guard guard;
  Content content;
};
/// Pass the timeout to timeout() after this duration.
struct Schedule {
  Timeout timeout;
  UnixMs after{};
};
/// It is this node's turn: respond with built(). Line 18, getValue().
struct BuildBlock {
  Round round;
};
/// Fetch the block with all its transactions, validate it, and respond with block(); at once if it is here. `invalid`
/// may depend only on what the id determines. Any other fault, such as an approval, a size, or a list that does not
/// match its root, is the sender's: fetch the block from another node.
struct FetchBlock {
  BlockId block;
};
/// The height is done. All later input is refused.
struct Decided {
  Commit commit;
};
/// Over 2/3 precommitted a block that is invalid here: this node, or over 1/3 of the validators, is wrong.
struct Diverged {
  BlockId block;
};
using Effect =
    std::variant<Keep, Sign<Vote>, Sign<Proposal>, Schedule, BuildBlock, FetchBlock, Evidence, Decided, Diverged>;

/// Why a message was refused. It has changed nothing, but may produce evidence.
enum class Rejected : std::uint8_t {
  elsewhere,     ///< another fork or height
  stranger,      ///< not from a validator of this height
  malformed,     ///< a proposal's valid round is not before its round, or a round or time is out of range
  not_proposer,  ///< a proposal out of turn
  old,           ///< its round is no longer kept
  far,           ///< its round is too far ahead
  known,         ///< a duplicate
  contradicts,   ///< contradicts this validator's content for this step, and is not kept
  decided,       ///< the height is done
};

class Consensus {
 public:
  /// Begins round 0, or resumes at `guard` if the guard is at this height. `mutations` must outlive it.
  Consensus(HeightStart start, const Guard& guard, const base::Mutations& mutations = base::kNoMutations);

  /// Whether receive() would accept it. The caller need neither verify nor remember a message that it would refuse.
  bool needs(const SignedVote& vote) const;
  bool needs(const SignedProposal& proposal) const;
  /// Whether receive() would report evidence against its validator, even if it refuses the message.
  bool accuses(const SignedVote& vote) const;
  bool accuses(const SignedProposal& proposal) const;

  base::Result<void, Rejected> receive(const SignedVote& vote);
  /// `now` is wall-clock time; the time of a proposal's first arrival counts.
  base::Result<void, Rejected> receive(const SignedProposal& proposal, UnixMs now);
  /// A scheduled timeout. Late and repeated ones are harmless.
  void timeout(const Timeout& timeout);
  /// The result of a FetchBlock; `time` and `proposer` belong to the block. `valid` means that all its transactions are
  /// here and that it follows the last final block, also in time. Ignored unless the block was requested.
  void block(const BlockId& id, UnixMs time, const base::NodeId& proposer, Verdict verdict);
  /// The new block for a BuildBlock, whole and valid here; its time is later than the parent's. Ignored after the
  /// round.
  void built(Round round, const BlockId& id, UnixMs time);

  /// Returns the effects since the last call, in order.
  std::vector<Effect> take();

  Place place() const { return {start_.fork, start_.height, round_}; }
  Step step() const { return step_; }
  const std::optional<Proven>& locked() const { return locked_; }
  const std::optional<Proven>& valid() const { return valid_; }
  const Guard& guard() const { return guard_; }
  bool decided() const { return decided_; }
  /// Returns how often the guard refused to sign a second content for one step.
  std::uint64_t refused() const { return refused_; }
  const Validator& proposer() const { return start_.validators->at(turns_.now); }
  const Validator& next_proposer() const { return start_.validators->at(turns_.next); }  ///< of the next round

  /// Return all stored messages, for neighbours that lack them, sorted by round, prevotes before precommits.
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

  // consensus.cpp: rounds, signing, limits
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

  // consensus_receive.cpp: which messages count
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
  std::optional<Round> proof_kept_;       // the round of valid_ for which Keep was returned
  std::optional<Proven> locked_, valid_;  // lockedValue and lockedRound, validValue and validRound
  Turns turns_;
  // In this round:
  bool proposed_ = false, building_ = false, prevotes_watched_ = false, precommits_watched_ = false;
  bool decided_ = false, diverged_ = false;

  std::map<Round, RoundVotes> rounds_;
  std::map<Round, HeldProposal> proposals_;
  std::map<BlockId, Block> blocks_;
  std::map<std::size_t, std::set<Round>> ahead_;  // by validator: its rounds after the next round
  std::set<std::size_t> accused_;
  std::uint64_t refused_ = 0;
  std::vector<Effect> out_;
};

}  // namespace troupe::chain
