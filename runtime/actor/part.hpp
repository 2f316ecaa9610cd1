#pragma once
// A part of an actor: an object that the actor owns, and that asks and waits in its name.
//
// Life    not beyond its actor. What it asked or waits for is forgotten with the incarnation, as the actor's own is.
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
  Handle sender() const { return owner_.sender(); }
  Caller caller() const { return owner_.caller(); }
  /// As Actor::ask().
  template <class Q, class A, class Fill, class F>
  void ask(const Handle& to, base::Instant due, Fill&& fill, F callback) {
    owner_.ask<Q, A>(to, due, std::forward<Fill>(fill), std::move(callback));
  }
  template <class Tag>
  void after(base::Duration delay) {
    owner_.after<Tag>(delay);
  }

 private:
  Actor& owner_;
};

}  // namespace troupe::runtime
