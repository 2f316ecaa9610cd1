#pragma once
// All links of one process: at most one in service to each node in the role of a peer, and the limits of connections.
//
// Duplicate  Two links to one node come up within the time of a handshake, for instance because both nodes dialled at
//            once (simultaneous open). Both sides then keep the link with the smaller token, which both derive from its
//            TLS session. A link that has been in service for longer is replaced by the newer link, because the other
//            side would not dial if its link were alive. The replaced link ends once its messages in flight are done,
//            or when a second link of that node is replaced.
// Limits     logic/seats.hpp has the limits of accepted connections. Dials have a reserve that no untrusted node can
//            use.
// Safety     Any thread.
#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "runtime/actor/budget_alarm.hpp"
#include "runtime/actor/links.hpp"
#include "runtime/base/contact.hpp"
#include "runtime/crypto/secure_channel.hpp"
#include "runtime/net/banned_nodes.hpp"
#include "runtime/net/link.hpp"
#include "runtime/net/logic/seats.hpp"
#include "runtime/net/partners.hpp"
#include "runtime/net/settings.hpp"

namespace troupe::net {

struct NetCounters {
  std::array<std::atomic<std::uint64_t>, kTurned> turned{};
  std::array<std::atomic<std::uint64_t>, kRefusals> refused{};
  std::atomic<std::uint64_t> links_made{0};

  void count(Turned why) { turned[static_cast<std::size_t>(why)].fetch_add(1, std::memory_order_relaxed); }
  void count(Refusal why) { refused[static_cast<std::size_t>(why)].fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t of(Turned why) const { return turned[static_cast<std::size_t>(why)].load(std::memory_order_relaxed); }
  std::uint64_t of(Refusal why) const { return refused[static_cast<std::size_t>(why)].load(std::memory_order_relaxed); }
};

using runtime::LinkInfo;

/// Bytes, as encrypted.
struct LinkTraffic {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
};

class Pool final : public runtime::Links, public std::enable_shared_from_this<Pool> {
 public:
  Pool(runtime::Node& node, NetSetup setup);

  runtime::Node& node() { return node_; }
  const NetSetup& setup() const { return setup_; }
  NetCounters& counters() { return counters_; }
  BannedNodes& banned_nodes() { return banned_nodes_; }
  Partners& partners() { return partners_; }
  /// Returns whether that node is banned now.
  bool is_banned(const base::NodeId& id) const {
    return banned_nodes_.any() && banned_nodes_.contains(id, node_.world().clock.coarse());
  }
  std::unique_ptr<crypto::Channel> make_channel(Link::Side side) const;

  /// Records that a finished handshake showed this node's id with another start number: another process has its
  /// identity.
  void met_own_id(base::Instant now);
  std::optional<base::Instant> own_id_met() const override;

  /// Lets the node's actors reach actors of other nodes through the pool, and inspectors show their names. Call it
  /// before the node starts; the pool outlives the actors.
  void offer();

  /// Names a proxy without a link, for people: "9f3c01ab". The latest names are kept.
  void name(std::uint64_t number, const base::NodeId& id);

  /// Why a dial begins.
  enum class DialKind : std::uint8_t {
    own,     ///< this node has chosen the other node itself
    silent,  ///< the other node answers no datagram at its advertised address
    large,   ///< a response is too large for a datagram
  };
  // The interface for domains: runtime/actor/links.hpp has the contracts. Dials of domains are `own`.
  base::NodeId self() const override { return setup_.identity->id(); }
  runtime::Handle remote(const base::NodeId& id, const std::string& path) override;
  runtime::Handle remote(const base::Contact& contact, const std::string& path) override;
  runtime::Handle remote_at(const base::NodeId& id, const std::optional<base::HostPort>& where,
                            const std::string& path) override;
  runtime::Handle over_link(const base::NodeId& id, const std::string& path) override;
  void set_partners(std::string_view whose, std::set<base::NodeId> nodes) override;
  runtime::Handle remote(const base::Contact& contact, const std::string& path, DialKind kind);
  /// Returns whether a dial to that node at that address is in progress.
  bool is_dialling(const base::Contact& contact) const;
  /// Returns whether a dial of `kind` to `where`, an address named by untrusted nodes, may begin. Dials in progress
  /// count, because a silent address occupies its slot for seconds. Each kind may use a part of all links; the node's
  /// own dials do not count. Only large dials have quotas per address group, above half of their part, because nothing
  /// has proven the addresses of silent dials.
  bool may_dial_named(const base::Endpoint& where, DialKind kind) const;
  static constexpr std::size_t kSilentPart = 1, kLargePart = 3, kNamedParts = 16;  // our choice: sixteenths
  /// Returns the link to a node, or dials it if there is no link. Without `where`, requests the address from `/peers`.
  std::shared_ptr<Link> dial(const base::NodeId& id, const std::optional<base::HostPort>& where,
                             DialKind kind = DialKind::own);
  /// Returns a link to any node that answers at `where`.
  std::shared_ptr<Link> dial(const base::HostPort& where);
  /// Returns a link over the local socket at `path`.
  std::shared_ptr<Link> dial_local(const std::string& path);

  /// An accepted connection has a seat while it counts towards the limits of its address.
  class Seat {
   public:
    Seat() = default;
    Seat(std::shared_ptr<Pool> pool, std::uint64_t number) : pool_(std::move(pool)), number_(number) {}
    Seat(Seat&&) noexcept = default;
    Seat& operator=(Seat&& other) noexcept;
    ~Seat() { leave(); }
    /// Sets the actor that stops when another connection evicts this seat. Returns false if that has happened already.
    bool belongs_to(runtime::Handle peer);
    /// Counts the connection as a link, and no longer as a handshake. Returns false if there are too many links.
    bool settle();

