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

  Node& node() const { return (owner_.*&Opened::node)(); }
  const ports::World& world() const { return (owner_.*&Opened::world)(); }
  base::Instant now() const { return (owner_.*&Opened::now)(); }
  base::WallTime wall() const { return world().clock.wall(); }
  Handle sender() const { return (owner_.*&Opened::sender)(); }
  /// As Actor::ask().
  template <class Q, class A, class Fill, class F>
  void ask(const Handle& to, base::Instant due, Fill&& fill, F callback) {
    const Header header{.due = due, .trace = (owner_.*&Opened::trace)()};
    (owner_.*&Opened::request)(
        to, Envelope::build<Q>(header, std::forward<Fill>(fill)),
        [callback = std::move(callback)](const Envelope& answer) mutable { callback(Answer<A>(answer)); });
  }
  /// As Actor::after().
  template <class Tag>
  void after(base::Duration delay) {
    (owner_.*Opened::set<Tag>())(delay);
  }

 private:
  /// What an actor keeps for the class that is derived from it, and for that class's parts.
  struct Opened : Actor {
    using Actor::node;
    using Actor::now;
    using Actor::request;
    using Actor::sender;
    using Actor::trace;
    using Actor::world;
    template <class Tag>
    static auto set() {
      void (Actor::*const set)(base::Duration) = &Opened::template after<Tag>;
      return set;
    }
  };

  Actor& owner_;
};

}  // namespace troupe::runtime
