#pragma once
// Which nodes are notified of changes to topics that this node stores: leases, and one notice at a time per listener.
//
// Lease   at most lease_max, renewed whenever the listener asks.
// Notices a change during a notice is reported with the next notice: one message per round trip, however fast the topic
//         changes. A notice names at most kNewProvidersMax new providers; the listener finds the rest when it renews.
//         At most notices_max are in flight; waiting listeners take turns.
// Failed  a notice without an answer is sent kNoticeTriesMax times in all; then the listener is dropped.
// Full    the listener with the most leases in the address group with the most is evicted
//         (runtime/base/share_budget.hpp); at a full topic, a listener in the topic's largest group. If none can be
//         evicted, the new listener is refused, and polls. An evicted listener learns of it when it renews.
// Memory  450 B per listener.
// Owner   one actor; not thread-safe.
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "actors/dht/logic/topic.hpp"
#include "runtime/base/mutations.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/share_budget.hpp"
#include "runtime/base/time.hpp"

namespace troupe::dht {

inline constexpr std::size_t kNewProvidersMax = 20;  // a notice with them fits into a datagram
inline constexpr unsigned kNoticeTriesMax = 3;       // our choice: one of three datagrams arrives
inline constexpr std::uint32_t kNoticesMax = 4'096;  // our choice: half of the requests that can wait at once
                                                     // (notices.cpp)

struct ListenerLimits {
  std::uint32_t per_topic_max = 256;
  std::uint32_t per_listener_max = 256;
  std::uint32_t listeners_max = 10'000;  ///< an eighth is reserved for this node
  std::uint32_t notices_max = kNoticesMax;
  std::chrono::seconds lease_max{300};
  base::NodeId self{};  ///< this node, which has no quota
};

enum class ListenError : std::uint8_t {
  topic_full,     ///< per_topic_max other nodes listen to it
  listener_full,  ///< it listens to per_listener_max topics here
  full,           ///< other nodes have all leases, or its group has used up its quota
};

struct Notice {
  Topic topic;
  Contact to;
  std::uint64_t number = 0;        ///< unique in this node
  std::vector<Contact> providers;  ///< new ones
};

enum class Listens : std::uint8_t { no, yes };

class Listeners {
 public:
  explicit Listeners(ListenerLimits limits, const base::Mutations& mutations = base::kNoMutations)
      : limits_(limits), mutations_(mutations), shares_(limits.listeners_max) {}
  Listeners(const Listeners&) = delete;  // its indexes point into one another
  Listeners& operator=(const Listeners&) = delete;

  /// Returns whether `who` listens from exactly that address, which is then proven.
  bool listens(const Topic& topic, const Contact& who, base::Instant now) const;

  /// Returns the length of the lease. An error leaves an existing lease unchanged.
  base::Result<std::chrono::seconds, ListenError> add(const Topic& topic, const Contact& who,
                                                      std::chrono::seconds lease, base::Instant now);
  void remove(const Topic& topic, const base::NodeId& who);

  /// Notes that a change of a topic is durable; returns the notices to send now. `provider` is the new provider of a
  /// topic of providers.
  std::vector<Notice> changed(const Topic& topic, const std::optional<Contact>& provider, base::Instant now);

  /// Notes the result of a notice; call it once per notice sent. Returns the next notice to send: to the listener that
  /// has waited longest, or to the same listener again.
  std::optional<Notice> answered(const Notice& notice, Listens said, base::Instant now);
  std::optional<Notice> unanswered(const Notice& notice, base::Instant now);
  /// Repeats a notice that this node could not send; that does not count as a try.
  std::optional<Notice> again(const Notice& notice, base::Instant now);

  std::size_t size() const { return listeners_.size(); }
  void check() const;

 private:
  struct Name {
    Topic topic;
    base::NodeId who;
    friend auto operator<=>(const Name&, const Name&) = default;
  };
  struct Listener {
    Contact where;
    base::Instant until;
    std::uint64_t under_way = 0;     // the number of the notice in flight; zero: none
    unsigned tries = 0;              // of that notice
    bool owed = false;               // a change came after that notice was sent
    std::uint64_t turn = 0;          // in the queue for a notice; zero: not queued
    std::vector<Contact> providers;  // to report next
  };
  using Index = std::map<Name, Listener>;
  using Node = Index::value_type;
  struct Sooner {
    bool operator()(const Node* a, const Node* b) const {
      return std::tie(a->second.until, a->first) < std::tie(b->second.until, b->first);
    }
  };

  using User = base::User<base::NodeId>;
  User user(const Contact& who) const { return {who.id, base::group_of(who.where.endpoint), who.id == limits_.self}; }
  std::optional<ListenError> make_room(const Name& name, const Contact& who);
  Node* gives_way_at(const Topic& topic, const Contact& who);
  Node* gives_way(const Contact& who);
  void expire(base::Instant now);
  void enter(Node& one);
  void leave(Node& one);
  void remove(Node& one);
  Notice notice(Node& one);
  void wait(Node& one);
  std::optional<Notice> take_turn();
  /// Returns the listener to which that notice is in flight, or the end if there is none.
  Index::iterator waiting_for(const Notice& notice, base::Instant now);

  ListenerLimits limits_;
  const base::Mutations& mutations_;
  Index listeners_;
  std::set<Node*, Sooner> by_end_;
  std::map<base::NodeId, std::set<Node*, Sooner>> leases_;  // per listener
  std::map<Topic, std::uint32_t> of_topic_;
  base::ShareBudget<base::NodeId> shares_;  // of leases
  std::set<std::uint64_t> under_way_;       // numbers of notices, including those to nodes that no longer listen
  std::map<std::uint64_t, Node*> waiting_;  // by turn
  std::uint64_t last_number_ = 0;
  std::uint64_t last_turn_ = 0;
};

}  // namespace troupe::dht
