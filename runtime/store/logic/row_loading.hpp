#pragma once
// How the rows of a keyspace are read: slice after slice, and what an error of the store means.
//
// Lasting `corrupt` and `unsupported`: a retry would not help. Reading ends, and the owner uses the rows read so far.
// Passing Every other error: the same slice is requested again, after kRetryMin and twice as long each time, at most
//         kRetryMax. For an owner that can start without its rows (Unread::goes_on), reading ends kLoadPatience after
//         the first such error.
// Paging  The next slice must start after the first key of this slice. Otherwise reading would never end, or miss rows,
//         so the store counts as corrupt.
// Time    Monotonic, given by the caller.
#include <chrono>
#include <optional>

#include "runtime/base/bytes.hpp"
#include "runtime/base/error.hpp"
#include "runtime/base/time.hpp"

namespace troupe::store {

inline constexpr std::chrono::milliseconds kRetryMin{500};  // our choice: a store that opens late is open by then
inline constexpr std::chrono::seconds kRetryMax{5};         // our choice: a request inside the node is cheap
inline constexpr std::chrono::seconds kLoadPatience{30};    // our choice: better a late start than one without rows

/// Returns whether a retry would not help.
bool lasting(base::Code code);

/// Returns whether a commit that ended with this error has certainly changed nothing.
bool nothing_done(base::Code code);

/// Delays before retries: kRetryMin first, then doubled, at most kRetryMax.
class RowRetry {
 public:
  base::Duration next();
  void succeeded() { wait_ = kRetryMin; }

 private:
  base::Duration wait_ = kRetryMin;
};

/// What an owner does while its store cannot read the rows.
enum class Unread : std::uint8_t {
  waits,    ///< as long as necessary
  goes_on,  ///< starts without them, after kLoadPatience
};

/// Returns the key after a slice that began at `from`, or nullopt at the end. Errors: `corrupt` unless `next` is after
/// `from`.
base::Outcome<std::optional<base::Bytes>> next_slice(base::ByteView from, bool more, base::ByteView next);

class RowLoading {
 public:
  explicit RowLoading(Unread unread) : unread_(unread) {}

  enum class Step : std::uint8_t {
    ask,   ///< request the slice at from()
    wait,  ///< wait until retry_at(), then request
    end,   ///< nothing more is read
  };
  Step begin(base::Bytes first);
  /// Records that a slice was read. `next` is the start of the next slice; nullopt at the end.
  Step took(std::optional<base::Bytes> next);
  Step failed(base::Code code, base::Instant now);

  bool reading() const { return reading_; }
  /// Returns whether all rows were read.
  bool complete() const { return complete_; }
  const base::Bytes& from() const { return from_; }
  base::Instant retry_at() const { return retry_at_; }

 private:
  Unread unread_;
  base::Bytes from_;
  bool reading_ = false;
  bool complete_ = false;
  std::optional<base::Instant> failing_since_;
  base::Instant retry_at_;
  RowRetry retry_;
};

}  // namespace troupe::store
