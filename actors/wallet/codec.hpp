#pragma once
// Encodes and decodes signed transfers.
#include "actors/wallet/api.hpp"
#include "messages/wallet.capnp.h"
#include "runtime/base/error.hpp"

namespace troupe::wallet {

/// A transfer with its authority, not verified yet.
struct Signed {
  Transfer transfer;
  Policy policy;
  std::vector<Approval> approvals;
  std::vector<Approval> on_chain{};  ///< approvals of its transaction, if the book is a chain
};

/// Returns `malformed` unless each part is canonically encoded; at most kSignersMax approvals of each kind.
base::Outcome<Signed> read(wire::SignedTransfer::Reader from);
void write(wire::SignedTransfer::Builder to, const Transfer& transfer, const Policy& policy,
           std::span<const Approval> approvals, std::span<const Approval> on_chain = {});
/// Writes the transfer, signed by the only key of its account.
void write(wire::SignedTransfer::Builder to, const Transfer& transfer, const crypto::SecretKey& key);

/// Bytes with their approvals, as a part of the program stores them until they have taken effect.
struct SignedBytes {
  base::Bytes bytes;
  Policy policy;
  std::vector<Approval> approvals;
  std::vector<Approval> on_chain{};  ///< as in Signed
};
base::Bytes encode(const SignedBytes& it);
/// Returns nullopt unless each part is canonically encoded. The signatures are not checked.
std::optional<SignedBytes> decode_signed(base::ByteView bytes);

/// The error for a credit to a kept account that its keeper did not post.
base::Error unrequested();

std::optional<Approval> read(wire::Approval::Reader from);
void write(wire::Approval::Builder to, const Approval& approval);

}  // namespace troupe::wallet
