#pragma once
// The shared state of all streams of one Network: their number, and the brokers that must end before it ends.
//
// Limits  streams_max open streams, started or not. Above it no connection is accepted until a stream ends, and the
//         kernel keeps new connections in its backlog. (Without this limit, CAF's acceptor would spin when descriptors
//         run out: it retries at once.) While unread_max bytes wait in the queues of all owners, each stream reads only
//         a small piece at a time, after its owner has handled the last piece.
// Thread  safe from any.
#include <atomic>
#include <caf/actor_control_block.hpp>
#include <caf/fwd.hpp>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>

#include "runtime/ports/clock.hpp"

namespace troupe::os {

inline constexpr std::size_t kUnreadOfAllMax = 64u << 20;  // our choice: 64 streams with kUnreadMax each

class Links : public std::enable_shared_from_this<Links> {
 public:
  Links(caf::actor_system& system, ports::Clock& clock, std::size_t streams_max, std::size_t unread_most)
      : unread_max(unread_most), system_(system), clock_(clock), streams_max_(streams_max) {}

  const std::size_t unread_max;
  std::atomic<std::size_t> unread{0};  ///< bytes in the queues of all owners; the streams count them

  caf::actor_system& system() { return system_; }
  ports::Clock& clock() { return clock_; }

  /// Counts one stream as long as the result lives.
  std::shared_ptr<void> take_slot();
  std::size_t streams() const;
  /// Whether another stream may be accepted. If not, `acceptor` gets an order to resume once a stream may be accepted.
  bool has_room(const caf::strong_actor_ptr& acceptor);

  /// A broker is known from join() to leave(). Returns false if the network is closing: the broker must then not start.
  bool join(const caf::strong_actor_ptr& broker);
  void leave(caf::actor_id broker);

  /// Ends every broker and waits until they have released their descriptors.
  void close();

 private:
  void give_slot_back();

  caf::actor_system& system_;
  ports::Clock& clock_;
  const std::size_t streams_max_;
  mutable std::mutex mutex_;
  std::condition_variable left_;
  std::size_t streams_ = 0;
  bool closing_ = false;
  std::map<caf::actor_id, caf::weak_actor_ptr> brokers_;
  std::map<caf::actor_id, caf::weak_actor_ptr> waiting_;  // acceptors that have stopped accepting
};

}  // namespace troupe::os
