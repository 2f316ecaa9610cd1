#pragma once
// Which objects this node announces. One untrusted node's many objects must leave slots for other nodes' objects.
//
// Place   each announced object has a slot. It counts for the owner that stored the object first, or for this node once
//         this node claims it.
// Shares  quotas for other nodes as in base::ShareBudget; its reserve is for this node. The last 1/kSmallSitesPart of
//         the other slots is for address groups with few slots, so that a few large groups cannot use all.
// Ends    other nodes keep an announcement for kAnnouncedFor. So an announced object that is gone keeps its slot that
//         long. A restart forgets these slots.
// Limits  the total number of slots; about 200 bytes of memory per slot.
// Owner   one announce actor; not thread-safe.
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "runtime/base/ids.hpp"
#include "runtime/base/share_budget.hpp"
#include "runtime/base/time.hpp"

namespace troupe::files {

inline constexpr std::chrono::hours kAnnouncedFor{48};  // dht::ProviderLimits::hold
// Our choice: of 8,192 slots, 1,024 are for address groups with fewer than 16. Filling these takes 64 more groups.
inline constexpr std::uint32_t kSmallSitesPart = 8;
inline constexpr std::uint32_t kSmallSitePart = 512;

class Announced {
 public:
  using User = base::User<base::NodeId>;
  enum class Take : std::uint8_t {
    placed,   ///< it is to be announced
    present,  ///< it already has its slot
    refused,  ///< the owner's share or all slots are used: it is not announced
  };

  explicit Announced(std::uint64_t whole) : shares_(whole) {}

  /// Takes a slot for the object at `key`, which `owner` claims. A removed object that returns uses its slot again.
  Take take(const base::NodeId& key, const User& owner, base::Instant now);
  /// Gives a slot to an object that a start finds announced, whatever its owner's share. Returns false if none is free.
  bool adopt(const base::NodeId& key, const User& owner, base::Instant now);
  /// Records that other nodes were notified of the object.
  void tell(const base::NodeId& key);
  /// Records that the object is gone. Its slot is freed at once if no other node was notified of the object.
  void end(const base::NodeId& key, base::Instant now);

  std::uint64_t places() const { return shares_.used(); }

 private:
  struct Place {
    User owner;
    bool told = false;
    std::optional<base::Instant> ends;  // set once the object is gone
  };
  using Places = std::map<base::NodeId, Place>;
  Take present(Places::value_type& place, const User& owner);
  Place& insert(const base::NodeId& key, const User& owner);
  bool fits(const User& owner) const;
  void expire(base::Instant now);

  base::ShareBudget<base::NodeId> shares_;
  Places places_;
  std::set<std::pair<base::Instant, base::NodeId>> ending_;
};

}  // namespace troupe::files
