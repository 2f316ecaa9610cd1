#pragma once
// A node in virtual time for tests: a stage, one set of simulated ports, and actors written as lambdas.
#include <caf/exit_reason.hpp>
#include <caf/send.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "messages/common.capnp.h"
#include "runtime/actor/actor.hpp"
#include "runtime/actor/envelope_type.hpp"
#include "runtime/sim/disk.hpp"
#include "runtime/sim/fabric.hpp"
#include "runtime/sim/node_ports.hpp"
#include "runtime/sim/stage.hpp"

namespace troupe::test {

/// An actor whose receive() and start() a test writes in place. Opens what Actor keeps for its children.
class Scripted final : public runtime::Actor {
 public:
  using Receive = std::function<void(Scripted&, runtime::Handlers&)>;
  using Start = std::function<void(Scripted&)>;

  explicit Scripted(Receive receive, Start start = {}) : receive_(std::move(receive)), start_(std::move(start)) {}

  void receive(runtime::Handlers& on) override {
    if (receive_) receive_(*this, on);
  }
  void start() override {
    if (start_) start_(*this);
  }
  void down(const runtime::Handle& whom, const std::optional<base::Error>& why) override {
    if (on_down) on_down(whom, why);
  }

  using Actor::after;
  using Actor::after_stir;
  using Actor::ask;
  using Actor::caller;
  using Actor::cancel;
  using Actor::feed;
  using Actor::finish;
  using Actor::node;
  using Actor::note_stirs;
  using Actor::now;
  using Actor::refuse;
  using Actor::request_for;
  using Actor::self;
  using Actor::send;
  using Actor::sender;
  using Actor::spawn;
  using Actor::stop_child;
  using Actor::subscribe;
  using Actor::subscribe_raw;
  using Actor::tell;
  using Actor::unwatch;
  using Actor::watch;

  std::function<void(const runtime::Handle&, const std::optional<base::Error>&)> on_down;

 private:
  Receive receive_;
  Start start_;
};

inline runtime::Factory script(Scripted::Receive receive, Scripted::Start start = {}) {
  return [=] { return std::make_unique<Scripted>(receive, start); };
}

/// Ends all actors of a node, as the end of its process would.
inline void kill_all(runtime::Node& node) {
  std::vector<runtime::Handle> all;
  node.registry().walk([&](const runtime::Listing& listing) { return all.push_back(listing.handle), true; });
  for (const auto& one : all) caf::anon_send_exit(one, caf::exit_reason::kill);
}

/// The actor `/outside` of a node: runs what a test gives it in a handler. It starts when it is first used.
class Outside {
 public:
  void run(runtime::Node& node, std::function<void(Scripted&)> what) {
    if (!actor_)
      actor_ = node.start("outside", script([this](Scripted& self, runtime::Handlers& on) {
                            on.tell<messages::wire::Nothing>(
                                [this, &self](messages::wire::Nothing::Reader) { std::exchange(what_, {})(self); });
                          }));
    what_ = std::move(what);
    actor_->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {},
                                              runtime::Envelope::build<messages::wire::Nothing>({}, [](auto) {})),
                    nullptr);
  }
  const runtime::Handle& handle() const { return actor_; }  ///< null before the first use
  /// Call it once the actor has ended, or to end it.
  runtime::Handle release() { return std::exchange(actor_, {}); }

 private:
  runtime::Handle actor_;
  std::function<void(Scripted&)> what_;
};

class ActorFixture {
 public:
  /// What a test puts in the place of some of the ports.
  using Refit = ports::World (*)(sim::Stage&, const ports::World&);

  explicit ActorFixture(std::uint64_t seed = 1, runtime::NodeLimits limits = {}, Refit refit = nullptr)
      : stage(seed),
        ports(stage.keep<sim::NodePorts>(stage, sim::Fabric::make(stage), std::uint16_t{1}, disk)),
        node(stage.system(), refit != nullptr ? refit(stage, ports.world()) : ports.world(), limits) {}
  ~ActorFixture() {
    kill_all(node);
    outside_.release();
    stage.settle();
  }

  runtime::Handle start(std::string name, Scripted::Receive receive, Scripted::Start begin = {}) {
    return node.start(std::move(name), script(std::move(receive), std::move(begin)));
  }
  /// Runs `what` in a handler of an actor of its own, `/outside`, then lets everybody act on it.
  void inside(std::function<void(Scripted&)> what) {
    outside_.run(node, std::move(what));
    stage.settle();
  }
  /// Ends an actor as the end of its system would.
  static void kill(const runtime::Handle& whom) { caf::anon_send_exit(whom, caf::exit_reason::kill); }
  std::shared_ptr<const runtime::Record> record(std::string_view path) {
    std::shared_ptr<const runtime::Record> found;
    node.registry().walk([&](const runtime::Listing& listing) {
      if (listing.path == path) found = listing.record;
      return true;
    });
    return found;
  }

  sim::Disk disk;
  sim::Stage stage;
  sim::NodePorts& ports;
  runtime::Node node;

 private:
  Outside outside_;
};

}  // namespace troupe::test
