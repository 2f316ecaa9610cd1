#pragma once
// How often untrusted nodes may use a resource: a total rate, with quotas per address group and per id.
//
// Shares  an address group may use the part 1/kGroupPart of rate and burst, an id 1/kIdPart, unless Rate sets other
//         parts. The quotas apply only while less than half of the total burst is left: a cluster in one group never
//         notices them, and a greedy user delays only itself.
// Reserve the last 1/kReservePart of the burst is for reserved users, which have no quotas.
// Limits  kUsersMax groups and as many ids are remembered until their quota is full again. Only the total rate limits
//         further users, because quotas do not stop an attacker with so many groups anyway.
// Time    monotonic, given by the caller.
// Owner   one actor; not thread-safe.
#include <algorithm>
#include <chrono>
#include <map>
#include <optional>

#include "runtime/base/address_group.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/base/rate_limit.hpp"

namespace troupe::base {

struct Rate {
  std::uint32_t per_second;
  std::uint32_t burst;
  /// The quota of an address group, and of an id, is the whole divided by this.
  std::uint32_t group_part = kGroupPart, id_part = kIdPart;
};

template <class Id>
class RateBudget {
 public:
  static constexpr std::size_t kUsersMax = 4'096;  // our choice: 400 KiB for groups, and as much for ids
  static constexpr std::chrono::milliseconds kTidyEvery{
      100};  // our choice: a scan of all users per datagram is too costly

  /// The rate for all untrusted nodes together. A quota below one per second is a broken invariant.
  RateBudget(Rate all, Instant now) : rate_(all), all_(all.per_second, all.burst, now) {
    ensure(std::min(all.per_second, all.burst) >= std::max(all.group_part, all.id_part),
           "each share of a budget is something");
  }

  /// Takes `count`; if it cannot, it changes nothing and returns the shortest time that `user` must wait. More than a
  /// quota at once is available only while half of the burst is left. For more than the whole burst it returns
  /// Duration::max().
  std::optional<Duration> take(const User<Id>& user, Instant now, std::uint32_t count = 1) {
    const auto out = wait(user, now, count);
    if (!out) spend(user, now, count);
    return out;
  }

  /// Returns what take() would return, and takes nothing.
  std::optional<Duration> wait(const User<Id>& user, Instant now, std::uint32_t count = 1) const {
    const std::uint64_t wanted = std::uint64_t{count} + (user.reserved ? 0 : rate_.burst / kReservePart);
    if (wanted > rate_.burst) return Duration::max();
    Duration out = all_.wait(now, static_cast<std::uint32_t>(wanted));
    if (out > Duration::zero()) return out;
    if (user.reserved || !scarce(now)) return std::nullopt;
    out = std::max(wait_of(groups_, user.group, rate_.group_part, now, count),
                   wait_of(ids_, user.id, rate_.id_part, now, count));
    return out > Duration::zero() ? std::optional(out) : std::nullopt;
  }

  /// What spend() took from the total burst, and from the quotas of the user.
  struct Spent {
    std::uint32_t all = 0, group = 0, id = 0;
  };
  /// Takes `count`, or as much as is left: some costs are known only afterwards.
  Spent spend(const User<Id>& user, Instant now, std::uint32_t count) {
    Spent out;
    if (!user.reserved) {
      out.group = spend(groups_, user.group, rate_.group_part, now, count);
      out.id = spend(ids_, user.id, rate_.id_part, now, count);
    }
    out.all = all_.spend(now, count);
    return out;
  }

  /// Returns the part of `spent` above `used`.
  void give_back(const User<Id>& user, Instant now, const Spent& spent, std::uint32_t used) {
    const auto back = [&](auto& shares, const auto& whose, std::uint32_t taken) {
      if (const auto known = shares.of.find(whose); known != shares.of.end() && taken > used)
        known->second.give_back(now, taken - used);
    };
    if (!user.reserved) back(groups_, user.group, spent.group), back(ids_, user.id, spent.id);
    if (spent.all > used) all_.give_back(now, spent.all - used);
  }

  /// Whether quotas apply now.
  bool scarce(Instant now) const { return all_.wait(now, rate_.burst / 2) > Duration::zero(); }
  std::size_t users() const { return groups_.of.size() + ids_.of.size(); }

 private:
  template <class Key>
  struct Shares {
    std::map<Key, RateLimit> of{};
    Instant tidy_at{};
  };

  /// A user that is not remembered has its whole quota.
  template <class Key>
  Duration wait_of(const Shares<Key>& shares, const Key& whose, std::uint32_t part, Instant now,
                   std::uint32_t count) const {
    const auto known = shares.of.find(whose);
    if (known != shares.of.end()) return known->second.wait(now, count);
    return count <= rate_.burst / part ? Duration::zero() : Duration::max();
  }

  template <class Key>
  std::uint32_t spend(Shares<Key>& shares, const Key& whose, std::uint32_t part, Instant now, std::uint32_t count) {
    auto known = shares.of.find(whose);
    if (known == shares.of.end()) {
      if (shares.of.size() >= kUsersMax && now >= shares.tidy_at) {
        std::erase_if(shares.of, [now](const auto& one) { return one.second.full(now); });
        shares.tidy_at = now + kTidyEvery;
      }
      if (shares.of.size() >= kUsersMax) return 0;
      known = shares.of.try_emplace(whose, rate_.per_second / part, rate_.burst / part, now).first;
    }
    return known->second.spend(now, count);
  }

  Rate rate_;
  RateLimit all_;
  Shares<AddressGroup> groups_;
  Shares<Id> ids_;
};

}  // namespace troupe::base
