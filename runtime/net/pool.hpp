#pragma once
// All links of one process: at most one in service to each node in the role of a peer, and the limits of connections.
//
// Duplicate  two links to one node that come up within the time of a handshake, for instance because both nodes dialled
//            at once (simultaneous open). Both sides must keep the same link: the link with the smaller token, which
//            both derive from its TLS session. A link that has been in service for longer is replaced by the newer
//            link: the other side would not dial if its link were alive. The link that gives way ends once what is in
//            flight on it is done.
// Limits     LinkLimits: links in all, and links and handshakes of one address; counted before memory is allocated.
// Safety     any thread.
#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "runtime/base/contact.hpp"
#include "runtime/crypto/secure_channel.hpp"
#include "runtime/net/banned_nodes.hpp"
#include "runtime/net/link.hpp"
#include "runtime/net/settings.hpp"

namespace troupe::net {

/// Why a connection was turned away, besides the refusals of the handshake.
enum class Turned : std::uint8_t {
  too_many_links,
  too_many_of_address,
  too_many_handshakes,
  handshakes_of_address,
  handshake_timeout,
  channel,    ///< TLS failed, or the bytes were not TLS
  frames,     ///< a frame broke the rules of the link
  duplicate,  ///< another link to the same node is in service
  banned,     ///< its node is banned
};
inline constexpr std::size_t kTurned = 9;

std::string_view name(Turned why);

struct NetCounters {
  std::array<std::atomic<std::uint64_t>, kTurned> turned{};
  std::array<std::atomic<std::uint64_t>, kRefusals> refused{};
  std::atomic<std::uint64_t> links_made{0};

  void count(Turned why) { turned[static_cast<std::size_t>(why)].fetch_add(1, std::memory_order_relaxed); }
  void count(Refusal why) { refused[static_cast<std::size_t>(why)].fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t of(Turned why) const { return turned[static_cast<std::size_t>(why)].load(std::memory_order_relaxed); }
  std::uint64_t of(Refusal why) const { return refused[static_cast<std::size_t>(why)].load(std::memory_order_relaxed); }
};

/// What is known of one link in service.
struct LinkInfo {
  base::NodeId node;
  base::Contact contact;  ///< its endpoint is the one dialled, or where the stream comes from
  messages::Role role = messages::Role::peer;
  base::Digest token;  ///< the same at both ends, and unique to the link
  bool outbound = false;
  std::uint64_t sent = 0;  ///< bytes, as encrypted
  std::uint64_t received = 0;
  base::Instant since;
};

/// Bytes, as encrypted.
struct LinkTraffic {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
};

class Pool : public std::enable_shared_from_this<Pool> {
 public:
  Pool(runtime::Node& node, NetSetup setup);

  runtime::Node& node() { return node_; }
  const NetSetup& setup() const { return setup_; }
  NetCounters& counters() { return counters_; }
  BannedNodes& banned_nodes() { return banned_nodes_; }
  /// Whether that node is banned now.
  bool is_banned(const base::NodeId& id) const {
    return banned_nodes_.any() && banned_nodes_.contains(id, node_.world().clock.coarse());
  }
  std::unique_ptr<crypto::Channel> make_channel(Link::Side side) const;

  /// Lets the node's actors reach actors of other nodes through the pool, and inspectors name them. Call it before the
  /// node starts; the pool outlives the actors.
  void offer();

  /// A handle for the actor `path` on another node; dials if there is no link yet. Null if `id` is this node, or a
  /// limit is reached.
  runtime::Handle remote(const base::NodeId& id, const std::string& path);
  /// The same at a known address; the caller has checked the id.
  runtime::Handle remote(const base::Contact& contact, const std::string& path);
  /// The link to a node, made if there is none. Without `where`, `/peers` is asked for the address.
  std::shared_ptr<Link> dial(const base::NodeId& id, const std::optional<base::HostPort>& where);
  /// A link to any node that answers at `where`.
  std::shared_ptr<Link> dial(const base::HostPort& where);
  /// A link over the local socket at `path`.
  std::shared_ptr<Link> dial_local(const std::string& path);

  /// A link for a stream that was accepted.
  std::shared_ptr<Link> accept();

