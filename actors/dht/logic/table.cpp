#include "actors/dht/logic/table.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"

namespace troupe::dht {
namespace {

const std::vector<Contact> kNobody;

}  // namespace

Table::Table(const Key& own, GroupLimits limits) : own_(own), limits_(limits) {}

base::Result<Range, OfferError> Table::offer(const Contact& who, Evidence evidence, base::Instant now) {
  const auto range = range_of(own_, who.id);
  if (!range) return OfferError::ourselves;
  BucketView* const row = views_[range->prefix].get();
  const Contact* const known = row == nullptr ? nullptr : row->find(who.id);
  heard_ = std::max(heard_, now);
  if (known != nullptr && known->where == who.where) {
    if (is_recent(row->told, who.id, evidence, now)) return OfferError::recent;
    row->told.insert_or_assign(who.id, Told{evidence, now});
    return *range;
  }
  if (known != nullptr && is_recent(row->told_elsewhere, who.id, evidence, now)) return OfferError::recent;
  if (known == nullptr && row != nullptr && row->full(evidence) && now < row->stranger_at + kTellGap)
    return OfferError::recent;
  expire(now);
  if (offers_.contains(who.id)) return OfferError::recent;
  const Group group = limits_.group_of(who.where.endpoint);
  std::size_t hint = 0;
  const bool moves_within =
      known != nullptr && limits_.group_of(known->where.endpoint) == group && row->holds(*known, evidence, hint);
  if (!moves_within && !has_room(group, evidence)) return OfferError::group_full;
  if (offers_.size() == kOffersMax) return OfferError::overloaded;
  offers_.emplace(who.id, Offer{group, evidence, moves_within, now + kOfferLife});
  if (!moves_within) count(group, evidence, 1);
  if (known != nullptr) row->told_elsewhere.insert_or_assign(who.id, Told{evidence, now});
  else if (row != nullptr) row->stranger_at = now;
  check();
  return *range;
}

bool Table::is_recent(const std::map<Key, Told>& told, const Key& id, Evidence evidence, base::Instant now) {
  const auto last = told.find(id);
  if (last == told.end() || now >= last->second.at + kTellGap) return false;
  return last->second.evidence == Evidence::answered || evidence == Evidence::asked_us;
}

std::vector<Key> Table::failing() const {
  std::vector<Key> out;
  for (const auto& row : views_)
    for (std::size_t i = 0; row != nullptr && i < row->failing; ++i) out.push_back(row->rest[i].id);
  return out;
}

void Table::settled(const Key& id) {
  const auto offer = offers_.find(id);
  if (offer != offers_.end()) forget_offer(offer);
}

std::vector<Key> Table::replace(Range range, const Listing& listing) {
  base::ensure(range.prefix < kRanges, "a listing belongs to a range of the space");
  auto& row = views_[range.prefix];
  const bool empty = listing.good.empty() && listing.rest.empty() && listing.claimed.empty();
  auto next = empty ? nullptr : std::make_unique<BucketView>();
  if (next != nullptr) {
    next->good = listing.good;
    next->seen = listing.seen;
    next->rest = listing.rest;
    next->failing = listing.failing;
    next->claimed = listing.claimed;
    for (const Contact& contact : next->good) next->high.push_back(contact.id.high());
    if (row != nullptr) {
      next->told = std::move(row->told);
      next->told_elsewhere = std::move(row->told_elsewhere);
      next->stranger_at = row->stranger_at;
    }
  }
  if (!listing.seen.empty()) heard_ = std::max(heard_, listing.seen.back());
  auto leave = recount(row.get(), next.get());
  for (const Listing::Silent& one : listing.silent)
    if (one.since < heard_) leave.push_back(one.id);
  row = std::move(next);
  if (row != nullptr && !row->good.empty()) depth_ = std::max<std::size_t>(depth_, range.prefix + 1U);
  while (depth_ > 0 && (views_[depth_ - 1] == nullptr || views_[depth_ - 1]->good.empty())) --depth_;
  check();
  return leave;
}

std::vector<Key> Table::recount(const BucketView* before, BucketView* after) {
  const auto each_of = [](const BucketView* row, const BucketView* unless_in, const auto& take) {
    if (row == nullptr) return;
    for (const auto* contacts : {&row->good, &row->rest, &row->claimed}) {
      const Evidence evidence = contacts == &row->claimed ? Evidence::asked_us : Evidence::answered;
      std::size_t hint = 0;
      for (const Contact& contact : *contacts)
        if (unless_in == nullptr || !unless_in->holds(contact, evidence, hint)) take(contact, evidence);
    }
  };
  each_of(after, before, [&](const Contact& contact, Evidence evidence) {
    count(limits_.group_of(contact.where.endpoint), evidence, 1);
    settled(contact.id);
  });
  each_of(before, after, [&](const Contact& contact, Evidence evidence) {
    count(limits_.group_of(contact.where.endpoint), evidence, -1);
    if (after == nullptr || after->find(contact.id) != nullptr) return;
    after->told.erase(contact.id);
    after->told_elsewhere.erase(contact.id);
  });
  size_ += after == nullptr ? 0 : after->good.size();
  size_ -= before == nullptr ? 0 : before->good.size();

  std::vector<Key> too_many;
  std::map<Group, std::size_t> leave;
  each_of(after, before, [&](const Contact& contact, Evidence evidence) {
    if (evidence == Evidence::asked_us) return;
    const Group group = limits_.group_of(contact.where.endpoint);
    if (group_counts_.at(group).proven <= limits_.table_max + leave[group]) return;
    ++leave[group];
    too_many.push_back(contact.id);
  });
  return too_many;
}

std::optional<Range> Table::failed(const Contact& whom) {
  const auto range = range_of(own_, whom.id);
  if (!range) return std::nullopt;
  BucketView* const row = views_[range->prefix].get();
  const Contact* const known = row == nullptr ? nullptr : row->find(whom.id);
  if (known == nullptr || *known != whom) return std::nullopt;
  row->told.erase(whom.id);  // so that its next answer is reported
  row->told_elsewhere.erase(whom.id);
  return range;
}

// The contacts found so far, nearest first.
struct Table::Collector {
  const Key& key;
  std::uint64_t key_high;
  std::span<const Contact*> out;
  std::size_t found = 0;

