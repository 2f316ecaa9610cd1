#pragma once
// A link as the rest of the node sees it: proxies for actors on the other side, and the pending requests.
//
// The peer actor (peer.hpp) owns the stream; this table outlives it. A proxy enters a request here, on the requester's
// thread, before it hands the message to the peer. So every request is answered even if the peer dies with unread
// messages: close() answers all of them `unavailable`, and ends all proxies so that monitors fire.
//
// States  Open, from before the dial; closed, which is final.
// Limits  LinkLimits::asks_max requests, queue_bytes_max bytes in flight, kProxiesMax proxies.
// Safety  Any thread.
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "runtime/actor/actor.hpp"
#include "runtime/net/served.hpp"
#include "runtime/net/settings.hpp"

namespace troupe::net {

/// Number of digits of a node's id that identify a link's other side to people.
inline constexpr std::size_t kIdDigits = 8;

class Link : public std::enable_shared_from_this<Link> {
 public:
  /// A correlation number shows which side opened the conversation: the dialler's numbers are odd, the acceptor's even.
  enum class Side : std::uint8_t { dialler, acceptor };

  Link(runtime::Node& node, std::uint64_t serial, Side side, const LinkLimits& limits,
       std::shared_ptr<ServedBytes> served);

  /// Sets the actor that moves the link's messages; call it once, before anything is sent.
  void set_peer(runtime::Handle peer);
  const runtime::Handle& peer() const { return peer_; }
  Side side() const { return side_; }
  /// Returns the link's number in its pool.
  std::uint64_t serial() const { return serial_; }
  std::uint64_t service_number = 0;      ///< among the links in service; belongs to the pool, under its lock
  std::atomic<std::size_t> buffered{0};  ///< belongs to the pool (Pool::buffers)
  const std::shared_ptr<Served> served;  ///< messages of the other side that services have not dropped yet
  std::atomic<bool> awaits{false};       ///< whether a response was pending when the link's bytes were last counted
  std::atomic<bool> makes_room{false};   ///< ended to free memory: the queued bytes are dropped
  std::atomic<bool> gives_way{false};    ///< a second link to the node yields too: this link ends without a CLOSE

  /// Sets the node that the proxies represent: before this call the dialled node, after it the proven node.
  void who_is_there(const base::NodeId& id, messages::Role role);
  /// Sets the address of the other side: where the stream comes from, or where it was dialled.
  void where_it_is(const base::Endpoint& address);
  /// Returns nullopt before where_it_is(), and for the control socket.
  std::optional<base::Endpoint> proven_at() const;

  /// Returns a handle for the actor at `path` on the other side, or null if the link is closed or full of proxies.
  runtime::Handle proxy(const std::string& path);
  /// Returns the sender of the other side's messages, which takes their responses. Null if closed.
  caf::strong_actor_ptr answers();

  /// Sets the reason why this side ends the link, for people; at most 200 bytes are kept.
  void set_hang_up_reason(std::string why);
  std::string hang_up_reason() const;

  /// Returns why the link is closed: the error with which its pending requests were answered. Nullopt while it is open.
  std::optional<base::Error> end() const;

  /// Returns the proxies by CAF's numbers, named for people: "9f3c01ab:/files", or "9f3c01ab" for the proxy that takes
  /// responses.
  std::map<std::uint64_t, std::string> names() const;

  // Called by a proxy, on the sender's thread.
  void hand_over(const std::string* path, caf::mailbox_element& element, caf::execution_unit* worker);
  void watch(const std::string* path);

  // Called by the peer actor.
  struct Asker {
    caf::strong_actor_ptr who;
    std::uint64_t message_id = 0;
  };
  /// Returns the requester that waits for `correlation`; forgets the requester if `last`.
  Asker asker(std::uint64_t correlation, bool last);
  /// Ends the proxy of an actor that has ended on the other side.
  void down(const std::string& path, const base::Error& why);
  /// Notes that `bytes` of the proxies' messages have left the process.
  void sent(std::size_t bytes) { queued_.fetch_sub(bytes, std::memory_order_relaxed); }
  std::size_t queued() const { return queued_.load(std::memory_order_relaxed); }
  /// Forgets requests whose requester gave up some time ago.
  void sweep(base::Instant now);
  std::size_t waiting() const;
  /// Returns the number of requests that this side has sent.
  std::uint64_t questions() const;

  /// Bytes of the stream, as encrypted. Written by the peer.
  struct Traffic {
    std::atomic<std::uint64_t> sent{0}, received{0};
  };
  Traffic& traffic() { return traffic_; }

  /// Closes the link. Later calls do nothing.
  void close(const base::Error& why);
  bool closed() const { return closed_.load(std::memory_order_acquire); }

  /// Returns the bytes that a message counts towards queue_bytes_max.
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
  std::optional<base::Error> end_;
};

}  // namespace troupe::net
