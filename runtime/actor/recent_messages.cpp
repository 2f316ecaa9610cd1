#include "runtime/actor/recent_messages.hpp"

#include <algorithm>
#include <bit>
#include <caf/actor_cast.hpp>

namespace troupe::runtime {
namespace {

/// Returns the bucket: [2^i, 2^(i+1)) microseconds, in RecentMessages::kParts parts of equal length.
std::size_t bucket_of(base::Duration length) {
  const auto micros = static_cast<std::uint64_t>(std::max<std::int64_t>(length.count() / 1'000, 0));
  if (micros < RecentMessages::kParts) return static_cast<std::size_t>(micros);
  const auto power = static_cast<std::size_t>(std::bit_width(micros)) - 1;
  const auto part = static_cast<std::size_t>(micros >> (power - 2)) % RecentMessages::kParts;
  return std::min((power - 1) * RecentMessages::kParts + part, RecentMessages::kBuckets - 1);
}

/// Returns the upper end of that bucket.
base::Duration end_of(std::size_t bucket) {
  if (bucket < RecentMessages::kParts) return std::chrono::microseconds(bucket + 1);
  const std::size_t power = bucket / RecentMessages::kParts + 1;
  return std::chrono::microseconds((RecentMessages::kParts + bucket % RecentMessages::kParts + 1) << (power - 2));
}

template <class T, std::size_t N>
std::vector<T> latest_first(const std::array<T, N>& ring, std::size_t seen) {
  std::vector<T> out;
  for (std::size_t i = 0; i < std::min(seen, N); ++i) out.push_back(ring[(seen - 1 - i) % N]);
  return out;
}

}  // namespace

RecentMessages::~RecentMessages() {
  pool_->spent.fetch_sub(sizeof(RecentMessages), std::memory_order_relaxed);
  const std::lock_guard hold(pool_->lock);
  pool_->granted.erase(number_);
}

void RecentMessages::note(const Message& message) {
  messages_[messages_seen_++ % kMessages] = message;
  ++histogram_[bucket_of(message.took)];
  ++timed_;
}

void RecentMessages::note(const base::Error& error, base::Instant at) {
  Error& place = errors_[errors_seen_++ % kErrors];
  place = {.at = at, .code = error.code};
  const std::size_t bytes = std::min(error.message.size(), kErrorBytes - 1);
  std::copy_n(error.message.begin(), bytes, place.text.begin());
}

std::vector<RecentMessages::Message> RecentMessages::messages() const {
  return latest_first(messages_, messages_seen_);
}
std::vector<RecentMessages::Error> RecentMessages::errors() const { return latest_first(errors_, errors_seen_); }

base::Duration RecentMessages::quantile(double share) const {
  if (timed_ == 0) return base::Duration::zero();
  auto left = static_cast<std::uint64_t>(share * static_cast<double>(timed_ - 1)) + 1;
  for (std::size_t bucket = 0; bucket + 1 < kBuckets; ++bucket) {
    if (histogram_[bucket] >= left) return end_of(bucket);
    left -= histogram_[bucket];
  }
  return end_of(kBuckets - 1);
}

std::vector<RecentMessages::Bucket> RecentMessages::histogram() const {
  std::vector<Bucket> out;
  for (std::size_t i = 0; i < kBuckets; ++i)
    if (histogram_[i] > 0) out.push_back({end_of(i), histogram_[i]});
  return out;
}

std::unique_ptr<RecentMessages> RecentPool::grant(const Handle& whom, base::Instant now, base::Duration length) {
  if (pool_->spent.fetch_add(sizeof(RecentMessages), std::memory_order_relaxed) + sizeof(RecentMessages) >
      kRecentBytesMax) {
    pool_->spent.fetch_sub(sizeof(RecentMessages), std::memory_order_relaxed);
    return nullptr;
  }
  std::uint64_t number = 0;
  {
    const std::lock_guard hold(pool_->lock);
    number = ++pool_->last;
  }
  auto recent = std::make_unique<RecentMessages>(pool_, number, now, now + length);
  keep(*recent, whom, now + length);
  return recent;
}

void RecentPool::keep(const RecentMessages& recent, const Handle& whom, base::Instant until) {
  const std::lock_guard hold(pool_->lock);
  pool_->granted.insert_or_assign(recent.number_, RecentGrants::Granted{caf::actor_cast<caf::actor_addr>(whom), until});
}

std::size_t RecentPool::granted() const {
  const std::lock_guard hold(pool_->lock);
  return pool_->granted.size();
}

std::vector<Handle> RecentPool::lapsed(base::Instant now) {
  std::vector<Handle> out;
  const std::lock_guard hold(pool_->lock);
  std::erase_if(pool_->granted, [&](const auto& one) {
    if (one.second.until > now) return false;
    if (auto whom = caf::actor_cast<Handle>(one.second.whom)) out.push_back(std::move(whom));
    return true;
  });
  return out;
}

}  // namespace troupe::runtime
