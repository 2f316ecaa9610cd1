#include "actors/raft/logic/kv/history.hpp"

namespace troupe::raft::kv {

void History::add(const std::vector<Changed>& changes) {
  if (changes.empty()) return;
  base::ensure(changes.front().revision.value == newest_.value + 1, "revisions follow each other");
  std::size_t bytes = 0;
  for (const Changed& change : changes) bytes += bytes_of(change);
  const bool fits = !blocks_.empty() && blocks_.back().state == State::open &&
                    (limits_.disk_bytes_max == 0 || blocks_.back().memory + bytes <= block_bytes_);
  if (!fits) {
    if (!blocks_.empty() && blocks_.back().state == State::open) blocks_.back().state = State::full;
    blocks_.push_back({.index = {.first = changes.front().revision}, .last = {}});
  }
  Block& block = blocks_.back();
  block.changes.insert(block.changes.end(), changes.begin(), changes.end());
  block.last = newest_ = changes.back().revision;
  block.memory += bytes;
  block.count += changes.size();
  memory_ += bytes;
  changes_ += changes.size();
  trim();
}

void History::compact(Revision oldest) {
  oldest_ = std::max(oldest_, std::min(oldest, Revision{newest_.value + 1}));
  while (!blocks_.empty() && blocks_.front().last < oldest_) drop_front();
  while (!blocks_.empty() && !on_disk(blocks_.front()) && blocks_.front().index.first < oldest_) forget_front();
}

/// Drops the oldest revision, or all revisions of a block that is on disk.
void History::forget_front() {
  Block& block = blocks_.front();
  if (on_disk(block) || block.index.first == block.last) return drop_front();
  while (block.changes.front().revision == block.index.first) {
    const std::size_t bytes = bytes_of(block.changes.front());
    block.changes.pop_front();
    block.memory -= bytes;
    memory_ -= bytes;
    --block.count;
    --changes_;
  }
  block.index.first = block.changes.front().revision;
  oldest_ = std::max(oldest_, block.index.first);
}

void History::drop_front() {
  Block& block = blocks_.front();
  if (on_disk(block)) erased_.push_back({block.index.first, block.index.parts});
  if (on_disk(block)) disk_ -= block.index.bytes;
  oldest_ = std::max(oldest_, Revision{block.last.value + 1});
  memory_ -= block.memory;
  changes_ -= block.count;
  if (released_ > 0) --released_;
  blocks_.pop_front();
}

void History::release(Block& block) {
  memory_ -= std::exchange(block.memory, 0);
  block.changes = {};
  ++released_;
}

void History::trim() {
  while (changes_ > limits_.changes_max) forget_front();
  while (disk_ > limits_.disk_bytes_max) forget_front();
  while (memory_ > limits_.memory_bytes_max && released_ < blocks_.size()) {
    Block& first = blocks_[released_];
    if (first.state == State::stored) {
      release(first);
      continue;
    }
    const bool waits = limits_.disk_bytes_max > 0 && !first.too_large;
    if (waits && memory_ <= 2 * limits_.memory_bytes_max) return;
    while (released_ > 0) drop_front();
    forget_front();
  }
}

std::size_t History::block_of(Revision revision) const {
  const auto behind = std::upper_bound(blocks_.begin(), blocks_.end(), revision,
                                       [](Revision at, const Block& block) { return at < block.index.first; });
  return behind == blocks_.begin() ? 0 : static_cast<std::size_t>(behind - blocks_.begin()) - 1;
}

const std::deque<Changed>* History::changes_of(const Block& block) const {
  if (block.memory > 0) return &block.changes;
  for (const auto& [first, changes] : loaded_)
    if (first == block.index.first) return &changes;
  return nullptr;
}

base::Result<History::Seen, Elsewhere> History::since(Revision from, const std::string& prefix,
                                                      std::size_t limit) const {
  if (from < oldest_) return Elsewhere{oldest_, {}};
  Seen out{.changes = {}, .next = std::max(from, Revision{newest_.value + 1})};
  if (from > newest_) return out;
  for (std::size_t at = block_of(from); at < blocks_.size(); ++at) {
    const auto* const changes = changes_of(blocks_[at]);
    if (!changes) {
      if (from >= blocks_[at].index.first) return behind(blocks_[at]);
      out.next = blocks_[at].index.first;
      return out;
    }
    const auto begin = std::lower_bound(changes->begin(), changes->end(), from,
                                        [](const Changed& change, Revision low) { return change.revision < low; });
    for (auto change = begin; change != changes->end() && change->revision <= blocks_[at].last; ++change) {
      if (out.changes.size() >= limit && out.changes.back().revision != change->revision) {
        out.next = change->revision;
        return out;
      }
      if (change->key.starts_with(prefix)) out.changes.push_back(*change);
    }
  }
  return out;
}

base::Result<Value, Elsewhere> History::get(Lookup& ask, const Row* present) const {
  if (present && present->changed <= ask.at) return present->value;
  // All changes after `at` are here if the change at `at` + 1 is. The last change up to `at` has the value.
  if (Revision{ask.at.value + 1} < oldest_) return Elsewhere{oldest_, {}};
  if (blocks_.empty()) return Value{};
  const auto known = [&](const Changed& change) { return change.key == ask.key; };
  if (!ask.later) {
    const Revision from = std::min(ask.reached.value_or(ask.at), ask.at);
    for (std::size_t at = block_of(from) + 1; at-- > 0 && from >= blocks_.front().index.first;) {
      const Block& block = blocks_[at];
      if (!may_have(block, ask.key)) continue;
      const auto* const changes = changes_of(block);
      if (!changes) {
        ask.reached = block.last;
        return behind(block);
      }
      for (auto change = changes->rbegin(); change != changes->rend(); ++change)
        if (change->revision <= std::min(ask.at, block.last) && known(*change)) return change->value;
    }
    ask.later = true;
    ask.reached = Revision{ask.at.value + 1};
  }
  // The last change up to `at` is forgotten, or there was none. The next change shows which.
  for (std::size_t at = block_of(*ask.reached); at < blocks_.size(); ++at) {
    const Block& block = blocks_[at];
    if (block.last <= ask.at || !may_have(block, ask.key)) continue;
    const auto* const changes = changes_of(block);
    if (!changes) {
      ask.reached = std::max(block.index.first, Revision{ask.at.value + 1});
      return behind(block);
    }
    for (const Changed& change : *changes) {
      if (change.revision <= ask.at || change.revision > block.last || !known(change)) continue;
      if (change.value && change.created == change.revision) return Value{};
      return Elsewhere{oldest_, {}};
    }
  }
  return Value{};
}

// -- the disk --------------------------------------------------------------------------------------------------------

bool History::wants_disk() const {
  if (limits_.disk_bytes_max == 0 || saving_) return false;
  std::size_t bytes = 0;
  for (auto block = blocks_.rbegin(); block != blocks_.rend() && !on_disk(*block); ++block)
    if (block->state == State::full && !block->too_large) bytes += block->memory;
  return bytes >= 4 * block_bytes_;
}

std::vector<History::Unsaved> History::unsaved(bool all) {
  std::vector<Unsaved> out;
  if (limits_.disk_bytes_max == 0 || saving_) return out;
  for (std::size_t at = released_; at < blocks_.size(); ++at) {
    Block& block = blocks_[at];
    if (on_disk(block) || block.too_large || (block.state == State::open && !all)) continue;
    base::Bytes bytes = encode(block.changes);
    block.state = State::full;
    block.too_large = bytes.size() > kBlockBytesMax;
    if (block.too_large) continue;
    block.index.last = block.last;
    block.index.changes = static_cast<std::uint32_t>(block.changes.size());
    block.index.bytes = bytes.size();
    block.index.parts = static_cast<std::uint32_t>((bytes.size() + kBlockPartBytes - 1) / kBlockPartBytes);
    block.index.keys = KeyFilter(block.changes.size());
    for (const Changed& change : block.changes) block.index.keys.add(change.key);
    block.state = State::saving;
    disk_ += bytes.size();
    out.push_back({block.index, std::move(bytes)});
  }
  saving_ = !out.empty();
  return out;
}

void History::saved(bool stored) {
  saving_ = false;
  for (auto block = blocks_.rbegin(); block != blocks_.rend() && block->state != State::stored; ++block) {
    if (block->state != State::saving) continue;
    block->state = stored ? State::stored : State::full;
    if (!stored) disk_ -= block->index.bytes;
  }
  trim();
}

void History::restore(std::vector<BlockIndex> blocks, Revision oldest) {
  Revision next{start_.value + 1};  // the history begins with it
  bool joined = oldest_ == next;
  for (auto index = blocks.rbegin(); index != blocks.rend(); ++index) {
    const bool overlaps = index->first >= next;
    joined = joined && (overlaps || index->last.value + 1 >= next.value);
    if (!joined || overlaps) {
      erased_.push_back({index->first, index->parts});
      continue;
    }
    Block block{.index = std::move(*index), .last = {next.value - 1}};
    block.count = block.index.changes;
    block.state = State::stored;
    next = oldest_ = block.index.first;
    disk_ += block.index.bytes;
    changes_ += block.count;
    ++released_;
    blocks_.push_front(std::move(block));
  }
  compact(oldest);
  trim();
}

const BlockIndex* History::stored(Revision first) const {
  if (blocks_.empty()) return nullptr;
  const Block& block = blocks_[block_of(first)];
  return block.index.first == first && block.state == State::stored ? &block.index : nullptr;
}

void History::loaded(Revision first, std::deque<Changed> changes) {
  std::erase_if(loaded_, [&](const auto& one) { return one.first == first; });
  if (loaded_.size() >= kLoadedBlocksMax) loaded_.pop_front();
  loaded_.emplace_back(first, std::move(changes));
}

void History::unreadable(Revision first) {
  if (const BlockIndex* index = stored(first)) compact({index->last.value + 1});
}

}  // namespace troupe::raft::kv
