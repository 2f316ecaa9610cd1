#include "actors/chain/logic/commit.hpp"

#include <algorithm>

#include "actors/chain/logic/forms.hpp"

namespace troupe::chain {
namespace {

constexpr unsigned kHeadWords = 2, kHeadPointers = 1, kVotePointers = 2;

CanonStruct head_form(const Commit& commit) {
  CanonStruct out;
  append(out, commit.place);
  return out.data(commit.block.view());
}

void read_head(CanonReader& in, const CanonReader::Object& from, Commit& out) {
  out.place = read_place(in, from);
  out.block = in.fixed<BlockId>(from, 0);
}

CanonStruct form_of(const CommitVote& vote) {
  return CanonStruct().data(vote.validator.view()).data(vote.signature.view());
}

CommitVote read_commit_vote(CanonReader& in, const CanonReader::Object& from) {
  CommitVote out;
  out.validator = in.fixed<base::NodeId>(from, 0);
  out.signature = in.fixed<crypto::Signature>(from, 1);
  return out;
}

bool ordered(const Commit& commit) {
  const auto not_rising = [](const CommitVote& a, const CommitVote& b) { return !(a.validator < b.validator); };
  return std::ranges::adjacent_find(commit.votes, not_rising) == commit.votes.end();
}

}  // namespace

base::Bytes encode(const Commit& commit) {
  std::vector<CanonStruct> votes;
  for (const CommitVote& vote : commit.votes) votes.push_back(form_of(vote));
  return CanonStruct().object(head_form(commit)).object_list(std::move(votes)).encode();
}

std::optional<Commit> parse_commit(base::ByteView bytes) {
  CanonReader in(bytes);
  const auto root = in.root(0, 2);
  Commit out;
  read_head(in, in.object(root, 0, kHeadWords, kHeadPointers), out);
  const auto list = in.list(root, 1, kValidatorsMax, 0, kVotePointers);
  for (unsigned i = 0; i < list.count && in.ok(); ++i) out.votes.push_back(read_commit_vote(in, list[i]));
  if (!in.ended() || !ordered(out)) return std::nullopt;
  return out;
}

std::vector<base::Bytes> commit_entries(const Commit& commit) {
  std::vector<base::Bytes> out{head_form(commit).encode()};
  for (const CommitVote& vote : commit.votes) out.push_back(form_of(vote).encode());
  return out;
}

std::optional<Commit> commit_of(std::span<const base::Bytes> entries) {
  if (entries.empty() || entries.size() > 1 + kValidatorsMax) return std::nullopt;
  Commit out;
  CanonReader head(entries.front());
  read_head(head, head.root(kHeadWords, kHeadPointers), out);
  if (!head.ended()) return std::nullopt;
  for (const base::Bytes& entry : entries.subspan(1)) {
    CanonReader in(entry);
    out.votes.push_back(read_commit_vote(in, in.root(0, kVotePointers)));
    if (!in.ended()) return std::nullopt;
  }
  if (!ordered(out)) return std::nullopt;
  return out;
}

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
    power += set.at(*index).power;  // each counts once, so this is at most the total power
  }
  if (!set.quorum(power)) return CommitError::too_little;
  const base::Bytes bytes = signed_bytes(chain, commit.vote());
  for (std::size_t i = 0; i < voters.size(); ++i)
    if (!verify(voters[i]->key, bytes, commit.votes[i].signature)) return CommitError::bad_signature;
  return {};
}

}  // namespace troupe::chain
