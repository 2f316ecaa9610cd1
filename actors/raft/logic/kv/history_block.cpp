#include "actors/raft/logic/kv/history_block.hpp"

#include "actors/raft/logic/kv/fields.hpp"

namespace troupe::raft::kv {
namespace {

constexpr std::uint8_t kIndexVersion = 1, kChangesVersion = 1;
constexpr std::size_t kIndexBytes = 1 + 3 * 8 + 2 * 4;

/// FNV-1a, and its bits mixed from both ends: two numbers that give the four bit positions.
std::pair<std::uint64_t, std::uint64_t> hashes(std::string_view key) {
  std::uint64_t hash = 14'695'981'039'346'656'037ULL;
  for (const char byte : key) hash = (hash ^ static_cast<std::uint8_t>(byte)) * 1'099'511'628'211ULL;
  const std::uint64_t mixed = (hash ^ hash >> 31) * 0x9e3779b97f4a7c15ULL;
  return {mixed ^ mixed >> 29, hash >> 17 | 1};
}

}  // namespace

void KeyFilter::add(std::string_view key) {
  auto [at, step] = hashes(key);
  if (words_.empty()) return;
  for (int i = 0; i < 4; ++i, at += step) words_[at / 64 % words_.size()] |= std::uint64_t{1} << at % 64;
}

bool KeyFilter::maybe(std::string_view key) const {
  auto [at, step] = hashes(key);
  for (int i = 0; i < 4 && !words_.empty(); ++i, at += step)
    if ((words_[at / 64 % words_.size()] >> at % 64 & 1) == 0) return false;
  return true;
}

base::Bytes encode(const BlockIndex& index) {
  base::Bytes out{kIndexVersion};
  for (const std::uint64_t number : {index.first.value, index.last.value, index.bytes})
    base::append_number(out, number);
  for (const std::uint32_t number : {index.changes, index.parts}) base::append_number(out, number);
  for (const std::uint64_t word : index.keys.words()) base::append_number(out, word);
  return out;
}

std::optional<BlockIndex> decode_block_index(base::ByteView bytes) {
  if (bytes.size() < kIndexBytes || (bytes.size() - kIndexBytes) % 8 != 0) return std::nullopt;
  base::FieldReader in(bytes);
  if (in.number<std::uint8_t>() != kIndexVersion) return std::nullopt;
  BlockIndex out;
  for (std::uint64_t* number : {&out.first.value, &out.last.value, &out.bytes}) *number = in.number<std::uint64_t>();
  for (std::uint32_t* number : {&out.changes, &out.parts}) *number = in.number<std::uint32_t>();
  std::vector<std::uint64_t> words((bytes.size() - kIndexBytes) / 8);
  for (std::uint64_t& word : words) word = in.number<std::uint64_t>();
  out.keys = KeyFilter(std::move(words));
  const bool sound = out.first.value > 0 && out.first <= out.last && out.last.value <= kNumberMax && out.changes > 0 &&
                     out.bytes <= kBlockBytesMax && out.parts == (out.bytes + kBlockPartBytes - 1) / kBlockPartBytes;
  return in.ended() && sound ? std::optional(std::move(out)) : std::nullopt;
}

base::Bytes encode(const std::deque<Changed>& changes) {
  base::Bytes out{kChangesVersion};
  for (const Changed& change : changes) {
    base::append_number(out, change.revision.value);
    base::append_number(out, change.created.value);
    append_sized(out, change.key);
    append_sized(out, change.request);
    out.push_back(change.value != nullptr);
    if (change.value) append_sized(out, *change.value);
  }
  return out;
}

std::optional<std::deque<Changed>> decode_changes(const BlockIndex& index, base::ByteView bytes) {
  base::FieldReader in(bytes);
  if (in.number<std::uint8_t>() != kChangesVersion) return std::nullopt;
  std::deque<Changed> out;
  while (!in.ended()) {
    Changed change;
    change.revision.value = in.number<std::uint64_t>();
    change.created.value = in.number<std::uint64_t>();
    change.key = take_key(in);
    change.request = take_text(in, kRequestBytesMax);
    const auto there = in.number<std::uint8_t>();
    if (there == 1) change.value = take_value(in);
    const Revision before = out.empty() ? index.first : out.back().revision;
    if (!in.ok() || there > 1 || change.revision < before || change.revision > index.last) return std::nullopt;
    out.push_back(std::move(change));
  }
  if (out.size() != index.changes || out.front().revision != index.first || out.back().revision != index.last)
    return std::nullopt;
  return out;
}

}  // namespace troupe::raft::kv
