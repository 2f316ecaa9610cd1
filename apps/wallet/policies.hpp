#pragma once
// The file of an account with several signers: it names the signers, which the address does not show.
//
// File    NAME.policy next to the keystores (0600): "troupepo", version 1 (4 bytes), SHA-256 of the request that
//         created it or zeros (32), the policy (actors/wallet/logic/policy.hpp), and the first 16 bytes of the SHA-256
//         of all these bytes.
// Secret  nothing: each transfer of the account contains the policy.
#include "actors/wallet/logic/keystore.hpp"

namespace troupe::apps::wallets {

inline constexpr std::size_t kPolicyFileBytesMax = 8 + 4 + 32 + 514 + 16;

struct PolicyFile {
  wallet::Policy policy;
  wallet::RequestMark request{};
};

base::Bytes encode(const PolicyFile& file);
/// Returns nullopt unless the bytes are the canonical encoding of a policy with several signers.
std::optional<PolicyFile> decode_policy_file(base::ByteView bytes);

}  // namespace troupe::apps::wallets
