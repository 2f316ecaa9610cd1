#include "actors/files/logic/claims.hpp"

#include <algorithm>
#include <optional>

#include "actors/files/logic/contents.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::files {
namespace {

using base::append;
using base::append_number;

constexpr std::uint8_t kClaimRow = 'c';

base::Bytes row_key(const ContentKey& key, const Claim& claim) {
  base::Bytes out{kClaimRow};
  append_key(out, key);
  append(out, claim.owner.view());
  out.push_back(static_cast<std::uint8_t>(claim.kind));
  append(out, claim.name.view());
  return out;
}

Row row(const ContentKey& key, const Claim& claim, std::uint32_t bytes) {
  Row out{row_key(key, claim), {}};
  append_number(out.value, std::uint32_t{bytes});
  return out;
}

/// Returns the charge of an owner's first claim on an object, or of a further claim.
std::uint64_t charge_of(std::uint32_t bytes, bool first) {
  return first ? std::max<std::uint64_t>(bytes, kClaimBytesMin) : kClaimBytesMin;
}

ClaimError to_error(OwnerRefusal why) {
  switch (why) {
    case OwnerRefusal::quota: return ClaimError::quota;
    case OwnerRefusal::space: return ClaimError::space;
    case OwnerRefusal::claims: return ClaimError::full;
    case OwnerRefusal::released: return ClaimError::released;
  }
  base::ensure(false, "each refusal is one of the above");
  return ClaimError::full;
}

struct Parsed {
  ContentKey key;
  Claim claim;
};

std::optional<Parsed> parse_key(base::ByteView bytes) {
  RowReader reader(bytes);
  if (reader.byte() != kClaimRow) return std::nullopt;
  Parsed out;
  out.key = reader.content();
  out.claim.owner = reader.node();
  out.claim.kind = reader.claim_kind();
  out.claim.name = reader.digest();
  if (!reader.ended()) return std::nullopt;
  return out;
}

}  // namespace

Claims::Claims(const ClaimsLimits& limits, const base::Mutations& mutations)
    : limits_(limits), mutations_(mutations), owners_(limits) {}

base::Result<void, RowError> Claims::load(const Row& row, base::Instant now) {
  if (Owners::owns(row.key)) return owners_.load(row);
  const auto parsed = parse_key(row.key);
  RowReader value(row.value);
  const std::uint32_t bytes = value.number32();
  if (!parsed || !value.ended() || !length_fits(parsed->key, bytes)) return RowError::corrupt;
  const auto held = contents_.find(parsed->key);
  if (held != contents_.end() && held->second.bytes != bytes) return RowError::corrupt;
  insert(parsed->key, parsed->claim, bytes);
  if (parsed->claim.kind == ClaimKind::put) puts_[parsed->claim] = now;
  return {};
}

base::Result<ClaimPlan, ClaimError> Claims::plan_claim(const Claim& claim, const ContentKey& key, std::uint32_t bytes,
                                                       Payload payload, base::Instant now,
                                                       const base::AddressGroup& group) {
  if (claim.kind == ClaimKind::put && has_ended(claim)) return ClaimError::ended;
  if (busy_.contains(key)) return ClaimError::busy;
  const auto held = contents_.find(key);
  const bool here = held != contents_.end();
  if (!here && payload == Payload::none) return ClaimError::absent;
  ClaimPlan plan;
  if (has(key, claim)) {
    if (claim.kind == ClaimKind::put) puts_[claim] = now;
    return plan;
  }
  if (here && full(held->second, claim.owner, group)) return ClaimError::full;
  const std::uint32_t stored = here ? held->second.bytes : bytes;
  base::ensure(length_fits(key, stored), "an object that is claimed has been verified");
  const bool first = !here || claims_of(held->second, claim.owner) == 0;
  const std::uint64_t charge = charge_of(stored, first);
  if (const auto reserved = owners_.reserve(claim.owner, group, charge); !reserved.ok())
    return to_error(reserved.error());
  if (claim.kind == ClaimKind::put) puts_[claim] = now;
  ++claiming_[claim];
  busy_.insert(key);
  plan.change.save.push_back(row(key, claim, stored));
  if (!here) plan.store.push_back(key);
  plan.busy.push_back(key);
  plan.reserved = charge;
  plan.claiming = claim;
  return plan;
}

/// Returns whether that owner may add no further claim on the object.
bool Claims::full(const ClaimedContent& held, const base::NodeId& owner, const base::AddressGroup& group) const {
  const std::size_t max = limits_.claims_per_content_max;
  if (owner == limits_.self) return held.claims.size() >= max;
  if (held.claims.size() >= max - max / base::kReservePart) return true;
  if (claims_of(held, owner) >= limits_.claims_per_content_and_owner_max) return true;
  if (held.claims.size() < max / 2) return false;
  const auto of_group =
      std::ranges::count_if(held.claims, [&](const Claim& one) { return owners_.group(one.owner) == group; });
  return static_cast<std::size_t>(of_group) >= max / base::kGroupPart;
}

