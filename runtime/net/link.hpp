#pragma once
// One link as the rest of the node sees it: proxies for actors on the other side, and the questions that wait.
//
// The peer actor (peer.hpp) owns the stream; this table outlives it. A proxy enters a question here, in the asker's
// thread, before it hands the message to the peer, so that every question is answered even if the peer dies with
// messages unread: close() answers all of them `unavailable` and ends all proxies, so that monitors fire.
//
// States  open, from before the dial on; closed, for good.
// Limits  LinkLimits::asks_max questions, queue_bytes_max bytes on their way, kProxiesMax proxies.
// Safety  any thread.
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "runtime/actor/actor.hpp"
#include "runtime/net/settings.hpp"

namespace troupe::net {

class Link : public std::enable_shared_from_this<Link> {
 public:
  /// Who opened a conversation shows in its correlation: the dialler's are odd, the other side's even.
  enum class Side : std::uint8_t { dialler, acceptor };

  Link(runtime::Node& node, std::uint64_t serial, Side side, const LinkLimits& limits);

  /// The actor that moves its messages; set once, before anything is sent.
  void set_peer(runtime::Handle peer);
  const runtime::Handle& peer() const { return peer_; }
  Side side() const { return side_; }
  /// Its number among the links of its pool.
  std::uint64_t serial() const { return serial_; }

  /// What its proxies show as their node, from who_is_there() on; before that the node that is dialled.
  void who_is_there(const base::NodeId& id, messages::Role role);
  /// Says where the other side is: the stream comes from there, or was dialled to there.
  void where_it_is(const base::Endpoint& address);
  /// None until then, and for the control socket.
  std::optional<base::Endpoint> proven_at() const;

  /// A handle for the actor at `path` on the other side. Null if the link is closed or full of proxies.
  runtime::Handle proxy(const std::string& path);
  /// The sender of what the other side sends: takes its answers. Null if closed.
  caf::strong_actor_ptr answers();

  /// Why this side ends it, for whoever reads that it did; at most 200 bytes are kept.
  void set_hang_up_reason(std::string why);
  std::string hang_up_reason() const;

  /// Its proxies by CAF's numbers, named for people: "9f3c01ab:/files", or "9f3c01ab" where only answers go.
  std::map<std::uint64_t, std::string> names() const;

  // From a proxy, in the sender's thread.
  void hand_over(const std::string* path, caf::mailbox_element& element, caf::execution_unit* worker);
  void watch(const std::string* path);

  // From the peer actor.
  struct Asker {
    caf::strong_actor_ptr who;
    std::uint64_t message_id = 0;
  };
  /// Who waits for `correlation`; forgets it if `last`.
  Asker asker(std::uint64_t correlation, bool last);
  /// An actor of the other side has ended: its proxy goes.
  void down(const std::string& path, const base::Error& why);
  /// Bytes of proxies have left the process.
  void sent(std::size_t bytes) { queued_.fetch_sub(bytes, std::memory_order_relaxed); }
  std::size_t queued() const { return queued_.load(std::memory_order_relaxed); }
  /// Forgets questions whose asker has given up some time ago.
  void sweep(base::Instant now);
  std::size_t waiting() const;
  /// That our side has asked so far.
  std::uint64_t questions() const;

  /// Bytes of its stream, as encrypted. Written by the peer.
  struct Traffic {
    std::atomic<std::uint64_t> sent{0}, received{0};
  };
  Traffic& traffic() { return traffic_; }

  /// Ends it. Later calls do nothing.
  void close(const base::Error& why);
  bool closed() const { return closed_.load(std::memory_order_acquire); }

  /// What a message costs against queue_bytes_max.
  static std::size_t cost(const runtime::Envelope& envelope) { return envelope.words().asBytes().size() + 128; }

 private:
  struct Waiting {
    Asker asker;
    base::Instant due;
    bool stream;
  };
  using StreamKey = std::pair<const void*, std::uint64_t>;
  bool enter(const runtime::Envelope& envelope, caf::mailbox_element& element, runtime::Outbound& out);
  bool admit(const runtime::Envelope& envelope);
  void bounce(caf::mailbox_element& element, const base::Error& why, caf::execution_unit* worker);
  void forward(runtime::Outbound out, bool urgent, caf::execution_unit* worker);

  runtime::Node& node_;
  const std::uint64_t serial_;
  const Side side_;
  const LinkLimits limits_;
  runtime::Handle peer_;
  std::atomic<bool> closed_{false};
  std::atomic<std::size_t> queued_{0};
  Traffic traffic_;

  mutable std::mutex lock_;
  base::NodeId id_{};
  messages::Role role_ = messages::Role::peer;
  std::optional<base::Endpoint> proven_at_;
  std::uint64_t last_correlation_;
  std::unordered_map<std::uint64_t, Waiting> waiting_;
  std::map<StreamKey, std::uint64_t> streams_;  // the correlation of an open stream, by its asker and message id
  std::set<std::string> paths_;                 // never shrinks: proxies and messages point into it
  std::map<std::string, runtime::Handle, std::less<>> proxies_;
  runtime::Handle answers_;
  std::string hang_up_reason_;
};

}  // namespace troupe::net
