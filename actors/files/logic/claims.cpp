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

Claims::Claims(const ClaimsLimits& limits, const base::Mutations& mutations) : limits_(limits), mutations_(mutations) {}

base::Result<void, RowError> Claims::load(const Row& row, base::Instant now) {
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
                                                       Payload payload, base::Instant now) {
  if (claim.kind == ClaimKind::put && ended_puts_.contains(claim)) return ClaimError::ended;
  if (busy_.contains(key)) return ClaimError::busy;
  const auto held = contents_.find(key);
  const bool here = held != contents_.end();
  if (!here && payload == Payload::none) return ClaimError::absent;
  ClaimPlan plan;
  if (has(key, claim)) {
    if (claim.kind == ClaimKind::put) puts_[claim] = now;
    return plan;
  }
  if (here && held->second.claims.size() >= limits_.claims_per_content_max) return ClaimError::full;
  if (claims_ + claims_reserved_ >= limits_.claims_max) return ClaimError::full;
  const std::uint32_t stored = here ? held->second.bytes : bytes;
  base::ensure(length_fits(key, stored), "a content that is claimed has been verified");
  const std::uint64_t charge = here && owner_claims(held->second, claim.owner) ? 0 : stored;
  const auto reserved = reserved_.find(claim.owner);
  const std::uint64_t taken = used(claim.owner) + (reserved == reserved_.end() ? 0 : reserved->second);
  if (charge > 0 && taken + charge > limits_.quota_bytes) return ClaimError::quota;
  if (claim.kind == ClaimKind::put) puts_[claim] = now;
  if (charge > 0) reserved_[claim.owner] += charge;
  ++claims_reserved_;
  ++claiming_[claim];
  busy_.insert(key);
  plan.change.save.push_back(row(key, claim, stored));
  if (!here) plan.store.push_back(key);
  plan.busy.push_back(key);
  plan.reserved = charge;
  plan.claiming = claim;
  return plan;
}

/// Locks what the plan is about: contents of the claim that no other plan is about, up to kSliceMax.
void Claims::select(const Claim& claim, ClaimPlan& plan) {
  const auto keys = by_claim_.find(claim);
  plan.more = claiming_.contains(claim) || binding_.contains(claim);
  if (keys == by_claim_.end()) {
    if (!plan.more) puts_.erase(claim);
    return;
  }
  for (const ContentKey& key : keys->second) {
    if (plan.busy.size() == kSliceMax) {
      plan.more = true;
      break;
    }
    if (busy_.contains(key)) {
      plan.more = true;
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

void Claims::note_ended(const Claim& put) {
  if (!ended_puts_.insert(put).second) return;
  ended_in_order_.push_back(put);
  if (ended_in_order_.size() <= kEndedPutsMax) return;
  ended_puts_.erase(ended_in_order_.front());
  ended_in_order_.pop_front();
}

ClaimPlan Claims::plan_bind(const base::NodeId& owner, const PutId& put, const Cid& cid, base::Instant now) {
  const Claim from = Claim::put(owner, put);
  const Claim to = Claim::file(owner, cid);
  ClaimPlan plan;
  select(from, plan);
  if (!plan.busy.empty()) {
    puts_[from] = now;
    // A release of the claim for the file must not be answered meanwhile that there is none.
    plan.binding = to;
    ++binding_[to];
  }
  for (const ContentKey& key : plan.busy) {
    plan.change.save.push_back(row(key, to, contents_.at(key).bytes));
    plan.change.erase.push_back(row_key(key, from));
  }
  return plan;
}

/// Writes come first: an owner whose claim moves from a put to its file is never without one in between.
void Claims::apply(const ClaimPlan& plan) {
  for (const Row& written : plan.change.save) {
    const auto parsed = parse_key(written.key);
    base::ensure(parsed.has_value(), "a plan of claims has rows of claims");
    insert(parsed->key, parsed->claim, base::load<std::uint32_t>(written.value, 0));
  }
  for (const base::Bytes& erased : plan.change.erase) {
    const auto parsed = parse_key(erased);
    base::ensure(parsed.has_value(), "a plan of claims has rows of claims");
    remove(parsed->key, parsed->claim);
  }
  unlock(plan);
}

void Claims::abandon(const ClaimPlan& plan) { unlock(plan); }

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
  --claims_reserved_;
  if (plan.reserved == 0) return;
  const auto reserved = reserved_.find(plan.claiming->owner);
  base::ensure(reserved != reserved_.end() && reserved->second >= plan.reserved, "a plan ends once");
  reserved->second -= plan.reserved;
  if (reserved->second == 0) reserved_.erase(reserved);
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

std::uint64_t Claims::used(const base::NodeId& owner) const {
  const auto used = used_.find(owner);
  return used == used_.end() ? 0 : used->second;
}

bool Claims::owner_claims(const ClaimedContent& held, const base::NodeId& owner) const {
  const auto at = std::lower_bound(held.claims.begin(), held.claims.end(), Claim{owner, ClaimKind::file, {}});
  return at != held.claims.end() && at->owner == owner;
}

void Claims::insert(const ContentKey& key, const Claim& claim, std::uint32_t bytes) {
  if (!by_claim_[claim].insert(key).second) return;
  ClaimedContent& held = contents_[key];
  if (held.claims.empty()) {
    held.bytes = bytes;
    bytes_ += bytes;
  }
  if (!owner_claims(held, claim.owner)) used_[claim.owner] += held.bytes;
  held.claims.insert(std::lower_bound(held.claims.begin(), held.claims.end(), claim), claim);
  ++claims_;
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
  --claims_;
  if (!owner_claims(held, claim.owner)) {
    const auto used = used_.find(claim.owner);
    base::ensure(used != used_.end() && used->second >= held.bytes, "an owner uses what it claims");
    used->second -= held.bytes;
    if (used->second == 0) used_.erase(used);
  }
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
  base::ensure(contents_.size() <= claims_ && by_claim_.size() <= claims_, "what is held is claimed");
  base::ensure(used_.size() <= by_claim_.size(), "only owners with claims use a quota");
  base::ensure(bytes_ == 0 || !used_.empty(), "the bytes held count against somebody's quota");
  base::ensure(claiming_.size() <= claims_reserved_ && claims_reserved_ <= plans && binding_.size() <= plans,
               "a place is reserved by plans that are under way");
  base::ensure(reserved_.size() <= claims_reserved_, "a quota is reserved by plans that are under way");
  base::ensure(plans > 0 || busy_.empty(), "a content is locked by plans that are under way");
}

}  // namespace troupe::files
