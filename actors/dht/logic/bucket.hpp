#pragma once
// One k-bucket: the contacts at one range of distances, the longest silent first.
//
// Source  Maymounkov & Mazieres, "Kademlia", 2002: 2.2 (order, eviction), 4.1 (spares, and no ping for each newcomer).
// States  a contact is listed or spare. A listed contact is good, pinged, or failing: kFailuresMax requests in a row
//         were unanswered. It is then not advertised, and stays until a proven spare replaces it or the table drops it.
// Moves   a contact seen at another address is first pinged at its known address. It moves only if it fails there and
//         answers at the other address.
// Pings   the longest silent contact, one at a time: after kQuietMax if a spare waits, after kSilentMax in any case.
// Limits  kContactsMax listed, kSparesMax spare, kPingsMax pings in flight, `GroupLimits::bucket_max` per group.
// Time    monotonic, given by the caller. Reads no clock and sends nothing.
// Owner   one bucket actor; not thread-safe.
#include <chrono>
#include <optional>
#include <vector>

#include "actors/dht/logic/group.hpp"
#include "actors/dht/logic/range.hpp"
#include "runtime/base/mutations.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"

namespace troupe::dht {

inline constexpr std::size_t kContactsMax = 20;      // k of section 2.2
inline constexpr std::size_t kSparesMax = 8;         // our choice: a lookup rarely brings more at once
inline constexpr std::size_t kPingsMax = 3;          // our choice: alpha, pings in flight per bucket
inline constexpr std::uint32_t kFailuresMax = 2;     // issue 5, part 3: one loss does not penalize a node
inline constexpr std::uint32_t kForgetFailures = 5;  // section 4.1
static_assert(kFailuresMax < kForgetFailures, "a contact that may go is failing");
inline constexpr std::chrono::milliseconds kPingTimeout{2'000};  // our choice: twice the worst round trip
inline constexpr std::chrono::minutes kQuietMax{5};  // our choice: a node seen this recently is assumed alive
/// BEP 5: a node is questionable after that time, even if no other contact wants its slot.
inline constexpr std::chrono::minutes kSilentMax{15};
static_assert(kQuietMax < kSilentMax, "a contact whose place is wanted is pinged sooner");
inline constexpr std::chrono::minutes kRetryFailing{1};  // our choice: doubled for each further failure, up to
                                                         // kForgetFailures
inline constexpr std::chrono::hours kSpareLife{1};       // our choice: an older spare is probably dead
/// Failures within this time count as one, because a burst may lose requests of many lookups. For a failing contact
/// only failures after its next ping is due count, so that repeated reads of a key do not make us forget it.
inline constexpr std::chrono::milliseconds kFailureGap{1'000};
static_assert(kFailureGap < kPingTimeout, "two unanswered pings are two failures");

enum class Evidence : std::uint8_t {
  answered,  ///< it answered our request, at the address given
  asked_us,  ///< it asked us: its id is proven, its address only claimed
};

enum class BucketError : std::uint8_t {
  wrong_range,  ///< the id is not in this bucket's range
  group_full,   ///< its address group has reached its limit here
};

struct Ping {
  Contact whom;
  base::Instant answer_due;
  bool refused = false;  ///< by a limit of this node: no ping was sent
};

struct Listed {
  Contact contact;
  base::Instant heard;                        ///< the last message from it
  std::uint32_t failures = 0;                 ///< requests unanswered since its last answer
  base::Instant failed_at{};                  ///< the last failure; meaningless without failures
  base::Instant failed_before{};              ///< the second-to-last failure; meaningless below two failures
  std::optional<base::Endpoint> elsewhere{};  ///< another address where it was seen, until it answers at either

  bool failing() const { return failures >= kFailuresMax; }
};

struct Spare {
  Contact contact;
  base::Instant heard;
  Evidence evidence = Evidence::asked_us;
};

/// The table's copy of a bucket (table.hpp).
struct Listing {
  std::vector<Contact> good;       ///< listed and not failing, longest silent first: may be advertised
  std::vector<Contact> rest;       ///< failing contacts, then spares that have answered: count only towards the limits
  std::vector<Contact> claimed{};  ///< spares that have only asked us
  /// A contact in `rest` that left kForgetFailures requests unanswered. It is dropped if another node responded since
  /// its second-to-last failure. Otherwise a node that is cut off would forget all contacts that it needs later.
  struct Silent {
    Key id;
    base::Instant since;
  };
  std::vector<Silent> silent{};
  std::size_t failing = 0;            ///< how many of `rest` are failing; they come first
  std::vector<base::Instant> seen{};  ///< the last message from each of `good`, the earliest first
};

class Bucket {
 public:
  Bucket(const Key& own, Range range, GroupLimits limits = {});

  /// Sets the active mutants, none by default; `mutations` outlives the bucket.
  void plant(const base::Mutations& mutations) { mutations_ = &mutations; }

  /// Notes a message from `who` at `now`; lists it if it answered and there is a free slot. Returns the pings to send,
  /// at most kPingsMax; answered() takes their answers, expire() their time-outs. After an error nothing has changed.
  base::Result<std::vector<Ping>, BucketError> hear(const Contact& who, Evidence evidence, base::Instant now);

  /// Notes the answer to a pending ping; ignores other answers, so that a forgotten contact stays forgotten.
  std::vector<Ping> answered(const Contact& who, base::Instant now);

  /// Repeats a ping that was not sent.
  std::vector<Ping> unasked(const Contact& who, base::Instant now);

  /// Notes that a limit of this node kept a ping from being sent. expire() decides at the ping's deadline whether to
  /// send another.
  void refused(const Contact& who);

  /// Notes that a lookup's request was not answered at the known address. Unknown ids are ignored.
  std::vector<Ping> failed(const Key& id, base::Instant now);

  /// Forgets a contact that is banned or may be dropped, in whatever state it is.
  std::vector<Ping> forget(const Key& id, base::Instant now);

  /// Counts overdue pings as failures, fills the slots that this frees, and drops old spares. Early, late and repeated
  /// calls are harmless, because every deadline is compared with `now`.
  std::vector<Ping> expire(base::Instant now);

  /// Returns when expire() is due next; max() if never.
  base::Instant wake_at() const;

  Range range() const { return range_; }
  /// Returns at most kContactsMax contacts, longest silent first; valid until the next non-const call.
  const std::vector<Listed>& listed() const { return listed_; }
  /// Returns at most kSparesMax contacts, oldest first.
  const std::vector<Spare>& spares() const { return spares_; }
  Listing listing() const;
  /// Returns whether no contact is left, so that the actor may end.
  bool empty() const { return listed_.empty() && spares_.empty(); }

 private:
  std::optional<BucketError> refusal(const Contact& who, Evidence evidence) const;
  void hear_listed(Listed& known, const Contact& who, Evidence evidence, base::Instant now);
  void place(const Contact& who, base::Instant now);
  void keep_spare(const Contact& who, Evidence evidence, base::Instant now);
  void list(const Contact& who, base::Instant heard);
  void make_room_in_group(const Contact& who);
  void note_failure(const Contact& whom, base::Instant now);
  const Spare* best_spare() const;
  void take_off(const Key& gone);
  std::vector<Ping> pings_to_send(base::Instant now);
  bool has_room() const;
  const Listed* longest_silent() const;
  bool pinged(const Key& id) const;
  const Listed* find_listed(const Key& id) const;
  void check() const;

  Key own_;
  Range range_;
  GroupLimits limits_;
  const base::Mutations* mutations_ = &base::kNoMutations;
  std::vector<Listed> listed_;  // by `heard`
  std::vector<Spare> spares_;   // by `heard`
  std::vector<Ping> pings_;     // unanswered, not yet overdue
};

}  // namespace troupe::dht
