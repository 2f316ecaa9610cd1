#pragma once
// A part of `/chain`: what this node's validator may sign after a start, depending on its earlier signatures that other
// nodes know (logic/rejoin.hpp). Also resumes signing after a restore.
//
// Asked   each validator, every kAskEach, until validators with over 2/3 of the power have responded.
// Shown   to a validator that asks, the latest verified content that this node has from it.
#include "actors/chain/chain_part.hpp"
#include "actors/chain/logic/rejoin.hpp"

namespace troupe::chain {

class Rejoining final : public ChainPart {
 public:
  struct Again {};

  using ChainPart::ChainPart;

  /// `kept` is the stored state of `/validator`, and `guard` is its guard.
  void begin(wire::GuardIs::Reader kept, const Guard& guard);
  void again();
  /// Asks a new neighbour for this validator's latest content, if its response is still missing.
  void came(const base::NodeId& neighbour);
  void give(wire::GetLatestVote::Reader ask, runtime::Reply<wire::LatestVote> reply);
  void release(wire::ResumeValidator::Reader ask, runtime::Reply<wire::ValidatorResumed> reply);

  /// Takes a verified content, and keeps the latest of each validator of the next height.
  void remember(const SignedContent& content);
  void remember(const Commit& commit);
  /// Takes a vote that is useless to consensus, but may be its validator's latest content.
  void overhear(const SignedVote& vote);

  bool may_sign() const;
  /// Records why the last content was not signed; an empty `why` means that it was signed.
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

  std::optional<Rejoin> rejoin_;  // nullopt before the guard is read, or without a validator
  base::Instant asked_since_{};
  LatestContents latest_;
  std::set<base::NodeId> asking_latest_;
  bool passing_ = false;
  bool elsewhere_ = false;  // another node has used this node's identity: the validators must be asked again
  bool rereading_ = false;
  std::string silent_;    // the reason that was logged last
  std::string unsigned_;  // why the last content was not signed
};

}  // namespace troupe::chain
