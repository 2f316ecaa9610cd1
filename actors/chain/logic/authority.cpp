#include "actors/chain/logic/authority.hpp"

#include <algorithm>

#include "actors/chain/logic/forms.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::chain {
namespace {

constexpr std::size_t kPolicyBytesMax = 2 + 32 * wallet::kSignersMax;

}  // namespace

base::Bytes signed_bytes(std::string_view domain, const ChainId& chain, Fork fork, base::ByteView content) {
  base::Bytes out;
  out.reserve(domain.size() + ChainId::kBytes + 4 + content.size());
  base::append(out, base::as_bytes(domain));
  base::append(out, chain.view());
  base::append_number(out, fork.value);
  base::append(out, content);
  return out;
}

bool speaks_for(const Authority& authority, const wallet::Address& address, base::ByteView message) {
  const auto& approvals = authority.approvals;
  const auto not_rising = [](const wallet::Approval& a, const wallet::Approval& b) { return !(a.key < b.key); };
  return authority.policy.address() == address && approvals.size() == authority.policy.threshold() &&
         std::ranges::adjacent_find(approvals, not_rising) == approvals.end() &&
         authority.policy.approved(message, approvals);
}

CanonStruct form_of(const Authority& authority) {
  std::vector<CanonStruct> approvals;
  for (const wallet::Approval& one : authority.approvals)
    approvals.push_back(CanonStruct().data(one.key.view()).data(one.signature.view()));
  return CanonStruct().data(authority.policy.encode()).object_list(std::move(approvals));
}

std::optional<Authority> read_authority(CanonReader& in, const CanonReader::Object& from) {
  auto policy = wallet::Policy::decode(in.data(from, 0, kPolicyBytesMax));
  const auto list = in.list(from, 1, wallet::kSignersMax, 0, 2);
  std::vector<wallet::Approval> approvals;
  for (unsigned i = 0; i < list.count && in.ok(); ++i) {
    wallet::Approval one;
    one.key = in.fixed<base::PublicKey>(list[i], 0);
    one.signature = in.fixed<crypto::Signature>(list[i], 1);
    if (!approvals.empty() && !(approvals.back().key < one.key)) in.fail();
    approvals.push_back(one);
  }
  if (!policy || approvals.size() > policy->threshold()) in.fail();
  if (!in.ok()) return std::nullopt;
  return Authority{std::move(*policy), std::move(approvals)};
}

}  // namespace troupe::chain
