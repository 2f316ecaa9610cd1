#include "runtime/actor/lens.hpp"

#include <algorithm>
#include <bit>
#include <caf/actor_cast.hpp>

namespace troupe::runtime {
namespace {

/// Of [2^i, 2^(i+1)) microseconds, in Lens::kParts parts of equal length.
std::size_t bucket_of(base::Duration length) {
  const auto micros = static_cast<std::uint64_t>(std::max<std::int64_t>(length.count() / 1'000, 0));
  if (micros < Lens::kParts) return static_cast<std::size_t>(micros);
  const auto power = static_cast<std::size_t>(std::bit_width(micros)) - 1;
  const auto part = static_cast<std::size_t>(micros >> (power - 2)) % Lens::kParts;
  return std::min((power - 1) * Lens::kParts + part, Lens::kBuckets - 1);
}

/// The upper end of that bucket.
base::Duration end_of(std::size_t bucket) {
  if (bucket < Lens::kParts) return std::chrono::microseconds(bucket + 1);
  const std::size_t power = bucket / Lens::kParts + 1;
  return std::chrono::microseconds((Lens::kParts + bucket % Lens::kParts + 1) << (power - 2));
}

template <class T, std::size_t N>
std::vector<T> latest_first(const std::array<T, N>& ring, std::size_t seen) {
  std::vector<T> out;
  for (std::size_t i = 0; i < std::min(seen, N); ++i) out.push_back(ring[(seen - 1 - i) % N]);
  return out;
}

}  // namespace

Lens::~Lens() {
  pool_->spent.fetch_sub(sizeof(Lens), std::memory_order_relaxed);
  const std::lock_guard hold(pool_->lock);
  pool_->granted.erase(number_);
}

void Lens::note(const Message& message) {
  messages_[messages_seen_++ % kMessages] = message;
  ++histogram_[bucket_of(message.took)];
  ++timed_;
}

void Lens::note(const base::Error& error, base::Instant at) {
  Error& place = errors_[errors_seen_++ % kErrors];
  place = {.at = at, .code = error.code};
  const std::size_t bytes = std::min(error.message.size(), kErrorBytes - 1);
  std::copy_n(error.message.begin(), bytes, place.text.begin());
}

std::vector<Lens::Message> Lens::messages() const { return latest_first(messages_, messages_seen_); }
std::vector<Lens::Error> Lens::errors() const { return latest_first(errors_, errors_seen_); }

base::Duration Lens::quantile(double share) const {
  if (timed_ == 0) return base::Duration::zero();
  auto left = static_cast<std::uint64_t>(share * static_cast<double>(timed_ - 1)) + 1;
  for (std::size_t bucket = 0; bucket + 1 < kBuckets; ++bucket) {
    if (histogram_[bucket] >= left) return end_of(bucket);
    left -= histogram_[bucket];
  }
  return end_of(kBuckets - 1);
}

std::unique_ptr<Lens> Lenses::grant(const Handle& whom, base::Instant now, base::Duration length) {
  if (pool_->spent.fetch_add(sizeof(Lens), std::memory_order_relaxed) + sizeof(Lens) > kLensBytesMax) {
    pool_->spent.fetch_sub(sizeof(Lens), std::memory_order_relaxed);
    return nullptr;
  }
  std::uint64_t number = 0;
  {
    const std::lock_guard hold(pool_->lock);
    number = ++pool_->last;
  }
  auto lens = std::make_unique<Lens>(pool_, number, now, now + length);
  keep(*lens, whom, now + length);
  return lens;
}

void Lenses::keep(const Lens& lens, const Handle& whom, base::Instant until) {
  const std::lock_guard hold(pool_->lock);
  pool_->granted.insert_or_assign(lens.number_, LensPool::Granted{caf::actor_cast<caf::actor_addr>(whom), until});
}

std::size_t Lenses::granted() const {
  const std::lock_guard hold(pool_->lock);
  return pool_->granted.size();
}

std::vector<Handle> Lenses::lapsed(base::Instant now) {
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
