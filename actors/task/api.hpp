#pragma once
// The requests that tasks accept from outside.
//
// kPath          nodes: RunAttempt -> a stream of AttemptItem
// kOrdersPath    operators: SubmitTask, ListTasks, ViewTask, ViewArray, CancelTask, ReadTask; nodes: RenewAttempt
// kWarningsPath  nodes: GetWarnings
//
// logic/order.hpp and logic/task.hpp decode the bytes in these messages.
#include "actors/task/logic/task.hpp"
#include "messages/task.capnp.h"

namespace troupe::task {

inline constexpr const char* kPath = "/task";
inline constexpr const char* kOrdersPath = "/task/orders";
inline constexpr const char* kInputsPath = "/task/inputs";
inline constexpr const char* kWarningsPath = "/task/warnings";

// Values of `part` in messages/task.capnp: the standard output, and the standard error. Lower values are output files.
inline constexpr std::uint16_t kStandardPart = 65'535, kErrorsPart = 65'534;

}  // namespace troupe::task
