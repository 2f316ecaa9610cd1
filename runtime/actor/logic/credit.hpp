#pragma once
// The credit of one direction of a stream: how many items and bytes may be in flight.
//
// States  a sender is open while it has credit for items and for bytes. The item that spends the last bytes may be
//         larger than they are; otherwise an item larger than the window could never be sent. So at most a window and
//         one item are in flight.
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
  /// Adds credit that the receiver granted. Credit above the limits is lost, which harms only a receiver that broke the
  /// limits.
  void grant(Credit more);

  /// Whether the next item may be sent.
  bool open() const { return items_ > 0 && bytes_ > 0; }

  /// Spends credit for an item of `bytes` that is sent now; call it only while open(). Returns open() afterwards.
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

  /// Returns the whole window, to be sent with the request. It is already counted as granted.
  Credit first() const { return window_; }

  /// Records that an item arrived. Returns false if the sender had no credit for it: the stream then stays violated(),
  /// and must be cancelled.
  bool received(std::uint64_t bytes);

  /// Records that a received item was consumed. Returns the credit to grant once it is at least half of the window,
  /// otherwise nullopt: so one CREDIT frame serves many items.
  std::optional<Credit> consumed(std::uint64_t bytes);

  bool violated() const { return violated_; }

 private:
  Credit window_;
  std::int64_t items_granted_;  // granted and not yet used by an item
  std::int64_t bytes_granted_;
  Credit held_;  // received, not yet consumed
  Credit owed_;  // consumed, not yet granted again
  bool violated_ = false;
};

}  // namespace troupe::runtime::logic
