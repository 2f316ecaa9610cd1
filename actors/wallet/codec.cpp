#include "actors/wallet/codec.hpp"

#include "messages/codec.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::wallet {
namespace {

constexpr unsigned kOnChainShift = 24;

base::Error malformed(const char* what) { return {base::Code::malformed, what}; }

bool read_all(capnp::List<wire::Approval>::Reader from, std::vector<Approval>& out) {
  for (const auto one : from) {
    const auto approval = read(one);
    if (!approval) return false;
    out.push_back(*approval);
  }
  return true;
}

}  // namespace

base::Error unrequested() {
  return {base::Code::refused,
          "the account belongs to an escrow or an airdrop, which accepts only its own deposits: pay an account with a "
          "key, or deposit with `troupe escrow fund` or `troupe airdrop create`"};
}

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
  if (!transfer) return malformed("the transfer is malformed");
  auto policy = Policy::decode(bytes_of(from.getPolicy()));
  if (!policy) return malformed("the policy is malformed");
  if (from.getApprovals().size() > kSignersMax || from.getOnChain().size() > kSignersMax)
    return malformed("too many approvals: at most 16");
  Signed out{std::move(*transfer), std::move(*policy), {}};
  if (!read_all(from.getApprovals(), out.approvals) || !read_all(from.getOnChain(), out.on_chain))
    return malformed("invalid approval: expected a key of 32 bytes and a signature of 64 bytes");
  return out;
}

void write(wire::SignedTransfer::Builder to, const Transfer& transfer, const Policy& policy,
           std::span<const Approval> approvals, std::span<const Approval> on_chain) {
  to.setTransfer(data_of(encode(transfer)));
  to.setPolicy(data_of(policy.encode()));
  auto list = to.initApprovals(static_cast<unsigned>(approvals.size()));
  for (unsigned i = 0; i < list.size(); ++i) write(list[i], approvals[i]);
  if (on_chain.empty()) return;
  auto more = to.initOnChain(static_cast<unsigned>(on_chain.size()));
  for (unsigned i = 0; i < more.size(); ++i) write(more[i], on_chain[i]);
}

void write(wire::SignedTransfer::Builder to, const Transfer& transfer, const crypto::SecretKey& key) {
  const Approval approval{key.public_key(), key.sign(encode(transfer))};
  write(to, transfer, Policy::of_key(key.public_key()), std::span(&approval, 1));
}

/// Encodes the number of approvals for the chain above the length of the policy, which is at most 514. It is 0 in rows
/// of books.
base::Bytes encode(const SignedBytes& it) {
  base::Bytes out;
  const auto policy = it.policy.encode();
  base::append_number(out, static_cast<std::uint32_t>(it.bytes.size()));
  base::append(out, it.bytes);
  base::append_number(out, static_cast<std::uint32_t>(policy.size() | it.on_chain.size() << kOnChainShift));
  base::append(out, policy);
  for (const auto* approvals : {&it.on_chain, &it.approvals})
    for (const Approval& approval : *approvals) {
      base::append(out, approval.key.view());
      base::append(out, approval.signature.view());
    }
  return out;
}

std::optional<SignedBytes> decode_signed(base::ByteView bytes) {
  base::FieldReader in(bytes);
  const base::ByteView content = in.take(in.number<std::uint32_t>());
  const auto sizes = in.number<std::uint32_t>();
  const std::uint32_t on_chain = sizes >> kOnChainShift;
  auto policy = Policy::decode(in.take(sizes & ((1u << kOnChainShift) - 1)));
  if (!policy || on_chain > kSignersMax) return std::nullopt;
  SignedBytes out{base::Bytes(content.begin(), content.end()), std::move(*policy), {}};
  const auto approval = [&] {
    const auto by = in.fixed<base::PublicKey>();
    return Approval{by, in.fixed<crypto::Signature>()};
  };
  while (in.ok() && out.on_chain.size() < on_chain) out.on_chain.push_back(approval());
  while (in.ok() && !in.ended() && out.approvals.size() < kSignersMax) out.approvals.push_back(approval());
  if (!in.ended()) return std::nullopt;
  return out;
}

}  // namespace troupe::wallet
