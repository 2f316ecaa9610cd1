#pragma once
// Where the airdrops of a book are asked (messages/airdrop.capnp).
#include "actors/airdrop/logic/airdrop.hpp"

namespace troupe::airdrop {

inline constexpr const char* kPath = "/airdrop";

}  // namespace troupe::airdrop
