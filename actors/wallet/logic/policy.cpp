#include "actors/wallet/logic/policy.hpp"

#include <algorithm>

#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::wallet {

Policy::Policy(std::size_t threshold, std::vector<base::Digest> list) : threshold_(threshold), list_(std::move(list)) {
  address_.bytes = crypto::sha256(base::as_bytes("troupe policy v1"), encode()).bytes;
}

Policy Policy::of_key(const base::PublicKey& key) { return Policy(1, {base::Digest{key.bytes}}); }

base::Result<Policy, PolicyError> Policy::of_signers(std::size_t threshold, std::vector<Address> signers) {
  if (signers.size() < 2 || signers.size() > kSignersMax) return PolicyError::signers;
  std::ranges::sort(signers);
  if (std::ranges::adjacent_find(signers) != signers.end()) return PolicyError::repeated;
  if (threshold < 1 || threshold > signers.size()) return PolicyError::threshold;
  std::vector<base::Digest> list;
  for (const Address& signer : signers) list.push_back({signer.bytes});
  return Policy(threshold, std::move(list));
}

bool Policy::lists(const base::PublicKey& key) const {
  if (list_.size() == 1) return list_.front().bytes == key.bytes;
  return std::ranges::binary_search(list_, base::Digest{address_of(key).bytes});
}

bool Policy::approved(base::ByteView message, std::span<const Approval> approvals) const {
  if (approvals.size() < threshold_ || approvals.size() > list_.size()) return false;
  std::vector<base::PublicKey> seen;
  for (const Approval& approval : approvals) {
    if (!lists(approval.key) || std::ranges::find(seen, approval.key) != seen.end()) return false;
    seen.push_back(approval.key);
  }
  return std::ranges::all_of(approvals,
                             [&](const Approval& one) { return crypto::verify(one.key, message, one.signature); });
}

base::Bytes Policy::encode() const {
  base::Bytes out{static_cast<std::uint8_t>(threshold_), static_cast<std::uint8_t>(list_.size())};
  for (const base::Digest& signer : list_) base::append(out, signer.view());
  return out;
}

std::optional<Policy> Policy::decode(base::ByteView bytes) {
  base::FieldReader in(bytes);
  const auto threshold = in.number<std::uint8_t>(), signers = in.number<std::uint8_t>();
  if (!in.ok() || signers < 1 || signers > kSignersMax || threshold < 1 || threshold > signers) return std::nullopt;
  std::vector<base::Digest> list;
  for (std::size_t i = 0; i < signers; ++i) list.push_back(in.fixed<base::Digest>());
  if (!in.ended()) return std::nullopt;
  for (std::size_t i = 1; i < list.size(); ++i)
    if (!(list[i - 1] < list[i])) return std::nullopt;
  return Policy(threshold, std::move(list));
}

}  // namespace troupe::wallet
