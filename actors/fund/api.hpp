#pragma once
// Where the fund of a book is asked (messages/fund.capnp).
#include "actors/fund/logic/fund.hpp"

namespace troupe::fund {

inline constexpr const char* kPath = "/fund";

}  // namespace troupe::fund
