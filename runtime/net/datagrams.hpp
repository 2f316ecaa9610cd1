#pragma once
// Requests by datagram, as the rest of the node sees them: a proxy for each actor that is reached by datagram, and the
// pending requests. The actor `/datagrams` (datagrams_actor.hpp) owns the socket; this table outlives it. A proxy
// enters a request here, on the requester's thread, before the actor gets it. So close() can answer every request
// `unavailable`, even if the actor died with unread messages.
//
// Fallback  Messages that cannot be sent as a datagram use a link: README.md, "Questions by datagram".
// States    Closed or open, as its actor stops and starts. While it is closed, all messages use links, and no proxy is
//           kept, because each holds the table.
// Limits    kAsksMax requests. kRoutesMax proxies: when full, the least recently used proxy is forgotten.
// Watching  A proxy ends with its last handle, even if its actor on the other node ended long before.
// Safety    Any thread.
#include <atomic>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/contact.hpp"
#include "runtime/base/rate_budget.hpp"
#include "runtime/base/rate_limit.hpp"
#include "runtime/net/logic/datagram.hpp"
#include "runtime/net/logic/lru_map.hpp"
#include "runtime/net/pool.hpp"

namespace troupe::net {

inline constexpr const char* kDatagramsPath = "/datagrams";

class Datagrams : public std::enable_shared_from_this<Datagrams> {
 public:
  static constexpr std::size_t kAsksMax = 10'000;   // our choice: a hundred concurrent searches need a thousand
  static constexpr std::size_t kRoutesMax = 4'096;  // as many as there are sessions (logic/sessions.hpp)
  // Our choice: one lost datagram proves nothing. After kSilentMax unanswered requests the port may be closed, and
  // links are used for kSilenceKept.
  static constexpr std::uint32_t kSilentMax = 3;
  static constexpr std::chrono::minutes kSilenceKept{10};
  /// Our choice: the rate of dials to such silent nodes. Other nodes name the addresses of these dials and of
  /// kLargeDials, so each of the two kinds gets only a part of all links (Pool::may_dial_named).
  static constexpr std::uint32_t kSilentDialsPerSecond = 16, kSilentDialsBurst = 32;
  /// Our choice: the rate of dials because a response is too large for a datagram; a list of a thousand nodes needs
  /// hundreds. Untrusted nodes cause these dials.
  static constexpr base::Rate kLargeDials{128, 512};
  /// Our choice: cookies per request. They are not encrypted, so an observer of the request may have forged the first.
  static constexpr std::uint32_t kCookiesMax = 3;
  /// The answering node keeps a request for this long. A service's response after that is dropped.
  static constexpr std::chrono::seconds kServedFor{30};
  /// Limit of pairs of a node and an address with requests that are unanswered since the last response. When full, the
  /// least recently used pair is forgotten.
  static constexpr std::size_t kSilencesMax = 4'096;

  /// An actor on another node.
  struct Route {
    base::Contact contact;
    base::NodeId id;
    std::string path;
  };

  explicit Datagrams(std::shared_ptr<Pool> pool) : pool_(std::move(pool)) {}

  /// Returns a handle for the actor at `path` of a node whose id has been checked.
  runtime::Handle proxy(const base::Contact& contact, const std::string& path);

  // From a proxy, on the sender's thread.
  void hand_over(const std::shared_ptr<const Route>& route, caf::mailbox_element_ptr element,
                 caf::execution_unit* worker);

  // From the actor.
  void open(runtime::Handle actor);
  /// Answers all pending requests with `why`. Proxies stay usable: their messages use links.
  void close(const base::Error& why);

  struct Asked {
    caf::strong_actor_ptr who;
    std::uint64_t message_id = 0;
    runtime::Envelope question;
    std::shared_ptr<const Route> route;
    std::uint32_t cookies = 0;  ///< cookies with which it was sent again
  };
  /// Returns the pending request of that number, or nullopt if its requester has been answered.
  std::optional<Asked> asked(std::uint64_t number) const;
  /// Removes the request from the table, because its response has arrived.
  std::optional<Asked> take(std::uint64_t number);
  /// Counts that a request is sent again with a cookie. Returns false after kCookiesMax times: further cookies are
  /// ignored.
  bool send_again(std::uint64_t number);
  /// Sends a request over a link instead.
  void over_link(const Asked& asked);
  /// Records that the node at the route's address answered by datagram, whatever the answer.
  void heard(const Route& route);
  /// Returns a number for another node's request. No number is used twice, because a response may arrive after a
  /// restart of the actor.
  std::uint64_t next_served() { return served_.fetch_add(1, std::memory_order_relaxed) + 1; }
  /// Forgets requests whose requester has given up, and records which nodes were silent at which address.
  void sweep(base::Instant now);

  std::size_t waiting() const;
  std::uint64_t over_links() const { return over_links_.load(std::memory_order_relaxed); }

 private:
  struct Where {  // the key of a route
    const base::Contact& contact;
    std::string_view path;
  };
  struct ByContact {
    using is_transparent = void;
    static Where of(const std::shared_ptr<const Route>& route) { return {route->contact, route->path}; }
    static Where of(const Where& where) { return where; }
    bool operator()(const auto& a, const auto& b) const {
      const Where one = of(a), other = of(b);
      if (const auto order = one.contact <=> other.contact; order != 0) return order < 0;
      return one.path < other.path;
    }
  };
  struct ProxyEntry {
    runtime::Handle proxy;
    std::list<const Route*>::iterator used;
  };
  using Proxies = std::map<std::shared_ptr<const Route>, ProxyEntry, ByContact>;
  struct Silence {
    std::uint32_t questions = 0;  // unanswered in a row
    base::Instant until;          // links are used until then, after kSilentMax questions
  };
  runtime::Handle make_proxy(std::shared_ptr<const Route> route);
  bool is_silent(const Route& route);
  bool may_dial_silent(const Route& route);
  bool may_dial_for_large(const Route& route);
  /// Node and address together, because addresses are hearsay: a false address must not make a node count as silent.
  using Silent = std::pair<base::NodeId, base::Endpoint>;
  static Silent silent(const Route& route) { return {route.id, route.contact.endpoint}; }
  static bool fits(const Route& route, const runtime::Envelope& envelope, base::Instant now);
  void give_to_link(const Route& route, caf::mailbox_element_ptr element, caf::execution_unit* worker,
                    Pool::DialKind kind = Pool::DialKind::own, bool to_its_address = false);

  const std::shared_ptr<Pool> pool_;
  std::atomic<std::uint64_t> over_links_{0};
  std::atomic<std::uint64_t> served_{0};

  mutable std::mutex lock_;
  runtime::Handle actor_;
  std::map<std::uint64_t, Asked> waiting_;  // by number, in the order of sending
  LruMap<Silent, Silence> silent_{kSilencesMax};
  base::RateLimit silent_dials_{kSilentDialsPerSecond, kSilentDialsBurst, base::Instant{}};
  base::RateBudget<base::NodeId> large_dials_{kLargeDials, base::Instant{}};
  std::uint64_t last_ = 0;
  Proxies proxies_;  // empty while it is closed
  std::list<const Route*> oldest_first_;
};

}  // namespace troupe::net
