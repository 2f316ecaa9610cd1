#pragma once
// Closes what programs have left, on its own thread: the last close of a disk in memory frees it, which is slow.
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace troupe::os {

class Closer {
 public:
  /// Throws std::system_error if the system has no thread left.
  Closer() : thread_([this] { run(); }) {}
  /// Waits until all is closed.
  ~Closer();
  Closer(const Closer&) = delete;
  Closer& operator=(const Closer&) = delete;

  /// Destroys `owner` soon. Safe from any thread.
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
