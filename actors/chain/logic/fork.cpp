#include "actors/chain/logic/fork.hpp"

#include <algorithm>

#include "actors/chain/logic/forms.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::chain {
namespace {

constexpr unsigned kForkWords = 2, kForkPointers = 1, kSignedForkPointers = 2, kForkSignaturePointers = 2;

}  // namespace

base::Bytes encode(const ForkStatement& statement) {
  CanonStruct out;
  out.words = {statement.height.value, std::uint64_t{kForkVersion} << 32 | statement.fork.value};
  return out.data(statement.block.view()).encode();
}

std::optional<ForkStatement> parse_fork_statement(base::ByteView bytes) {
  CanonReader in(bytes);
  const auto root = in.root(kForkWords, kForkPointers);
  ForkStatement out;
  const std::uint64_t both = in.word(root, 1);
  out.height = {in.word(root, 0)};
  out.fork = {static_cast<std::uint32_t>(both)};
  out.block = in.fixed<BlockId>(root, 0);
  if (!in.ended() || both >> 32 != kForkVersion || out.fork == Fork{}) return std::nullopt;
  return out;
}

base::Bytes signed_bytes(const ChainId& chain, const ForkStatement& statement) {
  return signed_bytes("troupe fork v1", chain, statement.fork, encode(statement));
}

bool SignedFork::add(const ForkSignature& signature) {
  const auto at = std::ranges::lower_bound(signatures, signature.validator, {}, &ForkSignature::validator);
  if (at != signatures.end() && at->validator == signature.validator) return false;
  if (signatures.size() >= kValidatorsMax) return false;
  signatures.insert(at, signature);
  return true;
}

base::Bytes encode(const SignedFork& fork) {
  std::vector<CanonStruct> signatures;
  for (const ForkSignature& one : fork.signatures)
    signatures.push_back(CanonStruct().data(one.validator.view()).data(one.signature.view()));
  return CanonStruct().data(encode(fork.statement)).object_list(std::move(signatures)).encode();
}

std::optional<SignedFork> parse_signed_fork(base::ByteView bytes) {
  CanonReader in(bytes);
  const auto root = in.root(0, kSignedForkPointers);
  const auto statement = parse_fork_statement(in.data(root, 0, kForkStatementBytes));
  const auto list = in.list(root, 1, kValidatorsMax, 0, kForkSignaturePointers);
  SignedFork out;
  for (unsigned i = 0; i < list.count && in.ok(); ++i) {
    ForkSignature one;
    one.validator = in.fixed<base::NodeId>(list[i], 0);
    one.signature = in.fixed<crypto::Signature>(list[i], 1);
    if (!out.signatures.empty() && !(out.signatures.back().validator < one.validator)) in.fail();
    out.signatures.push_back(one);
  }
  if (!in.ended() || !statement) return std::nullopt;
  out.statement = *statement;
  return out;
}

base::Result<void, ForkError> verify_fork(const ChainId& chain, const ValidatorSet& set, const SignedFork& fork,
                                          const VerifySignature& verify) {
  std::vector<std::pair<const Validator*, const crypto::Signature*>> signers;
  std::uint64_t power = 0;
  const base::NodeId* before = nullptr;
  for (const ForkSignature& one : fork.signatures) {
    // Each signature counts once: the ids must rise.
    if (before != nullptr && !(*before < one.validator)) return ForkError::too_little;
    before = &one.validator;
    const auto index = set.index_of(one.validator);
    if (!index) continue;
    signers.emplace_back(&set.at(*index), &one.signature);
    power += set.at(*index).power;
  }
  if (!set.quorum(power)) return ForkError::too_little;
  const base::Bytes bytes = signed_bytes(chain, fork.statement);
  for (const auto& [validator, signature] : signers)
    if (!verify(validator->key, bytes, *signature)) return ForkError::bad_signature;
  return {};
}

const ForkStatement* ForkPledges::against(const ForkStatement& statement) const {
  const auto at = std::ranges::find(all_, statement.fork, &ForkStatement::fork);
  return at == all_.end() || *at == statement ? nullptr : &*at;
}

bool ForkPledges::add(const ForkStatement& statement) {
  const auto at = std::ranges::lower_bound(all_, statement.fork, {}, &ForkStatement::fork);
  if (at != all_.end() && at->fork == statement.fork) return *at == statement;
  if (all_.size() >= kForksMax) return false;
  all_.insert(at, statement);
  return true;
}

base::Bytes ForkPledges::encode() const {
  base::Bytes out;
  for (const ForkStatement& one : all_) base::append(out, chain::encode(one));
  return out;
}

std::optional<ForkPledges> ForkPledges::parse(base::ByteView bytes) {
  if (bytes.size() > kBytesMax || bytes.size() % kForkStatementBytes != 0) return std::nullopt;
  ForkPledges out;
  for (; !bytes.empty(); bytes = bytes.subspan(kForkStatementBytes)) {
    const auto one = parse_fork_statement(bytes.first(kForkStatementBytes));
    if (!one || (!out.all_.empty() && one->fork <= out.all_.back().fork)) return std::nullopt;
    out.all_.push_back(*one);
  }
  return out;
}

bool ForkHistory::add(SignedFork fork) {
  if (full() || fork.statement.fork <= latest()) return false;
  all_.push_back(std::move(fork));
  return true;
}

Fork ForkHistory::of(Height height) const {
  Fork out;
  for (const SignedFork& one : all_)
    if (one.statement.height < height) out = one.statement.fork;
  return out;
}

const SignedFork* ForkHistory::find(Fork fork) const {
  const auto at = std::ranges::find(all_, fork, [](const SignedFork& one) { return one.statement.fork; });
  return at == all_.end() ? nullptr : &*at;
}

}  // namespace troupe::chain
