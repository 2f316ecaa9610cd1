#pragma once
// An actor for a thread outside of the actor system: runs the functions that the thread passes, one after the other.
//
// Use     outside.run([](ExternalActor::Inside& actor) { actor.ask<…>(…); }); captures of its callbacks live until the
//         system has ended.
// Safety  run() from any thread.
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "runtime/actor/actor.hpp"

namespace troupe::runtime {

class ExternalActor {
 public:
  /// The actor as the passed functions see it.
  class Inside : public Actor {
   public:
    using Actor::ask;
    using Actor::feed;
    using Actor::node;
    using Actor::now;
    using Actor::subscribe;
    using Actor::tell;
    using Actor::watch;
    /// Sends an existing request, like Actor::request.
    void pose(const Handle& to, Envelope question, base::Callback<void(const Envelope&)> callback) {
      Actor::request(to, std::move(question), std::move(callback));
    }
  };
  using What = base::Callback<void(Inside&)>;
  using Receive = std::function<void(Inside&, Handlers&)>;

  /// Starts the actor at "/" and `name`. `receive` sets its other handlers.
  ExternalActor(Node& node, std::string name, Receive receive = {});

  /// `trace`: the trace of the messages that `what` sends.
  void run(What what, Trace trace = {});

 private:
  struct Queue {
    std::mutex lock;
    std::deque<What> waiting;
  };
  class Worker;
  std::shared_ptr<Queue> queue_ = std::make_shared<Queue>();
  Handle worker_;
};

/// Sends a message without a response, from a thread that is not an actor.
void post(const Handle& to, Envelope envelope);

}  // namespace troupe::runtime
