#pragma once
// The credit of one direction of a stream: how many items and bytes may be on their way.
//
// States  a sender is open while it has credit in both; the item that spends the last bytes may be larger than
//         they are, or an item above the window would never travel. So at most a window and one item are on the way.
// Limits  the receiver's window; a sender holds at most kCreditItemsMax and kCreditBytesMax, whatever it is granted.
// Owner   one end of one stream; not thread-safe.
#include <cstdint>
#include <optional>

namespace troupe::runtime::logic {

struct Credit {
  std::uint32_t items = 0;
  std::uint64_t bytes = 0;

  friend bool operator==(const Credit&, const Credit&) = default;
};

inline constexpr Credit kWindow{32, 1u << 20};          // our choice: 1 ms at 1 GiB/s; of 1 MiB chunks one on its way
inline constexpr std::uint32_t kCreditItemsMax = 4096;  // our choice: what a greedy receiver makes a sender queue
inline constexpr std::uint64_t kCreditBytesMax = 64u << 20;
static_assert(kWindow.items <= kCreditItemsMax && kWindow.bytes <= kCreditBytesMax);

/// The end that sends items.
class CreditSender {
 public:
  /// Adds what the receiver granted; what exceeds the limits is lost, which harms only a receiver that broke them.
  void grant(Credit more);

  /// Whether the next item may be sent.
  bool open() const { return items_ > 0 && bytes_ > 0; }

  /// Accounts for an item of `bytes` that is sent now, while open(). Returns open() after it.
  bool spend(std::uint64_t bytes);

 private:
  std::uint32_t items_ = 0;
  std::int64_t bytes_ = 0;  // negative after an item larger than the rest: the next grant pays for it
};

/// The end that receives items.
class CreditReceiver {
 public:
  /// `window` has at least one item and one byte, and at most kCreditItemsMax and kCreditBytesMax.
  explicit CreditReceiver(Credit window = kWindow);

  /// What travels with the question: the whole window. The receiver counts as having granted it.
  Credit first() const { return window_; }

  /// Accounts for an item that arrived. False if the sender had no credit for it: the stream is `violated`,
  /// to be cancelled, and stays so.
  bool received(std::uint64_t bytes);

  /// Accounts for a received item that was used up. Returns what to grant once that is half of the window
  /// or more, else nothing: one CREDIT frame for many items.
  std::optional<Credit> consumed(std::uint64_t bytes);

  bool violated() const { return violated_; }

 private:
  Credit window_;
  std::int64_t items_granted_;  // and not yet used by an item
  std::int64_t bytes_granted_;
  Credit held_;  // received, not yet consumed
  Credit owed_;  // consumed, not yet granted anew
  bool violated_ = false;
};

}  // namespace troupe::runtime::logic
