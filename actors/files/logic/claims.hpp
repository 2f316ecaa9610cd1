#pragma once
// What this node stores for which owner. An object stays while any owner claims it.
//
// Claim   (owner, file or put) on an object. Stores claim for a put id, because the CID is known last; bind turns these
//         claims into claims for the CID. A put that is idle for put_idle_max is released, and can store nothing more.
// Shares  owners.hpp: an owner's quota, space and number of claims, and when its claims end.
// Order   plan, write and sync, then apply(), or abandon() if that failed. Objects of a plan are busy until then, so
//         they are not dropped while a claim on them is written.
// Limits  ClaimsLimits; a claim takes about 150 bytes of memory. Once half of the claims that one object may have are
//         used, the owners in an address group may have a quarter of them.
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

inline constexpr std::size_t kEndedPutsMax = 4096;       // our choice; beyond it the owner with the most loses one
inline constexpr std::size_t kEndedPutsOfOwnerMax = 64;  // the latest puts; older puts have nothing in flight
inline constexpr std::size_t kBusyPassedMax = 64;        // our choice: locked objects that a plan skips
inline constexpr std::size_t kSliceMax = 1024;           // objects per plan; our choice: a batch of about 200 KiB

enum class ClaimError : std::uint8_t {
  busy,      ///< another plan for this object is in progress: retry once it is applied
  absent,    ///< the bytes were not supplied, and this node does not have them
  quota,     ///< the owner would exceed its quota
  space,     ///< the owner would exceed the space for other nodes, or its share of it
  full,      ///< claims_max, a share of it, or a limit of the object is reached
  ended,     ///< that put was released: its messages in flight come too late
  released,  ///< the operator of this node has removed the owner's data
};

/// Whether the claiming node supplied the bytes (verified), or claims bytes that are stored here already.
enum class Payload : std::uint8_t { given, none };

/// Work for the disk, in this order: store the bytes, write the rows, and after their sync drop the bytes.
struct ClaimPlan {
  Change change;
  std::vector<ContentKey> store;  ///< at most one: its bytes are not here yet
  std::vector<ContentKey> drop;   ///< garbage once the rows are erased
  std::vector<ContentKey> busy;   ///< locked until apply() or abandon()
  std::optional<Claim> claiming;  ///< the claim to add; its slot and charge are reserved
  std::optional<Claim> binding;   ///< the claim that a put's claims will become
  std::uint64_t reserved = 0;     ///< charge of `claiming`
  bool more = false;              ///< some objects were left out, or a claim is being added: plan again after this plan
};

class Claims {
 public:
  explicit Claims(const ClaimsLimits& limits = {}, const base::Mutations& mutations = base::kNoMutations);

  /// Loads one row at start; `now` counts as the last contact of its put. Error: `corrupt`; the row is not used.
  base::Result<void, RowError> load(const Row& row, base::Instant now);

  /// Plans a claim on an object of `bytes` (a chunk's own length; a manifest's size). A claim may be repeated. `group`:
  /// the owner's address group.
  base::Result<ClaimPlan, ClaimError> plan_claim(const Claim& claim, const ContentKey& key, std::uint32_t bytes,
                                                 Payload payload, base::Instant now,
                                                 const base::AddressGroup& group = {});

  /// Plans to end a claim: up to kSliceMax of its objects. An object without other claims is dropped. An empty plan
  /// without `more` means that there is no such claim. A put's claim also ends the put. Mutant:
  /// `files.release_ignores_other_claims`.
  ClaimPlan plan_release(const Claim& claim);

  /// Plans to end up to kSliceMax claims of an owner that is ending. An empty plan without `more`: no claim is left.
  ClaimPlan plan_end(const base::NodeId& owner);

  /// Plans to turn a put's claims into claims for `cid`, up to kSliceMax objects.
  ClaimPlan plan_bind(const base::NodeId& owner, const PutId& put, const Cid& cid, base::Instant now);

  /// Applies a plan whose change is durable.
  void apply(const ClaimPlan& plan);
  /// Ends the reservation of a plan whose change was not written.
  void abandon(const ClaimPlan& plan);

  bool has(const ContentKey& key) const { return contents_.contains(key); }
  bool has(const ContentKey& key, const Claim& claim) const;
  bool has(const Claim& claim) const { return by_claim_.contains(claim); }
  /// Returns the number of objects stored under the claim.
  std::size_t contents(const Claim& claim) const {
    const auto keys = by_claim_.find(claim);
    return keys == by_claim_.end() ? 0 : keys->second.size();
  }
  /// Returns the bytes that count against the quota of `owner`, without reserved bytes.
  std::uint64_t used(const base::NodeId& owner) const { return owners_.used(owner); }
  /// Returns the owners. Rows that they plan are written like a plan's rows, and passed to their apply() one by one.
  Owners& owners() { return owners_; }
  const Owners& owners() const { return owners_; }
  /// Returns at most `max` objects in order, after `behind` or from the first.
  std::vector<ContentKey> list(const std::optional<ContentKey>& behind, std::size_t max) const;
  /// Returns this node if it claims the object, otherwise another claiming owner. The object is stored here.
  base::NodeId owner_of(const ContentKey& key) const;
  /// Returns the size of a stored object.
  std::uint32_t bytes_of(const ContentKey& key) const { return contents_.at(key).bytes; }
  std::uint64_t bytes() const { return bytes_; }
  std::size_t contents() const { return contents_.size(); }
  std::size_t claims() const { return owners_.claims(); }
  /// Returns the number of puts that have claims and are not bound yet.
  std::size_t puts() const;

  /// Returns at most `max` puts without contact for put_idle_max. Release them.
  std::vector<Claim> idle_puts(base::Instant now, std::size_t max) const;

  /// Checks the invariants; `plans` are in progress, neither applied nor abandoned.
  void check(std::size_t plans) const;

 private:
  struct ClaimedContent {
    std::uint32_t bytes = 0;
    std::vector<Claim> claims;  // sorted, so that an owner's claims are neighbours
  };

  /// Returns the number of that owner's claims.
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
  std::map<Claim, base::Instant> puts_;  // each put's last contact
  /// Released since the start, oldest first: a later store of such a put would leave a claim behind.
  std::map<base::NodeId, std::deque<base::Digest>> ended_puts_;
  std::size_t ended_count_ = 0;
  std::set<std::pair<std::size_t, base::NodeId>> ended_most_;  // number per owner: the owner with the most is last
  std::map<Claim, std::size_t> claiming_;                      // plans in progress that add an object to the claim
  std::map<Claim, std::size_t> binding_;  // plans in progress that bind a put's claims to the claim
  std::set<ContentKey> busy_;
  std::uint64_t bytes_ = 0;
};

}  // namespace troupe::files
