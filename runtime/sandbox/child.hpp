#pragma once
// What a new process does between its creation and the program: it becomes the init of the sandbox.
//
// Rules    The init makes only system calls: no allocation, no lock, no libc function that knows threads. A Plan has
//          everything that it needs.
// Talk     Parent and init share a packet socket. The parent sends `mapped`; the init answers with Reports. An init
//          made ahead then waits for an order (order.hpp).
#include <linux/filter.h>
#include <sys/resource.h>

#include <array>
#include <cstdint>
#include <span>

#include "runtime/base/endpoint.hpp"
#include "runtime/sandbox/order.hpp"
#include "runtime/sandbox/spec.hpp"
#include "runtime/sandbox/steps.hpp"

namespace troupe::sandbox {

/// Ids inside the sandbox. If only one id is mapped, both are the same.
inline constexpr std::uint32_t kInitId = 0;
inline constexpr std::uint32_t kProgramId = 1'000;

enum class Ids : std::uint8_t { two, one };

enum class Stage : std::uint8_t {
  parent,     ///< waiting for `mapped` from the parent
  cgroup,     ///< to enter its cgroup
  ids,        ///< to become one of the mapped ids
  mounts,     ///< to get its own mounts
  tree,       ///< to perform a Step, whose number is in `index`
  root,       ///< to leave the root of the host
  network,    ///< to bring up the loopback, and to listen there
  names,      ///< the host name, and the names of cgroups
  rights,     ///< to give up capabilities
  limits,     ///< resource limits of the process
  calls,      ///< to load the filter of system calls
  process,    ///< to make the process of the program
  directory,  ///< to enter the directory of the program
  program,    ///< to start the program: the last stage
};

/// From the init to its parent; one packet each.
struct Report {
  enum class Kind : std::uint8_t {
    listens,  ///< carries the sockets that accept connections to hosts, in the order of Plan::listens
    made,     ///< the sandbox is ready for its program; carries descriptors of /proc and /task inside
    guarded,  ///< carries the descriptor on which forbidden calls are reported
    failed,   ///< `stage`, `index`, `error`; the init ends
    ended,    ///< the program ended, and none of its processes run: `signalled`, `status`, `cpu_us`, `resident_kib_max`
  };
  Kind kind = Kind::failed;
  Stage stage = Stage::parent;
  bool signalled = false;
  std::int32_t status = 0;  ///< exit status, or number of a signal
  std::int32_t index = 0;
  std::int32_t error = 0;                         ///< errno
  std::int64_t cpu_us = 0, resident_kib_max = 0;  ///< of all processes inside
};

struct ResourceLimit {
  int resource = 0;
  rlim_t soft = 0, hard = 0;
};

/// Input of the new process. Its pointers lead into the parent's memory, of which the process has a copy.
struct Plan {
  Ids ids = Ids::two;
  std::span<const Step> steps;
  std::span<const int> trees;          ///< the tree that each step shows, cloned by the parent; -1: found by its path
  const char* const* paths = nullptr;  ///< paths of the program to try in turn, as execvp(3) does; ended by null
  char* const* arguments = nullptr;    ///< ended by null
  char* const* environment = nullptr;  ///< ended by null
  const char* directory = nullptr;
  Inside inside;
  std::span<const ResourceLimit> limits;
  int niceness = 0;                         ///< 0: the caller's
  std::span<const base::Endpoint> listens;  ///< addresses of the loopback; at most kHostsMax
  std::span<const sock_filter> filter;
  std::span<const int> doors;              ///< of its cgroups, to which it writes "0"
  bool guarded = false;                    ///< the filter reports calls; its descriptor goes to the parent
  int talk = -1;                           ///< the init's end of the socket
  std::array<int, 3> streams{-1, -1, -1};  ///< become its standard streams
  std::span<std::byte> stack;              ///< of the process that becomes the program, until it does
  std::span<char> order;                   ///< buffer for an order, for which the init waits; empty: no order follows
  std::span<char*> texts;                  ///< buffer for kOrderTextsMax pointers into `order`
};

/// Runs in the new process, as process 1 of its namespaces. The process ends with it.
[[noreturn]] void become_init(Plan plan);

inline constexpr char kMapped = 'm';
inline constexpr char kStreamsClosed = 'c';  // follows an order once the parent has closed the streams

}  // namespace troupe::sandbox
