#pragma once
// Rows on their way to the store, of an owner that does not wait for them.
//
// Batch   one is under way at a time. What it could not write goes into a later one, under what has changed since.
// Order   erasures go first and by themselves, because a full device takes those (runtime/store/commit.hpp). Of the
//         values the last key goes first: the lowest may tell how far its owner has come, and is written after the rows
//         that it tells of.
// Pause   values that were not written keep back values until again(), and erasures still go; erasures that were not
//         written keep back all.
// Limit   add no value while has_room() is false. Replacing a waiting value by one of at most its size is always
//         allowed. Erasures and the few small rows that tell how things stand are not limited here.
#include <cstdint>
#include <map>
#include <optional>

#include "runtime/store/logic/row_change.hpp"

namespace troupe::store {

inline constexpr std::size_t kUnwrittenBytesMax = 16 * 1024 * 1024;  // our choice: some hundred large values

class WriteBehind {
 public:
  using Changes = std::map<base::Bytes, std::optional<base::Bytes>>;  ///< by key; nothing: erased

  /// Whatever waited for the same rows gives way.
  void add(RowChange change);
  bool full() const { return value_bytes_ >= kUnwrittenBytesMax; }
  bool has_room(const base::Bytes& key, std::size_t value_size) const;
  /// As it will be once all is written; null if nothing of it waits or is under way.
  const std::optional<base::Bytes>* find(const base::Bytes& key) const;

  /// Under way until done() or failed(). Null if nothing is to be written now, or a batch is under way.
  const Changes* next();
  void done();
  void failed();
  /// The pause is over.
  void again() { pause_ = Pause::none; }

  /// Whether an erasure waits or is under way.
  bool erases() const { return erased_ > 0 || erases_now_; }
  bool under_way() const { return under_way_.has_value(); }
  bool idle() const { return waiting_.empty() && !under_way_; }
  /// Rows that wait, without those under way.
  std::size_t waiting() const { return waiting_.size(); }
  /// Whether the batch under way erases.
  bool erases_now() const { return erases_now_; }

 private:
  enum class Pause : std::uint8_t { none, values, all };

  void put_in(const base::Bytes& key, std::optional<base::Bytes> value);
  void took(const Changes::value_type& row);

  Changes waiting_;
  std::size_t value_bytes_ = 0;  // of the values that wait, with their keys
  std::size_t erased_ = 0;       // how many of those that wait erase
  std::optional<Changes> under_way_;
  bool erases_now_ = false;
  Pause pause_ = Pause::none;
};

}  // namespace troupe::store
