#include "runtime/os/disk_watch.hpp"

#include <utility>

namespace troupe::os {

DiskWatch::DiskWatch(ports::Disk& disk, Told told, std::chrono::milliseconds period)
    : disk_(disk), told_(std::move(told)), period_(period), thread_([this] {
        run();
        ended_ = true;
      }) {}

DiskWatch::~DiskWatch() {
  end();
  thread_.join();
}

void DiskWatch::end() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
}

void DiskWatch::run() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, period_, [this] { return ending_; })) {
    lock.unlock();
    if (const auto lost = disk_.lost()) return told_(*lost);
    lock.lock();
  }
}

}  // namespace troupe::os
