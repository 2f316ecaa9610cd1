#pragma once
// What a sandboxed program has used, in any struct that has its fields: of messages and of outputs alike. `Usage` is
// sandbox::Usage (runtime/sandbox/spec.hpp).
#include "runtime/base/whole_units.hpp"

namespace troupe::messages {

template <class Builder, class Usage>
void write_usage(Builder to, const Usage& from) {
  to.setCpuMs(base::milliseconds(from.cpu));
  to.setWallMs(base::milliseconds(from.wall));
  to.setMemoryBytesMax(from.memory_bytes_max);
  to.setPidsMax(from.pids_max);
  to.setDiskBytes(from.disk_bytes);
  to.setOutputBytes(from.output_bytes);
}

}  // namespace troupe::messages
