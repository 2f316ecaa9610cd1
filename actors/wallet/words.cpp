#include "actors/wallet/words.hpp"

#include "messages/words.hpp"
#include "runtime/base/fields.hpp"

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

base::Bytes encode(const SignedBytes& it) {
  base::Bytes out;
  const auto policy = it.policy.encode();
  for (const base::ByteView part : {base::ByteView(it.bytes), base::ByteView(policy)}) {
    base::append_number(out, static_cast<std::uint32_t>(part.size()));
    base::append(out, part);
  }
  for (const Approval& approval : it.approvals) {
    base::append(out, approval.key.view());
    base::append(out, approval.signature.view());
  }
  return out;
}

std::optional<SignedBytes> decode_signed(base::ByteView bytes) {
  base::FieldReader in(bytes);
  const base::ByteView content = in.take(in.number<std::uint32_t>());
  auto policy = Policy::decode(in.take(in.number<std::uint32_t>()));
  if (!policy) return std::nullopt;
  SignedBytes out{base::Bytes(content.begin(), content.end()), std::move(*policy), {}};
  while (in.ok() && !in.ended() && out.approvals.size() < kSignersMax) {
    const auto by = in.fixed<base::PublicKey>();
    out.approvals.push_back({by, in.fixed<crypto::Signature>()});
  }
  if (!in.ended()) return std::nullopt;
  return out;
}

}  // namespace troupe::wallet
