#pragma once
// The file of an account with several signers: whose signatures count, which its address alone does not say.
//
// File    NAME.policy beside the keystores (0600): "troupepo", version 1 (4 bytes), SHA-256 of the request that made it
//         or zeros (32), the policy (actors/wallet/logic/policy.hpp), and the first 16 bytes of the SHA-256 of all
//         that.
// Secret  nothing: what it says comes with each transfer of the account.
#include "actors/wallet/logic/keystore.hpp"

namespace troupe::apps::wallets {

inline constexpr std::size_t kPolicyFileBytesMax = 8 + 4 + 32 + 514 + 16;

struct PolicyFile {
  wallet::Policy policy;
  wallet::RequestMark request{};
};

base::Bytes encode(const PolicyFile& file);
/// Nothing unless the bytes are what encode() gives, of a policy with several signers.
std::optional<PolicyFile> decode_policy_file(base::ByteView bytes);

}  // namespace troupe::apps::wallets
