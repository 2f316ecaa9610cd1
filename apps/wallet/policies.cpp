#include "apps/wallet/policies.hpp"

#include <algorithm>

#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::apps::wallets {
namespace {

constexpr std::string_view kPolicyMark = "troupepo";
constexpr std::uint32_t kPolicyVersion = 1;
constexpr std::size_t kPolicySumBytes = 16;

}  // namespace

base::Bytes encode(const PolicyFile& file) {
  base::Bytes out;
  base::append(out, base::as_bytes(kPolicyMark));
  base::append_number(out, kPolicyVersion);
  base::append(out, file.request.view());
  base::append(out, file.policy.encode());
  base::append(out, crypto::sha256(out).view().first(kPolicySumBytes));
  return out;
}

std::optional<PolicyFile> decode_policy_file(base::ByteView bytes) {
  if (bytes.size() > kPolicyFileBytesMax) return std::nullopt;
  base::FieldReader in(bytes);
  if (base::as_text(in.take(kPolicyMark.size())) != kPolicyMark) return std::nullopt;
  if (in.number<std::uint32_t>() != kPolicyVersion) return std::nullopt;
  const auto request = in.fixed<wallet::RequestMark>();
  auto policy = wallet::Policy::decode(in.all_but(kPolicySumBytes));
  if (!in.ok() || !policy || policy->signers() < 2) return std::nullopt;
  PolicyFile out{std::move(*policy), request};
  if (!std::ranges::equal(encode(out), bytes)) return std::nullopt;
  return out;
}

}  // namespace troupe::apps::wallets
