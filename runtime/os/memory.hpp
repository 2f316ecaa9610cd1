#pragma once
// Freed memory of this process: the process keeps a part for its next messages, and returns the rest to the kernel.
//
// Source  jemalloc 5.3, with which the program `troupe` is linked: glibc takes a lock when one thread frees a message
//         that another thread allocated. Tests and sanitizers use the allocator of glibc or of the sanitizer.
// Safety  any thread.
#include <cstddef>

namespace troupe::os {

inline constexpr std::size_t kMuchIsFree = std::size_t{32} << 20;  // our choice: a smaller amount is soon needed again

/// Keeps freed blocks for the next messages of the same size. Call it once, at the start.
void keep_freed_memory();

/// Returns memory that was freed more than a second ago to the kernel. With glibc it returns all free memory if that is
/// at least kMuchIsFree, which takes some ms per 100 MiB that are still resident.
void trim_memory();

}  // namespace troupe::os
