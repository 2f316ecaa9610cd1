#pragma once
// Memory that no copy of this process has (clone(2)).
//
// Why     after a clone the first write to each page of a process takes a new one, and who takes memory may be kept by
//         who has that reclaimed. What is written here takes none.
// Copy    by clone(2) itself: fork() of libc looks at the stacks of all threads, and is not for who has a thread here.
#include <sys/mman.h>

#include <cstddef>
#include <new>

namespace troupe::sandbox {

class OwnPages {
 public:
  explicit OwnPages(std::size_t bytes)
      : bytes_(bytes),
        begin_(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0)) {
    if (begin_ == MAP_FAILED) throw std::bad_alloc();
    ::madvise(begin_, bytes_, MADV_DONTFORK);
  }
  ~OwnPages() { ::munmap(begin_, bytes_); }
  OwnPages(const OwnPages&) = delete;
  OwnPages& operator=(const OwnPages&) = delete;

  void* begin() const { return begin_; }
  std::size_t size() const { return bytes_; }

 private:
  std::size_t bytes_;
  void* begin_;
};

}  // namespace troupe::sandbox
