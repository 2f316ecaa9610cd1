#pragma once
// The credit of one direction of a stream: how many items and bytes may be in flight.
//
// States  a sender is open while it has credit of both kinds. The item that spends the last bytes may be larger than
//         them; otherwise an item above the window could never be sent. So at most a window and one item are in flight.
// Limits  the receiver's window; a sender has at most kCreditItemsMax and kCreditBytesMax, however much it is granted.
// Owner   one end of one stream; not thread-safe.
#include <cstdint>
#include <optional>

namespace troupe::runtime::logic {

struct Credit {
  std::uint32_t items = 0;
  std::uint64_t bytes = 0;

  friend bool operator==(const Credit&, const Credit&) = default;
};

inline constexpr Credit kWindow{32, 1u << 20};  // our choice: 1 ms at 1 GiB/s; one chunk of 1 MiB in flight
inline constexpr std::uint32_t kCreditItemsMax =
    4096;  // our choice: bounds what a greedy receiver makes a sender queue
inline constexpr std::uint64_t kCreditBytesMax = 64u << 20;
static_assert(kWindow.items <= kCreditItemsMax && kWindow.bytes <= kCreditBytesMax);

/// The sending end of items.
class CreditSender {
 public:
  /// Adds a grant of the receiver. Credit above the limits is lost, which harms only a receiver that broke them.
  void grant(Credit more);

  /// Whether the next item may be sent.
  bool open() const { return items_ > 0 && bytes_ > 0; }

  /// Accounts for an item of `bytes` that is sent now, while open(). Returns open() after it.
  bool spend(std::uint64_t bytes);

 private:
  std::uint32_t items_ = 0;
  std::int64_t bytes_ = 0;  // negative after an item larger than the rest: the next grant pays for it
};

/// The receiving end of items.
class CreditReceiver {
 public:
  /// `window` has at least one item and one byte, and at most kCreditItemsMax and kCreditBytesMax.
  explicit CreditReceiver(Credit window = kWindow);

  /// Returns the whole window, which is sent with the request. The receiver counts it as granted.
  Credit first() const { return window_; }

  /// Accounts for an item that arrived. Returns false if the sender had no credit for it: the stream is then `violated`
  /// for good, and must be cancelled.
  bool received(std::uint64_t bytes);

  /// Accounts for a received item that was consumed. Returns the credit to grant once that is half of the window or
  /// more, otherwise nullopt: so one CREDIT frame serves many items.
  std::optional<Credit> consumed(std::uint64_t bytes);

  bool violated() const { return violated_; }

 private:
  Credit window_;
  std::int64_t items_granted_;  // and not yet used by an item
  std::int64_t bytes_granted_;
  Credit held_;  // received, not yet consumed
  Credit owed_;  // consumed, not yet granted again
  bool violated_ = false;
};

}  // namespace troupe::runtime::logic
