#pragma once
// Rows on their way to the store, of an owner that does not wait for them.
//
// Batch   one is under way at a time. What it could not write goes into a later one, under what has changed since.
// Order   what is erased goes first and by itself, as a full device takes that (runtime/store/commit.hpp); else the
//         last key goes first: the lowest may tell how far its owner has come, and is written after what it tells of.
// Pause   values that were not written keep back values until again(), and what is erased then still goes; erasures
//         that were not written keep back all.
// Limit   an owner brings no value that has no room: one that takes the place of as much has. What it erases always
//         finds some, and so do the small rows that say how things stand: there are as many as it has things, whose
//         number has a limit of its own.
#include <cstdint>
#include <map>
#include <optional>

#include "actors/dht/logic/rows.hpp"

namespace troupe::dht {

inline constexpr std::size_t kUnwrittenBytesMax = 16 * 1024 * 1024;  // our choice: some hundred large values

class RowBacklog {
 public:
  using Rows = std::map<base::Bytes, std::optional<base::Bytes>>;  ///< by key; nothing: erased

  /// Whatever waited for the same rows gives way.
  void add(RowChange change);
  bool full() const { return value_bytes_ >= kUnwrittenBytesMax; }
  bool has_room(const base::Bytes& key, std::size_t value_size) const;
  /// As it will be once all is written; null if nothing of it waits or is under way.
  const std::optional<base::Bytes>* find(const base::Bytes& key) const;

  /// Under way until done() or failed(). Null if nothing is to be written now, or a batch is under way.
  const Rows* next();
  void done();
  void failed();
  /// The pause is over.
  void again() { pause_ = Pause::none; }

  /// Whether an erasure waits or is under way.
  bool erases() const { return erased_ > 0 || erases_now_; }
  bool under_way() const { return under_way_.has_value(); }
  /// Whether the batch under way erases.
  bool erases_now() const { return erases_now_; }

 private:
  enum class Pause : std::uint8_t { none, values, all };

  void put_in(const base::Bytes& key, std::optional<base::Bytes> value);
  void took(const Rows::value_type& row);

  Rows waiting_;
  std::size_t value_bytes_ = 0;  // of the values that wait, with their keys
  std::size_t erased_ = 0;       // so many of those that wait
  std::optional<Rows> under_way_;
  bool erases_now_ = false;
  Pause pause_ = Pause::none;
};

}  // namespace troupe::dht
