#pragma once
// A part of an actor: an object that the actor owns, and that sends requests and sets timers in its name.
//
// Life    no longer than its actor. Its requests and timers are forgotten with the incarnation, like the actor's own.
#include <utility>

#include "runtime/actor/actor.hpp"

namespace troupe::runtime {

class Part {
 public:
  explicit Part(Actor& owner) : owner_(owner) {}
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

 protected:
  ~Part() = default;

  Node& node() const { return owner_.node(); }
  const ports::World& world() const { return owner_.world(); }
  base::Instant now() const { return owner_.now(); }
  base::WallTime wall() const { return owner_.wall(); }
  base::Random& random() { return owner_.random(); }
  Trace trace() const { return owner_.trace(); }
  Handle sender() const { return owner_.sender(); }
  Caller caller() const { return owner_.caller(); }
  /// Like Actor::ask().
  template <class Q, class A, class Fill, class F>
  void ask(const Handle& to, base::Instant due, Fill&& fill, F callback, std::size_t bytes = 0) {
    owner_.ask<Q, A>(to, due, std::forward<Fill>(fill), std::move(callback), bytes);
  }
  /// Like Actor::ask_for().
  template <class Q, class A, class Fill, class F>
  void ask_for(const Caller& asker, const Handle& to, base::Instant due, Fill&& fill, F callback) {
    owner_.ask_for<Q, A>(asker, to, due, std::forward<Fill>(fill), std::move(callback));
  }
  void request(const Handle& to, Envelope question, base::Callback<void(const Envelope&)> callback) {
    owner_.request(to, std::move(question), std::move(callback));
  }
  void request_for(const Caller& asker, const Handle& to, Envelope question,
                   base::Callback<void(const Envelope&)> callback) {
    owner_.request_for(asker, to, std::move(question), std::move(callback));
  }
  template <class T, class Fill>
  void tell(const Handle& to, Fill&& fill) {
    owner_.tell<T>(to, std::forward<Fill>(fill));
  }
  void send(const Handle& to, Envelope envelope) { owner_.send(to, std::move(envelope)); }
  template <class Q, class Item, class Fill, class OnItem, class OnEnd>
  Subscription subscribe(const Handle& to, base::Duration idle, Fill&& fill, OnItem item, OnEnd ended) {
    return owner_.subscribe<Q, Item>(to, idle, std::forward<Fill>(fill), std::move(item), std::move(ended));
  }
  template <class Tag>
  void after(base::Duration delay) {
    owner_.after<Tag>(delay);
  }

 private:
  Actor& owner_;
};

}  // namespace troupe::runtime
