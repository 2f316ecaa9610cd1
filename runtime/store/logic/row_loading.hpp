#pragma once
// How the rows of a keyspace are read: slice after slice, and what an error of the store means.
//
// Lasting `corrupt` and `unsupported`: asking again would not help. Reading ends, and what was read counts.
// Passing every other error: the same slice is asked for again, after kRetryMin and twice as long each time, kRetryMax
//         at most. An owner that starts without its rows (Unread::goes_on) waits kLoadPatience from the first of
//         these errors on, and then reading ends.
// Paging  a slice must lead to a key behind its first one. A store that leads elsewhere would be read for ever, or in
//         part: it counts as corrupt.
// Time    monotonic, given by the caller.
#include <chrono>
#include <optional>

#include "runtime/base/bytes.hpp"
#include "runtime/base/error.hpp"
#include "runtime/base/time.hpp"

namespace troupe::store {

inline constexpr std::chrono::milliseconds kRetryMin{500};  // our choice: a store that opens late is there by then
inline constexpr std::chrono::seconds kRetryMax{5};         // our choice: a question inside the node costs little
inline constexpr std::chrono::seconds kLoadPatience{30};    // our choice: a start without rows is worse than a late one

/// Whether asking again would not help.
bool lasting(base::Code code);

/// Whether a commit that ended with this error has certainly changed nothing.
bool nothing_done(base::Code code);

/// Waits that double: kRetryMin first, kRetryMax at most.
class RowRetry {
 public:
  base::Duration next();
  void succeeded() { wait_ = kRetryMin; }

 private:
  base::Duration wait_ = kRetryMin;
};

/// What the owner of rows does while its store cannot read them.
enum class Unread : std::uint8_t {
  waits,    ///< for as long as it takes
  goes_on,  ///< without them, after kLoadPatience
};

/// The key after a slice that began at `from`; nothing at the end. Errors: `corrupt` if `next` is not behind `from`.
base::Outcome<std::optional<base::Bytes>> next_slice(base::ByteView from, bool more, base::ByteView next);

class RowLoading {
 public:
  explicit RowLoading(Unread unread) : unread_(unread) {}

  enum class Step : std::uint8_t {
    ask,   ///< for the slice at from()
    wait,  ///< until retry_at(), then ask
    end,   ///< nothing more is read
  };
  Step begin(base::Bytes first);
  /// A slice was read. `next` is where the one after it begins; nothing at the end.
  Step took(std::optional<base::Bytes> next);
  Step failed(base::Code code, base::Instant now);

  bool reading() const { return reading_; }
  /// Whether all rows were read.
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
