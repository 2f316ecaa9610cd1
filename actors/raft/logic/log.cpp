#include "actors/raft/logic/log.hpp"

#include <algorithm>

namespace troupe::raft {

std::optional<LogError> flaw(const Entry& entry, Index index, Term term) {
  if (entry.index != index.next()) return LogError::gap;
  if (entry.term < term || entry.term.value == 0) return LogError::term_back;
  if (static_cast<std::uint8_t>(entry.kind) > kEntryKindMax) return LogError::unknown;
  if (entry.kind == EntryKind::membership && !decode_configuration(entry.view())) return LogError::unknown;
  if (entry.kind == EntryKind::term_start && !entry.view().empty()) return LogError::unknown;
  return std::nullopt;
}

Log::Log(Snapshot snapshot) : window_first_(snapshot.index.next()) { reset(std::move(snapshot)); }

Index Log::last() const { return Index{window_first_.value + window_.size() - 1}; }

Term Log::last_term() const { return runs_.empty() ? snapshot_.term : runs_.back().term; }

std::optional<Term> Log::term_at(Index index) const {
  if (index == snapshot_.index) return snapshot_.term;
  if (index < snapshot_.index || index > last()) return std::nullopt;
  const auto behind =
      std::upper_bound(runs_.begin(), runs_.end(), index, [](Index at, const Run& run) { return at < run.first; });
  return std::prev(behind)->term;
}

bool Log::covered_by(Index last_index, Term term) const {
  return term > last_term() || (term == last_term() && last_index >= last());
}

Index Log::last_at_most(Index index, Term term) const {
  index = std::min(index, last());
  for (auto run = runs_.rbegin(); run != runs_.rend(); ++run) {
    if (run->first > index) continue;
    if (run->term <= term) return index;
    index = run->first.previous();
  }
  return snapshot_.term <= term ? std::min(index, snapshot_.index) : snapshot_.index.previous();
}

base::Result<void, LogError> Log::append(Entry entry) {
  if (const auto bad = flaw(entry, last(), last_term())) return *bad;
  if (entry.kind == EntryKind::membership)
    configurations_.push_back({entry.index, *decode_configuration(entry.view())});
  if (runs_.empty() || runs_.back().term != entry.term) runs_.push_back({entry.index, entry.term});
  total_ += entry.bytes();
  window_.push_back({std::move(entry), total_});
  return {};
}

void Log::truncate(Index from) {
  base::ensure(from > snapshot_.index && from >= window_first_, "only entries in memory are truncated");
  while (last() >= from) window_.pop_back();
  while (!runs_.empty() && runs_.back().first >= from) runs_.pop_back();
  while (configurations_.size() > 1 && configurations_.back().index >= from) configurations_.pop_back();
  total_ = window_.empty() ? base_ : window_.back().end;
}

void Log::compact(Snapshot snapshot) {
  base::ensure(has(snapshot.index, snapshot.term), "a snapshot of this log ends at an entry of it");
  evict(snapshot.index, 0);
  while (runs_.size() > 1 && runs_[1].first <= snapshot.index.next()) runs_.erase(runs_.begin());
  if (!runs_.empty()) runs_.front().first = std::max(runs_.front().first, snapshot.index.next());
  if (last() == snapshot.index) runs_.clear();
  while (configurations_.size() > 1 && configurations_[1].index <= snapshot.index)
    configurations_.erase(configurations_.begin());
  snapshot_ = std::move(snapshot);
}

void Log::reset(Snapshot snapshot) {
  runs_.clear();
  window_.clear();
  base_ = total_ = 0;
  window_first_ = snapshot.index.next();
  configurations_.assign(1, {snapshot.index, snapshot.configuration});
  snapshot_ = std::move(snapshot);
}

const Entry* Log::find(Index index) const {
  if (index < window_first_ || index > last()) return nullptr;
  return &window_[index - window_first_].entry;
}

std::vector<Entry> Log::slice(Index from, Index to, std::size_t bytes_max) const {
  std::vector<Entry> out;
  base::ensure(from >= window_first_, "the window has the sliced entries");
  std::size_t bytes = 0;
  for (Index at = from; at <= std::min(to, last()); at = at.next()) {
    const Entry& entry = window_[at - window_first_].entry;
    bytes += entry.bytes();
    if (!out.empty() && bytes > bytes_max) break;
    out.push_back(entry);
  }
  return out;
}

void Log::evict(Index to, std::size_t bytes_max) {
  while (!window_.empty() && window_first_ <= to && window_bytes() > bytes_max) {
    base_ = window_.front().end;
    window_.pop_front();
    window_first_ = window_first_.next();
  }
}

std::uint64_t Log::end_of(Index index) const {
  if (index < window_first_) return base_;
  return index >= last() ? total_ : window_[index - window_first_].end;
}

std::uint64_t Log::bytes_behind(Index index) const { return total_ - end_of(index); }

const Configuration& Log::configuration_at(Index index) const {
  auto at = configurations_.rbegin();
  while (at->index > index && std::next(at) != configurations_.rend()) ++at;
  return at->configuration;
}

}  // namespace troupe::raft
