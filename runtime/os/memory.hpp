#pragma once
// Freed memory of this process: it keeps a part for its next messages, and returns the rest to the kernel.
//
// Source  jemalloc 5.3, which the program `troupe` is linked with: one thread allocates a message and another frees it,
//         and glibc takes a lock for that. Tests and sanitizers use the allocator of glibc or of the sanitizer.
// Safety  any thread.
#include <cstddef>

namespace troupe::os {

inline constexpr std::size_t kMuchIsFree = std::size_t{32} << 20;  // our choice: less is soon needed again

/// Keeps freed blocks for the next messages of the same size. Call it once, at the start.
void keep_freed_memory();

/// Returns memory to the kernel that was freed more than a second ago. With glibc it returns everything if at least
/// kMuchIsFree is free, which takes some ms per 100 MiB that are still resident.
void trim_memory();

}  // namespace troupe::os
