// Links and operators' commands. Dials, health and exchange have their own files.
#include "actors/peers/logic/peers.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "actors/peers/logic/spread.hpp"
#include "runtime/base/address_group.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::peers {
namespace {

constexpr std::uint32_t kBriefMax = 32;         // by then the wait has long reached its maximum
constexpr std::chrono::seconds kBriefPause{1};  // our choice: two bad round trips, in which the other side may hang up
static_assert(5 * kBriefPause <= kGuestTime, "a guest is pinged and may ask before it has to go");

}  // namespace

Peers::Peers(base::NodeId self, Policy policy, IdOf id_of)
    : self_(self), policy_(policy), id_of_(std::move(id_of)), book_(policy.known_max) {
  constexpr base::Duration zero{0};
  base::ensure(policy.health_period > zero && policy.exchange_period > zero && policy.rejoin_period > zero,
               "a period has a length");
  base::ensure(policy.links_target > 0 && policy.links_target <= kLinksMax,
               "links_target is positive, and within its limit");
}

base::Result<bool, RowError> Peers::load(const base::NodeId& id, base::ByteView bytes, Moment moment) {
  auto peer = parse(id, bytes, moment, id_of_);
  if (!peer.ok()) return peer.error();
  if (id == self_) return false;
  return book_.restore(std::move(peer).value());
}

Decisions Peers::start(const std::vector<Target>& seeds, base::Instant now, base::Random& random) {
  for (const Target& seed : seeds) {
    if (seeds_.size() < kSeedsMax && seed.id != self_) seeds_.push_back({.to = seed, .found = seed.id, .next_at = now});
  }
  health_due_ = now + spread(policy_.health_period, random);
  exchange_due_ = now + spread(policy_.exchange_period, random);
  rejoin_due_ = now + spread(policy_.rejoin_period, random);
  started_ = true;
  for (const auto& [id, peer] : book_.rows())
    if (peer.banned(now)) decisions_.push_back(Ban{id, *peer.banned_until, std::nullopt});
  return settle(now, random);
}

Decisions Peers::tick(base::Instant now, base::Random& random) { return settle(now, random); }

base::Instant Peers::next_at() const {
  base::Instant out = std::min({health_due_, rejoin_due_, links_due_, next_dial_at()});
  out = std::min(out, asked_ ? asked_due_ : exchange_due_);  // one request at a time, however short the period
  for (const auto& [ticket, dial] : dials_) out = std::min(out, dial.due);
  return out;
}

base::Instant Peers::next_link_at() const {
  base::Instant out = base::Instant::max();
  for (const auto& [id, link] : links_) out = std::min(out, due_of(link));
  return out;
}

base::Instant Peers::due_of(const Link& link) {
  constexpr base::Instant never = base::Instant::max();
  return std::min({link.pong_due.value_or(never), link.again_at.value_or(never), link.guest_until.value_or(never)});
}

Decisions Peers::linked(const LinkUp& up, base::Instant now, base::Random& random) {
  const auto known = links_.find(up.id);
  const bool again = known != links_.end();
  if (again && known->second.up == up) return settle(now, random);
  const bool own = is_own(up);
  bool guest = !own && !again && crowded();
  if (guest && welcome(up.id, now)) {
    if (const auto leaving = link_gives_way(up)) {
      mutations_->sometimes("peers: a peer of the largest address group made room");
      drop_link(*leaving, DropReason::too_many);
      guest = false;
    }
  }
  if (guest && guests_ >= kGuestsMax && welcome(up.id, now))
    if (const auto leaving = guest_gives_way(up)) drop_link(*leaving, DropReason::too_many);
  if (up.id == self_ || !welcome(up.id, now)) {
    mutations_->sometimes("peers: an unwelcome link was dropped");
    decisions_.push_back(Drop{up.id, banned_until(up.id, now) ? DropReason::banned : DropReason::by_command});
  } else if (guest && guests_ >= kGuestsMax) {
    decisions_.push_back(Drop{up.id, DropReason::too_many});
  } else {
    Link& link = links_[up.id];
    if (again) count(link, false);
    link.up = up;
    link.own |= own;
    count(link, true);
    candidate_at_.reset();
    if (!again) {
      link.since = now;
      // Pings it at once, unless its last link was brief: if it hangs up again, a following ping would dial it again.
      if (brief_.contains(up.id)) link.again_at = now + kBriefPause;
      else if (started_ && pinged_ < policy_.links_target) ping(up.id, link, now);
    }
    if (guest) visit(link, now + kGuestTime);
    else if (link.own) visit(link, std::nullopt);
    asked_for_.erase(up.id);
    retry_at_.erase(up.id);
    turned_us_away_.erase(up.id);
    Contact contact{up.key, up.nonce, {}};
    if (up.direction == Direction::outbound) contact.endpoint = up.remote;
    book_.linked(up.id, contact, now);
    links_due_ = std::min(links_due_, due_of(link));
  }
  return settle(now, random);
}

