#pragma once
// The inspector's requests for operators, at the path kPath: ListActors, ListEnded, LookAt, FollowMessages.
#include "messages/inspect.capnp.h"

namespace troupe::inspect {

inline constexpr const char* kPath = "/inspect";
inline constexpr std::uint32_t kRowsDefault = 1'000;
inline constexpr std::uint32_t kRowsMax = 10'000;  // 400 bytes each: within a message's 4 MiB

}  // namespace troupe::inspect
