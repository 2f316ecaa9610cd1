#pragma once
// Memory that no copy of this process has (clone(2)), and threads that write to such memory alone.
//
// Why     after a clone the first write to each page of a process takes a new one, and who takes memory may be kept by
//         who has that reclaimed. What is written here takes none.
// Copy    by clone(2) itself: fork() of libc looks at the stacks of all threads, and is not for who has a thread here.
#include <pthread.h>
#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <system_error>

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

/// A thread with its stack on such pages, until this is destroyed, which waits for its end. It takes no memory, neither
/// by new: a copy of this process would find the heap locked for ever.
class OwnThread {
 public:
  /// Runs state.run(), of a state on such pages.
  template <typename State>
  explicit OwnThread(State& state) : stack_(kBytes) {
    const auto run = [](void* one) -> void* {
      static_cast<State*>(one)->run();
      return nullptr;
    };
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setstack(&attributes, stack_.begin(), stack_.size());
    const int error = ::pthread_create(&thread_, &attributes, run, &state);
    ::pthread_attr_destroy(&attributes);
    if (error != 0) throw std::system_error(error, std::generic_category(), "a thread of the launcher");
  }
  ~OwnThread() { ::pthread_join(thread_, nullptr); }
  OwnThread(const OwnThread&) = delete;
  OwnThread& operator=(const OwnThread&) = delete;

 private:
  static constexpr std::size_t kBytes = std::size_t{256} << 10;
  OwnPages stack_;
  pthread_t thread_{};
};

}  // namespace troupe::sandbox
