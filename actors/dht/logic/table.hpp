#pragma once
// The head's view of all buckets: which contacts are nearest to a key, which bucket to offer a contact, what is unused.
//
// Source  Maymounkov & Mazieres, "Kademlia", 2002: 2.2 to 2.4.
// View    each bucket is an actor that sends its Listing after each change, which replaces the row of its range. The
//         view lags by a message, so a bucket decides again about each offer.
// Silence a contact that its bucket would forget goes once any node was heard later: before that we may be cut off.
// Limits  `GroupLimits::table_max` contacts that have answered from one address group, spares and offers included.
//         Contacts that only claim an address compete only with other unverified contacts, because claims cost nothing.
//         kOffersMax offers under way, each for kOfferLife at most.
// Owner   the DHT's head actor. Time is monotonic and given by the caller.
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <span>

#include "actors/dht/logic/bucket.hpp"
#include "actors/dht/logic/density.hpp"

namespace troupe::dht {

inline constexpr std::size_t kOffersMax = 256;            // our choice: what a busy second brings
inline constexpr std::chrono::seconds kOfferLife{10};     // our choice: five pings; the bucket has answered long ago
inline constexpr std::chrono::seconds kTellGap{30};       // our choice: the order by last seen is this coarse
inline constexpr std::chrono::minutes kRefreshAfter{60};  // issue 5, part 5; section 2.3
static_assert(kTellGap < kQuietMax, "a node that is heard often is never doubted");

enum class OfferError : std::uint8_t {
  ourselves,   ///< our own id
  group_full,  ///< as many contacts of its address group as may be are in the table already
  overloaded,  ///< too many offers are under way
  recent,      ///< the bucket was told a moment ago; of another address, or one of many strangers, whichever that was
};

class Table {
 public:
  explicit Table(const Key& own, GroupLimits limits = {});

  /// The bucket that should hear of `who`. An error has changed nothing but that a node was heard.
  base::Result<Range, OfferError> offer(const Contact& who, Evidence evidence, base::Instant now);

  /// The bucket has taken or refused what it was offered. Harmless if repeated.
  void settled(const Key& id);

  /// Takes over what the bucket of `range` holds now; an empty listing removes it. Returns what the bucket is to
  /// forget: contacts that answered its pings while the place of their address group went to others, and silent ones.
  std::vector<Key> replace(Range range, const Listing& listing);

  /// Notes that `whom` did not answer; returns the range whose bucket should know. Nothing for a stranger, or for one
  /// that was asked elsewhere: any node may say that it lives there.
  std::optional<Range> failed(const Contact& whom);

  /// Fills `out` with the good contacts nearest to `key`, nearest first; returns how many there are.
  /// The pointers are valid until the next replace().
  std::size_t closest(const Key& key, std::span<const Contact*> out) const;
  std::vector<Contact> closest(const Key& key, std::size_t count) const;

  /// Notes that a search went for `key` at `now`.
  void used(const Key& key, base::Instant now);
  /// Notes that a search for our own id went through `first` and all ranges nearer to us.
  void used_from(Range first, base::Instant now);

  /// The ranges, far ones first, that no search touched for kRefreshAfter: those up to the nearest neighbours, since
  /// the ones beyond would be empty.
  std::vector<Range> stale(base::Instant now) const;

  /// How many nodes there are, by the density of the nearest good contacts.
  NetworkSize network_size() const;

  /// Good contacts.
  std::size_t size() const { return size_; }
  const std::vector<Contact>& good(Range range) const;
  /// When a good contact was heard, as its bucket last said: the one at `place` of good(range).
  std::optional<base::Instant> seen(Range range, std::size_t place) const;
  const Contact* find(const Key& id) const;
  /// Contacts with a place in a bucket that do not answer, and are not told to others.
  std::vector<Key> failing() const;
  const Key& own() const { return own_; }

 private:
  struct Told {
    Evidence evidence;
    base::Instant at;
  };
  struct BucketView {
    std::vector<Contact> good;
    std::vector<base::Instant> seen;
    std::vector<std::uint64_t> high;  // high() of each, in the same order: what closest() compares
    std::vector<Contact> rest;
    std::size_t failing = 0;  // of `rest`, the first
    std::vector<Contact> claimed;
    std::map<Key, Told> told;            // of those held here
    std::map<Key, Told> told_elsewhere;  // of the same, but at another address
    base::Instant stranger_at{};         // when the bucket was last offered one that is not held here

    const Contact* find(const Key& id) const;
    /// There is no place for one more, and as many spares as may be that are worth no less.
    bool full(Evidence evidence) const {
      const std::size_t spares = rest.size() - failing + (evidence == Evidence::asked_us ? claimed.size() : 0);
      return good.size() == kContactsMax && spares >= kSparesMax;
    }
    /// `hint` is where to look first, and then the place behind what was found: listings keep most of their order.
    bool holds(const Contact& whom, Evidence evidence, std::size_t& hint) const;
  };
  /// Of one address group.
  struct GroupCount {
    std::size_t proven = 0;   // have answered from there
    std::size_t claimed = 0;  // say that they are there
  };
  struct Offer {
    Group group;
    Evidence evidence;
    bool moves_within;  // from one address of its group to another: counted already
    base::Instant expires;
  };
  struct Collector;

  static bool is_recent(const std::map<Key, Told>& told, const Key& id, Evidence evidence, base::Instant now);
  bool has_room(const Group& group, Evidence evidence) const;
  std::vector<Key> recount(const BucketView* before, BucketView* after);
  void forget_offer(std::map<Key, Offer>::iterator offer);
  void expire(base::Instant now);
  void count(const Group& group, Evidence evidence, std::ptrdiff_t change);
  void check() const;

  Key own_;
  GroupLimits limits_;
  std::array<std::unique_ptr<BucketView>, kRanges> views_;       // null where none is held
  std::array<std::optional<base::Instant>, kRanges> used_at_{};  // nothing: by no search yet
  std::size_t depth_ = 0;                                        // rows at or beyond this index hold no good contact
  std::size_t size_ = 0;
  std::map<Group, GroupCount> group_counts_;  // held and offered
  std::map<Key, Offer> offers_;               // of those not held yet
  base::Instant heard_{};                     // of any node, last
};

}  // namespace troupe::dht
