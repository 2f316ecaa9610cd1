#pragma once
// A part of `/chain`: what this node's validator may sign after its start, by what others have seen of it
// (logic/rejoin.hpp), and how it resumes after a restore.
//
// Asked   each validator, every kAskEach, until over 2/3 of the power have answered.
// Shown   the latest content of each validator that this node has verified, for those that ask for theirs.
#include "actors/chain/chain_part.hpp"
#include "actors/chain/logic/rejoin.hpp"

namespace troupe::chain {

class Rejoining final : public ChainPart {
 public:
  struct Again {};

  using ChainPart::ChainPart;

  /// `guard` is as `/validator` has kept it.
  void begin(wire::GuardIs::Reader kept, const Guard& guard);
  void again();
  /// A neighbour has come: it is asked if it is waited for.
  void came(const base::NodeId& neighbour);
  void give(wire::GetLatestVote::Reader ask, runtime::Reply<wire::LatestVote> reply);
  void release(wire::ResumeValidator::Reader ask, runtime::Reply<wire::ValidatorResumed> reply);

  /// Verified contents: of a validator of the next height the latest is kept.
  void remember(const SignedContent& content);
  void remember(const Commit& commit);
  /// A vote that is of no use to consensus.
  void overhear(const SignedVote& vote);

  bool may_sign() const;
  /// Why what was to be signed last is not; empty: it is.
  void unsigned_for(std::string why);
  void tell_signing();
  void write_waits(wire::ChainStatus::Builder out) const;

 private:
  void ask_others(const Guard& kept);
  void look_elsewhere();
  void go_on();
  void ask_latest(const base::NodeId& validator);
  std::optional<SignedContent> own_content(wire::LatestVote::Reader answer) const;
  void pass_guard(const Place& last, base::Callback<void(const base::Outcome<void>&)> done);
  bool used_elsewhere() const;
  std::string why_silent() const;

  std::optional<Rejoin> rejoin_;  // nullopt before its guard is read, or without a validator
  base::Instant asked_since_{};
  LatestContents latest_;
  std::set<base::NodeId> asking_latest_;
  bool passing_ = false;
  bool elsewhere_ = false;  // its identity was used by another node: others are asked again
  bool rereading_ = false;
  std::string silent_;    // why, as it was logged last
  std::string unsigned_;  // why what was to be signed last is not
};

}  // namespace troupe::chain
