#pragma once
// Tasks under `troupe sim`: operators submit and cancel programs, and the workload checks what must hold for each task.
//
// Programs  do what their first argument says (program()): print, take time, fail, hang, leave a file. All programs of
//           a simulation run are one object, which each submission stores first.
#include "runtime/sim/workload.hpp"

namespace troupe::task {

const sim::WorkloadSpec& workload();

}  // namespace troupe::task
