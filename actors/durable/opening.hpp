#pragma once
// Requests that wait while a durable actor reads its rows.
//
// Limit   `waiting_max` requests wait; later requests are `overloaded`.
// Damage  after failed(), all of them are refused with the reason until the rows can be read.
#include <vector>

#include "runtime/actor/reply.hpp"
#include "runtime/base/callback.hpp"

namespace troupe::durable {

class Opening {
 public:
  using Then = base::Callback<void(const base::Outcome<void>&)>;
  /// `what` is a name for errors, such as "the book".
  Opening(std::size_t waiting_max, std::string what) : waiting_max_(waiting_max), what_(std::move(what)) {}

  /// Returns whether the rows have been read.
  explicit operator bool() const { return open_; }
  /// Calls back once the rows are read, or with the reason why they are not.
  void when(Then then) {
    if (open_) return then({});
    if (failed_) return then(*failed_);
    if (waiting_.size() >= waiting_max_)
      return then(base::Error{base::Code::overloaded,
                              "too many requests wait for " + what_ + " to be read: retry in a moment"});
    waiting_.push_back(std::move(then));
  }
  /// The same; refuses `reply` with the reason.
  template <class A>
  void when(runtime::Reply<A> reply, base::Callback<void(runtime::Reply<A>)> then) {
    when([reply = std::move(reply), then = std::move(then)](const base::Outcome<void>& opened) mutable {
      if (opened.ok()) then(std::move(reply));
      else reply.refuse(opened.error());
    });
  }

  /// The same for a request that changes nothing: continues once this node is known to still hold the seat. `storage`
  /// is a Storage and must outlive this object.
  template <class A>
  void reading(auto& storage, runtime::Reply<A> reply, base::Callback<void(runtime::Reply<A>&)> then) {
    when<A>(std::move(reply), [this, &storage, then = std::move(then)](runtime::Reply<A> waiting) mutable {
      storage.confirm([this, run = run_, reply = std::move(waiting),
                       then = std::move(then)](const base::Outcome<void>& here) mutable {
        if (here.ok() && open_ && run == run_) return then(reply);
        reply.refuse({base::Code::unavailable, what_ + " is being read again, or is now at another node: retry"});
      });
    });
  }

  void opened() {
    open_ = true;
    ++run_;
    failed_.reset();
    for (Then& then : std::exchange(waiting_, {})) then({});
  }
  /// Call it when the rows must be read again.
  void closed() { open_ = false; }
  /// Call it if the rows cannot be read, and this does not pass by itself.
  void failed(const base::Error& why) {
    open_ = false;
    failed_ = why;
    for (Then& then : std::exchange(waiting_, {})) then(why);
  }

 private:
  const std::size_t waiting_max_;
  const std::string what_;
  bool open_ = false;
  std::uint64_t run_ = 0;  // number of the current opened()
  std::optional<base::Error> failed_;
  std::vector<Then> waiting_;
};

}  // namespace troupe::durable
