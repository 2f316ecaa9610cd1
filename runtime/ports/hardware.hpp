#pragma once
// The machine of a node: its resources, and how busy it is.
#include <cstdint>
#include <string>
#include <vector>

namespace troupe::ports {

class Hardware {
 public:
  virtual ~Hardware() = default;

  struct Has {
    std::uint64_t cores = 1;         ///< available to this process
    std::uint64_t memory_bytes = 0;  ///< 0 if unknown
    std::uint64_t pids = 0;          ///< maximum number of processes and threads; 0 if unknown
    /// How many descriptors this process and its programs together may have in flight in local sockets. Above this
    /// limit none of them can pass a descriptor (unix(7), ETOOMANYREFS). 0: each process has its own limit.
    std::uint64_t passed = 0;
    std::string arch;                   ///< "x86_64", "aarch64"
    std::vector<std::string> runtimes;  ///< interpreters by program name, sorted: "python3"
  };
  /// All values are in thousandths.
  struct Busy {
    std::uint32_t load = 0;    ///< runnable threads per core, over a minute; at most 1 if the cores are not busy
    std::uint16_t memory = 0;  ///< part of the memory that cannot be given to another program
    std::uint16_t cpu = 0;     ///< busy part of all cores since the last call
  };
  /// Returns the resources of the machine. Reads some small system files, so call it once, at the start. Safe from any
  /// thread, as is busy().
  virtual Has has() const = 0;
  /// Returns how busy the machine is. Takes some tens of microseconds.
  virtual Busy busy() = 0;
};

}  // namespace troupe::ports