Decisions Peers::unlinked(const base::NodeId& id, LinkEnd how, base::Instant now, base::Random& random) {
  if (const auto at = links_.find(id); at != links_.end()) {
    const bool brief = at->second.up.direction == Direction::outbound && now - at->second.since < kSettled;
    forget_link(id);
    std::uint32_t times = 1;
    if (!brief) brief_.erase(id);
    else if (book_.find(id) != nullptr) times = brief_[id] = std::min(brief_[id] + 1, kBriefMax);
    if (brief && how == LinkEnd::hung_up && brief_.contains(id)) turned_us_away_.insert(id);
    retry_at_.insert_or_assign(id, now + backoff(kRetryMin, kSettled, times, random));
  }
  asked_for_.erase(id);
  return settle(now, random);
}

void Peers::visit(Link& link, std::optional<base::Instant> until) {
  guests_ += until.has_value();
  guests_ -= link.guest_until.has_value();
  link.guest_until = until;
}

bool Peers::crowded() const { return links_.size() - guests_ >= kLinksMax; }

// Attackers may have named any number of their nodes to another domain. So a link dialled for a domain is own only
// while there are few links, or few of its address group.
bool Peers::is_own(const LinkUp& up) const {
  if (up.direction == Direction::inbound) return counts_as_dialled(up);
  if (links_.size() <= policy_.links_target || dialling(up.id) || asked_for_.contains(up.id)) return true;
  const auto group = base::group_of(up.remote);
  const auto of_group = std::ranges::count_if(links_, [&](const auto& one) {
    return one.second.own && one.first != up.id && base::group_of(one.second.up.remote) == group;
  });
  return static_cast<std::size_t>(of_group) < kDialledOfGroupMax;
}

// A peer that this node has dialled before counts, but only few per address group: an attacker with many ids gets them
// all dialled once, and they come back by themselves.
bool Peers::counts_as_dialled(const LinkUp& up) const {
  const KnownPeer* const known = book_.find(up.id);
  if (known == nullptr || !known->proven()) return false;
  const auto group = base::group_of(up.remote);
  std::size_t of_group = 0, in_all = 0;
  for (const auto& [id, link] : links_) {
    if (!link.own || link.up.direction == Direction::outbound || id == up.id) continue;
    ++in_all;
    of_group += base::group_of(link.up.remote) == group;
  }
  return of_group < kDialledOfGroupMax && in_all < (policy_.links_target + 1) / 2;
}

// Returns the peer with the least `order` in the largest address group, among peers that `may`. Yields only to a
// smaller group: otherwise peers of equal groups would displace each other forever.
template <class May, class Order>
std::optional<base::NodeId> Peers::gives_way(const LinkUp& to, May may, Order order) const {
  std::map<base::AddressGroup, std::vector<base::NodeId>> groups;
  for (const auto& [id, link] : links_)
    if (may(id, link)) groups[base::group_of(link.up.remote)].push_back(id);
  const auto most = std::ranges::max_element(groups, {}, [](const auto& one) { return one.second.size(); });
  const auto own = groups.find(base::group_of(to.remote));
  const std::size_t there = own == groups.end() ? 0 : own->second.size();
  if (most == groups.end() || most->second.size() <= there + 1) return std::nullopt;
  return *std::ranges::min_element(most->second, {}, order);
}

std::optional<base::NodeId> Peers::link_gives_way(const LinkUp& to) const {
  return gives_way(
      to, [](const base::NodeId&, const Link& link) { return !link.own && !link.guest_until; }, std::identity());
}

std::optional<base::NodeId> Peers::guest_gives_way(const LinkUp& to) const {
  return gives_way(
      to,
      [this](const base::NodeId& id, const Link& link) {
        const bool asks = link.up.direction == Direction::outbound && owes_answer_(id);
        return link.guest_until && !asks;
      },
      [this](const base::NodeId& id) { return *links_.at(id).guest_until; });
}

void Peers::count(const Link& link, bool in) {
  const auto add = [in](std::size_t& to, bool one) { to = in ? to + one : to - one; };
  add(healthy_, link.healthy());
  add(own_, link.own);
  add(own_healthy_, link.own && link.healthy());
}

