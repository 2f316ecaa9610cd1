#pragma once
// Rows that wait to be written to the store, for an owner that does not wait for them.
//
// Batch   One batch is in flight at a time. Rows that it could not write go into a later batch, unless they have
//         changed since.
// Order   Erasures go first and separately, because a full device accepts them (runtime/store/commit.hpp). Values go
//         from the last key to the first: the first key may be the owner's progress, which must be written after the
//         rows that it describes.
// Pause   After values could not be written, no values are written until again(), but erasures are. After erasures
//         could not be written, nothing is written until again().
// Limit   Add no value while has_room() is false. A waiting value may always be replaced by a value of at most its
//         size. Erasures and the few small rows of state are not limited here.
#include <cstdint>
#include <map>
#include <optional>

#include "runtime/store/logic/row_change.hpp"

namespace troupe::store {

inline constexpr std::size_t kUnwrittenBytesMax = 16 * 1024 * 1024;  // our choice: some hundred large values

class WriteBehind {
 public:
  using Changes = std::map<base::Bytes, std::optional<base::Bytes>>;  ///< by key; nullopt: erased

  /// Replaces waiting changes of the same rows.
  void add(RowChange change);
  bool full() const { return value_bytes_ >= kUnwrittenBytesMax; }
  bool has_room(const base::Bytes& key, std::size_t value_size) const;
  /// Returns the row's value as it will be once all is written; null if no change of the row waits or is in flight.
  const std::optional<base::Bytes>* find(const base::Bytes& key) const;

  /// Returns a batch, which is in flight until done() or failed(). Returns null if there is nothing to write now, or
  /// another batch is in flight.
  const Changes* next();
  void done();
  void failed();
  /// Ends the pause.
  void again() { pause_ = Pause::none; }

  /// Returns whether an erasure waits or is in flight.
  bool erases() const { return erased_ > 0 || erases_now_; }
  bool under_way() const { return under_way_.has_value(); }
  bool idle() const { return waiting_.empty() && !under_way_; }
  /// Returns the number of rows that wait, without those in flight.
  std::size_t waiting() const { return waiting_.size(); }
  /// Returns whether the batch in flight erases.
  bool erases_now() const { return erases_now_; }

 private:
  enum class Pause : std::uint8_t { none, values, all };

  void put_in(const base::Bytes& key, std::optional<base::Bytes> value);
  void took(const Changes::value_type& row);

  Changes waiting_;
  std::size_t value_bytes_ = 0;  // of the waiting values, with their keys
  std::size_t erased_ = 0;       // number of waiting erasures
  std::optional<Changes> under_way_;
  bool erases_now_ = false;
  Pause pause_ = Pause::none;
};

}  // namespace troupe::store
