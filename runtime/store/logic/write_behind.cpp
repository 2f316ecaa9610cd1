#include "runtime/store/logic/write_behind.hpp"

#include <iterator>
#include <utility>

#include "runtime/base/ensure.hpp"

namespace troupe::store {
namespace {

std::size_t cost_of(const WriteBehind::Changes::value_type& row) {
  return kRowOverhead + row.first.size() + (row.second ? row.second->size() : 0);
}

}  // namespace

void WriteBehind::add(RowChange change) {
  for (const base::Bytes& key : change.erase) put_in(key, std::nullopt);
  for (const SharedRow& row : change.shared) put_in(row.key, *row.value);
  for (Row& row : change.save) put_in(row.key, std::move(row.value));
}

void WriteBehind::put_in(const base::Bytes& key, std::optional<base::Bytes> value) {
  const auto [row, fresh] = waiting_.try_emplace(key);
  if (!fresh) took(*row);
  row->second = std::move(value);
  if (row->second) value_bytes_ += cost_of(*row);
  else ++erased_;
}

/// Counts a row that no longer waits.
void WriteBehind::took(const Changes::value_type& row) {
  if (row.second) value_bytes_ -= cost_of(row);
  else --erased_;
}

bool WriteBehind::has_room(const base::Bytes& key, std::size_t value_size) const {
  if (!full()) return true;
  const auto row = waiting_.find(key);
  return row != waiting_.end() && row->second && row->second->size() >= value_size;
}

const std::optional<base::Bytes>* WriteBehind::find(const base::Bytes& key) const {
  if (const auto row = waiting_.find(key); row != waiting_.end()) return &row->second;
  if (!under_way_) return nullptr;
  const auto row = under_way_->find(key);
  return row == under_way_->end() ? nullptr : &row->second;
}

const WriteBehind::Changes* WriteBehind::next() {
  if (under_way_ || waiting_.empty() || pause_ == Pause::all) return nullptr;
  if (erased_ == 0 && pause_ == Pause::values) return nullptr;
  erases_now_ = erased_ > 0;
  Changes& rows = under_way_.emplace();
  std::size_t bytes = 0;
  for (auto end = waiting_.end(); end != waiting_.begin() && bytes < kSaveBytes;) {
    const auto row = std::prev(end);
    if (erases_now_ == row->second.has_value()) {
      end = row;
      continue;
    }
    took(*row);
    bytes += cost_of(*row);
    rows.insert(waiting_.extract(row));
  }
  return &rows;
}

void WriteBehind::done() {
  base::ensure(under_way_.has_value(), "a written batch was in flight");
  under_way_.reset();
  if (!std::exchange(erases_now_, false)) pause_ = Pause::none;
}

void WriteBehind::failed() {
  base::ensure(under_way_.has_value(), "a failed batch was in flight");
  pause_ = std::exchange(erases_now_, false) ? Pause::all : Pause::values;
  Changes rows = *std::exchange(under_way_, std::nullopt);
  for (auto& [key, value] : rows)
    if (!waiting_.contains(key)) put_in(key, std::move(value));
}

}  // namespace troupe::store
