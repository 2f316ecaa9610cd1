#pragma once
// The owners for which this node stores objects: how much it stores for each, how much more it may, and until when.
//
// Charge  of an object for its owner: its bytes, at least kClaimBytesMin; each further claim of that owner on it costs
//         kClaimBytesMin. A claim that is being written is charged as well.
// Space   the limit of all charges except this node's: space_bytes, or less on a smaller device. Once three quarters
//         are used, an owner may have 1/16 and an address group 1/4 (base::kIdPart, base::kGroupPart).
// Claims  their number is limited for all owners, with quotas as in base::ShareBudget. Its reserve is for this node.
// Days    an owner's claims end after kept_days without contact. Only days on which this node ran count: neither this
//         node's downtime nor a clock that jumps ends a claim.
// Rows    owner: format (1 byte, 2) · day of contact (4) · count of this node's days at that time (4) · flags (1; 1
//         released) · address group (16). Days: format (1, 2) · today (4) · count of this node's days (4). An owner
//         without a row has claims of format 1, or new claims: its contact is the start.
// Owner   Claims; not thread-safe.
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "actors/files/logic/rows.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/share_budget.hpp"
#include "runtime/base/time.hpp"

namespace troupe::files {

inline constexpr std::uint64_t kClaimBytesMin = 4'096;  // our choice: a page; its rows and memory take about 400 bytes

struct ClaimsLimits {
  base::NodeId self{};                                  // this node: it has no share limit, and its claims do not end
  std::uint64_t quota_bytes = 16ull << 30;              // of each owner; our choice: `files.quota_per_owner`
  std::uint64_t space_bytes = 256ull << 30;             // of all other owners; our choice: 1/16 of it is one quota
  std::size_t claims_max = 1u << 20;                    // our choice: 1 TiB in chunks of 1 MiB, 155 MiB of memory
  std::size_t claims_per_content_max = 1024;            // our choice: a list that is searched and shifted
  std::size_t claims_per_content_and_owner_max = 16;    // our choice: files of another node that share a chunk
  base::Duration put_idle_max = std::chrono::hours{1};  // our choice: far beyond any pause of a live put
  std::uint32_t kept_days = 30;                         // our choice: a holiday of the owner's node
};

enum class OwnerRefusal : std::uint8_t {
  quota,     ///< the owner would exceed its quota
  space,     ///< the space for other nodes is used up, or the owner's share of it
  claims,    ///< all claims are used up, or the owner's share
  released,  ///< the operator of this node has removed the owner's data
};

/// The data stored for one owner.
struct OwnerHeld {
  base::NodeId owner;
  std::uint64_t contents = 0;
  std::uint64_t bytes = 0;  ///< as charged
  std::uint64_t claims = 0;
  std::uint32_t heard_day = 0;
};

class Owners {
 public:
  explicit Owners(const ClaimsLimits& limits);

  /// Loads a row at start, in any order with claims. Error: `corrupt`; the row is not used.
  base::Result<void, RowError> load(const Row& row);
  static bool owns(base::ByteView key);  ///< whether it is the key of a row of an owner, or of days

  /// Records that this node runs on `day`. Call it after the rows were read, and every day.
  void begin_day(std::uint32_t day);
  /// Records contact of an owner from an address in `group`. Does nothing if the owner has no claims.
  void heard(const base::NodeId& owner, const base::AddressGroup& group);

  /// Reserves a claim that charges `bytes`. After an error nothing has changed. `group`: the owner's address group.
  base::Result<void, OwnerRefusal> reserve(const base::NodeId& owner, const base::AddressGroup& group,
                                           std::uint64_t bytes);
  void unreserve(const base::NodeId& owner, std::uint64_t bytes);
  /// Adds a claim, even beyond the limits, or removes it. `contents`: number of additional objects.
  void add(const base::NodeId& owner, std::uint64_t bytes, std::uint64_t contents);
  void remove(const base::NodeId& owner, std::uint64_t bytes, std::uint64_t contents);

  /// Plans to remove an owner's data for the operator: the owner is refused for kept_days. Returns the row to write and
  /// pass to apply_saved(), or nullopt if nothing is stored for the owner.
  std::optional<Change> plan_release(const base::NodeId& owner) const;
  /// Limits the space, until the next call, to the charged bytes and `room`: the bytes of the device that other nodes
  /// may still get. It is at most space_bytes.
  void fit_space(std::uint64_t room);
  std::uint64_t space() const { return space_.whole(); }

  /// Returns whether the owner's claims are to end now.
  bool ending(const base::NodeId& owner) const;
  /// Returns the next owner after `behind` with claims that are to end.
  std::optional<base::NodeId> next_ending(const std::optional<base::NodeId>& behind) const;

  /// Returns the rows to write, at most about `max`: once per day for each owner with contact, and for ended owners.
  /// After writing they are passed to apply().
  Change plan_rows(std::size_t max) const;
  void apply_saved(const Row& row);
  void apply_erased(base::ByteView key);

  /// Returns the owner's charged bytes, without reserved bytes.
  std::uint64_t used(const base::NodeId& owner) const;
  base::AddressGroup group(const base::NodeId& owner) const;
  /// Returns owners with claims after `behind`, in order, at most `max`.
  std::vector<OwnerHeld> list(const std::optional<base::NodeId>& behind, std::size_t max) const;
  std::uint64_t claims() const { return claims_; }
  /// Returns the charged and reserved bytes of all owners except this node.
  std::uint64_t space_used() const { return space_.used(); }
  std::size_t reserved() const { return reserved_; }
  void check() const;

 private:
  struct Owner {
    std::uint64_t bytes = 0;
    std::uint64_t reserved_bytes = 0;
    std::uint64_t reserved_claims = 0;
    std::uint64_t contents = 0;
    std::uint64_t claims = 0;
    base::AddressGroup group{};
    std::uint32_t heard_day = 0;
    std::uint32_t ran_day = 0;  // the count of this node's days at the owner's last contact
    bool released = false;
    bool row = false;    // it has a row on disk
    bool dirty = false;  // its row is outdated
    bool holds() const { return claims + reserved_claims > 0; }
  };

  base::User<base::NodeId> user(const base::NodeId& id, const Owner& owner) const {
    return {id, owner.group, id == limits_.self};
  }
  static Row row_of(const base::NodeId& id, const Owner& owner);
  Owner& find_or_add(const base::NodeId& id);
  void move(const base::NodeId& id, Owner& owner, const base::AddressGroup& group);
  void hold(const base::NodeId& id, const Owner& owner, std::uint64_t bytes);
  void let_go(const base::NodeId& id, const Owner& owner, std::uint64_t bytes);
  void forget_if_empty(std::map<base::NodeId, Owner>::iterator owner);
  bool over(const Owner& owner) const { return days_ >= owner.ran_day && days_ - owner.ran_day >= limits_.kept_days; }

  const ClaimsLimits limits_;
  std::map<base::NodeId, Owner> owners_;
  base::ShareBudget<base::NodeId> space_;
  base::ShareBudget<base::NodeId> places_;
  std::uint64_t claims_ = 0;
  std::size_t reserved_ = 0;
  std::uint32_t today_ = 0;
  std::uint32_t days_ = 0;  // number of days on which this node ran
  std::uint32_t today_written_ = 0;
  std::uint32_t days_written_ = 0;
  bool begun_ = false;  // the first day has begun, after the rows were read
};

}  // namespace troupe::files
