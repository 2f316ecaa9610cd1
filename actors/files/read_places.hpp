#pragma once
// Reads of stored objects in progress. A read uses its slots until its response was used, or was encrypted for its
// link, because responses that wait for one node delay the responses to all other nodes.
//
// Limits  a ShareBudget for all, and a limit per node. A large read uses several slots.
// Safety  any thread.
#include <memory>
#include <mutex>

#include "runtime/actor/envelope.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/share_budget.hpp"

namespace troupe::files {

class ReadPlaces {
 public:
  using User = base::User<base::NodeId>;
  ReadPlaces(std::size_t most, std::size_t most_of_one) : places_(most), most_of_one_(most_of_one) {}

  /// Returns false if the node's limit or the total is reached.
  bool take(const User& user, std::uint32_t count) {
    const std::lock_guard hold(lock_);
    if (!places_.fits(user, count) || (!user.reserved && places_.held(user) >= most_of_one_)) return false;
    places_.hold(user, count);
    return true;
  }
  void give_back(const User& user, std::uint32_t count) {
    const std::lock_guard hold(lock_);
    places_.release(user, count);
  }
  std::size_t used() const {
    const std::lock_guard hold(lock_);
    return places_.used();
  }

 private:
  mutable std::mutex lock_;
  base::ShareBudget<base::NodeId> places_;
  const std::size_t most_of_one_;
};

/// The slots of a read, held by the read and then by its response.
class ReadPlace final : public runtime::Envelope::Account {
 public:
  /// Returns null if not enough slots are free.
  static std::shared_ptr<ReadPlace> take(std::shared_ptr<ReadPlaces> from, const ReadPlaces::User& user,
                                         std::uint32_t count = 1) {
    return from->take(user, count) ? std::shared_ptr<ReadPlace>(new ReadPlace(std::move(from), user, count)) : nullptr;
  }
  ~ReadPlace() override { from_->give_back(user_, count_); }
  ReadPlace(const ReadPlace&) = delete;
  ReadPlace& operator=(const ReadPlace&) = delete;
  void freed(std::size_t) noexcept override {}

 private:
  ReadPlace(std::shared_ptr<ReadPlaces> from, const ReadPlaces::User& user, std::uint32_t count)
      : from_(std::move(from)), user_(user), count_(count) {}

  std::shared_ptr<ReadPlaces> from_;  // may outlive the holder, as responses do
  const ReadPlaces::User user_;
  const std::uint32_t count_;
};

}  // namespace troupe::files
