#include "actors/escrow/codec.hpp"

#include "messages/codec.hpp"

namespace troupe::escrow {
namespace {
base::Error malformed_act(const char* what) { return {base::Code::malformed, what}; }

struct Authority {
  wallet::Policy policy;
  std::vector<wallet::Approval> approvals;
};

base::Outcome<Authority> read_authority(wire::SignedAct::Reader from) {
  auto policy = wallet::Policy::decode(bytes_of(from.getPolicy()));
  if (!policy) return malformed_act("the policy is malformed");
  if (from.getApprovals().size() > wallet::kSignersMax) return malformed_act("too many approvals: at most 16");
  Authority out{std::move(*policy), {}};
  for (const auto one : from.getApprovals()) {
    const auto approval = wallet::read(one);
    if (!approval) return malformed_act("invalid approval: expected a key of 32 bytes and a signature of 64 bytes");
    out.approvals.push_back(*approval);
  }
  return out;
}
}  // namespace

base::Outcome<SignedBy> read(wire::SignedAct::Reader from) {
  auto act = decode_act(bytes_of(from.getAct()));
  if (!act) return malformed_act("the act is malformed");
  auto authority = read_authority(from);
  if (!authority.ok()) return authority.error();
  base::Bytes bytes = encode(*act);
  return SignedBy{std::move(*act), std::move(bytes), std::move(authority.value().policy),
                  std::move(authority.value().approvals)};
}

base::Outcome<TaskAct> read_task_act(wire::SignedAct::Reader from) {
  auto act = decode_task_act(bytes_of(from.getAct()));
  if (!act) return malformed_act("the act is malformed");
  const auto authority = read_authority(from);
  if (!authority.ok()) return authority.error();
  const auto& [policy, approvals] = authority.value();
  if (policy.address() != act->by || !policy.approved(bytes_of(from.getAct()), approvals))
    return base::Error{base::Code::refused, "the signers of the account have not signed this act"};
  return std::move(*act);
}

bool holds(const SignedBy& signed_by) {
  return signed_by.policy.address() == signed_by.act.by &&
         signed_by.policy.approved(signed_by.bytes, signed_by.approvals);
}

void write(wire::SignedAct::Builder to, base::ByteView act, const wallet::Policy& policy,
           std::span<const wallet::Approval> approvals) {
  to.setAct(data_of(act));
  to.setPolicy(data_of(policy.encode()));
  auto list = to.initApprovals(static_cast<unsigned>(approvals.size()));
  for (unsigned i = 0; i < list.size(); ++i) wallet::write(list[i], approvals[i]);
}

}  // namespace troupe::escrow
