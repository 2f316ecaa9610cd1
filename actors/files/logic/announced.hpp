#pragma once
// Which contents this node announces, so that one stranger's many contents leave room for those of others.
//
// Place   each announced content has one. It counts for the owner that stored the content first, or for this node once
//         this node claims it.
// Shares  of strangers as base::ShareBudget says; its reserve is for this node. The last kSmallSitesPart of the whole
//         below that is for sites that have few places: some large sites together leave it to others.
// Ends    other nodes keep an announcement for kAnnouncedFor, so a content that was announced and is gone keeps its
//         place that long. A restart forgets those places.
// Limits  the whole; about 200 bytes of memory a place.
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
// Our choice: with 8,192 places, 1,024 are for sites that have fewer than 16: it takes 64 more of them to fill these.
inline constexpr std::uint32_t kSmallSitesPart = 8;
inline constexpr std::uint32_t kSmallSitePart = 512;

class Announced {
 public:
  using User = base::User<base::NodeId>;
  enum class Take : std::uint8_t {
    placed,   ///< it is to be announced
    present,  ///< it has its place already
    refused,  ///< the owner has its share, or all places are taken: it is not announced
  };

  explicit Announced(std::uint64_t whole) : shares_(whole) {}

  /// `owner` claims the content at `key`. A content that is gone and comes back takes up its place.
  Take take(const base::NodeId& key, const User& owner, base::Instant now);
  /// The content is announced, as a start finds it: it has a place, whatever its owner's share. False: there is none.
  bool adopt(const base::NodeId& key, const User& owner, base::Instant now);
  /// Other nodes are told of it now.
  void tell(const base::NodeId& key);
  /// The content is gone. Its place ends at once if no other node was told of it.
  void end(const base::NodeId& key, base::Instant now);

  std::uint64_t places() const { return shares_.used(); }

 private:
  struct Place {
    User owner;
    bool told = false;
    std::optional<base::Instant> ends;  // of a content that is gone
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
