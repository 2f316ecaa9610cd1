#pragma once
// Whom this node dials, keeps, asks, bans and forgets.
//
// Use     Every input returns what is to be done about it. Call tick() at wake_at(); earlier, later and repeated
//         calls are harmless. Perform the decisions in order; a dial ends with dialled() or dial_failed(), a ping with
//         ponged() or ping_failed(), a question for contacts with contacts() or contacts_failed().
// Dials   to known peers until there are `links_target` links; to seeds whenever fewer than `healthy_min` links are
//         healthy. kDialsMax at a time. Each failure of an address doubles its wait, kRetryMin to kRetryMax, with
//         jitter. Dials of others who find nobody count once in that wait.
// Health  each `health_period` the `links_target` links that waited longest are pinged, a new one at once while fewer
//         were. One ping missed: unhealthy, pinged again after kPingAgain; kPingsMissedMax in a row: dropped.
//         As many as lately answered should go on to be healthy, up to `healthy_min`: see expected().
// Crowded with kLinksMax links, one more that dialled us is a guest: it may ask for contacts, and is dropped after
//         kGuestTime if no place came free. Whom we dialled and who goes within kSettled waits longer each time;
//         if it hung up, nobody else may dial it meanwhile.
// Limits  the book's (address_book.hpp); kGuestsMax guests, above which one is dropped at once; kTargetsMax dials
//         for a person; kHeldOffMax peers that a person dropped. Each says below what happens when full.
// Time    monotonic, given by the caller. Reads no clock and sends nothing.
// Owner   the actor `peers`; not thread-safe.
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "actors/peers/logic/decisions.hpp"
#include "runtime/base/mutations.hpp"
#include "runtime/base/random.hpp"

namespace troupe::peers {

class Peers {
 public:
  Peers(base::NodeId self, Policy policy, IdOf id_of);
  /// Where bugs may be planted and rare paths are noted; outlives it. Without a call none is.
  /// Planted bugs: `peers.dropped_is_welcome`, `peers.failed_dial_not_repeated`.
  void plant(const base::Mutations& mutations) { mutations_ = &mutations; }

  /// Puts back a stored row before start(). On an error, or false for a book that is full, it is of no use: erase it.
  base::Result<bool, RowError> load(const base::NodeId& id, base::ByteView row, Moment moment);
  /// Begins, with the addresses to join through.
  Decisions start(const std::vector<Target>& seeds, base::Instant now, base::Random& random);
  Decisions tick(base::Instant now, base::Random& random);
  /// When tick() has something to do; later than the `now` of the last input.
  base::Instant wake_at() const { return wake_at_; }

  /// A link is up. One that is told again changes nothing.
  Decisions linked(const LinkUp& link, base::Instant now, base::Random& random);
  /// A link ended by itself, not by a Drop. One that is not known is ignored.
  Decisions unlinked(const base::NodeId& id, LinkEnd how, base::Instant now, base::Random& random);
  /// The dial of that ticket led to `id`, whose link is or will be told by linked().
  Decisions dialled(std::uint64_t ticket, const base::NodeId& id, base::Instant now, base::Random& random);
  Decisions dial_failed(std::uint64_t ticket, DialFailure why, base::Instant now, base::Random& random);
  /// Somebody who wanted to talk to a peer dialled it where whereabouts() had said, in vain. A node that has all its
  /// links would hear of no failure otherwise, and never let go of an address that is old.
  Decisions not_there(const Contact& contact, DialFailure why, base::Instant now, base::Random& random);

  Decisions ponged(const base::NodeId& id, std::chrono::microseconds round_trip, base::Instant now,
                   base::Random& random);
  Decisions ping_failed(const base::NodeId& id, base::Instant now, base::Random& random);
  /// A linked peer says where it can be dialled. An unspecified address with a port means: where its link comes from.
  /// Not dialable: it cannot be dialled.
  Decisions advertised(const base::NodeId& id, base::Endpoint endpoint, base::Instant now, base::Random& random);

  /// What `asker` gets: a random sample of peers that work, at most `count_max` and kContactsMax, without itself,
  /// and without loopback addresses unless it is on this machine.
  std::vector<Contact> give(const base::NodeId& asker, std::size_t count_max, base::Instant now,
                            base::Random& random) const;
  /// What a peer that was asked for contacts answered. More than kContactsMax are not looked at.
  Decisions contacts(const base::NodeId& from, const std::vector<Contact>& list, base::Instant now,
                     base::Random& random);
  Decisions contacts_failed(const base::NodeId& from, base::Instant now, base::Random& random);

  /// Adds to the score of a peer, known or not, which at kPointsBan is banned and dropped.
  Decisions misbehaved(const base::NodeId& id, Violation violation, base::Instant now, base::Random& random);
  /// Whether a link to that peer is wanted: not banned, and no person sent it away.
  bool welcome(const base::NodeId& id, base::Instant now) const;

  /// A person wants a link, and lifts bans by it. The ticket is that of the one Dial among the decisions.
  struct Connecting {
    std::uint64_t ticket;
    Decisions decisions;
  };
  base::Result<Connecting, CommandError> connect(const Target& to, base::Instant now, base::Random& random);
  /// A person wants a link to end; it stays away for kHoldOff.
  base::Result<Decisions, CommandError> drop(const base::NodeId& id, base::Instant now, base::Random& random);
  /// A person lifts a ban, wipes the points, and lets back whom one has dropped.
  struct Unbanned {
    bool lifted;  ///< false: nothing of that was noted here
    Decisions decisions;
  };
  Unbanned unban(const base::NodeId& id, base::Instant now, base::Random& random);

