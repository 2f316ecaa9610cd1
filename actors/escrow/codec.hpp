#pragma once
// Encodes and decodes signed acts.
#include <span>

#include "actors/escrow/logic/escrow.hpp"
#include "actors/escrow/logic/task_escrow.hpp"
#include "actors/wallet/codec.hpp"
#include "messages/escrow.capnp.h"
#include "runtime/base/error.hpp"

namespace troupe::escrow {

inline constexpr std::size_t kRequestBytes = 16;  // messages/escrow.capnp

/// An act with its authority, not verified yet.
struct SignedBy {
  Act act;
  base::Bytes bytes;  ///< the signed bytes
  wallet::Policy policy;
  std::vector<wallet::Approval> approvals;
};

/// Returns `malformed` unless each part is canonically encoded; at most wallet::kSignersMax approvals.
base::Outcome<SignedBy> read(wire::SignedAct::Reader from);
/// Returns the act of a task's escrow, with a verified signature; `refused` if the signature is invalid.
base::Outcome<TaskAct> read_task_act(wire::SignedAct::Reader from);
/// Returns whether the policy belongs to the acting account and has approved the bytes.
bool holds(const SignedBy& signed_by);
/// `act`: the bytes of encode().
void write(wire::SignedAct::Builder to, base::ByteView act, const wallet::Policy& policy,
           std::span<const wallet::Approval> approvals);

}  // namespace troupe::escrow
