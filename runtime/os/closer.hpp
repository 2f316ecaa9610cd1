#pragma once
// Closes what programs have left, in a thread of its own: with the last descriptor of a disk in memory the kernel takes
// that apart, as long as it takes.
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace troupe::os {

class Closer {
 public:
  /// Throws std::system_error if the system has no room for its thread.
  Closer() : thread_([this] { run(); }) {}
  /// Waits until all is closed.
  ~Closer();
  Closer(const Closer&) = delete;
  Closer& operator=(const Closer&) = delete;

  /// From any thread. What it owns is destroyed soon.
  void close(std::shared_ptr<const void> owner);

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable woken_;
  std::vector<std::shared_ptr<const void>> owners_;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace troupe::os
