#pragma once
// The actor path of a book's airdrops; their messages are in messages/airdrop.capnp.
#include "actors/airdrop/logic/airdrop.hpp"

namespace troupe::airdrop {

inline constexpr const char* kPath = "/airdrop";

}  // namespace troupe::airdrop