// Drops guests whose time is over, unless there is a free slot.
void Peers::expire_guests(base::Instant now) {
  std::vector<base::NodeId> leaving;
  for (auto& [id, link] : links_) {
    if (!link.guest_until || *link.guest_until > now) continue;
    if (!crowded()) visit(link, std::nullopt);
    else if (link.up.direction == Direction::outbound && owes_answer_(id)) visit(link, now + kGuestTime);
    else leaving.push_back(id);
  }
  for (const auto& id : leaving) drop_link(id, DropReason::too_many);
}

void Peers::forget_link(const base::NodeId& id) {
  const auto link = links_.find(id);
  count(link->second, false);
  candidate_at_.reset();
  if (link->second.answered) {
    if (left_.size() >= kLinksMax && !left_.contains(id))
      left_.erase(std::ranges::min_element(left_, {}, &std::pair<const base::NodeId, base::Instant>::second));
    left_.insert_or_assign(id, now_);  // the time of the last input: a minute does not matter here
  }
  visit(link->second, std::nullopt);
  links_.erase(link);
  book_.unlinked(id);
  if (asked_ == id) asked_.reset();
}

void Peers::drop_link(const base::NodeId& id, DropReason why) {
  if (!links_.contains(id)) return;
  forget_link(id);
  decisions_.push_back(Drop{id, why});
}

Decisions Peers::misbehaved(const base::NodeId& id, Violation violation, base::Instant now, base::Random& random) {
  add_points(id, violation, now);
  return settle(now, random);
}

void Peers::add_points(const base::NodeId& id, Violation violation, base::Instant now) {
  if (id == self_ || banned_until(id, now) || !scores_.add(id, violation, now)) return;
  const auto known = book_.ban(id, now);
  decisions_.push_back(Ban{id, known ? *known : scores_.ban(id, now), violation});
  drop_link(id, DropReason::banned);
}

std::optional<base::Instant> Peers::banned_until(const base::NodeId& id, base::Instant now) const {
  if (book_.banned(id, now)) return book_.find(id)->banned_until;
  return scores_.banned_until(id, now);
}

bool Peers::welcome(const base::NodeId& id, base::Instant now) const {
  const auto held = held_off_.find(id);
  return !banned_until(id, now) && (held == held_off_.end() || held->second <= now);
}

/// Lifts a ban for an operator. Returns false if nothing was noted here: the ban may be from before a restart.
bool Peers::forgive(const base::NodeId& id, base::Instant now) {
  const bool banned = banned_until(id, now).has_value();
  const bool scored = scores_.unban(id, now);
  const auto held = held_off_.find(id);
  const bool away = held != held_off_.end() && held->second > now;
  candidate_at_.reset();
  book_.unban(id);
  if (held != held_off_.end()) held_off_.erase(held);
  decisions_.push_back(Unban{id});
  return banned || scored || away;
}

base::Result<Peers::Connecting, CommandError> Peers::connect(const Target& to, base::Instant now,
                                                             base::Random& random) {
  if (to.id == self_) return CommandError::ourselves;
  if (to.id && links_.contains(*to.id)) return CommandError::linked;
  if (dials_by_person() >= kTargetsMax) return CommandError::busy;
  if (to.id) forgive(*to.id, now);
  const std::uint64_t ticket = dial(to, std::nullopt, true, now);
  return Connecting{ticket, settle(now, random)};
}

base::Result<Decisions, CommandError> Peers::drop(const base::NodeId& id, base::Instant now, base::Random& random) {
  if (!links_.contains(id)) return CommandError::not_linked;
  hold_off(id, now);
  drop_link(id, DropReason::by_command);
  return settle(now, random);
}

base::Result<Decisions, CommandError> Peers::forget(const base::NodeId& id, base::Instant now, base::Random& random) {
  if (links_.contains(id)) return CommandError::still_linked;
  const bool left = left_.erase(id) > 0;
  if (!book_.forget(id) && !left) return CommandError::unknown;
  retry_at_.erase(id);
  brief_.erase(id);
  turned_us_away_.erase(id);
  candidate_at_.reset();
  if (book_.rows().empty() && links_.empty()) met_ = false;
  return settle(now, random);
}

Peers::Unbanned Peers::unban(const base::NodeId& id, base::Instant now, base::Random& random) {
  const bool lifted = forgive(id, now);
  return {lifted, settle(now, random)};
}