/// Locks objects of the claim that no other plan locks, up to kSliceMax. A few busy objects are skipped: they are free
/// after their commits, and many requests that wait for a large claim scan it after each commit.
void Claims::select(const Claim& claim, ClaimPlan& plan) {
  const auto keys = by_claim_.find(claim);
  plan.more = claiming_.contains(claim) || binding_.contains(claim);
  if (keys == by_claim_.end()) {
    if (!plan.more) puts_.erase(claim);
    return;
  }
  std::size_t passed = 0;
  for (const ContentKey& key : keys->second) {
    if (plan.busy.size() == kSliceMax || passed == kBusyPassedMax) {
      plan.more = true;
      break;
    }
    if (busy_.contains(key)) {
      plan.more = true;
      ++passed;
    } else {
      plan.busy.push_back(key);
    }
  }
  busy_.insert(plan.busy.begin(), plan.busy.end());
}

ClaimPlan Claims::plan_release(const Claim& claim) {
  ClaimPlan plan;
  if (claim.kind == ClaimKind::put) note_ended(claim);
  select(claim, plan);
  for (const ContentKey& key : plan.busy) {
    const bool last = contents_.at(key).claims.size() == 1;
    if (last || mutations_.on("files.release_ignores_other_claims")) plan.drop.push_back(key);
    if (!last) mutations_.sometimes("files: a content outlived one of its claims");
    plan.change.erase.push_back(row_key(key, claim));
  }
  return plan;
}

ClaimPlan Claims::plan_end(const base::NodeId& owner) {
  ClaimPlan plan;
  std::map<ContentKey, std::size_t> ended;  // number of claims on each
  std::size_t passed = 0;
  const auto enough = [&] { return plan.change.erase.size() == kSliceMax || passed == kBusyPassedMax; };
  for (auto at = by_claim_.lower_bound({owner, ClaimKind::file, {}}); at != by_claim_.end(); ++at) {
    const Claim& claim = at->first;
    if (claim.owner != owner || enough()) {
      plan.more = plan.more || claim.owner == owner;
      break;
    }
    if (claim.kind == ClaimKind::put) note_ended(claim);
    for (const ContentKey& key : at->second) {
      if (enough()) {
        plan.more = true;
        break;
      }
      if (busy_.contains(key)) {
        plan.more = true;
        ++passed;
        continue;
      }
      ++ended[key];
      plan.change.erase.push_back(row_key(key, claim));
    }
  }
  for (const auto& [key, claims] : ended) {
    plan.busy.push_back(key);
    if (contents_.at(key).claims.size() == claims) plan.drop.push_back(key);
  }
  busy_.insert(plan.busy.begin(), plan.busy.end());
  return plan;
}

bool Claims::has_ended(const Claim& put) const {
  const auto of_owner = ended_puts_.find(put.owner);
  return of_owner != ended_puts_.end() && std::ranges::find(of_owner->second, put.name) != of_owner->second.end();
}

/// Also for a put without stored objects: its store may arrive after the release.
void Claims::note_ended(const Claim& put) {
  if (has_ended(put)) return;
  std::deque<base::Digest>& of_owner = ended_puts_[put.owner];
  ended_most_.erase({of_owner.size(), put.owner});
  of_owner.push_back(put.name);
  ended_most_.emplace(of_owner.size(), put.owner);
  ++ended_count_;
  if (of_owner.size() > kEndedPutsOfOwnerMax) return forget_ended(put.owner);
  if (ended_count_ > kEndedPutsMax) forget_ended(base::NodeId(ended_most_.rbegin()->second));
}

/// Forgets the owner's oldest.
void Claims::forget_ended(const base::NodeId& owner) {
  const auto of_owner = ended_puts_.find(owner);
  ended_most_.erase({of_owner->second.size(), owner});
  of_owner->second.pop_front();
  --ended_count_;
  if (of_owner->second.empty()) ended_puts_.erase(of_owner);
  else ended_most_.emplace(of_owner->second.size(), owner);
}

ClaimPlan Claims::plan_bind(const base::NodeId& owner, const PutId& put, const Cid& cid, base::Instant now) {
  const Claim from = Claim::put(owner, put);
  const Claim to = Claim::file(owner, cid);
  ClaimPlan plan;
  select(from, plan);
  if (!plan.busy.empty()) {
    puts_[from] = now;
    // A concurrent release of the file's claim must not respond that there is none.
    plan.binding = to;
    ++binding_[to];
  }
  for (const ContentKey& key : plan.busy) {
    plan.change.save.push_back(row(key, to, contents_.at(key).bytes));
    plan.change.erase.push_back(row_key(key, from));
  }
  return plan;
}

