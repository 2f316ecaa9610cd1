#pragma once
// The actor path of a book's fund; its messages are in messages/fund.capnp.
#include "actors/fund/logic/fund.hpp"

namespace troupe::fund {

inline constexpr const char* kPath = "/fund";

}  // namespace troupe::fund
