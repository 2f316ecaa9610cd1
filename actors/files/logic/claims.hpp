#pragma once
// What this node holds for which owner: a content stays while any owner claims it.
//
// Claim   (owner, file or put) on a content. Stores claim for a put id, because the CID is known last; bind turns these
//         claims into claims for the CID. A put that is silent for put_idle_max is released, and takes nothing more.
// Shares  owners.hpp: what an owner may have of quota, space and claims, and when its claims end.
// Order   plan, write and sync, then apply(), or abandon() if that failed. A content is busy while a plan is under way,
//         so it is never dropped under a claim that is being written.
// Limits  ClaimsLimits; a claim takes about 150 bytes of memory. From half of the claims on one content on, owners of
//         an address group have a quarter of them.
// Owner   one holder actor; not thread-safe.
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "actors/files/api.hpp"
#include "actors/files/logic/owners.hpp"
#include "actors/files/logic/rows.hpp"
#include "runtime/base/mutations.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"

namespace troupe::files {

inline constexpr std::size_t kEndedPutsMax = 4096;       // our choice; beyond it the owner with most forgets one
inline constexpr std::size_t kEndedPutsOfOwnerMax = 64;  // the latest; older ones have nothing on its way
inline constexpr std::size_t kBusyPassedMax = 64;        // our choice: contents that other plans are about
inline constexpr std::size_t kSliceMax = 1024;           // contents a plan; our choice: a batch of some 200 KiB

enum class ClaimError : std::uint8_t {
  busy,      ///< another plan for this content is under way: come again when it is applied
  absent,    ///< the bytes were not given, and this node has not got them
  quota,     ///< the owner would exceed its quota
  space,     ///< the owner would exceed what this node holds for others, or its share of that
  full,      ///< claims_max, a share of it, or a limit of the content is reached
  ended,     ///< that put was released: what it still had under way comes too late
  released,  ///< the operator of this node has ended what it held for the owner
};

/// Whether the one who claims brought the bytes (verified) or relies on their being here.
enum class Payload : std::uint8_t { given, none };

/// What to do to the disk, in this order: store the bytes, write the rows, and after their sync drop the bytes.
struct ClaimPlan {
  Change change;
  std::vector<ContentKey> store;  ///< at most one: its bytes are not here yet
  std::vector<ContentKey> drop;   ///< garbage once the rows are erased
  std::vector<ContentKey> busy;   ///< locked until apply() or abandon()
  std::optional<Claim> claiming;  ///< the claim that is to be added; its place and charge are reserved
  std::optional<Claim> binding;   ///< the claim that those of a put are to become
  std::uint64_t reserved = 0;     ///< its charge
  bool more = false;              ///< not all could be taken, or a claim is being added: plan again after this one
};

class Claims {
 public:
  explicit Claims(const ClaimsLimits& limits = {}, const base::Mutations& mutations = base::kNoMutations);

  /// Takes one row at start, `now` standing for when its put was last heard of. Errors: `corrupt`, nothing taken.
  base::Result<void, RowError> load(const Row& row, base::Instant now);

  /// Plans a claim on a content of `bytes` (a chunk's own length; a manifest's size). Repeating a claim is fine.
  /// `group`: whence its owner asks.
  base::Result<ClaimPlan, ClaimError> plan_claim(const Claim& claim, const ContentKey& key, std::uint32_t bytes,
                                                 Payload payload, base::Instant now,
                                                 const base::AddressGroup& group = {});

  /// Plans to end a claim: its contents up to kSliceMax. A content without any other claim is dropped.
  /// Nothing to do and not `more` means that there is no such claim (any more). A put is over by that.
  /// Planted bug: `files.release_ignores_other_claims`.
  ClaimPlan plan_release(const Claim& claim);

  /// Plans to end up to kSliceMax claims of an owner that is ending. Nothing to do and not `more`: none is left.
  ClaimPlan plan_end(const base::NodeId& owner);

  /// Plans to turn the claims of a put into claims for `cid`, up to kSliceMax contents.
  ClaimPlan plan_bind(const base::NodeId& owner, const PutId& put, const Cid& cid, base::Instant now);

  /// The change is durable.
  void apply(const ClaimPlan& plan);
  /// The change was not written; nothing has happened but the reservation, which ends.
  void abandon(const ClaimPlan& plan);

  bool has(const ContentKey& key) const { return contents_.contains(key); }
  bool has(const ContentKey& key, const Claim& claim) const;
  bool has(const Claim& claim) const { return by_claim_.contains(claim); }
  /// How many contents are held under the claim.
  std::size_t contents(const Claim& claim) const {
    const auto keys = by_claim_.find(claim);
    return keys == by_claim_.end() ? 0 : keys->second.size();
  }
  /// Bytes that count against the quota of `owner`, without what is reserved.
  std::uint64_t used(const base::NodeId& owner) const { return owners_.used(owner); }
  /// Rows that are planned there are written like those of a plan, and given to apply() in one.
  Owners& owners() { return owners_; }
  const Owners& owners() const { return owners_; }
  /// The contents after `behind`, or from the first on: in their order, at most `max`.
  std::vector<ContentKey> list(const std::optional<ContentKey>& behind, std::size_t max) const;
  /// This node if it claims the content, otherwise one of those that do. The content is held.
  base::NodeId owner_of(const ContentKey& key) const;
  /// The size of a content that is held.
  std::uint32_t bytes_of(const ContentKey& key) const { return contents_.at(key).bytes; }
  std::uint64_t bytes() const { return bytes_; }
  std::size_t contents() const { return contents_.size(); }
  std::size_t claims() const { return owners_.claims(); }
  /// Puts that have claims and are not bound yet.
  std::size_t puts() const;

  /// The puts not heard of for put_idle_max, at most `max`: release them.
  std::vector<Claim> idle_puts(base::Instant now, std::size_t max) const;

  /// Ensures what must hold; `plans` are under way, neither applied nor abandoned.
  void check(std::size_t plans) const;

 private:
  struct ClaimedContent {
    std::uint32_t bytes = 0;
    std::vector<Claim> claims;  // sorted, so that those of one owner are neighbours
  };

  /// How many claims of that owner.
  static std::size_t claims_of(const ClaimedContent& held, const base::NodeId& owner);
  bool full(const ClaimedContent& held, const base::NodeId& owner, const base::AddressGroup& group) const;
  void insert(const ContentKey& key, const Claim& claim, std::uint32_t bytes);
  void remove(const ContentKey& key, const Claim& claim);
  void unlock(const ClaimPlan& plan);
  void select(const Claim& claim, ClaimPlan& plan);
  void note_ended(const Claim& put);
  void forget_ended(const base::NodeId& owner);
  bool has_ended(const Claim& put) const;

  const ClaimsLimits limits_;
  const base::Mutations& mutations_;
  std::map<ContentKey, ClaimedContent> contents_;
  std::map<Claim, std::set<ContentKey>> by_claim_;
  Owners owners_;
  std::map<Claim, base::Instant> puts_;  // when each put was last heard of
  /// Released since the start, the oldest first: a store of theirs may arrive after that, and its claim would stay.
  std::map<base::NodeId, std::deque<base::Digest>> ended_puts_;
  std::size_t ended_count_ = 0;
  std::set<std::pair<std::size_t, base::NodeId>> ended_most_;  // how many of each owner: whoever has most is last
  std::map<Claim, std::size_t> claiming_;                      // plans under way that add a content to the claim
  std::map<Claim, std::size_t> binding_;                       // plans under way that turn claims of a put into it
  std::set<ContentKey> busy_;
  std::uint64_t bytes_ = 0;
};

}  // namespace troupe::files
