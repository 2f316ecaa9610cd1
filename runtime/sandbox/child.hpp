#pragma once
// What a new process does between its creation and the program: it becomes the init of the sandbox.
//
// Rules    system calls alone: no memory is taken, no lock, nothing of libc that knows threads. What they need was
//          laid out before, in a Plan.
// Talk     one socket of packets. The parent says `mapped`; the init answers with Reports. An init that was made ahead
//          then waits for an order (order.hpp).
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

/// Ids as they are inside. Where one id alone is mapped, both are the same.
inline constexpr std::uint32_t kInitId = 0;
inline constexpr std::uint32_t kProgramId = 1'000;

enum class Ids : std::uint8_t { two, one };

enum class Stage : std::uint8_t {
  parent,     ///< the parent has not said `mapped`
  cgroup,     ///< to enter its cgroup
  ids,        ///< to become one of the ids that are mapped
  mounts,     ///< to have mounts of its own
  tree,       ///< a Step; `index` says which
  root,       ///< to leave the root of the host
  network,    ///< to bring up the loopback, and to listen there
  names,      ///< the host name, and the names of cgroups
  rights,     ///< to give up capabilities
  limits,     ///< resource limits of the process
  calls,      ///< to load the filter of system calls
  process,    ///< to make the process of the program
  directory,  ///< to enter the directory of the program
  program,    ///< to start the program: the last one
};

/// From the init to its parent; a packet each.
struct Report {
  enum class Kind : std::uint8_t {
    listens,  ///< carries the sockets at which connections to hosts are taken, in the order of Plan::listens
    made,     ///< all is there but the program and what is its own; carries descriptors of /proc and /task inside
    guarded,  ///< carries the descriptor on which forbidden calls are reported
    failed,   ///< `stage`, `index`, `error`; the init ends
    ended,    ///< the program has, and nothing of it runs: `signalled`, `status`, `cpu_us`, `resident_kib_max`
  };
  Kind kind = Kind::failed;
  Stage stage = Stage::parent;
  bool signalled = false;
  std::int32_t status = 0;  ///< exit status, or number of a signal
  std::int32_t index = 0;
  std::int32_t error = 0;                         ///< errno
  std::int64_t cpu_us = 0, resident_kib_max = 0;  ///< of all that ran inside
};

struct ResourceLimit {
  int resource = 0;
  rlim_t soft = 0, hard = 0;
};

/// What the new process reads. Every pointer is to memory of the parent, which it has a copy of.
struct Plan {
  Ids ids = Ids::two;
  std::span<const Step> steps;
  std::span<const int> trees;          ///< for each step what it shows, cloned by the parent; -1: found by its path
  const char* const* paths = nullptr;  ///< to be tried in turn, as execvp(3) does; ended by null
  char* const* arguments = nullptr;    ///< ended by null
  char* const* environment = nullptr;  ///< ended by null
  const char* directory = nullptr;
  Inside inside;
  std::span<const ResourceLimit> limits;
  int niceness = 0;                         ///< 0: that of the caller
  std::span<const base::Endpoint> listens;  ///< addresses of the loopback; at most kHostsMax
  std::span<const sock_filter> filter;
  std::span<const int> doors;              ///< of its cgroups, to which it writes "0"
  bool guarded = false;                    ///< the filter reports: its descriptor goes to the parent
  int talk = -1;                           ///< this side's end of the socket
  std::array<int, 3> streams{-1, -1, -1};  ///< what become its standard streams
  std::span<std::byte> stack;              ///< of the process that becomes the program, until it does
  std::span<char> order;                   ///< room for an order, which it waits for; empty: all is here
  std::span<char*> texts;                  ///< room for pointers into it: kOrderTextsMax
};

/// Runs in the new process, as process 1 of its namespaces. Ends with it.
[[noreturn]] void become_init(Plan plan);

inline constexpr char kMapped = 'm';
inline constexpr char kStreamsClosed = 'c';  // by the parent, after an order: the program begins

}  // namespace troupe::sandbox
