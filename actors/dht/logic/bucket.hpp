#pragma once
// One k-bucket: the contacts at one range of distances, the longest silent first.
//
// Source  Maymounkov & Mazieres, "Kademlia", 2002: 2.2 (order, eviction), 4.1 (spares, and no ping for each newcomer).
// States  a contact is listed or spare. A listed one is good, pinged, or failing (silent to kFailuresMax questions in a
//         row): not told to others, and kept until a spare that has answered takes its place, or the table lets it go.
// Moves   a contact that is heard from another address is pinged at the known one first. It moves only if it fails
//         there and answers at the other one.
// Pings   the longest silent contact, one at a time: after kQuietMax if a spare waits, after kSilentMax in any case.
// Limits  kContactsMax listed, kSparesMax spare, kPingsMax pings unanswered, `GroupLimits::bucket_max` of one group.
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
inline constexpr std::size_t kPingsMax = 3;          // our choice: alpha, what one bucket may have in flight
inline constexpr std::uint32_t kFailuresMax = 2;     // issue 5, part 3: no node is punished for one loss
inline constexpr std::uint32_t kForgetFailures = 5;  // section 4.1
static_assert(kFailuresMax < kForgetFailures, "a contact that may go is failing");
inline constexpr std::chrono::milliseconds kPingTimeout{2'000};  // our choice: twice the worst round trip
inline constexpr std::chrono::minutes kQuietMax{5};  // our choice: a node heard this recently is not doubted
/// BEP 5: a node is questionable after that time, whether or not another wants its place.
inline constexpr std::chrono::minutes kSilentMax{15};
static_assert(kQuietMax < kSilentMax, "a contact whose place is wanted is pinged sooner");
inline constexpr std::chrono::minutes kRetryFailing{1};  // our choice: doubled for each more, to kForgetFailures
inline constexpr std::chrono::hours kSpareLife{1};       // our choice: an older spare is as likely dead as not
/// Failures closer together are one: a burst may lose questions of many lookups. Of a failing contact those count that
/// come when it is due to be pinged: asking again and again for what it holds does not forget it.
inline constexpr std::chrono::milliseconds kFailureGap{1'000};
static_assert(kFailureGap < kPingTimeout, "two unanswered pings are two failures");

enum class Evidence : std::uint8_t {
  answered,  ///< a question of ours, at the address given
  asked_us,  ///< its id is proven, its address only claimed
};

enum class BucketError : std::uint8_t {
  wrong_range,  ///< the id is not at a distance which this bucket covers
  group_full,   ///< as many contacts of its address group as may be are here already
};

struct Ping {
  Contact whom;
  base::Instant answer_due;
  bool refused = false;  ///< by a limit of this node: nobody was asked
};

struct Listed {
  Contact contact;
  base::Instant heard;                        ///< last
  std::uint32_t failures = 0;                 ///< questions unanswered since its last answer
  base::Instant failed_at{};                  ///< the last of them; meaningless without failures
  base::Instant failed_before{};              ///< the one before that; meaningless below two
  std::optional<base::Endpoint> elsewhere{};  ///< where it was heard of last, until one of its addresses has answered

  bool failing() const { return failures >= kFailuresMax; }
};

struct Spare {
  Contact contact;
  base::Instant heard;
  Evidence evidence = Evidence::asked_us;
};

/// What the table keeps of a bucket (table.hpp).
struct Listing {
  std::vector<Contact> good;       ///< listed and not failing, longest silent first: what others may be told
  std::vector<Contact> rest;       ///< failing, then spares that have answered: counts for the limits only
  std::vector<Contact> claimed{};  ///< spares that have only asked
  /// Of `rest`: silent to kForgetFailures questions. It goes if another node was heard since its last failure but one:
  /// a node that is cut off hears no other, and would forget all that it needs once it is back.
  struct Silent {
    Key id;
    base::Instant since;
  };
  std::vector<Silent> silent{};
  std::size_t failing = 0;            ///< of `rest`, the first
  std::vector<base::Instant> seen{};  ///< when each of `good` was heard, the earliest first
};

class Bucket {
 public:
  Bucket(const Key& own, Range range, GroupLimits limits = {});

  /// Where bugs may be planted; outlives it. Without a call none is.
  void plant(const base::Mutations& mutations) { mutations_ = &mutations; }

  /// Notes that `who` was heard from at `now`, and lists it if it answered and there is room.
  /// Returns the pings to send, at most kPingsMax; their answers come back by answered(), their silence by expire().
  /// An error has changed nothing.
  base::Result<std::vector<Ping>, BucketError> hear(const Contact& who, Evidence evidence, base::Instant now);

  /// The answer to a ping that is still waited for; otherwise nothing: a contact that was forgotten meanwhile stays so.
  std::vector<Ping> answered(const Contact& who, base::Instant now);

  /// A ping that was not sent is sent again.
  std::vector<Ping> unasked(const Contact& who, base::Instant now);

  /// A limit of this node has kept a ping from being sent. Whether another one is due is looked at by expire(), when
  /// its answer would have been due.
  void refused(const Contact& who);

  /// Notes that a lookup's question was not answered at the address known here. Unknown ids are ignored.
  std::vector<Ping> failed(const Key& id, base::Instant now);

  /// Forgets one that is banned or may go, whatever it is here.
  std::vector<Ping> forget(const Key& id, base::Instant now);

  /// Counts the pings that are overdue as failures, gives away the places that this frees, drops spares that are too
  /// old. Early, late and repeated calls are harmless: every deadline is compared with `now` again.
  std::vector<Ping> expire(base::Instant now);

  /// When expire() has something to do; max() if never.
  base::Instant wake_at() const;

  Range range() const { return range_; }
  /// At most kContactsMax, longest silent first; valid until the next non-const call.
  const std::vector<Listed>& listed() const { return listed_; }
  /// At most kSparesMax, oldest first.
  const std::vector<Spare>& spares() const { return spares_; }
  Listing listing() const;
  /// No contact is left: the actor may end.
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
