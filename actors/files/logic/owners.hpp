#pragma once
// The owners for which this node holds contents: how much of it, how much more, and until when.
//
// Charge  what a content counts for its owner: its bytes, at least kClaimBytesMin; each further claim of that owner on
//         it kClaimBytesMin. A claim that is being written is charged as well.
// Space   all charges except this node's: space_bytes, or as much as the device has space for. Above three quarters of
//         it an owner has a sixteenth and an address group a quarter (base::kIdPart, base::kGroupPart).
// Claims  of all owners, shared as base::ShareBudget does. Its reserve is for this node.
// Days    an owner that was not heard for kept_days is to end. Only days on which this node ran count: neither its own
//         holiday nor a clock that jumps ends a claim.
// Rows    owner: format (1 byte, 2) · day heard (4) · count of days on which this node ran, then (4) · flags (1; 1
//         released) · address group (16). Days: format (1, 2) · today (4) · count of days on which this node ran (4).
//         An owner without a row has claims of format 1, or new ones: it counts as heard at the start.
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

inline constexpr std::uint64_t kClaimBytesMin = 4'096;  // our choice: a page; its rows and memory take some 400 bytes

struct ClaimsLimits {
  base::NodeId self{};                                  // this node: no share binds it, and its claims do not end
  std::uint64_t quota_bytes = 16ull << 30;              // of each owner; our choice: `files.quota_per_owner`
  std::uint64_t space_bytes = 256ull << 30;             // of all others; our choice: a fair share is one quota
  std::size_t claims_max = 1u << 20;                    // our choice: 1 TiB in chunks of 1 MiB, 155 MiB of memory
  std::size_t claims_per_content_max = 1024;            // our choice: a list that is searched and shifted
  std::size_t claims_per_content_and_owner_max = 16;    // our choice: files of another node that share a chunk
  base::Duration put_idle_max = std::chrono::hours{1};  // our choice: far beyond any pause of a put that still lives
  std::uint32_t kept_days = 30;                         // our choice: a holiday of the owner's node
};

enum class OwnerRefusal : std::uint8_t {
  quota,     ///< the owner would exceed its quota
  space,     ///< others have what this node holds for others, or the owner more than its share
  claims,    ///< others have all claims, or the owner more than its share
  released,  ///< the operator of this node has ended the owner's claims
};

/// What is held for one owner.
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

  /// Takes a row at start, in any order with claims. Errors: `corrupt`, nothing taken.
  base::Result<void, RowError> load(const Row& row);
  static bool owns(base::ByteView key);  ///< whether it is the key of such a row

  /// The node runs on `day`. To be called after the rows were read, and each day.
  void begin_day(std::uint32_t day);
  /// An owner was heard from an address of `group`. Nothing if it has no claims.
  void heard(const base::NodeId& owner, const base::AddressGroup& group);

  /// Reserves a claim that charges `bytes`; nothing has changed after an error. `group`: whence the owner asks.
  base::Result<void, OwnerRefusal> reserve(const base::NodeId& owner, const base::AddressGroup& group,
                                           std::uint64_t bytes);
  void unreserve(const base::NodeId& owner, std::uint64_t bytes);
  /// A claim is there, whether or not there is room for it; or it is gone. `contents`: by how many there are more.
  void add(const base::NodeId& owner, std::uint64_t bytes, std::uint64_t contents);
  void remove(const base::NodeId& owner, std::uint64_t bytes, std::uint64_t contents);

  /// The operator ends what is held for it: it is refused for kept_days. The row to write and to give to apply_saved();
  /// nothing if nothing is held for it.
  std::optional<Change> plan_release(const base::NodeId& owner) const;
  /// `room`: bytes of the device that others may still have, beside what is charged for them. Until the next call the
  /// space is that, but no more than space_bytes.
  void fit_space(std::uint64_t room);
  std::uint64_t space() const { return space_.whole(); }

  /// Whether its claims are to end now.
  bool ending(const base::NodeId& owner) const;
  /// The first one after `behind` with claims that are to end.
  std::optional<base::NodeId> next_ending(const std::optional<base::NodeId>& behind) const;

  /// The rows to write, at most about `max`: once a day of each owner that was heard, and those that are over. Written,
  /// they are given to apply().
  Change plan_rows(std::size_t max) const;
  void apply_saved(const Row& row);
  void apply_erased(base::ByteView key);

  /// Charged, without what is reserved.
  std::uint64_t used(const base::NodeId& owner) const;
  base::AddressGroup group(const base::NodeId& owner) const;
  /// Owners with claims after `behind`, in order, at most `max`.
  std::vector<OwnerHeld> list(const std::optional<base::NodeId>& behind, std::size_t max) const;
  std::uint64_t claims() const { return claims_; }
  /// Charged for others, with what is reserved.
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
    std::uint32_t ran_day = 0;  // the count of days on which this node ran, when it was heard
    bool released = false;
    bool row = false;    // there is one on disk
    bool dirty = false;  // it says something else
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
  std::uint32_t days_ = 0;  // on which this node ran
  std::uint32_t today_written_ = 0;
  std::uint32_t days_written_ = 0;
  bool begun_ = false;  // the first day, after the rows were read
};

}  // namespace troupe::files
