#pragma once
// An ordered map whose state at one moment can be read while it changes: for snapshots without a pause.
//
// How     freeze() marks the moment. Before an unread row changes, its old value is put aside; read() merges the rows
//         and the old values. There are at most as many old values as changes during one reading.
// Owner   one state machine; not thread-safe.
#include <map>
#include <optional>
#include <vector>

#include "runtime/base/ensure.hpp"

namespace troupe::raft::kv {

template <class Key, class Row>
class FrozenMap {
 public:
  const std::map<Key, Row>& rows() const { return rows_; }
  const Row* find(const Key& key) const {
    const auto found = rows_.find(key);
    return found == rows_.end() ? nullptr : &found->second;
  }
  void put(const Key& key, Row row) {
    put_aside(key);
    rows_.insert_or_assign(key, std::move(row));
  }
  bool erase(const Key& key) {
    put_aside(key);
    return rows_.erase(key) > 0;
  }

  void freeze() {
    base::ensure(!frozen_, "one reading at a time");
    frozen_ = true;
  }
  bool frozen() const { return frozen_; }
  /// Returns the next row as it was at freeze(), in order, or nullopt after the last.
  std::optional<std::pair<Key, Row>> read() {
    while (true) {
      const auto now = passed_ ? rows_.upper_bound(*passed_) : rows_.begin();
      const auto was = aside_.begin();  // rows that were read are not kept
      if (now == rows_.end() && was == aside_.end()) return std::nullopt;
      const bool old = was != aside_.end() && (now == rows_.end() || was->first <= now->first);
      passed_ = old ? was->first : now->first;
      if (!old) return *now;
      auto aside = aside_.extract(was);
      if (aside.mapped()) return std::pair(*passed_, std::move(*aside.mapped()));
    }
  }
  void thaw() {
    frozen_ = false;
    passed_.reset();
    aside_.clear();
  }

 private:
  void put_aside(const Key& key) {
    if (!frozen_ || (passed_ && key <= *passed_)) return;
    const auto found = rows_.find(key);
    aside_.try_emplace(key, found == rows_.end() ? std::nullopt : std::optional(found->second));
  }
  std::map<Key, Row> rows_;
  bool frozen_ = false;
  std::optional<Key> passed_;
  std::map<Key, std::optional<Row>> aside_;  // null: the row was absent
};

}  // namespace troupe::raft::kv
