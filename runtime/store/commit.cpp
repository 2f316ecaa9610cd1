#include "runtime/store/commit.hpp"

#include <algorithm>

#include "runtime/store/database.hpp"

namespace troupe::store {
namespace {

base::Error malformed(std::string what) { return {base::Code::malformed, std::move(what)}; }

constexpr std::size_t kIdRowBytes = base::Digest::kBytes + kLocationBytes + kChangeBytesExtra;

}  // namespace

base::Outcome<void> check_keyspace(std::string_view name) {
  const bool letters = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
  if (name.empty() || name.size() > kKeyspaceNameBytesMax || !letters) {
    return malformed("invalid keyspace name: expected 1 to 32 of a-z 0-9 - . _");
  }
  if (name.front() == '.')
    return base::Error{base::Code::refused, "a keyspace name that begins with a dot is reserved for the store"};
  return {};
}

bool Commit::deletes() const {
  std::size_t puts = 0, bytes = 0;
  for (const Row& row : rows) {
    if (!row.value) continue;
    ++puts;
    bytes += row.key.size() + row.value->size();
  }
  return keep.empty() && puts <= rows.size() - puts + drop.size() && bytes <= kDeletionPutBytesMax;
}

std::size_t Commit::batch_bytes() const {
  std::size_t bytes = (keep.size() + drop.size()) * kIdRowBytes;
  for (const Row& row : rows) bytes += row.key.size() + (row.value ? row.value->size() : 0) + kChangeBytesExtra;
  return bytes;
}

base::Outcome<void> Commit::check() const {
  for (const Row& row : rows) {
    if (const auto named = check_keyspace(row.keyspace); !named.ok()) return named;
    if (row.key.size() > kKeyBytesMax) return malformed("a key of " + std::to_string(row.key.size()) + " bytes");
    if (row.value && row.value->size() > kValueBytesMax) {
      return malformed("a value of " + std::to_string(row.value->size()) + " bytes");
    }
  }
  for (const Blob& blob : keep) {
    if (blob.bytes.size() > kBlobBytesMax)
      return malformed("a blob of " + std::to_string(blob.bytes.size()) + " bytes");
  }
  if (batch_bytes() > kCommitBytesMax) {
    return malformed("a commit of " + std::to_string(batch_bytes()) + " bytes of rows and ids");
  }
  return {};
}

}  // namespace troupe::store
