#pragma once
// One validator of four at one height, and the actions that it requests. Validator n proposes first in round n.
#include <algorithm>

#include "actors/chain/logic/consensus.hpp"
#include "tests/support.hpp"

namespace troupe::chain_test {

using namespace chain;

inline constexpr UnixMs kParentTime{1'700'000'000'000};
inline constexpr UnixMs kNow = kParentTime + UnixMs{5'000};

inline BlockId block_id(std::uint8_t number) { return BlockId{{number}}; }
inline const BlockId kRed = block_id(1), kBlue = block_id(2);

inline ValidatorSet four() {
  std::vector<Validator> all;
  for (std::uint8_t i = 0; i < 4; ++i)
    all.push_back({base::NodeId{{static_cast<std::uint8_t>(i + 1)}}, base::PublicKey{{i, 9}}, 1});
  return ValidatorSet::from(std::move(all)).value();
}

inline HeightStart start_of(std::optional<std::size_t> self, Height height = Height{7}) {
  const auto set = std::make_shared<const ValidatorSet>(four());
  return {.fork = {},
          .height = height,
          .validators = set,
          .rotation = Rotation(*set),
          .parent_time = kParentTime,
          .self = self ? std::optional(set->at(*self).id) : std::nullopt};
}

class OneHeight {
 public:
  /// `self` is 3 unless said otherwise: it proposes in round 3 first.
  explicit OneHeight(std::optional<std::size_t> self = 3, const Guard& guard = {}, Height height = Height{7})
      : set_(four()), self_(self), core(start_of(self, height), guard) {
    pump();
  }

  Place place(std::uint32_t round) const { return {Fork{}, core.place().height, Round{round}}; }
  SignedVote vote(std::size_t index, std::uint32_t round, Step step, const Choice& choice) const {
    return {Vote{place(round), step, choice}, set_.at(index).id};
  }
  SignedProposal proposal(std::uint32_t round, const BlockId& block, std::optional<std::uint32_t> valid = {},
                          UnixMs time = kNow) const {
    const auto valid_round = valid ? std::optional(Round{*valid}) : std::nullopt;
    return {Proposal{place(round), valid_round, block, time}, set_.at(round % 4).id};
  }

  std::optional<Rejected> receive(const SignedVote& vote) {
    return as_foreseen(vote, [&] { return core.receive(vote); });
  }
  std::optional<Rejected> receive(const SignedProposal& proposal, UnixMs now = kNow) {
    return as_foreseen(proposal, [&] { return core.receive(proposal, now); });
  }
  /// Of all that are named.
  void votes(std::initializer_list<std::size_t> from, std::uint32_t round, Step step, const Choice& choice) {
    for (const std::size_t index : from) (void)receive(vote(index, round, step, choice));
  }
  void block(const BlockId& id, Verdict verdict = Verdict::valid, UnixMs time = kNow) {
    block_of(core.proposer().id, id, verdict, time);
  }
  void block_of(const base::NodeId& proposer, const BlockId& id, Verdict verdict = Verdict::valid, UnixMs time = kNow) {
    core.block(id, time, proposer, verdict);
    pump();
  }
  void time_out(Step step) {
    core.timeout({core.place(), step});
    pump();
  }
  void built(const BlockId& id, UnixMs time = kNow) {
    core.built(core.place().round, id, time);
    pump();
  }
  /// The step that is signed goes on in the next round, whatever the others do.
  void to_round(std::uint32_t round) {
    votes({0, 1}, round, Step::prevote, std::nullopt);
    REQUIRE(core.place().round == Round{round});
  }
  /// Red is proposed in round 0, and locked by this validator.
  void lock_red() {
    receive(proposal(0, kRed));
    block(kRed);
    votes({0, 1}, 0, Step::prevote, kRed);
    REQUIRE(core.locked() == Proven{Round{}, kRed});
  }

  /// What was voted, if it was: outside nothing, inside nil or a block.
  std::optional<Choice> voted(std::uint32_t round, Step step) const {
    for (const Vote& vote : signed_votes)
      if (vote.place.round == Round{round} && vote.step == step) return vote.choice;
    return std::nullopt;
  }
  bool prevoted(std::uint32_t round, const Choice& choice) const {
    const auto vote = voted(round, Step::prevote);
    return vote && *vote == choice;
  }
  bool precommitted(std::uint32_t round, const Choice& choice) const {
    const auto vote = voted(round, Step::precommit);
    return vote && *vote == choice;
  }
  template <class Kind>
  std::vector<Kind> all() const {
    std::vector<Kind> out;
    for (const Effect& effect : effects)
      if (const auto* one = std::get_if<Kind>(&effect)) out.push_back(*one);
    return out;
  }
  std::size_t scheduled(Step step, std::uint32_t round) const {
    std::size_t count = 0;
    for (const Schedule& one : all<Schedule>()) count += one.timeout == Timeout{place(round), step};
    return count;
  }

  const ValidatorSet& set() const { return set_; }

 private:
  template <class Message, class Receive>
  std::optional<Rejected> as_foreseen(const Message& message, Receive receive_it) {
    const bool needed = core.needs(message), accuses = core.accuses(message);
    const auto proofs = [&] {
      const auto evidence = all<Evidence>();
      return std::ranges::count(evidence, message.validator, [](const Evidence& one) { return accused(one); });
    };
    const auto before = proofs();
    const auto taken = receive_it();
    pump();
    CHECK(needed == taken.ok());
    // What it signs itself in answer may contradict what a test has said in its name.
    const bool own = self_ && set_.at(*self_).id == message.validator;
    if (!own) CHECK(accuses == (proofs() > before));
    return taken.ok() ? std::nullopt : std::optional(taken.error());
  }
  /// Does what a caller does: what is signed is heard by the validator itself.
  void pump() {
    for (std::vector<Effect> fresh = core.take(); !fresh.empty(); fresh = core.take())
      for (Effect& effect : fresh) {
        effects.push_back(effect);
        if (const auto* sign = std::get_if<Sign<Vote>>(&effect)) {
          signed_votes.push_back(sign->content);
          (void)core.receive({sign->content, set_.at(*self_).id});
        }
        if (const auto* sign = std::get_if<Sign<Proposal>>(&effect))
          (void)core.receive({sign->content, set_.at(*self_).id}, kNow);
      }
  }

  ValidatorSet set_;
  std::optional<std::size_t> self_;

 public:
  std::vector<Effect> effects;  ///< all so far
  std::vector<Vote> signed_votes;
  Consensus core;
};

}  // namespace troupe::chain_test
