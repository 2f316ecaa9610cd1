#pragma once
// A link to a node, for one command, or for the many commands of a process that serves requests.
//
// Way     the local socket in the data directory; with --node a link in the role `operate` or `view`.
// Desks   a client sends requests through a desk of its own. The next client uses the desk again, so a client costs no
//         actor.
// Safety  link(), desk() and give_back() from any thread; everything else only while one client exists.
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "apps/cli/command.hpp"
#include "messages/common.capnp.h"
#include "runtime/actor/external_actor.hpp"
#include "runtime/os/waker.hpp"

namespace troupe::crypto {
class Identity;
}
namespace troupe::net {
class Link;
class Pool;
}  // namespace troupe::net
namespace troupe::os {
class System;
}

namespace troupe::apps {

inline constexpr std::chrono::seconds kDialTimeout{5};  // our choice: a person does not wait for longer

inline constexpr std::chrono::seconds kRecently{5};  // our choice
inline constexpr std::size_t kDoneMax = 1'024;       // our choice

/// The actor through which a thread sends requests, and the waker by which the actor's responses wake the thread.
struct Desk {
  explicit Desk(std::initializer_list<int> signals) : waker(signals) {}
  os::Waker waker;
  std::optional<runtime::ExternalActor> outside;
};

class Connection {
 public:
  Connection();
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Starts the actor system that makes the link, and dials.
  void open_local(const std::string& directory);
  void open_remote(const NodeAddress& node, std::shared_ptr<const crypto::Identity> identity, messages::Role role);
  void close();

  /// Returns the link, or dials again if the link has ended. Null before open_…().
  std::shared_ptr<net::Link> link();
  /// Returns a desk that no other client uses. `made`: the desk to give an actor to, if the caller has made one.
  std::shared_ptr<Desk> desk(std::shared_ptr<Desk> made = {});
  void give_back(std::shared_ptr<Desk> desk);

  /// Notes that the node has done `what`, which commands need before a request, such as finding a group.
  void note_done(const std::string& what);
  /// Returns whether the node has done it over this link within kRecently.
  bool was_done(const std::string& what);

  os::System& system() { return *system_; }
  net::Pool& pool() { return *pool_; }
  bool is_open() const { return system_ != nullptr; }
  /// Whether a link has ever been in service.
  bool was_in_service() const;
  /// Whether this side has ended the handshake.
  bool turned_away() const;

  std::string way;                         ///< as a person types it: "--data DIR" or "--node ID@HOST:PORT"
  std::optional<std::string> directory;    ///< of a local node
  std::string unreachable, refused, try_;  ///< texts of the failure if no link was ever in service
  std::atomic<bool> serves{false};         ///< the node has started

 private:
  void open(std::shared_ptr<const crypto::Identity> identity, messages::Role role, std::string sockets);
  std::shared_ptr<net::Link> dial();

  std::unique_ptr<os::System> system_;
  std::shared_ptr<net::Pool> pool_;
  std::optional<NodeAddress> node_;
  std::mutex lock_;
  std::shared_ptr<net::Link> link_;
  std::vector<std::shared_ptr<Desk>> free_;
  std::map<std::string, base::Instant> done_;  // until when each counts; at most kDoneMax
};

}  // namespace troupe::apps
