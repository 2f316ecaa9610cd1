#pragma once
// Signed acts as messages carry them.
#include <span>

#include "actors/escrow/logic/escrow.hpp"
#include "actors/escrow/logic/task_escrow.hpp"
#include "actors/wallet/words.hpp"
#include "messages/escrow.capnp.h"
#include "runtime/base/error.hpp"

namespace troupe::escrow {

/// An act with the authority that came with it, not verified yet.
inline constexpr std::size_t kRequestBytes = 16;  // messages/escrow.capnp

struct SignedBy {
  Act act;
  base::Bytes bytes;  ///< as they were signed
  wallet::Policy policy;
  std::vector<wallet::Approval> approvals;
};

/// `malformed` unless each part is what its encoding gives; at most wallet::kSignersMax approvals.
base::Outcome<SignedBy> read(wire::SignedAct::Reader from);
/// Of an escrow of a task, whose signature holds; `refused` if it does not.
base::Outcome<TaskAct> read_task_act(wire::SignedAct::Reader from);
/// The policy is that of the account which acts, and has approved the bytes.
bool holds(const SignedBy& signed_by);
/// `act` as encode() gives it.
void write(wire::SignedAct::Builder to, base::ByteView act, const wallet::Policy& policy,
           std::span<const wallet::Approval> approvals);

}  // namespace troupe::escrow
