#pragma once
// What is asked of tasks from outside.
//
// kPath          RunAttempt of nodes -> a stream of AttemptItem
// kOrdersPath    SubmitTask, ListTasks, ViewTask, ViewArray, CancelTask, ReadTask of operators; RenewAttempt of nodes
// kWarningsPath  GetWarnings of nodes
//
// The bytes in these messages are read with logic/order.hpp and logic/task.hpp.
#include "actors/task/logic/task.hpp"
#include "messages/task.capnp.h"

namespace troupe::task {

inline constexpr const char* kPath = "/task";
inline constexpr const char* kOrdersPath = "/task/orders";
inline constexpr const char* kInputsPath = "/task/inputs";
inline constexpr const char* kWarningsPath = "/task/warnings";

// Parts of messages/task.capnp that are no output.
inline constexpr std::uint16_t kStandardPart = 65'535, kErrorsPart = 65'534;

}  // namespace troupe::task
