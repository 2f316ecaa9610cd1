#pragma once
// Tasks under `troupe sim`: operators who submit programs and cancel them, and what must hold of every one.
//
// Programs  do what their first argument says (program()): print, take their time, fail, hang, leave a file. All of the
//           world's are one content, which each submission stores first.
#include "runtime/sim/workload.hpp"

namespace troupe::task {

const sim::WorkloadSpec& workload();

}  // namespace troupe::task