   private:
    friend class Pool;
    void leave();
    std::shared_ptr<Pool> pool_;
    std::uint64_t number_ = 0;
  };
  /// Returns a seat for an accepted connection from `from`; another connection may be evicted for it. Returns nullopt
  /// if a limit is reached; then the refusal is counted.
  std::optional<Seat> admit(const base::Endpoint& from, base::Instant now);
  struct SeatCounts {
    std::size_t taken = 0;       ///< accepted connections, whether or not they serve
    std::size_t most = 0;        ///< the limit for untrusted nodes
    std::size_t handshakes = 0;  ///< of `taken`: with unfinished handshakes
  };
  SeatCounts seats() const;
  /// Returns a link for an accepted stream.
  std::shared_ptr<Link> accept();

  /// Whether a link whose handshake is done comes into service.
  struct Claim {
    bool won = false;                  ///< if false, a duplicate link is kept instead, and the refusal is counted
    std::optional<LinkInfo> replaced;  ///< an older link to the same node, which yields
  };
  Claim claim(const std::shared_ptr<Link>& link, const LinkInfo& info, base::Instant now);
  /// Takes a link out of service; returns its description if it was in service.
  std::optional<LinkInfo> release(Link& link);

  /// Sets the memory that a link uses for queued or partly received bytes; its `served` bytes count in addition. If all
  /// links together exceed buffer_bytes_max, the largest link of the largest address group is ended, but never an
  /// operator's link.
  void buffers(Link& link, std::size_t bytes);

  std::vector<LinkInfo> rows() const override;
  std::vector<std::shared_ptr<Link>> in_service() const;
  /// Returns the bytes that all links in `role` have moved while in service, including ended links. Never decreases.
  LinkTraffic traffic(messages::Role role) const;
  std::optional<LinkInfo> find(const base::NodeId& id) const override;
  bool linked(const base::NodeId& id) const override { return in_service(id) != nullptr; }
  bool owes_answer(const base::NodeId& id) const override;
  /// Returns the link in service to that node in the role of a peer, or null.
  std::shared_ptr<Link> in_service(const base::NodeId& id) const;
  /// The port that was bound for port 0: a restarted `/links` must use it again. Zero: none yet.
  std::atomic<std::uint16_t> bound_port{0};
  /// Set while the node starts or ends: a service that is missing now may exist at another time.
  std::atomic<bool> services_incomplete{false};

  /// Refuses everything from now on; returns all remaining links, in service or not. Called at the node's end.
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
  /// A node and its address; without an address, the address that `/peers` knows.
  using Pinned = std::pair<base::NodeId, std::optional<base::HostPort>>;
  static Pinned pinned(const base::Contact& contact);
  std::shared_ptr<Link> make_link(Link::Side side);
  bool may_dial() const;
  void forget_dial(const Link& link);
  void make_room();
  std::vector<std::shared_ptr<Link>> note_giving_way(const LinkInfo& info, const std::shared_ptr<Link>& link);
  std::shared_ptr<Link> start_dialling(const std::optional<base::NodeId>& id,
                                       const std::optional<base::HostPort>& where, const std::string& local_path,
                                       DialKind kind = DialKind::own);

  std::map<std::uint64_t, std::string> names_of(const std::vector<std::uint64_t>& numbers) const;
  void drop_old_names();  // call with the lock held

  runtime::Node& node_;
  const NetSetup setup_;
  const std::shared_ptr<const crypto::ChannelCredentials> credentials_;  // null if the setup has other channels
  NetCounters counters_;
  BannedNodes banned_nodes_;
  Partners partners_;

  std::atomic<std::size_t> buffered_{0};  // the sum over all links
  const std::shared_ptr<ServedBytes> served_bytes_;
  mutable std::mutex lock_;
  std::map<std::uint64_t, Entry> serving_;       // by service number
  std::map<base::NodeId, std::uint64_t> peers_;  // of `serving_`, the links in the role of a peer
  std::map<messages::Role, LinkTraffic> ended_;  // bytes of links that are no longer in service
  /// Dials with a pinned id, not in service yet. A dial to another address does not wait for them, because the node
  /// that named their address may have lied.
  struct Dialling {
    std::shared_ptr<Link> link;
    base::AddressGroup group;  // empty without an address
    DialKind kind;             // set by the caller that began the dial
  };
  std::map<Pinned, Dialling> dialling_;
  Seats seats_;
  runtime::BudgetAlarm seats_full_{"links"}, handshakes_full_{"handshakes"}, buffers_full_{"bytes on links"};
  std::map<std::uint64_t, runtime::Handle> seated_;  // peers in the handshake, by their seats
  struct GivingWay {
    std::uint64_t serial = 0;
    std::weak_ptr<Link> link;
    base::AddressGroup group{};
  };
  std::map<base::NodeId, GivingWay> giving_way_;       // at most one per node
  std::weak_ptr<Link> makes_room_;                     // the last link that was ended because too many bytes waited
  std::map<std::uint64_t, std::weak_ptr<Link>> made_;  // all links, by serial
  std::deque<std::pair<std::uint64_t, std::string>> unlinked_;  // names of the latest proxies without a link
  std::optional<base::Instant> own_id_met_;
  bool closed_ = false;
  std::uint64_t served_ = 0;
  std::uint64_t serials_ = 0;
};

}  // namespace troupe::net
