#pragma once
// A part of `/chain`: runs all blocks from a height on again, and compares what they come to with what is on disk.
//
// Limits  one verification at a time.
#include "actors/chain/local_chain.hpp"
#include "messages/chain.capnp.h"

namespace troupe::chain {

class Verification final : public runtime::Part {
 public:
  Verification(runtime::Actor& owner, LocalChain& chain) : Part(owner), chain_(chain) {}
  void verify(wire::VerifyChain::Reader ask, runtime::Reply<wire::ChainVerified> reply);

 private:
  struct Verifying;
  void verify_from_state(std::shared_ptr<Verifying> verifying);
  void verify_next(std::shared_ptr<Verifying> verifying);
  void verified(const std::shared_ptr<Verifying>& verifying, bool good);
  bool verify_block(Verifying& verifying, const Block& block, const Commit& commit,
                    const std::vector<Approved>& transactions) const;

  LocalChain& chain_;
  bool verifying_ = false;
};

}  // namespace troupe::chain
