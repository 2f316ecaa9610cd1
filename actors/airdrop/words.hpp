#pragma once
// Airdrops as messages carry them.
#include "actors/airdrop/logic/airdrop.hpp"
#include "messages/airdrop.capnp.h"
#include "runtime/base/error.hpp"

namespace troupe::airdrop {

/// An airdrop as its node shows it.
struct Seen {
  Terms terms;
  wallet::Approval by;  ///< the owner's, of the terms
  Airdrop airdrop;      ///< but for `last` and `weights`
};
/// Nothing if a part breaks its format. Nothing is said of the signature.
std::optional<Seen> read(wire::AirdropIs::Reader from);
void write(wire::AirdropIs::Builder to, const Seen& seen);
void write(wire::AirdropStep::Builder to, const Airdrop& airdrop);

base::Error error_of(AirdropError why);

}  // namespace troupe::airdrop
