#include "runtime/os/memory.hpp"

#include <malloc.h>

#include "messages/kinds.hpp"

// jemalloc's control function, or null if the program is not linked with it.
extern "C" [[gnu::weak]] int mallctl(const char* name, void* old, std::size_t* old_size, void* value, std::size_t size);

namespace troupe::os {
namespace {

/// The largest message, plus its envelope, frame and records (TLS: 29 bytes per 16 KiB).
constexpr int kLargestBlock = messages::kBytesMaxLimit + messages::kBytesMaxLimit / 64;
constexpr int kKept = 32 << 20;    // our choice: per arena; more is returned at once
constexpr int kGrownBy = 4 << 20;  // our choice: two of the largest blocks

}  // namespace

/// A link soon needs the blocks that it frees. glibc would return blocks from 128 KiB to the kernel, and each GiB of
/// large messages would fault in 0.8 GiB again, at some ms each in a virtual machine. jemalloc itself keeps them for a
/// second (apps/main.cpp).
void keep_freed_memory() {
  mallopt(M_MMAP_THRESHOLD, kLargestBlock);
  mallopt(M_TRIM_THRESHOLD, kKept);
  mallopt(M_TOP_PAD, kGrownBy);
}

void trim_memory() {
  if (mallctl != nullptr) {
    // jemalloc checks the age of freed pages when a thread allocates, and the threads of an idle node do not.
    mallctl("arena.4096.decay", nullptr, nullptr, nullptr, 0);  // 4096: all arenas
  } else if (mallinfo2().fordblks >= kMuchIsFree) {
    malloc_trim(0);
  }
}

}  // namespace troupe::os
