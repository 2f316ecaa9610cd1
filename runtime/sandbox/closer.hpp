#pragma once
// Closes files where that may take long, and one that made sandboxes would wait.
//
// Why     who closes the last file of a file system in memory frees all its pages, 2 GB in a second: of a program that
//         was ended from outside of its sandbox that is who had its disk open last.
// Apart   from that of runtime/os: this one takes nothing of the heap, which a sandbox, a copy of this process, would
//         find locked.
// Thread  its own, which ends when all is closed that it was given. All calls come from one other.
#include <cstddef>
#include <optional>

#include "runtime/base/descriptor.hpp"
#include "runtime/sandbox/own_pages.hpp"

namespace troupe::sandbox {

class Closer {
 public:
  Closer();
  ~Closer();
  Closer(const Closer&) = delete;
  Closer& operator=(const Closer&) = delete;

  /// Where it has too many to close, here and now.
  void close(base::Descriptor one);

 private:
  struct State;
  OwnPages pages_;
  State* const state_;
  std::optional<OwnThread> thread_;
};

}  // namespace troupe::sandbox