  bool full() const { return found == out.size(); }

  // Adds the nearest of `row`: all are farther than the contacts found before, and nearer than those of later rows.
  void add(const BucketView* row) {
    if (row == nullptr || full()) return;
    struct Near {
      std::uint64_t high;
      const Contact* contact;
    };
    std::array<Near, kContactsMax> near;
    const std::size_t count = std::min(row->good.size(), near.size());
    for (std::size_t i = 0; i < count; ++i) near[i] = {row->high[i] ^ key_high, &row->good[i]};
    const std::size_t wanted = std::min(count, out.size() - found);
    const auto nearer = [this](const Near& a, const Near& b) {
      if (a.high != b.high) return a.high < b.high;
      return base::distance(a.contact->id, key) < base::distance(b.contact->id, key);
    };
    const auto end = near.begin() + static_cast<std::ptrdiff_t>(count);
    std::partial_sort(near.begin(), near.begin() + static_cast<std::ptrdiff_t>(wanted), end, nearer);
    for (std::size_t i = 0; i < wanted; ++i) out[found++] = near[i].contact;
  }
};

std::size_t Table::closest(const Key& key, std::span<const Contact*> out) const {
  // Let `key` share s bits with us. View s agrees with the key in more bits than any other view. The views beyond s
  // agree with us at bit s, and view j leaves us at bit j: towards the key if the key differs from us there, otherwise
  // away from it. So next come the views that leave towards the key, in order, then those that leave away from it, in
  // reverse order. The views before s leave the key at their own bit: the later, the nearer.
  Collector near{key, key.high(), out};
  const std::size_t shared = std::min(shared_bits(own_, key), depth_);
  if (shared < depth_) near.add(views_[shared].get());
  for (std::size_t j = shared + 1; j < depth_ && !near.full(); ++j)
    if (bit_of(own_, j) != bit_of(key, j)) near.add(views_[j].get());
  for (std::size_t j = depth_; j > shared + 1 && !near.full(); --j)
    if (bit_of(own_, j - 1) == bit_of(key, j - 1)) near.add(views_[j - 1].get());
  for (std::size_t j = shared; j > 0 && !near.full(); --j) near.add(views_[j - 1].get());
  return near.found;
}

std::vector<Contact> Table::closest(const Key& key, std::size_t count) const {
  std::vector<const Contact*> near(std::min(count, size_));
  near.resize(closest(key, std::span(near)));
  std::vector<Contact> out;
  out.reserve(near.size());
  for (const Contact* contact : near) out.push_back(*contact);
  return out;
}

void Table::used(const Key& key, base::Instant now) {
  const auto range = range_of(own_, key);
  if (!range) return;
  auto& at = used_at_[range->prefix];
  at = std::max(at.value_or(now), now);
}

void Table::used_from(Range first, base::Instant now) {
  for (std::size_t i = first.prefix; i < kRanges; ++i) used_at_[i] = std::max(used_at_[i].value_or(now), now);
}

std::vector<Range> Table::stale(base::Instant now) const {
  std::vector<Range> out;
  for (std::size_t i = 0; i < depth_; ++i)
    if (!used_at_[i] || *used_at_[i] + kRefreshAfter <= now) out.push_back({static_cast<std::uint8_t>(i)});
  return out;
}

NetworkSize Table::network_size() const {
  std::vector<Key> nearest;
  for (std::size_t i = depth_; i > 0; --i) {
    const auto& row = good(Range{static_cast<std::uint8_t>(i - 1)});
    // A full bucket omits nodes: it would make the neighbourhood look thinner than it is.
    if (row.size() == kContactsMax && nearest.size() >= 3) break;
    for (const Contact& contact : row) nearest.push_back(contact.id);
    if (nearest.size() >= kContactsMax) break;
  }
  std::ranges::sort(nearest, {}, [this](const Key& id) { return base::distance(own_, id); });
  auto size = estimate_size(own_, nearest);
  size.nodes = std::max<std::uint64_t>(size.nodes, size_ + 1);
  return size;
}

std::optional<base::Instant> Table::seen(Range range, std::size_t place) const {
  const BucketView* const row = views_[range.prefix].get();
  if (row == nullptr || place >= row->seen.size()) return std::nullopt;
  return row->seen[place];
}

const std::vector<Contact>& Table::good(Range range) const {
  const BucketView* const row = views_[range.prefix].get();
  return row == nullptr ? kNobody : row->good;
}

const Contact* Table::find(const Key& id) const {
  const auto range = range_of(own_, id);
  const BucketView* const row = range ? views_[range->prefix].get() : nullptr;
  return row == nullptr ? nullptr : row->find(id);
}

const Contact* Table::BucketView::find(const Key& id) const {
  for (const auto* contacts : {&good, &rest, &claimed}) {
    const auto at = std::ranges::find(*contacts, id, &Contact::id);
    if (at != contacts->end()) return &*at;
  }
  return nullptr;
}

bool Table::BucketView::holds(const Contact& whom, Evidence evidence, std::size_t& hint) const {
  const auto among = [&](const std::vector<Contact>& contacts) {
    for (std::size_t i = 0; i < contacts.size(); ++i) {
      const std::size_t at = (hint + i) % contacts.size();
      if (contacts[at] != whom) continue;
      hint = at + 1;
      return true;
    }
    return false;
  };
  return evidence == Evidence::asked_us ? among(claimed) : among(good) || among(rest);
}

bool Table::has_room(const Group& group, Evidence evidence) const {
  const auto counted = group_counts_.find(group);
  if (counted == group_counts_.end()) return limits_.table_max > 0;
  const std::size_t in_the_way =
      counted->second.proven + (evidence == Evidence::asked_us ? counted->second.claimed : 0);
  return in_the_way < limits_.table_max;
}

void Table::forget_offer(std::map<Key, Offer>::iterator offer) {
  if (!offer->second.moves_within) count(offer->second.group, offer->second.evidence, -1);
  offers_.erase(offer);
}

void Table::expire(base::Instant now) {
  for (auto at = offers_.begin(); at != offers_.end();) {
    const auto next = std::next(at);
    if (at->second.expires <= now) forget_offer(at);
    at = next;
  }
}

void Table::count(const Group& group, Evidence evidence, std::ptrdiff_t change) {
  GroupCount& counted = group_counts_[group];
  (evidence == Evidence::answered ? counted.proven : counted.claimed) += static_cast<std::size_t>(change);
  if (counted.proven + counted.claimed == 0) group_counts_.erase(group);
}

void Table::check() const {
  base::ensure(offers_.size() <= kOffersMax, "offers in flight are limited");
  base::ensure(depth_ == 0 || !good(Range{static_cast<std::uint8_t>(depth_ - 1)}).empty(),
               "the deepest row has a contact");
}

}  // namespace troupe::dht
