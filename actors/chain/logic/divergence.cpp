#include "actors/chain/logic/divergence.hpp"

#include <algorithm>

#include "runtime/base/fields.hpp"

namespace troupe::chain {
namespace {

/// Calls `both` with the two signatures of each validator that is in both commits.
template <class F>
void each_of_both(const Divergence& divergence, F&& both) {
  for (const CommitVote& one : divergence.ours.votes) {
    const auto other = std::ranges::find(divergence.theirs.votes, one.validator, &CommitVote::validator);
    if (other != divergence.theirs.votes.end()) both(one, *other);
  }
}

}  // namespace

std::optional<Divergence> divergence_of(const Commit& ours, const Commit& theirs) {
  if (ours.place.fork != theirs.place.fork || ours.place.height != theirs.place.height || ours.block == theirs.block)
    return std::nullopt;
  return Divergence{ours, theirs};
}

std::vector<base::NodeId> suspects_of(const Divergence& divergence) {
  std::vector<base::NodeId> out;
  each_of_both(divergence, [&](const CommitVote& one, const CommitVote&) { out.push_back(one.validator); });
  return out;
}

std::vector<Evidence> evidence_of(const Divergence& divergence) {
  std::vector<Evidence> out;
  if (divergence.ours.place.round != divergence.theirs.place.round) return out;
  each_of_both(divergence, [&](const CommitVote& one, const CommitVote& other) {
    out.push_back({Evidence::Pair<Vote>{{divergence.ours.vote(), one.validator, one.signature},
                                        {divergence.theirs.vote(), other.validator, other.signature}}});
  });
  return out;
}

base::Bytes encode(const Divergence& divergence) {
  const base::Bytes ours = encode(divergence.ours);
  base::Bytes out;
  base::append_number(out, static_cast<std::uint32_t>(ours.size()));
  base::append(out, ours);
  base::append(out, encode(divergence.theirs));
  return out;
}

std::optional<Divergence> decode_divergence(base::ByteView bytes) {
  base::FieldReader in(bytes);
  const auto size = in.number<std::uint32_t>();
  const auto ours = parse_commit(in.take(size));
  if (!in.ok() || !ours) return std::nullopt;
  const auto theirs = parse_commit(bytes.subspan(4 + size));
  return theirs ? divergence_of(*ours, *theirs) : std::nullopt;
}

}  // namespace troupe::chain
