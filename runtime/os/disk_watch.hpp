#pragma once
// Checks every kPeriod whether the files of a disk are still where they were opened. Has its own thread, because a
// check may block as long as the device does.
//
// Told    `told` is called once, with the first path that was removed or replaced (ports::Disk::lost).
// Owner   the owner of the disk; ends before it.
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "runtime/ports/disk.hpp"

namespace troupe::os {

class DiskWatch {
 public:
  static constexpr std::chrono::seconds kPeriod{2};  // our choice: people should notice the loss within 5 s

  using Told = std::function<void(const std::string& path)>;  ///< on the thread of the watch
  DiskWatch(ports::Disk& disk, Told told, std::chrono::milliseconds period = kPeriod);
  ~DiskWatch();
  DiskWatch(const DiskWatch&) = delete;
  DiskWatch& operator=(const DiskWatch&) = delete;

  /// Asks the thread to end. It ends at once unless it waits for the device.
  void end();
  bool ended() const { return ended_; }

 private:
  void run();

  ports::Disk& disk_;
  const Told told_;
  const std::chrono::milliseconds period_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ending_ = false;
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

}  // namespace troupe::os