/// Writes come first, so that an owner always has a claim while it moves from a put to its file.
void Claims::apply(const ClaimPlan& plan) {
  for (const Row& written : plan.change.save) {
    if (Owners::owns(written.key)) {
      owners_.apply_saved(written);
      continue;
    }
    const auto parsed = parse_key(written.key);
    base::ensure(parsed.has_value(), "a plan of claims has rows of claims");
    insert(parsed->key, parsed->claim, base::load<std::uint32_t>(written.value, 0));
  }
  for (const base::Bytes& erased : plan.change.erase) {
    if (Owners::owns(erased)) {
      owners_.apply_erased(erased);
      continue;
    }
    const auto parsed = parse_key(erased);
    base::ensure(parsed.has_value(), "a plan of claims has rows of claims");
    remove(parsed->key, parsed->claim);
  }
  unlock(plan);
}

/// A put without any result is not remembered: nothing would end it soon.
void Claims::abandon(const ClaimPlan& plan) {
  unlock(plan);
  if (plan.claiming && !claiming_.contains(*plan.claiming) && !by_claim_.contains(*plan.claiming))
    puts_.erase(*plan.claiming);
}

void Claims::unlock(const ClaimPlan& plan) {
  for (const ContentKey& key : plan.busy) busy_.erase(key);
  if (plan.binding) {
    const auto binding = binding_.find(*plan.binding);
    base::ensure(binding != binding_.end(), "a plan ends once");
    if (--binding->second == 0) binding_.erase(binding);
  }
  if (!plan.claiming) return;
  const auto claiming = claiming_.find(*plan.claiming);
  base::ensure(claiming != claiming_.end(), "a plan ends once");
  if (--claiming->second == 0) claiming_.erase(claiming);
  owners_.unreserve(plan.claiming->owner, plan.reserved);
}

bool Claims::has(const ContentKey& key, const Claim& claim) const {
  const auto keys = by_claim_.find(claim);
  return keys != by_claim_.end() && keys->second.contains(key);
}

std::vector<ContentKey> Claims::list(const std::optional<ContentKey>& behind, std::size_t max) const {
  std::vector<ContentKey> out;
  auto content = behind ? contents_.upper_bound(*behind) : contents_.begin();
  for (; content != contents_.end() && out.size() < max; ++content) out.push_back(content->first);
  return out;
}

base::NodeId Claims::owner_of(const ContentKey& key) const {
  const ClaimedContent& held = contents_.at(key);
  return claims_of(held, limits_.self) > 0 ? limits_.self : held.claims.front().owner;
}

std::size_t Claims::claims_of(const ClaimedContent& held, const base::NodeId& owner) {
  auto at = std::lower_bound(held.claims.begin(), held.claims.end(), Claim{owner, ClaimKind::file, {}});
  std::size_t out = 0;
  for (; at != held.claims.end() && at->owner == owner; ++at) ++out;
  return out;
}

void Claims::insert(const ContentKey& key, const Claim& claim, std::uint32_t bytes) {
  if (!by_claim_[claim].insert(key).second) return;
  ClaimedContent& held = contents_[key];
  if (held.claims.empty()) {
    held.bytes = bytes;
    bytes_ += bytes;
  }
  const bool first = claims_of(held, claim.owner) == 0;
  owners_.add(claim.owner, charge_of(held.bytes, first), first ? 1 : 0);
  held.claims.insert(std::lower_bound(held.claims.begin(), held.claims.end(), claim), claim);
}

void Claims::remove(const ContentKey& key, const Claim& claim) {
  const auto keys = by_claim_.find(claim);
  if (keys == by_claim_.end() || keys->second.erase(key) == 0) return;
  if (keys->second.empty()) {
    by_claim_.erase(keys);
    puts_.erase(claim);
  }
  const auto at = contents_.find(key);
  ClaimedContent& held = at->second;
  held.claims.erase(std::lower_bound(held.claims.begin(), held.claims.end(), claim));
  const bool last = claims_of(held, claim.owner) == 0;
  owners_.remove(claim.owner, charge_of(held.bytes, last), last ? 1 : 0);
  if (held.claims.empty()) {
    bytes_ -= held.bytes;
    contents_.erase(at);
  }
}

std::size_t Claims::puts() const {
  return static_cast<std::size_t>(
      std::count_if(puts_.begin(), puts_.end(), [&](const auto& put) { return has(put.first); }));
}

std::vector<Claim> Claims::idle_puts(base::Instant now, std::size_t max) const {
  std::vector<Claim> out;
  for (const auto& [claim, heard] : puts_) {
    if (out.size() == max) break;
    if (now - heard >= limits_.put_idle_max) out.push_back(claim);
  }
  return out;
}

void Claims::check(std::size_t plans) const {
  base::ensure(contents_.size() <= claims() && by_claim_.size() <= claims(), "each stored object is claimed");
  base::ensure(claiming_.size() <= owners_.reserved() && owners_.reserved() <= plans && binding_.size() <= plans,
               "only plans in progress reserve slots");
  base::ensure(plans > 0 || busy_.empty(), "only plans in progress lock objects");
  base::ensure(ended_puts_.size() == ended_most_.size(), "each owner of ended puts is found by their number");
  base::ensure(ended_puts_.size() <= ended_count_ && ended_count_ <= kEndedPutsMax, "few ended puts are remembered");
  owners_.check();
}

}  // namespace troupe::files