  /// Held by a connection while it counts against the limits of its address.
  class AddressSlot {
   public:
    AddressSlot() = default;
    AddressSlot(std::shared_ptr<Pool> pool, std::array<std::uint8_t, 16> address)
        : pool_(std::move(pool)), address_(address) {}
    AddressSlot(AddressSlot&&) noexcept = default;
    AddressSlot& operator=(AddressSlot&& other) noexcept;
    ~AddressSlot() { leave(); }
    /// The handshake is over; only the link counts from here on.
    void settle();

   private:
    void leave();
    std::shared_ptr<Pool> pool_;
    std::array<std::uint8_t, 16> address_{};
    bool shaking_hands_ = true;
  };
  /// A slot for an accepted connection from `from`. None if a limit is reached; then the refusal is counted.
  std::optional<AddressSlot> admit(const base::Endpoint& from);

  /// Whether a link that is ready for service comes into service.
  struct Claim {
    bool won = false;                  ///< false, and counted: a duplicate link is kept instead
    std::optional<LinkInfo> replaced;  ///< an older link to the same node, which gives way
  };
  Claim claim(const std::shared_ptr<Link>& link, const LinkInfo& info, base::Instant now);
  /// Takes a link out of service; returns its description if it was in service.
  std::optional<LinkInfo> release(Link& link);

  /// Links in service, in the order in which they came into service.
  std::vector<LinkInfo> rows() const;
  std::vector<std::shared_ptr<Link>> in_service() const;
  /// Bytes of all links in that role while in service, those that have ended included. Never decreases.
  LinkTraffic traffic(messages::Role role) const;
  std::optional<LinkInfo> find(const base::NodeId& id) const;
  /// The link in service to that node, in the role of a peer; null if there is none.
  std::shared_ptr<Link> in_service(const base::NodeId& id) const;
  /// The port that was bound for port 0: a restarted `/links` must use it again. Zero: none yet.
  std::atomic<std::uint16_t> bound_port{0};

  /// Refuses everything from now on; returns all remaining links, in service or not. For the end of the node.
  std::vector<std::shared_ptr<Link>> close();
  /// Checks the invariants of the counters.
  void check() const;

 private:
  struct Entry {
    std::shared_ptr<Link> link;
    LinkInfo info;
  };
  static LinkInfo with_traffic(const Entry& entry);
  LinkInfo leaves_service(const Entry& entry);
  static std::array<std::uint8_t, 16> crowd_of(const base::Endpoint& from);
  std::shared_ptr<Link> make_link(Link::Side side);
  std::shared_ptr<Link> start_dialling(const std::optional<base::NodeId>& id,
                                       const std::optional<base::HostPort>& where, const std::string& local_path);

  std::map<std::uint64_t, std::string> names_of(const std::vector<std::uint64_t>& numbers) const;

  runtime::Node& node_;
  const NetSetup setup_;
  const std::shared_ptr<const crypto::ChannelCredentials> credentials_;  // null where the setup has other channels
  NetCounters counters_;
  BannedNodes banned_nodes_;

  mutable std::mutex lock_;
  std::map<std::uint64_t, Entry> serving_;                  // by number of coming into service
  std::map<base::NodeId, std::uint64_t> peers_;             // of `serving_`, the links in the role of a peer
  std::map<messages::Role, LinkTraffic> ended_;             // bytes of links that are not in service any more
  std::map<base::NodeId, std::shared_ptr<Link>> dialling_;  // dials with a pinned id, not in service yet
  struct Crowd {
    std::size_t links = 0, handshakes = 0;
  };
  std::map<std::array<std::uint8_t, 16>, Crowd> crowds_;
  std::size_t slots_ = 0;                                   // accepted connections
  std::size_t handshakes_ = 0;                              // of `slots_`, those in the handshake
  std::map<std::uint64_t, std::weak_ptr<Link>> made_;       // all links, by serial
  std::deque<std::pair<std::uint64_t, std::string>> gone_;  // names of the latest proxies whose links have ended
  bool closed_ = false;
  std::uint64_t served_ = 0;
  std::uint64_t serials_ = 0;
};

}  // namespace troupe::net
