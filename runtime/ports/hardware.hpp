#pragma once
// The machine that a node runs on: what it has, and how busy it is.
#include <cstdint>
#include <string>
#include <vector>

namespace troupe::ports {

class Hardware {
 public:
  virtual ~Hardware() = default;

  struct Has {
    std::uint64_t cores = 1;         ///< that this process may run on
    std::uint64_t memory_bytes = 0;  ///< 0: the system does not say
    std::uint64_t pids = 0;          ///< processes and threads that there may be; 0: the system does not say
    /// Descriptors that this process and its programs together may have on their way between local sockets, or none of
    /// them can pass any more (unix(7), ETOOMANYREFS); 0: each has a bound of its own.
    std::uint64_t passed = 0;
    std::string arch;                   ///< "x86_64", "aarch64"
    std::vector<std::string> runtimes;  ///< interpreters by the names of their programs, sorted: "python3"
  };
  /// In thousandths.
  struct Busy {
    std::uint32_t load = 0;    ///< runnable threads a core, over a minute; at most one where the cores are not busy
    std::uint16_t memory = 0;  ///< of its memory that cannot be given to another program
    std::uint16_t cpu = 0;     ///< of all cores, since the last question
  };
  /// May read some small files of the system: for once at a start. Safe from any thread, as is busy().
  virtual Has has() const = 0;
  /// Some tens of microseconds.
  virtual Busy busy() = 0;
};

}  // namespace troupe::ports
