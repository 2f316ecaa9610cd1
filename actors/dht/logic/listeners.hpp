#pragma once
// Which nodes are told of changes at places that this node holds: leases, and one notice at a time for each listener.
//
// Lease   at most lease_max, renewed each time that the listener asks.
// Notices a change during a notice is told with the next one, so a fast topic or a slow listener costs one message a
//         round trip. A notice names at most kNewProvidersMax new providers; the listener finds the others when it
//         renews. notices_max are under way at once, those of this node's listeners that wait take turns.
// Failed  a notice without an answer is sent kNoticeTriesMax times in all; then the listener is dropped.
// Full    the listener with most leases of the address group with most makes room (runtime/base/share_budget.hpp), and
//         at a full topic the group with most. Otherwise a new listener is refused, and asks now and then instead. A
//         listener that made room learns it when it renews.
// Memory  450 B a listener.
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

inline constexpr std::size_t kNewProvidersMax = 20;  // with them a notice stays within a datagram
inline constexpr unsigned kNoticeTriesMax = 3;       // our choice: of three datagrams one arrives
inline constexpr std::uint32_t kNoticesMax = 4'096;  // our choice: half of what may wait in the end (notices.cpp)

struct ListenerLimits {
  std::uint32_t per_topic_max = 256;
  std::uint32_t per_listener_max = 256;
  std::uint32_t listeners_max = 10'000;  ///< an eighth of it is for this node itself
  std::uint32_t notices_max = kNoticesMax;
  std::chrono::seconds lease_max{300};
  base::NodeId self{};  ///< this node, which no share binds
};

enum class ListenError : std::uint8_t {
  topic_full,     ///< per_topic_max others listen to it
  listener_full,  ///< it listens to per_listener_max places here
  full,           ///< others have all leases, or its group has more than its share
};

struct Notice {
  Topic topic;
  Contact to;
  std::uint64_t number = 0;        ///< no two of this node share it
  std::vector<Contact> providers;  ///< that are new
};

enum class Listens : std::uint8_t { no, yes };

class Listeners {
 public:
  explicit Listeners(ListenerLimits limits, const base::Mutations& mutations = base::kNoMutations)
      : limits_(limits), mutations_(mutations), shares_(limits.listeners_max) {}
  Listeners(const Listeners&) = delete;  // its indexes point into one another
  Listeners& operator=(const Listeners&) = delete;

  /// Whether it listens from that very address: then it is known to be there.
  bool listens(const Topic& topic, const Contact& who, base::Instant now) const;

  /// Returns how long it is told. Errors leave a lease that it has as it was.
  base::Result<std::chrono::seconds, ListenError> add(const Topic& topic, const Contact& who,
                                                      std::chrono::seconds lease, base::Instant now);
  void remove(const Topic& topic, const base::NodeId& who);

  /// Something new is durable at a topic: the notices of it to send now. `provider` is the new one of a topic of
  /// providers.
  std::vector<Notice> changed(const Topic& topic, const std::optional<Contact>& provider, base::Instant now);

  /// What came of a notice: to be called once for each that is sent. Returns the next one to send, of whatever listener
  /// has waited longest, or the same once more.
  std::optional<Notice> answered(const Notice& notice, Listens said, base::Instant now);
  std::optional<Notice> unanswered(const Notice& notice, base::Instant now);
  /// After a notice that this node could not send, once it may be tried again: that was no try.
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
    std::uint64_t under_way = 0;     // the number of a notice; zero: none
    unsigned tries = 0;              // of it
    bool owed = false;               // something has come since it left
    std::uint64_t turn = 0;          // among those that wait for their notice; zero: it does not
    std::vector<Contact> providers;  // that are owed
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
  /// The listener to which that notice is under way; the end if there is none.
  Index::iterator waiting_for(const Notice& notice, base::Instant now);

  ListenerLimits limits_;
  const base::Mutations& mutations_;
  Index listeners_;
  std::set<Node*, Sooner> by_end_;
  std::map<base::NodeId, std::set<Node*, Sooner>> leases_;  // of each listener
  std::map<Topic, std::uint32_t> of_topic_;
  base::ShareBudget<base::NodeId> shares_;  // of leases
  std::set<std::uint64_t> under_way_;       // numbers of notices, also to those that listen no more
  std::map<std::uint64_t, Node*> waiting_;  // by turn
  std::uint64_t last_number_ = 0;
  std::uint64_t last_turn_ = 0;
};

}  // namespace troupe::dht
