#pragma once
// Threads that run jobs, started as they are needed.
//
// Limits  `threads_max` threads, `queued_max` jobs that wait for one.
// Safety  any thread.
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace troupe::http {

class Workers {
 public:
  using Job = std::function<void()>;

  Workers(std::size_t threads_max, std::size_t queued_max) : threads_max_(threads_max), queued_max_(queued_max) {}
  ~Workers() { end(); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// Returns false if too many jobs wait, if the system has no thread for the job, or after end().
  bool add(Job job) {
    std::unique_lock hold(lock_);
    if (ending_) return false;  // first, because end() uses `threads_` without the lock
    const bool is_free = idle_ > jobs_.size(), may_start = threads_.size() < threads_max_;
    if (!is_free && !may_start && jobs_.size() >= queued_max_) return false;
    jobs_.push_back(std::move(job));
    if (is_free || !may_start) {
      hold.unlock();  // so that the woken thread need not wait for the lock
      if (is_free) wake_.notify_one();
      return true;
    }
    try {
      threads_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      jobs_.pop_back();
      return false;
    }
    return true;
  }

  /// Waits until all jobs have run.
  void end() {
    {
      const std::lock_guard hold(lock_);
      ending_ = true;
    }
    wake_.notify_all();
    for (std::thread& one : threads_) one.join();
    threads_.clear();
  }

 private:
  void work() {
    std::unique_lock hold(lock_);
    while (true) {
      ++idle_;
      wake_.wait(hold, [this] { return ending_ || !jobs_.empty(); });
      --idle_;
      if (jobs_.empty()) return;
      Job job = std::move(jobs_.front());
      jobs_.pop_front();
      hold.unlock();
      job();
      job = {};
      hold.lock();
    }
  }

  const std::size_t threads_max_, queued_max_;
  std::mutex lock_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool ending_ = false;
};

}  // namespace troupe::http
