#pragma once
// What is to run in a sandbox, and how it ended. Plain values, which a launcher passes on as bytes.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/endpoint.hpp"
#include "runtime/sandbox/limits.hpp"

namespace troupe::sandbox {

/// A file or folder of the host that is seen inside, read-only.
struct Bind {
  std::string from;  ///< absolute
  std::string to;    ///< absolute, without ".."; folders on the way are made where they are missing
  friend bool operator==(const Bind&, const Bind&) = default;
};

/// A program that runs in a sandbox without an executable: for what looks at the sandbox from inside.
struct Inside {
  int (*run)(void* argument) = nullptr;  ///< its return is the exit status
  void* argument = nullptr;
  friend bool operator==(const Inside&, const Inside&) = default;
};

enum class Cgroups : std::uint8_t { where_possible, never };
enum class Tripwires : std::uint8_t { no, yes };

struct Spec {
  std::optional<std::string> root;       ///< folder seen read-only as `/`; nothing: an empty one
  std::vector<std::string> command;      ///< the program and its arguments; without a slash it is sought in PATH
  std::vector<std::string> environment;  ///< NAME=value, the whole of it
  std::string directory = "/task";       ///< where the program starts
  std::vector<Bind> binds;
  std::vector<std::string> outputs;   ///< below /task: what is kept of a program that has ended by itself
  std::vector<base::HostPort> hosts;  ///< that it may talk to, each once; at most kHostsMax (hosts.hpp)
  Limits limits;
  Cgroups cgroups = Cgroups::where_possible;
  Tripwires tripwires = Tripwires::no;
  std::string group = "troupe-00000000";  ///< of cgroups: "troupe-" and 8 hexadecimal digits of the node
  Inside inside;                          ///< if it is set, it runs in place of `command`
  friend bool operator==(const Spec&, const Spec&) = default;
};

/// PATH, HOME, LANG and TMPDIR as they are right inside; nothing of the caller's.
std::vector<std::string> default_environment();

inline constexpr std::size_t kHostsMax = 16;    // our choice: each is a descriptor
inline constexpr std::size_t kOutputsMax = 64;  // our choice: files that are kept; each is a descriptor
inline constexpr base::Duration kUsagePeriod = std::chrono::seconds{1};  // our choice: how often a launcher tells it

struct Usage {
  base::Duration cpu{0};
  base::Duration wall{0};
  std::uint64_t memory_bytes_max = 0;
  std::uint64_t pids_max = 0;
  std::uint64_t disk_bytes = 0;  ///< the most that was seen
  std::uint64_t output_bytes = 0;
  friend bool operator==(const Usage&, const Usage&) = default;
};

enum class Ended : std::uint8_t {
  exited,       ///< by itself; `status` is its exit status
  signalled,    ///< `status` is the number of the signal
  not_made,     ///< there was no sandbox; `why` says what failed
  not_started,  ///< the sandbox was made, the program could not be started; `status` is the errno
  spared,       ///< ended for the machine's sake; `why` says what that lacked. That is no answer of its program.
};

struct Outcome {
  Ended how = Ended::not_made;
  int status = 0;
  std::optional<Limit> limit;          ///< that the program has hit; never of a program that has ended with 0
  std::string tripwire;                ///< the call that it tried, if a tripwire has ended it: "mount"
  std::vector<std::uint32_t> outputs;  ///< which of Spec::outputs there are, rising
  std::string why;                     ///< of those that are neither `exited` nor `signalled`, a sentence for people
  std::string advice;                  ///< what to do about it; may be empty
  Usage usage;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

}  // namespace troupe::sandbox
