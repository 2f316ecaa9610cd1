#pragma once
// What runs in a sandbox, and how it ended. Plain values, which a launcher passes on as bytes.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/endpoint.hpp"
#include "runtime/sandbox/limits.hpp"

namespace troupe::sandbox {

/// A file or folder of the host that is visible inside, read-only.
struct Bind {
  std::string from;  ///< absolute
  std::string to;    ///< absolute, without ".."; missing parent folders are made
  friend bool operator==(const Bind&, const Bind&) = default;
};

/// A program that runs in a sandbox without an executable: for tests of the sandbox from inside.
struct Inside {
  int (*run)(void* argument) = nullptr;  ///< its return value is the exit status
  void* argument = nullptr;
  friend bool operator==(const Inside&, const Inside&) = default;
};

enum class Cgroups : std::uint8_t { where_possible, never };
enum class Tripwires : std::uint8_t { no, yes };

struct Spec {
  std::optional<std::string> root;       ///< folder visible read-only as `/`; nullopt: an empty folder
  std::vector<std::string> command;      ///< the program and its arguments; without a slash it is searched in PATH
  std::vector<std::string> environment;  ///< NAME=value, the whole environment
  std::string directory = "/task";       ///< where the program starts
  std::vector<Bind> binds;
  std::vector<std::string> outputs;   ///< paths below /task of files that are kept if the program exits by itself
  std::vector<base::HostPort> hosts;  ///< hosts that the program may dial, each once; at most kHostsMax (hosts.hpp)
  Limits limits;
  Cgroups cgroups = Cgroups::where_possible;
  Tripwires tripwires = Tripwires::no;
  std::string group = "troupe-00000000";  ///< for cgroups: "troupe-" and 8 hexadecimal digits of the node
  Inside inside;                          ///< if it is set, it runs in place of `command`
  friend bool operator==(const Spec&, const Spec&) = default;
};

/// Returns PATH, HOME, LANG and TMPDIR for the inside of a sandbox, and none of the caller's variables.
std::vector<std::string> default_environment();

inline constexpr std::size_t kHostsMax = 16;                             // our choice: each is a descriptor
inline constexpr std::size_t kOutputsMax = 64;                           // our choice: kept files; each is a descriptor
inline constexpr base::Duration kUsagePeriod = std::chrono::seconds{1};  // our choice: between two reports of usage

struct Usage {
  base::Duration cpu{0};
  base::Duration wall{0};
  std::uint64_t memory_bytes_max = 0;
  std::uint64_t pids_max = 0;
  std::uint64_t disk_bytes = 0;  ///< highest observed value
  std::uint64_t output_bytes = 0;
  friend bool operator==(const Usage&, const Usage&) = default;
};

enum class Ended : std::uint8_t {
  exited,       ///< by itself; `status` is its exit status
  signalled,    ///< `status` is the number of the signal
  not_made,     ///< no sandbox was made; `why` says what failed
  not_started,  ///< the sandbox was made, the program could not be started; `status` is the errno
  spared,       ///< ended because the machine lacked a resource (see `why`); not the program's fault
};

struct Outcome {
  Ended how = Ended::not_made;
  int status = 0;
  std::optional<Limit> limit;          ///< the limit that the program has hit; never set if it exited with 0
  std::string tripwire;                ///< if a tripwire has ended the program: the call that it tried, such as "mount"
  std::vector<std::uint32_t> outputs;  ///< indices of the existing Spec::outputs, ascending
  std::string why;                     ///< unless `exited` or `signalled`: a sentence for people
  std::string advice;                  ///< what to do about it; may be empty
  Usage usage;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

}  // namespace troupe::sandbox
