#include "actors/dht/logic/bucket.hpp"

#include <algorithm>
#include <utility>

#include "runtime/base/ensure.hpp"

namespace troupe::dht {
namespace {

bool only_asked(const Spare& spare) { return spare.evidence == Evidence::asked_us; }

base::Instant retry_at(const Listed& failing) {
  const std::uint32_t counted = std::min(failing.failures, kForgetFailures);
  return failing.failed_at + kRetryFailing * (std::int64_t{1} << (counted - kFailuresMax));
}

}  // namespace

Bucket::Bucket(const Key& own, Range range, GroupLimits limits) : own_(own), range_(range), limits_(limits) {
  base::ensure(range.prefix < kRanges, "a bucket covers a range of the space");
}

base::Result<std::vector<Ping>, BucketError> Bucket::hear(const Contact& who, Evidence evidence, base::Instant now) {
  if (const auto error = refusal(who, evidence)) return *error;
  if (evidence == Evidence::answered) std::erase_if(pings_, [&](const Ping& ping) { return ping.whom == who; });
  const auto listed = std::ranges::find(listed_, who.id, [](const Listed& one) { return one.contact.id; });
  if (listed != listed_.end()) {
    hear_listed(*listed, who, evidence, now);
  } else if (evidence == Evidence::answered) {
    place(who, now);
  } else {
    keep_spare(who, evidence, now);
  }
  auto out = pings_to_send(now);
  check();
  return out;
}

std::vector<Ping> Bucket::answered(const Contact& who, base::Instant now) {
  if (std::ranges::find(pings_, who, &Ping::whom) == pings_.end()) return {};
  const auto more = hear(who, Evidence::answered, now);
  return more.ok() ? more.value() : std::vector<Ping>{};
}

std::vector<Ping> Bucket::unasked(const Contact& who, base::Instant now) {
  const auto ping = std::ranges::find_if(pings_, [&](const Ping& one) { return one.whom == who; });
  if (ping == pings_.end()) return {};
  ping->answer_due = now + kPingTimeout;
  ping->refused = false;
  return {*ping};
}

void Bucket::refused(const Contact& who) {
  const auto ping = std::ranges::find(pings_, who, &Ping::whom);
  if (ping != pings_.end()) ping->refused = true;
}

std::optional<BucketError> Bucket::refusal(const Contact& who, Evidence evidence) const {
  if (range_of(own_, who.id) != range_) return BucketError::wrong_range;
  const Group group = limits_.group_of(who.where.endpoint);
  const auto rival = [&](const Contact& other) {
    return other.id != who.id && limits_.group_of(other.where.endpoint) == group;
  };
  auto rivals = std::ranges::count_if(listed_, rival, &Listed::contact);
  for (const Spare& spare : spares_)
    if (rival(spare.contact) && (evidence == Evidence::asked_us || !only_asked(spare))) ++rivals;
  if (static_cast<std::size_t>(rivals) >= limits_.bucket_max) return BucketError::group_full;
  return std::nullopt;
}

void Bucket::hear_listed(Listed& known, const Contact& who, Evidence evidence, base::Instant now) {
  const bool healthy = known.failures == 0 && !mutations_->on("dht.moves_at_once");
  if (known.contact != who && (evidence == Evidence::asked_us || healthy)) {
    known.elsewhere = who.where.endpoint;
    return;
  }
  if (known.contact != who) make_room_in_group(who);
  Listed heard = known;
  heard.contact = who;
  heard.heard = std::max(listed_.back().heard, now);
  if (evidence == Evidence::answered) {
    heard.failures = 0;
    heard.elsewhere.reset();
  }
  std::erase_if(listed_, [&](const Listed& one) { return one.contact.id == who.id; });
  listed_.push_back(heard);
}

void Bucket::place(const Contact& who, base::Instant now) {
  make_room_in_group(who);
  std::erase_if(spares_, [&](const Spare& one) { return one.contact.id == who.id; });
  if (listed_.size() == kContactsMax) {
    const auto failing = std::ranges::find_if(listed_, &Listed::failing);
    if (failing == listed_.end()) return keep_spare(who, Evidence::answered, now);
    listed_.erase(failing);
  }
  list(who, now);
}

void Bucket::keep_spare(const Contact& who, Evidence evidence, base::Instant now) {
  const auto known = std::ranges::find(spares_, who.id, [](const Spare& one) { return one.contact.id; });
  Spare spare{who, now, evidence};
  if (known != spares_.end()) {
    if (!only_asked(*known)) spare = Spare{known->contact, now, Evidence::answered};
    spares_.erase(known);
  }
  if (spares_.size() == kSparesMax) {
    auto oldest = std::ranges::find_if(spares_, only_asked);
    if (oldest == spares_.end() && only_asked(spare)) return;
    spares_.erase(oldest == spares_.end() ? spares_.begin() : oldest);
  }
  if (!spares_.empty()) spare.heard = std::max(spares_.back().heard, spare.heard);
  spares_.push_back(spare);
}

void Bucket::list(const Contact& who, base::Instant heard) {
  const auto later = std::ranges::upper_bound(listed_, heard, {}, &Listed::heard);
  listed_.insert(later, Listed{who, heard});
}

void Bucket::make_room_in_group(const Contact& who) {
  const Group group = limits_.group_of(who.where.endpoint);
  const auto rival = [&](const Contact& other) {
    return other.id != who.id && limits_.group_of(other.where.endpoint) == group;
  };
  auto rivals =
      std::ranges::count_if(listed_, rival, &Listed::contact) + std::ranges::count_if(spares_, rival, &Spare::contact);
  for (auto at = spares_.begin(); at != spares_.end() && static_cast<std::size_t>(rivals) >= limits_.bucket_max;) {
    if (only_asked(*at) && rival(at->contact)) {
      at = spares_.erase(at);
      --rivals;
    } else {
      ++at;
    }
  }
}

std::vector<Ping> Bucket::failed(const Key& id, base::Instant now) {
  const auto spare = std::ranges::find(spares_, id, [](const Spare& one) { return one.contact.id; });
  if (spare != spares_.end()) note_failure(Contact(spare->contact), now);
  if (const Listed* known = find_listed(id)) note_failure(Contact(known->contact), now);
  auto out = pings_to_send(now);
  check();
  return out;
}

std::vector<Ping> Bucket::forget(const Key& id, base::Instant now) {
  std::erase_if(spares_, [&](const Spare& one) { return one.contact.id == id; });
  std::erase_if(pings_, [&](const Ping& ping) { return ping.whom.id == id; });
  take_off(id);
  auto out = pings_to_send(now);
  check();
  return out;
}

std::vector<Ping> Bucket::expire(base::Instant now) {
  std::vector<Contact> silent;
  std::erase_if(pings_, [&](const Ping& ping) {
    const bool overdue = ping.answer_due <= now;
    if (overdue && !ping.refused) silent.push_back(ping.whom);
    return overdue;
  });
  for (const Contact& whom : silent) note_failure(whom, now);
  std::erase_if(spares_, [&](const Spare& spare) { return spare.heard + kSpareLife <= now; });
  auto out = pings_to_send(now);
  check();
  return out;
}

void Bucket::note_failure(const Contact& whom, base::Instant now) {
  std::erase_if(spares_, [&](const Spare& spare) { return spare.contact == whom; });
  const auto known = std::ranges::find(listed_, whom.id, [](const Listed& one) { return one.contact.id; });
  if (known == listed_.end()) return;
  if (known->elsewhere == whom.where.endpoint) known->elsewhere.reset();
  if (known->contact != whom) return;
  const base::Instant counts_from = known->failing() ? retry_at(*known) : known->failed_at + kFailureGap;
  if (known->failures > 0 && now < counts_from) return;
  ++known->failures;
  known->failed_before = std::exchange(known->failed_at, now);
  if (known->failing() && best_spare() != nullptr) take_off(Key(known->contact.id));
}

/// Returns the newest spare that has answered, or null.
const Spare* Bucket::best_spare() const {
  const auto spare = std::ranges::find_if_not(spares_.rbegin(), spares_.rend(), only_asked);
  return spare == spares_.rend() ? nullptr : &*spare;
}

void Bucket::take_off(const Key& gone) {
  if (std::erase_if(listed_, [&](const Listed& one) { return one.contact.id == gone; }) == 0) return;
  const Spare* const spare = best_spare();
  if (spare == nullptr) return;
  list(spare->contact, spare->heard);
  spares_.erase(spares_.begin() + (spare - spares_.data()));
}

std::vector<Ping> Bucket::pings_to_send(base::Instant now) {
  std::vector<Ping> out;
  const auto ping = [&](const Contact& whom) {
    if (pings_.size() == kPingsMax || pinged(whom.id)) return;
    out.push_back({whom, now + kPingTimeout});
    pings_.push_back(out.back());
  };
  for (const Listed& one : listed_) {
    if (!one.elsewhere) continue;
    Contact at = one.contact;
    if (one.failures > 0) at.where.endpoint = *one.elsewhere;
    ping(at);
  }
  if (has_room()) {
    for (auto spare = spares_.rbegin(); spare != spares_.rend(); ++spare)
      if (only_asked(*spare)) ping(spare->contact);
  }
  const base::Duration silent_max = has_room() || spares_.empty() ? kSilentMax : kQuietMax;
  if (const Listed* const one = longest_silent(); one != nullptr && one->heard + silent_max <= now) ping(one->contact);
  for (const Listed& one : listed_)
    if (one.failing() && retry_at(one) <= now) ping(one.contact);
  return out;
}

base::Instant Bucket::wake_at() const {
  auto out = base::Instant::max();
  for (const Ping& ping : pings_) out = std::min(out, ping.answer_due);
  for (const Spare& spare : spares_) out = std::min(out, spare.heard + kSpareLife);
  if (pings_.size() == kPingsMax) return out;  // a retry has to wait for a free ping
  for (const Listed& one : listed_) {
    if (one.failing() && !pinged(one.contact.id)) out = std::min(out, retry_at(one));
  }
  if (const Listed* const one = longest_silent(); one != nullptr && !pinged(one->contact.id))
    out = std::min(out, one->heard + kSilentMax);
  return out;
}

Listing Bucket::listing() const {
  Listing out;
  for (const Listed& one : listed_) {
    (one.failing() ? out.rest : out.good).push_back(one.contact);
    if (one.failures >= kForgetFailures) out.silent.push_back({one.contact.id, one.failed_before});
    if (!one.failing()) out.seen.push_back(one.heard);
  }
  out.failing = out.rest.size();
  for (const Spare& spare : spares_) (only_asked(spare) ? out.claimed : out.rest).push_back(spare.contact);
  return out;
}

bool Bucket::has_room() const {
  return listed_.size() < kContactsMax || std::ranges::any_of(listed_, &Listed::failing);
}

/// Failing contacts have their own ping schedule.
const Listed* Bucket::longest_silent() const {
  const auto at = std::ranges::find_if_not(listed_, &Listed::failing);
  return at == listed_.end() ? nullptr : &*at;
}

bool Bucket::pinged(const Key& id) const {
  return std::ranges::any_of(pings_, [&](const Ping& ping) { return ping.whom.id == id; });
}

const Listed* Bucket::find_listed(const Key& id) const {
  const auto at = std::ranges::find(listed_, id, [](const Listed& one) { return one.contact.id; });
  return at == listed_.end() ? nullptr : &*at;
}

void Bucket::check() const {
  base::ensure(listed_.size() <= kContactsMax && spares_.size() <= kSparesMax && pings_.size() <= kPingsMax,
               "a bucket keeps its limits");
  base::ensure(std::ranges::is_sorted(listed_, {}, &Listed::heard), "the longest silent contact comes first");
  base::ensure(std::ranges::is_sorted(spares_, {}, &Spare::heard), "the oldest spare comes first");
  std::vector<Key> ids;
  std::vector<Group> groups;
  const auto look_at = [&](const Contact& contact) {
    base::ensure(range_of(own_, contact.id) == range_, "a bucket covers only its own range");
    ids.push_back(contact.id);
    groups.push_back(limits_.group_of(contact.where.endpoint));
  };
  for (const Listed& one : listed_) look_at(one.contact);
  for (const Spare& spare : spares_) look_at(spare.contact);
  std::ranges::sort(ids);
  std::ranges::sort(groups);
  base::ensure(std::ranges::adjacent_find(ids) == ids.end(), "a contact is listed or spare");
  for (std::size_t i = limits_.bucket_max; i < groups.size(); ++i)
    base::ensure(groups[i] != groups[i - limits_.bucket_max], "an address group keeps its limit");
}

}  // namespace troupe::dht
