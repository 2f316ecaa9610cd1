#include "actors/chain/logic/evidence.hpp"

#include <map>

#include "actors/chain/logic/canonical.hpp"
#include "actors/chain/logic/header.hpp"

namespace troupe::chain {
namespace {

constexpr std::uint64_t kVotes = 0, kProposals = 1;

Step step_of(const Vote& vote) { return vote.step; }
Step step_of(const Proposal&) { return Step::propose; }

template <class Content>
bool in_conflict(const Evidence::Pair<Content>& pair) {
  const Content &first = pair.first.content, &second = pair.second.content;
  return pair.first.validator == pair.second.validator && first.place == second.place &&
         step_of(first) == step_of(second) && first != second;
}

template <class Content>
std::optional<Evidence> evidence_of(std::optional<Signed<Content>> first, std::optional<Signed<Content>> second) {
  if (!first || !second) return std::nullopt;
  Evidence::Pair<Content> pair{std::move(*first), std::move(*second)};
  if (!in_conflict(pair) || encode(pair.second.content) < encode(pair.first.content)) return std::nullopt;
  return Evidence{std::move(pair)};
}

/// Returns why a block cannot contain it, regardless of signatures.
std::optional<EvidenceError> misplaced(const Evidence& evidence, const EvidenceView& view) {
  const Height at = place_of(evidence).height;
  if (at.value == 0 || at > view.height || view.height.value - at.value > kEvidenceHeights)
    return EvidenceError::elsewhere;
  const base::NodeId& who = accused(evidence);
  if (!view.validators.index_of(who) && !view.next_validators.index_of(who)) return EvidenceError::stranger;
  if (view.judged.contains(who)) return EvidenceError::judged;
  return std::nullopt;
}

}  // namespace

base::Bytes encode(const Evidence& evidence) {
  CanonStruct out;
  out.words = {evidence.pair.index() == 0 ? kVotes : kProposals};
  std::visit(
      [&](const auto& pair) {
        const bool in_order = encode(pair.first.content) < encode(pair.second.content);
        out.data(encode(in_order ? pair.first : pair.second)).data(encode(in_order ? pair.second : pair.first));
      },
      evidence.pair);
  return out.encode();
}

std::optional<Evidence> parse_evidence(base::ByteView bytes) {
  CanonReader in(bytes);
  const auto root = in.root(1, 2);
  const std::uint64_t kind = in.word(root, 0);
  const base::ByteView first = in.data(root, 0, kSignedProposalBytesMax);
  const base::ByteView second = in.data(root, 1, kSignedProposalBytesMax);
  if (!in.ended()) return std::nullopt;
  if (kind == kVotes) return evidence_of(parse_signed_vote(first), parse_signed_vote(second));
  if (kind == kProposals) return evidence_of(parse_signed_proposal(first), parse_signed_proposal(second));
  return std::nullopt;
}

const base::NodeId& accused(const Evidence& evidence) {
  return std::visit([](const auto& pair) -> const base::NodeId& { return pair.first.validator; }, evidence.pair);
}

const Place& place_of(const Evidence& evidence) {
  return std::visit([](const auto& pair) -> const Place& { return pair.first.content.place; }, evidence.pair);
}

base::Result<void, EvidenceError> verify(const Evidence& evidence, const ChainId& chain, const ValidatorSet& set,
                                         const VerifySignature& verify_signature) {
  return std::visit(
      [&](const auto& pair) -> base::Result<void, EvidenceError> {
        if (!in_conflict(pair)) return EvidenceError::no_conflict;
        const auto index = set.index_of(pair.first.validator);
        if (!index) return EvidenceError::stranger;
        for (const auto* one : {&pair.first, &pair.second})
          if (!verify_signature(set.at(*index).key, signed_bytes(chain, one->content), one->signature))
            return EvidenceError::bad_signature;
        return {};
      },
      evidence.pair);
}

base::Result<std::vector<Evidence>, EvidenceError> judge_evidence(std::span<const base::Bytes> entries,
                                                                  const EvidenceView& view, const ChainId& chain,
                                                                  const VerifySignature& verify_signature) {
  std::vector<Evidence> out;
  for (const base::Bytes& entry : entries) {
    auto evidence = parse_evidence(entry);
    if (!evidence) return EvidenceError::malformed;
    if (!out.empty() && !(accused(out.back()) < accused(*evidence))) return EvidenceError::unordered;
    if (const auto wrong = misplaced(*evidence, view)) return *wrong;
    out.push_back(std::move(*evidence));
  }
  for (const Evidence& one : out) {
    const bool here = view.validators.index_of(accused(one)).has_value();
    const auto proved = verify(one, chain, here ? view.validators : view.next_validators, verify_signature);
    if (!proved.ok()) return proved.error();
  }
  return out;
}

std::vector<base::Bytes> evidence_for(const std::vector<Evidence>& held, const EvidenceView& view,
                                      std::size_t block_bytes) {
  std::map<base::NodeId, const Evidence*> pieces;
  for (const Evidence& one : held)
    if (!misplaced(one, view)) pieces.try_emplace(accused(one), &one);
  std::vector<base::Bytes> out;
  std::size_t left = block_bytes / kListShare;
  for (const auto& [who, evidence] : pieces) {
    base::Bytes entry = encode(*evidence);
    const std::size_t bytes = entry_bytes(entry.size());
    if (bytes > left) break;
    left -= bytes;
    out.push_back(std::move(entry));
  }
  return out;
}

base::Bytes encode(const Judged& judged) {
  CanonStruct out;
  out.words = {judged.height.value};
  return out.data(judged.evidence.view()).encode();
}

std::optional<Judged> parse_judged(base::ByteView bytes) {
  CanonReader in(bytes);
  const auto root = in.root(1, 1);
  Judged out;
  out.height = {in.word(root, 0)};
  out.evidence = in.fixed<base::Digest>(root, 0);
  if (!in.ended()) return std::nullopt;
  return out;
}

}  // namespace troupe::chain
