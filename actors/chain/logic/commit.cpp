#include "actors/chain/logic/commit.hpp"

namespace troupe::chain {

base::Result<void, CommitError> verify_commit(const ChainId& chain, const ValidatorSet& set, const Wanted& wanted,
                                              const Commit& commit, const VerifySignature& verify) {
  const Place& place = commit.place;
  if (place.fork != wanted.fork || place.height != wanted.height || commit.block != wanted.block)
    return CommitError::elsewhere;
  std::vector<const Validator*> voters;
  std::uint64_t power = 0;
  for (std::size_t i = 0; i < commit.votes.size(); ++i) {
    const base::NodeId& id = commit.votes[i].validator;
    if (i > 0 && !(commit.votes[i - 1].validator < id)) return CommitError::unordered;
    const auto index = set.index_of(id);
    if (!index) return CommitError::stranger;
    voters.push_back(&set.at(*index));
    power += set.at(*index).power;  // each once: no more than the power of all
  }
  if (!set.quorum(power)) return CommitError::too_little;
  const base::Bytes bytes = signed_bytes(chain, commit.vote());
  for (std::size_t i = 0; i < voters.size(); ++i)
    if (!verify(voters[i]->key, bytes, commit.votes[i].signature)) return CommitError::bad_signature;
  return {};
}

}  // namespace troupe::chain
