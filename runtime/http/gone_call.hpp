#pragma once
// The function that a handler wants to be called if its client closes the connection.
//
// Safety  any thread.
#include <functional>
#include <mutex>

namespace troupe::http {

class GoneCall {
 public:
  /// Calls `what` at once if the client has gone.
  void set(std::function<void()> what) {
    {
      const std::lock_guard hold(lock_);
      if (!gone_) return void(what_ = std::move(what));
    }
    what();
  }
  /// The client has gone.
  void call() {
    std::function<void()> what;
    {
      const std::lock_guard hold(lock_);
      gone_ = true;
      what_.swap(what);
    }
    if (what) what();
  }
  bool is_gone() const {
    const std::lock_guard hold(lock_);
    return gone_;
  }

 private:
  mutable std::mutex lock_;
  std::function<void()> what_;
  bool gone_ = false;
};

}  // namespace troupe::http
