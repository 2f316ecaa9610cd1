#pragma once
// Encodes and decodes the messages of airdrops.
#include "actors/airdrop/logic/airdrop.hpp"
#include "messages/airdrop.capnp.h"
#include "runtime/base/error.hpp"

namespace troupe::airdrop {

/// An airdrop as its node shows it.
struct Seen {
  Terms terms;
  wallet::Approval by;  ///< the owner's signature of the terms
  Airdrop airdrop;      ///< without `last` and `weights`
};
/// Returns nullopt if a part breaks its format. The signature is not checked.
std::optional<Seen> read(wire::AirdropIs::Reader from);
void write(wire::AirdropIs::Builder to, const Seen& seen);
void write(wire::AirdropStep::Builder to, const Airdrop& airdrop);

base::Error error_of(AirdropError why);

}  // namespace troupe::airdrop
