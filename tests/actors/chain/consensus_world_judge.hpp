#pragma once
// What a world knows of everyone, and what must hold: written without the logic that is tested.
#include <map>
#include <stdexcept>

#include "runtime/crypto/hash.hpp"
#include "tests/actors/chain/consensus_world.hpp"

namespace troupe::chain_test {

struct BrokenClaim : std::runtime_error {
  using std::runtime_error::runtime_error;
};
inline void must(bool held, const char* claim) {
  if (!held) throw BrokenClaim(claim);
}

inline const ChainId kWorldChain{{1, 2, 3}};

/// In place of Ed25519: only the world signs, so it cannot be forged here.
template <class Content>
crypto::Signature world_signature(const base::PublicKey& key, const Content& content) {
  const base::Digest hash = crypto::sha256(key.view(), signed_bytes(kWorldChain, content));
  crypto::Signature out;
  std::copy(hash.bytes.begin(), hash.bytes.end(), out.bytes.begin());
  return out;
}
inline bool world_verifies(const base::PublicKey& key, base::ByteView bytes, const crypto::Signature& signature) {
  const base::Digest hash = crypto::sha256(key.view(), bytes);
  return std::equal(hash.bytes.begin(), hash.bytes.end(), signature.bytes.begin());
}

struct WorldBlock {
  Height height;
  BlockId parent;
  UnixMs time{};
  bool sound = true;  ///< what it holds may be executed
  base::NodeId proposer{};
};

class Judge {
 public:
  Judge(ValidatorSet set, std::set<std::size_t> liars) : set_(std::move(set)), liars_(std::move(liars)) {}

  const WorldBlock& block(const BlockId& id) const { return blocks_.at(id); }
  const std::vector<BlockId>& blocks_of(Height height) { return by_height_[height]; }
  BlockId add(const WorldBlock& block) {
    base::Bytes name(8);
    name[0] = static_cast<std::uint8_t>(blocks_.size());
    name[1] = static_cast<std::uint8_t>(blocks_.size() >> 8);
    const BlockId id{crypto::sha256(name).bytes};
    blocks_.emplace(id, block);
    by_height_[block.height].push_back(id);
    return id;
  }

  /// A correct validator has signed this, and it leaves.
  void sees(std::size_t index, const Vote& vote) {
    const auto [at, fresh] = votes_.try_emplace({index, vote.place, vote.step}, vote.choice);
    must(fresh || at->second == vote.choice, "no correct validator signs two votes of one step");
  }
  void sees(std::size_t index, const Proposal& proposal) {
    const auto [at, fresh] = proposals_.try_emplace({index, proposal.place}, proposal);
    must(fresh || at->second == proposal, "no correct validator signs two proposals of one round");
  }

  void sees(const Evidence& evidence) const {
    const auto liar = std::visit([&](const auto& pair) { return set_.index_of(pair.first.validator); }, evidence.pair);
    must(liar && liars_.contains(*liar), "only liars are named in evidence");
  }

  /// Agreement and validity.
  void decided(const Commit& commit) {
    const auto [at, fresh] = decided_.try_emplace(commit.place.height, commit.block);
    must(at->second == commit.block, "all decide the same block");
    std::uint64_t power = 0, all = 0;
    std::set<base::NodeId> voters;
    for (const CommitVote& vote : commit.votes) {
      must(voters.insert(vote.validator).second, "a commit has each validator once");
      power += set_.at(set_.index_of(vote.validator).value()).power;
    }
    for (const Validator& validator : set_.all()) all += validator.power;
    must(power * 3 > all * 2, "a commit has more than 2/3 of the power");
    must(
        verify_commit(kWorldChain, set_, {commit.place.fork, commit.place.height, commit.block}, commit, world_verifies)
            .ok(),
        "a commit is what verify_commit() takes");
    const WorldBlock& block = blocks_.at(commit.block);
    must(block.sound && block.height == commit.place.height, "a decided block is valid");
    if (commit.place.height.value < 2) return;
    const BlockId parent = decided_.at(Height{commit.place.height.value - 1});
    must(block.parent == parent && block.time > blocks_.at(parent).time, "a decided block follows its parent");
  }

 private:
  ValidatorSet set_;
  std::set<std::size_t> liars_;
  std::map<BlockId, WorldBlock> blocks_;
  std::map<Height, std::vector<BlockId>> by_height_;
  std::map<Height, BlockId> decided_;
  std::map<std::tuple<std::size_t, Place, Step>, Choice> votes_;
  std::map<std::pair<std::size_t, Place>, Proposal> proposals_;
};

}  // namespace troupe::chain_test
