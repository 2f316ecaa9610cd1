#pragma once
// Declares the events of ports, for headers that only name them. network.hpp and processes.hpp define them.
#include <variant>

namespace troupe::ports {

struct Received;
struct Written;
struct Closed;
struct Accepted;
struct Dialled;
struct DialFailed;
struct Arrived;
using StreamEvent = std::variant<Received, Written, Closed, Accepted, Dialled, DialFailed, Arrived>;

struct Printed;
struct Measured;
struct ProcessEnded;
using ProcessEvent = std::variant<Printed, Measured, ProcessEnded>;

}  // namespace troupe::ports