void Peers::hold_off(const base::NodeId& id, base::Instant now) {
  if (mutations_->on("peers.dropped_is_welcome")) return;
  if (held_off_.size() >= kHeldOffMax) {
    candidate_at_.reset();
    held_off_.erase(std::min_element(held_off_.begin(), held_off_.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; }));
  }
  held_off_.insert_or_assign(id, now + kHoldOff);
}

std::vector<PeerView> Peers::view(base::Instant now) const {
  std::map<base::NodeId, PeerView> out;
  for (const auto& [id, peer] : book_.rows()) {
    PeerView& line = out[id];
    line = {id, peer.contact.endpoint, state_of(id, now), peer.rtt, std::nullopt};
    if (peer.met()) line.last_heard = peer.last_seen;
  }
  for (const auto& [id, until] : scores_.banned(now)) out.try_emplace(id, PeerView{id, {}, State::banned, {}, {}});
  for (const auto& [id, link] : links_) {
    PeerView& line = out[id];
    if (!line.endpoint.dialable()) line.endpoint = link.up.remote;
    line = {id, line.endpoint, state_of(id, now), link.rtt ? link.rtt : line.rtt, link.up.direction};
  }
  std::vector<PeerView> lines;
  for (auto& [id, line] : out) {
    line.score = scores_.score(id, now);
    line.banned_until = banned_until(id, now);
    lines.push_back(line);
  }
  return lines;
}

std::vector<Contact> Peers::reachable(base::Instant now) const {
  std::vector<Contact> out;
  for (const auto& [id, peer] : book_.rows()) {
    if (!banned_until(id, now) && (peer.contact.endpoint.dialable() || links_.contains(id)))
      out.push_back(peer.contact);
  }
  return out;
}

base::Result<Contact, Nowhere> Peers::whereabouts(const base::NodeId& id, base::Instant now) const {
  const KnownPeer* const peer = book_.find(id);
  if (peer == nullptr || !peer->contact.endpoint.dialable()) return Nowhere::unknown;
  if (!welcome(id, now)) return Nowhere::unwelcome;
  if (turned_us_away_.contains(id)) {
    const auto waits = retry_at_.find(id);
    if (waits != retry_at_.end() && waits->second > now) return Nowhere::turned_us_away;
  }
  return peer->contact;
}

std::optional<base::Bytes> Peers::row(const base::NodeId& id, Moment moment) const {
  const KnownPeer* const peer = book_.find(id);
  if (peer == nullptr) return std::nullopt;
  return encode(*peer, moment);
}

// Applies the changes by time first, then makes all decisions that follow from the changes.
Decisions Peers::settle(base::Instant now, base::Random& random) {
  now_ = std::max(now_, now);
  if (started_) {
    expire_dials(now, random);
    // A node with hundreds of links gets inputs all the time, and most of them concern one link.
    if (now >= links_due_ || now >= health_due_) {
      expire_pings(now);
      expire_guests(now);
      ping_some(now, random);
      links_due_ = next_link_at();
    }
    rejoin(now, random);
    exchange(now, random);
    dial_seeds(now);
    dial_more(now, random);
  }
  wake_at_ = started_ ? next_at() : base::Instant::max();
  const AddressBook::Changes changes = book_.take_changes();
  for (const auto& id : changes.erase) decisions_.push_back(EraseRow{id});
  for (const auto& id : changes.save) decisions_.push_back(SaveRow{id});
  check();
  return std::exchange(decisions_, {});
}

// Once a health period: forgets notes about peers that are no longer known, and notes that have expired.
void Peers::forget_old(base::Instant now) {
  candidate_at_.reset();
  book_.prune(now);
  std::erase_if(held_off_, [&](const auto& entry) { return entry.second <= now; });
  std::erase_if(left_, [&](const auto& entry) { return now - entry.second >= kFresh; });
  std::erase_if(retry_at_, [&](const auto& entry) { return entry.second <= now || !book_.find(entry.first); });
  std::erase_if(brief_, [&](const auto& entry) { return !book_.find(entry.first); });
  std::erase_if(turned_us_away_, [&](const auto& id) { return !brief_.contains(id); });
  scores_.prune(now);
}

void Peers::check() const {
  base::ensure(dials_.size() <= kDialsMax + kTargetsMax, "dials are limited");
  base::ensure(left_.size() <= kLinksMax, "peers that left are remembered for a while, in a limited number");
  base::ensure(held_off_.size() <= kHeldOffMax, "hold-offs are limited");
  base::ensure(own_healthy_ <= own_ && own_healthy_ <= healthy_ && own_ <= links_.size(), "own links are links");
}

}  // namespace troupe::peers
