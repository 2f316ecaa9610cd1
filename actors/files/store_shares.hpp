#pragma once
// The stores in progress at a holder: their number and bytes, with quotas per caller and address group
// (runtime/base/share_budget.hpp). A ticket stands for one store, from before hashing until the response.
#include <memory>
#include <optional>

#include "runtime/base/ids.hpp"
#include "runtime/base/share_budget.hpp"

namespace troupe::files {

class StoreShares {
 public:
  StoreShares(std::uint64_t stores_max, std::uint64_t bytes_max) : stores(stores_max), bytes(bytes_max) {}
  base::ShareBudget<base::NodeId> stores;
  base::ShareBudget<base::NodeId> bytes;
};

class StoreTicket {
 public:
  using User = base::User<base::NodeId>;
  /// Returns null if the caller's quota or the total is reached.
  static std::shared_ptr<const StoreTicket> take(std::shared_ptr<StoreShares> from, const User& user,
                                                 std::uint64_t bytes) {
    if (!from->stores.fits(user, 1) || !from->bytes.fits(user, bytes)) return nullptr;
    return std::shared_ptr<const StoreTicket>(new StoreTicket(std::move(from), user, bytes));
  }
  StoreTicket(const StoreTicket&) = delete;
  StoreTicket& operator=(const StoreTicket&) = delete;
  ~StoreTicket() {
    from_->stores.release(user_, 1);
    from_->bytes.release(user_, bytes_);
  }

 private:
  StoreTicket(std::shared_ptr<StoreShares> from, const User& user, std::uint64_t bytes)
      : from_(std::move(from)), user_(user), bytes_(bytes) {
    from_->stores.hold(user_, 1);
    from_->bytes.hold(user_, bytes_);
  }

  std::shared_ptr<StoreShares> from_;  // may outlive the holder, as its pending requests do
  User user_;
  std::uint64_t bytes_;
};

}  // namespace troupe::files
