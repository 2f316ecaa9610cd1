#pragma once
// An actor for a thread that is none: runs the functions that the thread hands in, one after the other.
//
// Use     outside.run([](Outside::Inside& actor) { actor.ask<…>(…); }); what its callbacks capture lives until the
//         system has ended.
// Safety  run() from any thread.
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "runtime/actor/actor.hpp"

namespace troupe::os {

class Outside {
 public:
  /// The actor as those functions see it.
  class Inside : public runtime::Actor {
   public:
    using Actor::ask;
    using Actor::feed;
    using Actor::node;
    using Actor::now;
    using Actor::subscribe;
    using Actor::tell;
    using Actor::watch;
    /// Asks a question that is at hand; as Actor::request.
    void pose(const runtime::Handle& to, runtime::Envelope question,
              base::Callback<void(const runtime::Envelope&)> callback) {
      Actor::request(to, std::move(question), std::move(callback));
    }
  };
  using What = base::Callback<void(Inside&)>;
  using Receive = std::function<void(Inside&, runtime::Handlers&)>;

  /// Starts the actor at "/" and `name`. `receive` names what else it handles.
  Outside(runtime::Node& node, std::string name, Receive receive = {});

  void run(What what);

 private:
  struct Queue {
    std::mutex lock;
    std::deque<What> waiting;
  };
  class Worker;
  std::shared_ptr<Queue> queue_ = std::make_shared<Queue>();
  runtime::Handle worker_;
};

}  // namespace troupe::os