  /// All known, linked and banned peers, by id.
  std::vector<PeerView> view(base::Instant now) const;
  /// All peers that may be linked to, by id: who can hold something for us.
  std::vector<Contact> reachable(base::Instant now) const;
  /// Where that peer can be dialled, for somebody who wants to talk to it.
  base::Result<Contact, Nowhere> whereabouts(const base::NodeId& id, base::Instant now) const;
  /// Where the link to a peer comes from, or where it was dialled; nothing without a link.
  std::optional<base::Endpoint> remote_of(const base::NodeId& id) const {
    const auto link = links_.find(id);
    return link == links_.end() ? std::nullopt : std::optional(link->second.up.remote);
  }
  const base::NodeId& self() const { return self_; }
  std::size_t links() const { return links_.size(); }
  std::size_t healthy() const { return healthy_; }
  /// How many should be healthy: as many as answered within kFresh, one at least and `healthy_min` at most. Zero for a
  /// node that is alone by rights: it is to join nobody, and has met nobody.
  std::size_t expected(base::Instant now) const;
  const AddressBook& book() const { return book_; }
  const PeerScores& scores() const { return scores_; }
  /// The bytes to store for SaveRow. Nothing if the row is gone meanwhile.
  std::optional<base::Bytes> row(const base::NodeId& id, Moment moment) const;

 private:
  struct Link {
    LinkUp up;
    base::Instant since;
    std::optional<base::Instant> guest_until;  // above kLinksMax
    std::optional<base::Instant> pinged_at;
    std::optional<base::Instant> pong_due;  // a ping is under way
    std::optional<base::Instant> again_at;  // after a missed one
    std::uint64_t pinged_in = 0;            // period; zero: never
    std::size_t missed = 0;
    bool answered = false;
    std::optional<std::chrono::microseconds> rtt;

    bool healthy() const { return answered && missed == 0; }
  };
  struct UnderWay {
    Target to;
    base::Instant due;
    std::optional<std::size_t> seed;
    bool by_person = false;
  };
  struct Seed {
    Target to;
    std::optional<base::NodeId> found;  // who answered there
    base::Instant next_at;
    std::uint32_t failures = 0;
    bool ourselves = false;
  };
  // peers_dial.cpp
  void dial_more(base::Instant now, base::Random& random);
  void dial_seeds(base::Instant now);
  std::uint64_t dial(Target to, std::optional<std::size_t> seed, bool by_person, base::Instant now);
  void fail_dial(std::uint64_t ticket, DialFailure why, base::Instant now, base::Random& random);
  void fail_address(const base::NodeId& id, DialFailure why, base::Instant now, base::Random& random);
  void expire_dials(base::Instant now, base::Random& random);
  std::size_t dials_by_person() const;
  std::size_t slots() const;
  std::size_t seed_slots() const;
  std::size_t dials_wanted() const;
  std::optional<base::NodeId> best_candidate(base::Instant now, base::Random& random) const;
  std::optional<base::Instant> ready_at(const KnownPeer& peer) const;
  std::optional<base::Instant> ready_at(const Seed& seed) const;
  base::Instant next_dial_at() const;
  bool dialling(const base::NodeId& id) const;
  // peers_health.cpp
  void ping_some(base::Instant now, base::Random& random);
  void ping(const base::NodeId& id, Link& link, base::Instant now);
  void miss(const base::NodeId& id, base::Instant now);
  void expire_pings(base::Instant now);
  State state_of(const base::NodeId& id, base::Instant now) const;
  // peers_exchange.cpp
  void exchange(base::Instant now, base::Random& random);
  void rejoin(base::Instant now, base::Random& random);
  bool passable(const Contact& contact, const base::NodeId& to) const;
  // peers.cpp
  void add_points(const base::NodeId& id, Violation violation, base::Instant now);
  bool forgive(const base::NodeId& id, base::Instant now);
  std::optional<base::Instant> banned_until(const base::NodeId& id, base::Instant now) const;
  void drop_link(const base::NodeId& id, DropReason why);
  void forget_link(const base::NodeId& id);
  std::size_t guests() const;
  bool crowded() const;
  void expire_guests(base::Instant now);
  base::Instant next_link_at() const;
  base::Instant next_at() const;
  void hold_off(const base::NodeId& id, base::Instant now);
  void forget_old(base::Instant now);
  Decisions settle(base::Instant now, base::Random& random);
  void check() const;

  const base::NodeId self_;
  const Policy policy_;
  const IdOf id_of_;
  const base::Mutations* mutations_ = &base::kNoMutations;
  AddressBook book_;
  std::map<base::NodeId, Link> links_;
  std::map<std::uint64_t, UnderWay> dials_;
  std::vector<Seed> seeds_;
  std::map<base::NodeId, base::Instant> retry_at_;  // of known peers that failed or were just unlinked
  std::map<base::NodeId, std::uint32_t> brief_;     // of known peers: links that we dialled and that did not last
  std::set<base::NodeId> turned_us_away_;           // of those in `brief_`: who hung up the last time
  std::map<base::NodeId, base::Instant> held_off_;
  std::map<base::NodeId, base::Instant> left_;  // links that had answered, by their end; within kFresh
  bool met_ = false;                            // somebody, ever
  PeerScores scores_;
  std::optional<base::NodeId> asked_;  // for contacts
  base::Instant asked_due_;
  base::Duration eager_gap_ = kExchangeGap;
  base::Instant health_due_, exchange_due_, rejoin_due_;
  base::Instant now_;  // of the last input
  std::uint64_t period_ = 1;
  std::size_t pinged_ = 0;  // links in this period
  std::size_t healthy_ = 0;
  base::Instant links_due_ = base::Instant::max();  // no link needs anything before, but for a new period
  base::Instant wake_at_ = base::Instant::max();
  std::uint64_t ticket_ = 0;
  bool started_ = false;
  Decisions decisions_;
};

}  // namespace troupe::peers
