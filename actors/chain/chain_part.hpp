#pragma once
// What the parts of `/chain` share: the chain, its neighbours, and the interface to the heights (chain_actor.hpp).
#include <string>

#include "actors/chain/candidate.hpp"
#include "actors/chain/logic/guard.hpp"
#include "actors/chain/neighbours.hpp"
#include "runtime/base/error.hpp"

namespace troupe::chain {

class Rounds {
 public:
  /// Returns the first proposal received for that block.
  virtual std::optional<SignedProposal> proposal_of(const BlockId& id) const = 0;
  /// The block is complete: it may be voted for.
  virtual void is_whole(const Candidate& candidate) = 0;
  /// Begins the next height if it is due.
  virtual void begin_if_due() = 0;
  /// Runs and stores a valid block that was decided. `synced`: the block came from a neighbour with its commit.
  virtual void finish(std::shared_ptr<const Candidate> candidate, const Commit& commit, bool synced) = 0;
  /// Ends the current height; the next height begins once the ledger is opened again.
  virtual void suspend() = 0;
  /// Stops the chain until a person has intervened.
  virtual void failed(const std::string& why) = 0;
  /// Reads the ledger again, because it is unknown whether a write took effect.
  virtual void reopen(const std::string& why) = 0;
  /// Called when the ledger was read; its head may have changed.
  virtual void opened(const base::Outcome<void>& read) = 0;
  /// Signs the waiting contents if the validator may sign now.
  virtual void sign_next() = 0;
  /// Called when the guard is above everything that this node's validator is known to have signed.
  virtual void passed(const Guard& guard) = 0;
  /// Called when two blocks of one height are final.
  virtual void diverged(const Divergence& divergence) = 0;

 protected:
  ~Rounds() = default;
};

class ChainPart : public runtime::Part {
 public:
  ChainPart(runtime::Actor& owner, LocalChain& chain, Neighbours& neighbours, Rounds& rounds)
      : Part(owner), chain_(chain), neighbours_(neighbours), rounds_(rounds) {}

 protected:
  ~ChainPart() = default;

  LocalChain& chain_;
  Neighbours& neighbours_;
  Rounds& rounds_;
};

}  // namespace troupe::chain
