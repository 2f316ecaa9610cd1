#pragma once
// The root of a node: starts its domains in order, reports the node's state, and drains the domains in reverse order.
//
// Start    one domain after the other: the next starts once the previous one serves (AwaitReady in
//          messages/runtime.capnp), so that no domain can be reached before its dependencies. A domain that cannot
//          serve says so in the node's health, and does not block the others.
// States   starting, serving, draining. A domain that fails is restarted; if it keeps failing, the node ends.
// Drain    domains stop one by one, the last first, kDrainMax in all; then the root ends.
// Restart  the root never restarts: its starter is notified, and ends the node.
// Path     kPath (api.hpp); its domains are next to it: "/store", "/links", "/peers".
#include <functional>
#include <string>
#include <vector>

#include "actors/node/api.hpp"
#include "messages/common.capnp.h"
#include "runtime/actor/actor.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/observe/health.hpp"
#include "runtime/observe/log.hpp"

namespace troupe::node {

inline constexpr std::chrono::seconds kDrainMax{4};         // the process has 5 s from the signal to its end
inline constexpr std::chrono::milliseconds kAskAgain{200};  // our choice: after a domain failed while it started
inline constexpr std::chrono::seconds kReadyTimeout{10};    // our choice: then the log names the domain that is awaited

/// A setting of the running node.
struct RunningSetting {
  std::string key, value, origin;  ///< the value as TOML
};

class NodeActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "node";

  struct Setup {
    base::NodeId id;
    base::PublicKey key;
    std::string name;
    std::vector<Domain> domains;          ///< in the order in which they start
    std::function<std::string()> listen;  ///< "HOST:PORT", empty while it does not listen; any thread
    std::function<std::size_t()> peers;   ///< nodes linked now; any thread
    std::function<std::size_t()> seats = [] { return std::size_t{0}; };  ///< connections accepted; any thread
    std::size_t seats_max = 0;                                           ///< at a time
    observe::Health* health = nullptr;                                   ///< outlives the actor
    observe::Log* log = nullptr;                                         ///< outlives the actor
    std::function<std::vector<RunningSetting>()> settings = [] {
      return std::vector<RunningSetting>();
    };                                      ///< any thread
    std::function<void()> serving = [] {};  ///< all domains serve; in the actor's own context
    /// Whether services may be missing because the node starts or ends; in the actor's own context.
    std::function<void(bool)> incomplete = [](bool) {};
    std::function<void()> drained = [] {};  ///< the root ends; in the actor's own context
  };

  explicit NodeActor(Setup setup) : setup_(std::move(setup)) {}

  void receive(runtime::Handlers& on) override;
  void start() override;
  void stop() override;
  void check() const override;
  void down(const runtime::Handle& whom, const std::optional<base::Error>& why) override;

 private:
  struct AskAgain {};
  struct DrainDue {};
  struct DrainSoon {};

  void start_next();
  void await_ready();
  void drain();
  void stop_last();
  void status(wire::NodeStatus::Builder out);
  void note(const char* act, const std::string& what);
  void set_log_level(wire::SetLogLevel::Reader order, runtime::Reply<messages::wire::Nothing> reply);

  const Setup setup_;
  wire::Stage stage_ = wire::Stage::STARTING;
  std::vector<runtime::Handle> running_;  // in start order
  base::Instant started_;
};

}  // namespace troupe::node
