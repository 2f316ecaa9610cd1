#include "actors/files/logic/owners.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::files {
namespace {

using base::append;
using base::append_number;

constexpr std::uint8_t kOwnerRow = 'c';  // with the claims, so that both are read at once
constexpr std::uint8_t kFormat = 2;
constexpr std::uint8_t kReleased = 1;
constexpr std::size_t kOwnerKeyBytes = 1 + base::NodeId::kBytes;

base::Bytes key_of(const base::NodeId& owner) {
  base::Bytes out{kOwnerRow};
  append(out, owner.view());
  return out;
}

}  // namespace

Owners::Owners(const ClaimsLimits& limits)
    : limits_(limits),
      space_(limits.space_bytes, {.bound_part = 4, .reserve = base::Reserve::none}),
      places_(limits.claims_max) {}

bool Owners::owns(base::ByteView key) { return key.size() == 1 || key.size() == kOwnerKeyBytes; }

base::Result<void, RowError> Owners::load(const Row& row) {
  RowReader key(row.key);
  RowReader value(row.value);
  if (key.byte() != kOwnerRow || value.byte() != kFormat) return RowError::corrupt;
  const std::uint32_t day = value.number32();
  const std::uint32_t days = value.number32();
  if (day > kDayMax) return RowError::corrupt;
  if (row.key.size() == 1) {
    if (!value.ended()) return RowError::corrupt;
    today_ = today_written_ = day;
    days_written_ = days;
    days_ = std::max(days_, days);
    return {};
  }
  const base::NodeId id = key.node();
  const std::uint8_t flags = value.byte();
  const base::AddressGroup group{value.array<16>()};
  if (!key.ended() || !value.ended() || flags > kReleased) return RowError::corrupt;
  Owner& owner = owners_[id];
  move(id, owner, group);
  owner.heard_day = day;
  owner.ran_day = days;
  owner.released = flags == kReleased;
  owner.row = true;
  owner.dirty = false;
  days_ = std::max(days_, days);
  return {};
}

/// After a clock was set back, counting restarts from there. A date in the future would stop the count of days.
void Owners::begin_day(std::uint32_t day) {
  if (day > today_ || days_ == 0) ++days_;
  today_ = day;
  for (auto& [id, owner] : owners_) {
    if (!begun_ && !owner.row) {
      owner.heard_day = today_;
      owner.ran_day = days_;
    }
    if (owner.released && !owner.holds() && over(owner)) owner.released = false;
  }
  begun_ = true;
  std::erase_if(owners_, [](const auto& one) {
    const Owner& owner = one.second;
    return !owner.holds() && !owner.row && !owner.released;
  });
}

void Owners::heard(const base::NodeId& id, const base::AddressGroup& group) {
  const auto known = owners_.find(id);
  if (known == owners_.end() || id == limits_.self) return;
  Owner& owner = known->second;
  if (owner.group != group) move(id, owner, group);
  if (owner.released || (owner.heard_day == today_ && owner.ran_day == days_)) return;
  owner.heard_day = today_;
  owner.ran_day = days_;
  owner.dirty = true;
}

/// Its data counts for the address group of its last request.
void Owners::move(const base::NodeId& id, Owner& owner, const base::AddressGroup& group) {
  const auto before = user(id, owner);
  const std::uint64_t bytes = space_.held(before);
  const std::uint64_t claims = places_.held(before);
  space_.release(before, bytes);
  places_.release(before, claims);
  owner.group = group;
  space_.hold(user(id, owner), bytes);
  places_.hold(user(id, owner), claims);
}

Owners::Owner& Owners::find_or_add(const base::NodeId& id) {
  const auto [owner, fresh] = owners_.try_emplace(id);
  if (fresh) {
    owner->second.heard_day = today_;
    owner->second.ran_day = days_;
    owner->second.dirty = true;
  }
  return owner->second;
}

void Owners::fit_space(std::uint64_t room) {
  const std::uint64_t left = limits_.space_bytes - std::min(limits_.space_bytes, space_.used());
  space_.resize(std::min(limits_.space_bytes, space_.used() + std::min(room, left)));
}

base::Result<void, OwnerRefusal> Owners::reserve(const base::NodeId& id, const base::AddressGroup& group,
                                                 std::uint64_t bytes) {
  heard(id, group);
  Owner unknown;
  unknown.group = group;
  const auto known = owners_.find(id);
  const Owner& as_is = known == owners_.end() ? unknown : known->second;
  if (as_is.released) return OwnerRefusal::released;
  const std::uint64_t taken = as_is.bytes + as_is.reserved_bytes;
  if (taken > limits_.quota_bytes || bytes > limits_.quota_bytes - taken) return OwnerRefusal::quota;
  if (id != limits_.self && !space_.fits(user(id, as_is), bytes)) return OwnerRefusal::space;
  if (!places_.fits(user(id, as_is), 1)) return OwnerRefusal::claims;
  Owner& owner = find_or_add(id);
  if (!owner.holds()) owner.group = group;
  owner.reserved_bytes += bytes;
  ++owner.reserved_claims;
  ++reserved_;
  hold(id, owner, bytes);
  return {};
}

void Owners::unreserve(const base::NodeId& id, std::uint64_t bytes) {
  const auto owner = owners_.find(id);
  base::ensure(owner != owners_.end() && owner->second.reserved_claims > 0 && owner->second.reserved_bytes >= bytes,
               "a plan ends once");
  let_go(id, owner->second, bytes);
  owner->second.reserved_bytes -= bytes;
  --owner->second.reserved_claims;
  --reserved_;
  forget_if_empty(owner);
}

