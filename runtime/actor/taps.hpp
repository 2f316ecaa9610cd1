#pragma once
// Taps, by which an operator follows messages: a tap selects actors and gets each of their envelopes.
//
// Cost    without a tap one comparison per message. With a tap, an actor checks whether it is selected when it first
//         sees the tap, then once in kLookEvery; an unselected actor pays two more comparisons.
// Limits  kTapsMax taps. kTappedMax messages or kTappedBytesMax bytes wait in a tap; further messages are counted as
//         dropped.
// Safety  any thread; many call `wants` at once.
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/actor/envelope.hpp"
#include "runtime/actor/record.hpp"
#include "runtime/base/ids.hpp"

namespace troupe::runtime {

inline constexpr std::size_t kTapsMax = 4;
inline constexpr std::size_t kTappedMax = 1'000;
inline constexpr std::size_t kTappedBytesMax = 16u
                                               << 20;  // envelopes are shared, but a tap may have the last reference
inline constexpr std::chrono::milliseconds kLookEvery{100};

/// A message at an actor.
struct Tapped {
  enum class Direction : std::uint8_t {
    in,    ///< taken from its mailbox, and handled
    out,   ///< written to the other side of its link
    over,  ///< arrived over its link, for another actor
  };
  base::Instant at;           ///< with `in` when its handler began
  base::Duration waited{0};   ///< with `in`: time in the mailbox; zero also if unknown
  base::Duration took{0};     ///< with `in`: time in its handler
  std::uint32_t handler = 0;  ///< the span of the handler; zero: not traced
  Direction way = Direction::in;
  bool answer = false;
  std::string path;                  ///< of the actor
  std::uint64_t other = 0;           ///< CAF's number of the sender, or with `over` of the receiver; zero: none
  std::optional<base::NodeId> node;  ///< the other node; nullopt for an actor of this node
  Envelope envelope;
};

class Tap {
 public:
  using Wants = std::function<bool(std::string_view path, const char* kind, const Record& record, base::Instant now)>;
  struct Taken {
    std::vector<Tapped> messages;
    std::uint64_t seen = 0;     ///< all selected messages
    std::uint64_t dropped = 0;  ///< the part of `seen` that was dropped for lack of space
  };

  Tap(Wants wants, std::uint64_t trace, base::Instant until, const messages::KindInfo* never)
      : wants_(std::move(wants)), trace_(trace), until_(until), never_(never) {}
  /// Returns the messages since the last call; the counts cover the whole time.
  Taken take();

 private:
  friend class Taps;
  void put(const Tapped& message);

  const Wants wants_;
  const std::uint64_t trace_;  // zero: every trace
  const base::Instant until_;
  const messages::KindInfo* const never_;
  std::mutex lock_;
  std::deque<Tapped> waiting_;
  std::size_t bytes_ = 0;
  std::uint64_t seen_ = 0;
  std::uint64_t dropped_ = 0;
};

class Taps {
 public:
  /// Opens a tap; returns null if there are kTapsMax. `trace`: only this trace, unless it is zero. `never`: a kind to
  /// leave out, because the user sends what it receives in messages of that kind; may be null. The tap takes nothing
  /// after `until`, and keeps its slot until it is closed or its last reference is gone.
  std::shared_ptr<Tap> open(Tap::Wants wants, std::uint64_t trace, base::Instant until,
                            const messages::KindInfo* never = nullptr);
  void close(const std::shared_ptr<Tap>& tap);

  /// Returns zero without a tap, otherwise a new number after each change.
  std::uint32_t edition() const { return edition_.load(std::memory_order_relaxed); }
  /// Returns the taps that select this actor, one bit each.
  std::uint8_t wanted(std::string_view path, const char* kind, const Record& record, base::Instant now) const;
  void put(std::uint8_t taps, const Tapped& message);

 private:
  std::vector<std::shared_ptr<Tap>> all(std::uint8_t taps) const;

  mutable std::mutex lock_;
  std::array<std::shared_ptr<Tap>, kTapsMax> taps_;
  std::uint32_t changes_ = 0;
  std::atomic<std::uint32_t> edition_{0};
};

}  // namespace troupe::runtime
