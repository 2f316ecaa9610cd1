#pragma once
// Signed transfers as messages carry them.
#include "actors/wallet/api.hpp"
#include "messages/wallet.capnp.h"
#include "runtime/base/error.hpp"

namespace troupe::wallet {

/// A transfer with the authority that came with it, not verified yet.
struct Signed {
  Transfer transfer;
  Policy policy;
  std::vector<Approval> approvals;
  std::vector<Approval> on_chain{};  ///< of the transaction that it is, where the book is a chain
};

/// `malformed` unless each part is what its encoding gives; at most kSignersMax approvals of each sort.
base::Outcome<Signed> read(wire::SignedTransfer::Reader from);
void write(wire::SignedTransfer::Builder to, const Transfer& transfer, const Policy& policy,
           std::span<const Approval> approvals, std::span<const Approval> on_chain = {});
/// Signed by the one key of its account.
void write(wire::SignedTransfer::Builder to, const Transfer& transfer, const crypto::SecretKey& key);

/// Bytes with who has approved them, as a part of the program keeps them until they had their effect.
struct SignedBytes {
  base::Bytes bytes;
  Policy policy;
  std::vector<Approval> approvals;
  std::vector<Approval> on_chain{};  ///< as in Signed
};
base::Bytes encode(const SignedBytes& it);
/// Nothing unless each part is what its encoding gives. Nothing is said of the signatures.
std::optional<SignedBytes> decode_signed(base::ByteView bytes);

/// Why a credit to an account that a part of the program keeps is refused, unless that part posts it.
base::Error unrequested();

std::optional<Approval> read(wire::Approval::Reader from);
void write(wire::Approval::Builder to, const Approval& approval);

}  // namespace troupe::wallet
