#include "actors/wallet/words.hpp"

#include "messages/words.hpp"

namespace troupe::wallet {
namespace {
base::Error malformed(const char* what) { return {base::Code::malformed, what}; }
}  // namespace

std::optional<Approval> read(wire::Approval::Reader from) {
  const auto key = base::PublicKey::from(bytes_of(from.getKey()));
  const auto signature = crypto::Signature::from(bytes_of(from.getSignature()));
  if (!key || !signature) return std::nullopt;
  return Approval{*key, *signature};
}

void write(wire::Approval::Builder to, const Approval& approval) {
  to.setKey(data_of(approval.key.view()));
  to.setSignature(data_of(approval.signature.view()));
}

base::Outcome<Signed> read(wire::SignedTransfer::Reader from) {
  auto transfer = decode_transfer(bytes_of(from.getTransfer()));
  if (!transfer) return malformed("the transfer breaks its format");
  auto policy = Policy::decode(bytes_of(from.getPolicy()));
  if (!policy) return malformed("the policy breaks its format");
  if (from.getApprovals().size() > kSignersMax) return malformed("there are more approvals than signers can be");
  Signed out{std::move(*transfer), std::move(*policy), {}};
  for (const auto one : from.getApprovals()) {
    const auto approval = read(one);
    if (!approval) return malformed("an approval is a key of 32 bytes and a signature of 64");
    out.approvals.push_back(*approval);
  }
  return out;
}

void write(wire::SignedTransfer::Builder to, const Transfer& transfer, const Policy& policy,
           std::span<const Approval> approvals) {
  to.setTransfer(data_of(encode(transfer)));
  to.setPolicy(data_of(policy.encode()));
  auto list = to.initApprovals(static_cast<unsigned>(approvals.size()));
  for (unsigned i = 0; i < list.size(); ++i) write(list[i], approvals[i]);
}

}  // namespace troupe::wallet
