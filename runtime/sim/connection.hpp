#pragma once
// One simulated connection: two ends, and the bytes in flight between them.
//
// States  an end is idle until start(), then open, closing after close(), ended after its Closed event. close() sends
//         the queued bytes and the end of the stream, then waits for the other side's end for at most kLingerMax; bytes
//         that arrive in that time are dropped. Dropping an end that was never started ends it.
// Limits  kWindowBytes sent and unread in each direction.
// Owner   the two streams and the stage's timeline; one thread.
#include <caf/actor_control_block.hpp>
#include <deque>
#include <memory>

#include "runtime/sim/fabric.hpp"

namespace troupe::sim {

inline constexpr std::chrono::seconds kLingerMax{5};  // as in runtime/os

enum class Side : std::uint8_t { dialler, acceptor };

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Fabric> fabric, const Address& dialler, const Address& acceptor);

  void start(Side side, const runtime::Handle& owner);
  std::size_t write(Side side, base::Bytes bytes);
  void pause(Side side, bool paused);
  void close(Side side);
  /// Ends `side` now; bytes that did not fit into the window are lost.
  void abandon(Side side);
  /// Called when the stream object of `side` is gone: sends no more events and closes that end.
  void drop(Side side);
  /// Ends both sides at once.
  void reset(const std::string& why);
  /// Called when the cut of the link has ended: the bytes that it held back are in flight again.
  void thaw();
  /// Called when the machine at that address is gone: its end neither sends nor receives any longer.
  void vanish(const Address& node);
  /// Ends the stream at that address and notifies only that end; the other end is reset once it sends. Returns false if
  /// one of the ends has ended already or was never started.
  bool half_open(const Address& node);
  /// Called when the vanished machine is back, without this stream: the other end is reset now if it has sent,
  /// otherwise once it sends.
  void reset_if_believed();

  bool ended() const { return ends_[0].ended && ends_[1].ended; }
  bool between(const Address& one, const Address& other) const;
  bool touches(const Address& node) const { return ends_[0].address == node || ends_[1].address == node; }

 private:
  struct Segment {
    base::Bytes bytes;
    std::optional<std::string> end;  ///< the last segment: why the stream ended, empty for a clean end
  };
  struct End {
    Address address{};
    base::Duration latency{0};  ///< to the other end
    caf::weak_actor_ptr owner;
    bool started = false;
    bool paused = false;
    bool closing = false;
    bool ended = false;
    bool end_sent = false;
    bool gone = false;               ///< this end is gone, perhaps with its machine, and the other end does not know
    bool knocked = false;            ///< something was sent to this end since it is gone
    std::deque<base::Bytes> unsent;  ///< written by the owner, beyond the window
    std::size_t first_sent = 0;      ///< bytes of the first of `unsent` that were sent
    std::deque<Segment> under_way;   ///< to the other end
    std::size_t held = 0;            ///< arrivals that a cut holds back
    std::size_t window_used = 0;     ///< bytes sent that the other end has not read
    base::Instant last_arrival;
    std::deque<Segment> inbox;  ///< arrived, unread
  };

  End& at(Side side) { return ends_[static_cast<std::size_t>(side)]; }
  static Side other(Side side) { return side == Side::dialler ? Side::acceptor : Side::dialler; }
  /// Sends as much as the window allows, whole or in pieces that the network chooses. Returns the number of bytes sent.
  std::size_t send_on(Side from, bool whole);
  /// Does the same in pieces, and reports the sent bytes to the owner.
  void pump(Side from);
  void send(Side from, Segment segment);
  void arrive(Side from);
  void read(Side side);
  void refuse(Side gone);
  void finish(Side side, const std::string& why, const std::string& why_there);

  std::shared_ptr<Fabric> fabric_;
  base::Random& pieces_;
  std::array<End, 2> ends_;
};

/// Returns the end at `side`, for its owner.
std::shared_ptr<ports::Stream> make_stream(std::shared_ptr<Connection> connection, Side side);

}  // namespace troupe::sim