void Owners::add(const base::NodeId& id, std::uint64_t bytes, std::uint64_t contents) {
  Owner& owner = find_or_add(id);
  owner.bytes += bytes;
  owner.contents += contents;
  ++owner.claims;
  ++claims_;
  hold(id, owner, bytes);
}

void Owners::remove(const base::NodeId& id, std::uint64_t bytes, std::uint64_t contents) {
  const auto owner = owners_.find(id);
  base::ensure(owner != owners_.end() && owner->second.bytes >= bytes && owner->second.contents >= contents &&
                   owner->second.claims > 0,
               "an owner uses what it claims");
  let_go(id, owner->second, bytes);
  owner->second.bytes -= bytes;
  owner->second.contents -= contents;
  --owner->second.claims;
  --claims_;
  forget_if_empty(owner);
}

void Owners::hold(const base::NodeId& id, const Owner& owner, std::uint64_t bytes) {
  if (id != limits_.self) space_.hold(user(id, owner), bytes);
  places_.hold(user(id, owner), 1);
}

void Owners::let_go(const base::NodeId& id, const Owner& owner, std::uint64_t bytes) {
  if (id != limits_.self) space_.release(user(id, owner), bytes);
  places_.release(user(id, owner), 1);
}

/// An owner whose row is on disk stays until the row is erased.
void Owners::forget_if_empty(std::map<base::NodeId, Owner>::iterator owner) {
  if (!owner->second.holds() && !owner->second.row && !owner->second.released) owners_.erase(owner);
}

std::optional<Change> Owners::plan_release(const base::NodeId& id) const {
  const auto known = owners_.find(id);
  if (known == owners_.end() || !known->second.holds()) return std::nullopt;
  Owner owner = known->second;
  owner.released = true;
  owner.ran_day = days_;
  return Change{{row_of(id, owner)}, {}};
}

bool Owners::ending(const base::NodeId& id) const {
  const auto owner = owners_.find(id);
  return owner != owners_.end() && id != limits_.self && (owner->second.released || over(owner->second));
}

std::optional<base::NodeId> Owners::next_ending(const std::optional<base::NodeId>& behind) const {
  for (auto one = behind ? owners_.upper_bound(*behind) : owners_.begin(); one != owners_.end(); ++one)
    if (one->second.claims > 0 && ending(one->first)) return one->first;
  return std::nullopt;
}

Change Owners::plan_rows(std::size_t max) const {
  Change out;
  if (days_written_ != days_ || today_written_ != today_) {
    Row row{{kOwnerRow}, {kFormat}};
    append_number(row.value, today_);
    append_number(row.value, days_);
    out.save.push_back(std::move(row));
  }
  for (const auto& [id, owner] : owners_) {
    if (out.save.size() + out.erase.size() >= max) break;
    if (id == limits_.self) continue;
    const bool needed = owner.holds() || owner.released;
    if (!needed && owner.row) out.erase.push_back(key_of(id));
    if (needed && owner.dirty) out.save.push_back(row_of(id, owner));
  }
  return out;
}

Row Owners::row_of(const base::NodeId& id, const Owner& owner) {
  Row row{key_of(id), {kFormat}};
  append_number(row.value, owner.heard_day);
  append_number(row.value, owner.ran_day);
  row.value.push_back(owner.released ? kReleased : 0);
  append(row.value, owner.group.prefix);
  return row;
}

void Owners::apply_saved(const Row& row) {
  RowReader value(row.value);
  value.byte();
  const std::uint32_t day = value.number32();
  const std::uint32_t days = value.number32();
  if (row.key.size() == 1) {
    today_written_ = day;
    days_written_ = days;
    return;
  }
  const auto id = base::NodeId::from(base::ByteView(row.key).subspan(1));
  base::ensure(id.has_value(), "a row of an owner has its id");
  Owner& owner = find_or_add(*id);  // it may have ended since: then its row is erased next
  owner.row = true;
  if (value.byte() == kReleased && !owner.released) {
    owner.released = true;
    owner.ran_day = days;
  }
  owner.dirty = owner.heard_day != day || owner.ran_day != days;
}

void Owners::apply_erased(base::ByteView key) {
  const auto id = base::NodeId::from(key.subspan(1));
  const auto owner = id ? owners_.find(*id) : owners_.end();
  base::ensure(owner != owners_.end(), "an erased row belongs to an owner");
  owner->second.row = false;
  owner->second.dirty = true;  // it may have come back since
  forget_if_empty(owner);
}

std::uint64_t Owners::used(const base::NodeId& id) const {
  const auto owner = owners_.find(id);
  return owner == owners_.end() ? 0 : owner->second.bytes;
}

base::AddressGroup Owners::group(const base::NodeId& id) const {
  const auto owner = owners_.find(id);
  return owner == owners_.end() ? base::AddressGroup{} : owner->second.group;
}

std::vector<OwnerHeld> Owners::list(const std::optional<base::NodeId>& behind, std::size_t max) const {
  std::vector<OwnerHeld> out;
  auto at = behind ? owners_.upper_bound(*behind) : owners_.begin();
  for (; at != owners_.end() && out.size() < max; ++at) {
    const Owner& owner = at->second;
    if (owner.claims > 0) out.push_back({at->first, owner.contents, owner.bytes, owner.claims, owner.heard_day});
  }
  return out;
}

void Owners::check() const {
  base::ensure(places_.used() == claims_ + reserved_, "each claim, written or reserved, has one slot");
  base::ensure(claims_ + reserved_ == 0 || !owners_.empty(), "each claim has an owner");
}

}  // namespace troupe::files
