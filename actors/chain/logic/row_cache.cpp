#include "actors/chain/logic/row_cache.hpp"

#include <utility>

#include "runtime/base/fields.hpp"

namespace troupe::chain {
namespace {

constexpr std::size_t kSparePlacesMax = 16 * 1024;  // our choice: a large block changes 10,000 rows

}  // namespace

std::size_t RowKeyHash::operator()(const RowKey& key) const {
  // For each word, a multiplication to 128 bits, folded, as in wyhash.
  const auto mixed = [](std::uint64_t a, std::uint64_t b) {
    __extension__ const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  std::uint64_t out = mixed(secret ^ (key.height.value << 8 | key.nibbles), 0x9e3779b97f4a7c15u);
  for (std::size_t at = 0; at < Path::kBytes; at += 8)
    out = mixed(out ^ secret, base::load<std::uint64_t>(key.path.view(), at) ^ 0xa0761d6478bd642fu);
  return out;
}

void RowCache::clear(std::uint64_t secret) {
  rows_ = Rows(0, RowKeyHash{secret});
  bytes_ = hand_ = 0;
}

RowBytes RowCache::find(const RowKey& key) {
  const auto at = rows_.find(key);
  if (at == rows_.end()) return nullptr;
  at->second.used = true;
  return at->second.bytes;
}

void RowCache::put(const RowKey& key, RowBytes bytes) {
  forget(key);
  make_room(bytes_of(bytes));
  bytes_ += bytes_of(bytes);
  if (spare_places_.empty()) {
    rows_.emplace(key, Kept{std::move(bytes), true});
  } else {
    Rows::node_type place = std::move(spare_places_.back());
    spare_places_.pop_back();
    place.key() = key;
    place.mapped() = {std::move(bytes), true};
    rows_.insert(std::move(place));
  }
}

void RowCache::forget(const RowKey& key) {
  if (auto place = rows_.extract(key); !place.empty()) take_out(std::move(place));
}

std::shared_ptr<base::Bytes> RowCache::buffer(std::size_t bytes) {
  const std::size_t steps = (bytes + kBufferStep - 1) / kBufferStep;
  if (steps < kSizes && !spare_buffers_[steps].empty()) {
    auto out = std::move(spare_buffers_[steps].back());
    spare_buffers_[steps].pop_back();
    spare_bytes_ -= out->capacity();
    return out;
  }
  auto out = std::make_shared<base::Bytes>();
  out->reserve(steps < kSizes ? steps * kBufferStep : bytes);
  return out;
}

void RowCache::take_out(Rows::node_type place) {
  RowBytes bytes = std::move(place.mapped().bytes);
  bytes_ -= bytes_of(bytes);
  if (spare_places_.size() < kSparePlacesMax) spare_places_.push_back(std::move(place));
  const std::size_t capacity = bytes->capacity(), steps = capacity / kBufferStep;
  if (bytes.use_count() > 1 || capacity % kBufferStep > 0 || steps >= kSizes) return;
  if (spare_bytes_ + capacity > kSpareBytesMax) return;
  spare_bytes_ += capacity;
  spare_buffers_[steps].push_back(std::const_pointer_cast<base::Bytes>(std::move(bytes)));
}

void RowCache::make_room(std::size_t bytes) {
  if (holds_ > 0) return;
  std::vector<RowKey> unused;
  while (bytes_ + bytes > bytes_max_ && !rows_.empty()) {
    hand_ = (hand_ + 1) % rows_.bucket_count();
    unused.clear();
    for (auto at = rows_.begin(hand_); at != rows_.end(hand_); ++at)
      if (!std::exchange(at->second.used, false)) unused.push_back(at->first);
    for (const RowKey& key : unused) forget(key);
  }
}

}  // namespace troupe::chain
