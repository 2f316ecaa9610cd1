#include "actors/chain/logic/merkle_log.hpp"

#include <bit>

#include "runtime/base/ensure.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::chain {
namespace {

base::Digest log_node(const base::Digest& left, const base::Digest& right) {
  static constexpr std::uint8_t kMark[] = {1};
  return crypto::sha256(kMark, left.view(), right.view());
}

/// Returns the largest power of two below `size`, which is at least 2.
std::size_t left_part(std::size_t size) { return std::bit_floor(size - 1); }

}  // namespace

base::Digest log_leaf(base::ByteView entry) {
  static constexpr std::uint8_t kMark[] = {0};
  return crypto::sha256(kMark, entry);
}

base::Digest log_root(LogEntries entries) {
  Frontier frontier;
  for (const base::Bytes& entry : entries) frontier.append(entry);
  return frontier.root();
}

std::vector<base::Digest> audit_path(LogEntries entries, std::size_t index) {
  base::ensure(index < entries.size(), "an audit path belongs to an entry");
  if (entries.size() == 1) return {};
  const std::size_t left = left_part(entries.size());
  const bool right = index >= left;
  auto path = right ? audit_path(entries.subspan(left), index - left) : audit_path(entries.first(left), index);
  path.push_back(log_root(right ? entries.first(left) : entries.subspan(left)));
  return path;
}

bool in_log(base::ByteView entry, std::uint64_t index, std::uint64_t size, std::span<const base::Digest> path,
            const base::Digest& root) {
  if (index >= size) return false;
  std::uint64_t at = index, last = size - 1;
  base::Digest hash = log_leaf(entry);
  for (const base::Digest& sibling : path) {
    if (last == 0) return false;
    if ((at & 1) != 0 || at == last) {
      hash = log_node(sibling, hash);
      while ((at & 1) == 0 && at != 0) at >>= 1, last >>= 1;
    } else {
      hash = log_node(hash, sibling);
    }
    at >>= 1;
    last >>= 1;
  }
  return last == 0 && hash == root;
}

void Frontier::append(base::ByteView entry) {
  base::Digest carry = log_leaf(entry);
  for (std::uint64_t bits = size_; (bits & 1) != 0; bits >>= 1) {
    carry = log_node(whole_.back(), carry);
    whole_.pop_back();
  }
  whole_.push_back(carry);
  ++size_;
}

base::Digest Frontier::root() const {
  if (whole_.empty()) return crypto::sha256({});
  base::Digest out = whole_.back();
  for (std::size_t i = whole_.size() - 1; i > 0; --i) out = log_node(whole_[i - 1], out);
  return out;
}

base::Bytes Frontier::encode() const {
  base::Bytes out;
  base::append_number(out, size_);
  for (const base::Digest& root : whole_) base::append(out, root.view());
  return out;
}

std::optional<Frontier> Frontier::decode(base::ByteView bytes) {
  base::FieldReader in(bytes);
  Frontier out;
  out.size_ = in.number<std::uint64_t>();
  for (int i = std::popcount(out.size_); i > 0 && in.ok(); --i) out.whole_.push_back(in.fixed<base::Digest>());
  if (!in.ended()) return std::nullopt;
  return out;
}

}  // namespace troupe::chain
