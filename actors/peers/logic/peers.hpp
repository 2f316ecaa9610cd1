#pragma once
// Which nodes this node dials, keeps, asks, bans and forgets. README.md, "Rules", has the full rules.
//
// Use      every input returns the decisions that follow from it; perform them in order. Call tick() at wake_at();
//          calls at other times, and repeated calls, are harmless.
// Dials    to known peers until there are `links_target` links and half as many own links; to seeds while fewer than
//          `healthy_min` own links are healthy. A link is own if this node dialled it, or has dialled that peer before.
//          A link that another domain or such a peer dialled is own only while few links of its address group are. So
//          no attacker can stop this node's dials.
// Health   every `health_period`, the `links_target` links that wait longest are pinged, and new links at once. At most
//          half of the pings are for new links.
// Crowded  at kLinksMax, a peer of the largest address group yields to a smaller group. Otherwise the new peer is a
//          guest: it may ask for contacts, and is dropped after kGuestTime unless a slot is free. A peer that this node
//          dialled stays while it owes an answer.
// Limits   the book's (address_book.hpp), kDialsMax, kGuestsMax, kTargetsMax dials for operators, kHeldOffMax.
// Owner    the actor `peers`; not thread-safe. Reads no clock and sends nothing; time is monotonic.
#include <functional>
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
  /// Sets where a simulation enables mutants and notes rare paths; it outlives this object. By default no mutant is
  /// active. Mutants: `peers.dropped_is_welcome`, `peers.failed_dial_not_repeated`.
  void plant(const base::Mutations& mutations) { mutations_ = &mutations; }
  /// Sets how to check whether a linked peer owes this node an answer. By default none does.
  void ask_who_owes(std::function<bool(const base::NodeId&)> owes_answer) { owes_answer_ = std::move(owes_answer); }

  /// Restores a stored row before start(). On an error, or on false (the book is full), the caller erases the row.
  base::Result<bool, RowError> load(const base::NodeId& id, base::ByteView row, Moment moment);
  /// Starts, with the addresses to join through.
  Decisions start(const std::vector<Target>& seeds, base::Instant now, base::Random& random);
  Decisions tick(base::Instant now, base::Random& random);
  /// Returns when tick() is due next; later than the `now` of the last input.
  base::Instant wake_at() const { return wake_at_; }

  /// Notes that a link is up. A repeated call changes nothing.
  Decisions linked(const LinkUp& link, base::Instant now, base::Random& random);
  /// Notes that a link has ended, except by a Drop. An unknown link is ignored.
  Decisions unlinked(const base::NodeId& id, LinkEnd how, base::Instant now, base::Random& random);
  /// Notes that the dial of `ticket` reached `id`; linked() reports its link before or after.
  Decisions dialled(std::uint64_t ticket, const base::NodeId& id, base::Instant now, base::Random& random);
  Decisions dial_failed(std::uint64_t ticket, DialFailure why, base::Instant now, base::Random& random);
  /// Notes that another domain dialled a peer at the address of whereabouts(), and failed. Without this, a node that
  /// has all its links would learn of no failure, and keep an old address forever.
  Decisions not_there(const Contact& contact, DialFailure why, base::Instant now, base::Random& random);

  Decisions ponged(const base::NodeId& id, std::chrono::microseconds round_trip, base::Instant now,
                   base::Random& random);
  Decisions ping_failed(const base::NodeId& id, base::Instant now, base::Random& random);
  /// Notes where a linked peer says that it can be dialled. An unspecified address with a port means: the source of its
  /// link. An endpoint that is not dialable means: it cannot be dialled.
  Decisions advertised(const base::NodeId& id, base::Endpoint endpoint, base::Instant now, base::Random& random);

  /// Returns the answer to `asker`: a random sample of working peers, at most `count_max` and kContactsMax, without
  /// `asker`, and without loopback addresses unless `asker` is on this machine. The list of working peers is renewed at
  /// most once per kWorkingFor, unless a new peer has answered.
  std::vector<Contact> give(const base::NodeId& asker, std::size_t count_max, base::Instant now, base::Random& random);
  /// Notes a peer's answer to a request for contacts. Contacts beyond kContactsMax are ignored.
  Decisions contacts(const base::NodeId& from, const std::vector<Contact>& list, base::Instant now,
                     base::Random& random);
  Decisions contacts_failed(const base::NodeId& from, base::Instant now, base::Random& random);

  /// Adds to the score of a peer, known or not. At kPointsBan the peer is banned and dropped.
  Decisions misbehaved(const base::NodeId& id, Violation violation, base::Instant now, base::Random& random);
  /// Returns whether a link to `id` is allowed: it is not banned, and no operator has dropped it.
  bool welcome(const base::NodeId& id, base::Instant now) const;

  /// Dials a peer for an operator, which also lifts a ban. The ticket belongs to the only Dial among the decisions.
  struct Connecting {
    std::uint64_t ticket;
    Decisions decisions;
  };
  base::Result<Connecting, CommandError> connect(const Target& to, base::Instant now, base::Random& random);
  /// Ends a link for an operator; the peer is held off for kHoldOff.
  base::Result<Decisions, CommandError> drop(const base::NodeId& id, base::Instant now, base::Random& random);
  /// Removes a peer for good, for an operator: the peer leaves the book, and is no longer expected.
  base::Result<Decisions, CommandError> forget(const base::NodeId& id, base::Instant now, base::Random& random);
  /// Lifts a ban for an operator: the points are cleared, and the peer is no longer held off.
  struct Unbanned {
    bool lifted;  ///< false: the peer had no ban, no points, and was not held off
    Decisions decisions;
  };
  Unbanned unban(const base::NodeId& id, base::Instant now, base::Random& random);

  /// Returns all known, linked and banned peers, by id.
  std::vector<PeerView> view(base::Instant now) const;
  /// Returns all peers to which a link is allowed, by id: those that can store data for this node.
  std::vector<Contact> reachable(base::Instant now) const;
  /// Returns whether a seed was neither met nor tried yet.
  bool untried() const;
  /// Returns where `id` can be dialled, for another domain that wants to reach it.
  base::Result<Contact, Nowhere> whereabouts(const base::NodeId& id, base::Instant now) const;
  /// Returns where the link to a peer comes from, or where this node dialled it; nullopt without a link.
  std::optional<base::Endpoint> remote_of(const base::NodeId& id) const {
    const auto link = links_.find(id);
    return link == links_.end() ? std::nullopt : std::optional(link->second.up.remote);
  }
  /// Returns whether this node dialled the linked peer by its own choice, not for another domain.
  bool chose(const base::NodeId& id) const {
    const auto link = links_.find(id);
    return link != links_.end() && link->second.own && link->second.up.direction == Direction::outbound;
  }
  const base::NodeId& self() const { return self_; }
  std::size_t links() const { return links_.size(); }
  std::size_t healthy() const { return healthy_; }
  /// Returns how many peers should be healthy: as many as answered within kFresh, at least one and at most
  /// `healthy_min`. Zero for a node without seeds that has never met a peer.
  std::size_t expected(base::Instant now) const;
  /// Returns the peers that answered within kFresh and are not healthy now, at most `healthy_min`.
  std::vector<base::NodeId> missing(base::Instant now) const;
  const AddressBook& book() const { return book_; }
  const PeerScores& scores() const { return scores_; }
  /// Returns the bytes to store for SaveRow, or nullopt if the row is gone.
  std::optional<base::Bytes> row(const base::NodeId& id, Moment moment) const;

 private:
  /// Returns the peers that answered within kFresh, linked peers first, at most `healthy_min`.
  std::vector<base::NodeId> expected_peers(base::Instant now) const;
  struct Link {
    LinkUp up;
    base::Instant since;
    std::optional<base::Instant> guest_until;  // above kLinksMax
    std::optional<base::Instant> pinged_at;
    std::optional<base::Instant> pong_due;  // while a ping is in flight
    std::optional<base::Instant> again_at;  // the next ping, after a missed ping or a brief link
    std::uint64_t pinged_in = 0;            // the period of its last ping; zero: never
    std::size_t missed = 0;
    bool answered = false;
    bool own = false;
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
    std::optional<base::NodeId> found;  // the node that answered there
    base::Instant next_at;
    std::uint32_t failures = 0;
    bool ourselves = false;
    bool tried = false;  // it has answered, or failed once
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
  std::optional<base::NodeId> best_candidate(base::Instant now, base::Random& random);
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
  void note_working(base::Instant now);
  // peers.cpp
  void add_points(const base::NodeId& id, Violation violation, base::Instant now);
  bool forgive(const base::NodeId& id, base::Instant now);
  std::optional<base::Instant> banned_until(const base::NodeId& id, base::Instant now) const;
  void drop_link(const base::NodeId& id, DropReason why);
  void forget_link(const base::NodeId& id);
  void visit(Link& link, std::optional<base::Instant> until);
  bool crowded() const;
  template <class May, class Order>
  std::optional<base::NodeId> gives_way(const LinkUp& to, May may, Order order) const;
  std::optional<base::NodeId> link_gives_way(const LinkUp& to) const;
  std::optional<base::NodeId> guest_gives_way(const LinkUp& to) const;
  bool is_own(const LinkUp& up) const;
  bool counts_as_dialled(const LinkUp& up) const;
  void count(const Link& link, bool in);
  void expire_guests(base::Instant now);
  base::Instant next_link_at() const;
  static base::Instant due_of(const Link& link);
  base::Instant next_at() const;
  void hold_off(const base::NodeId& id, base::Instant now);
  void forget_old(base::Instant now);
  Decisions settle(base::Instant now, base::Random& random);
  void check() const;

  const base::NodeId self_;
  const Policy policy_;
  const IdOf id_of_;
  const base::Mutations* mutations_ = &base::kNoMutations;
  std::function<bool(const base::NodeId&)> owes_answer_ = [](const base::NodeId&) { return false; };
  AddressBook book_;
  std::map<base::NodeId, Link> links_;
  std::map<std::uint64_t, UnderWay> dials_;
  std::set<base::NodeId> asked_for_;  // dialled for the peer table, and not linked() yet
  std::vector<Seed> seeds_;
  std::map<base::NodeId, base::Instant> retry_at_;  // for known peers that failed or were just unlinked
  std::map<base::NodeId, std::uint32_t> brief_;  // for known peers: dialled links in a row that ended within kSettled
  std::set<base::NodeId> turned_us_away_;        // peers in `brief_` that hung up the last time
  std::map<base::NodeId, base::Instant> held_off_;
  std::map<base::NodeId, base::Instant>
      left_;          // peers whose link answered and then ended within kFresh, with that time
  bool met_ = false;  // has ever met a peer
  PeerScores scores_;
  std::optional<base::NodeId> asked_;  // the peer that was asked for contacts
  base::Instant asked_due_;
  base::Duration eager_gap_ = kExchangeGap;
  std::vector<base::NodeId> working_;  // for give(), in any order
  base::Instant working_due_{};
  base::Instant health_due_, exchange_due_, rejoin_due_;
  base::Instant now_;  // time of the last input
  std::uint64_t period_ = 1;
  std::size_t pinged_ = 0;  // links pinged in this period
  std::size_t healthy_ = 0;
  std::size_t own_ = 0, own_healthy_ = 0;
  std::size_t guests_ = 0;
  std::optional<base::Instant> candidate_at_;       // no known peer can be dialled earlier; nullopt: not known
  base::Instant links_due_ = base::Instant::max();  // no link needs attention earlier, except at a new period
  base::Instant wake_at_ = base::Instant::max();
  std::uint64_t ticket_ = 0;
  bool started_ = false;
  Decisions decisions_;
};

}  // namespace troupe::peers
