#pragma once
// The head's view of all buckets: the contacts nearest to a key, the bucket to offer a contact to, and stale ranges.
//
// Source  Maymounkov & Mazieres, "Kademlia", 2002: 2.2 to 2.4.
// View    each bucket is an actor that sends its Listing after each change, which replaces the row of its range. The
//         view lags by a message, so a bucket decides again about each offer.
// Silence a contact that its bucket would forget is dropped once any node responds later: until then we may be cut off.
// Limits  `GroupLimits::table_max` proven contacts per address group, spares and offers included. Contacts that only
//         claim an address compete only with each other, because claims cost nothing. kOffersMax offers in flight, each
//         for kOfferLife at most.
// Owner   the DHT's head actor. Time is monotonic and given by the caller.
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <span>

#include "actors/dht/logic/bucket.hpp"
#include "actors/dht/logic/density.hpp"

namespace troupe::dht {

inline constexpr std::size_t kOffersMax = 256;            // our choice: a busy second's offers
inline constexpr std::chrono::seconds kOfferLife{10};     // our choice: five pings; the bucket has answered long before
inline constexpr std::chrono::seconds kTellGap{30};       // our choice: the precision of the order by last seen
inline constexpr std::chrono::minutes kRefreshAfter{60};  // issue 5, part 5; section 2.3
static_assert(kTellGap < kQuietMax, "a node that is heard often is never doubted");

enum class OfferError : std::uint8_t {
  ourselves,   ///< our own id
  group_full,  ///< its address group has reached its limit in the table
  overloaded,  ///< too many offers are in flight
  recent,      ///< the bucket was just offered this node, or is full and was just offered an unlisted node
};

class Table {
 public:
  explicit Table(const Key& own, GroupLimits limits = {});

  /// Returns the bucket to offer `who` to. After an error only the time of the last message has changed.
  base::Result<Range, OfferError> offer(const Contact& who, Evidence evidence, base::Instant now);

  /// Notes that the bucket has accepted or refused an offer. Harmless if repeated.
  void settled(const Key& id);

  /// Replaces the view of the bucket of `range`; an empty listing removes it. Returns the contacts that the bucket has
  /// to forget: contacts that answered its pings after their address group's last slot was taken, and silent contacts.
  std::vector<Key> replace(Range range, const Listing& listing);

  /// Notes that `whom` did not answer; returns the range whose bucket to notify. Returns nullopt for an unlisted node,
  /// or for a node that was asked at another address, because any node may claim to be there.
  std::optional<Range> failed(const Contact& whom);

  /// Fills `out` with the good contacts nearest to `key`, nearest first; returns how many there are.
  /// The pointers are valid until the next replace().
  std::size_t closest(const Key& key, std::span<const Contact*> out) const;
  std::vector<Contact> closest(const Key& key, std::size_t count) const;

  /// Notes a search for `key` at `now`.
  void used(const Key& key, base::Instant now);
  /// Notes a search for our own id, which covers `first` and all nearer ranges.
  void used_from(Range first, base::Instant now);

  /// Returns the ranges, far ones first, that no search has covered for kRefreshAfter, up to the nearest neighbours.
  /// Nearer ranges would be empty.
  std::vector<Range> stale(base::Instant now) const;

  /// Estimates how many nodes there are, by the density of the nearest good contacts.
  NetworkSize network_size() const;

  /// Returns the number of good contacts.
  std::size_t size() const { return size_; }
  const std::vector<Contact>& good(Range range) const;
  /// Returns when its bucket last heard from the good contact at index `place` of good(range).
  std::optional<base::Instant> seen(Range range, std::size_t place) const;
  const Contact* find(const Key& id) const;
  /// Returns the listed contacts that do not answer; they are not advertised.
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
    std::vector<std::uint64_t> high;  // high() of each, in the same order: closest() compares these
    std::vector<Contact> rest;
    std::size_t failing = 0;  // of `rest`; they come first
    std::vector<Contact> claimed;
    std::map<Key, Told> told;            // when contacts in this view were last offered
    std::map<Key, Told> told_elsewhere;  // the same, for another address
    base::Instant stranger_at{};         // when the bucket was last offered a contact that is not in this view

    const Contact* find(const Key& id) const;
    /// Returns whether all slots are taken, and all spare slots by spares that are worth no less.
    bool full(Evidence evidence) const {
      const std::size_t spares = rest.size() - failing + (evidence == Evidence::asked_us ? claimed.size() : 0);
      return good.size() == kContactsMax && spares >= kSparesMax;
    }
    /// Returns whether the view has a contact. It looks at `hint` first, and sets `hint` after the match, because
    /// listings mostly keep their order.
    bool holds(const Contact& whom, Evidence evidence, std::size_t& hint) const;
  };
  /// The contacts in one address group.
  struct GroupCount {
    std::size_t proven = 0;   // contacts that have answered from there
    std::size_t claimed = 0;  // contacts that claim to be there
  };
  struct Offer {
    Group group;
    Evidence evidence;
    bool moves_within;  // to another address of its group, so it is counted already
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
  std::array<std::unique_ptr<BucketView>, kRanges> views_;       // null where there are no contacts
  std::array<std::optional<base::Instant>, kRanges> used_at_{};  // last use; nullopt: by no search yet
  std::size_t depth_ = 0;                                        // rows at or beyond this index have no good contact
  std::size_t size_ = 0;
  std::map<Group, GroupCount> group_counts_;  // in views and offers
  std::map<Key, Offer> offers_;               // contacts that are in no view yet
  base::Instant heard_{};                     // last message from any node
};

}  // namespace troupe::dht
