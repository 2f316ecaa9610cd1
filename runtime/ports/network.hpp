#pragma once
// Streams of bytes between nodes, and between a node and the command line on the same machine; datagrams between nodes.
//
// A stream belongs to one actor, its owner. Orders go down through `Stream`; what happens comes back
// to the owner as one of the events below, as a private message (never through a callback on a foreign thread).
// The same holds for a place of datagrams, `Datagrams`.
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "runtime/base/bytes.hpp"
#include "runtime/base/endpoint.hpp"
#include "runtime/base/error.hpp"
#include "runtime/base/time.hpp"
#include "runtime/ports/handle.hpp"

namespace troupe::ports {

/// The near end of a connected stream. Dropping it closes the stream. Calls are asynchronous and safe from
/// any thread; after the end they do nothing.
class Stream {
 public:
  virtual ~Stream() = default;

  /// Makes `owner` receive this stream's events. Nothing is read before the first call.
  virtual void start(const runtime::Handle& owner) = 0;

  /// Queues bytes. Returns how many of them have left at once; `Written` tells when the others have. The caller
  /// bounds what is unwritten.
  virtual std::size_t write(base::Bytes bytes) = 0;

  /// Stops or resumes reading, so that a slow owner bounds the sender by TCP's own window.
  virtual void pause(bool paused) = 0;

  /// Sends what is queued, then closes.
  virtual void close() = 0;

  /// Closes without waiting for the other side: what the system takes at once is sent, all else is given up, and
  /// nothing more is read. For a stranger, who could otherwise keep the stream for a while.
  virtual void abandon() = 0;
};

/// Bytes arrived, in order. Never empty.
struct Received {
  base::Bytes bytes;
  /// Held while the bytes wait to be handled: with too many of them waiting the stream stops reading by itself.
  std::shared_ptr<const void> receipt;
};
/// That many more bytes of write() have left this process, beside those that it said itself.
struct Written {
  std::size_t bytes;
};
/// The stream has ended, by either side; the last event. `why` is empty for a clean end.
struct Closed {
  std::string why;
};

/// Who is at the other end of an accepted stream.
struct RemoteAddress {
  base::Endpoint endpoint;               ///< for TCP
  std::optional<std::uint32_t> user_id;  ///< for a local socket: SO_PEERCRED
};

/// To the owner of a listener: a new stream. Dropping it refuses the connection.
struct Accepted {
  std::shared_ptr<Stream> stream;
  RemoteAddress from;
};
/// To the actor that dialled: connected.
struct Dialled {
  std::uint64_t ticket;
  std::shared_ptr<Stream> stream;
  base::Endpoint to;
};
/// To the actor that dialled: not connected, by the deadline at the latest.
struct DialFailed {
  std::uint64_t ticket;
  std::string why;
};

/// What fits into one datagram. RFC 8200 5 promises 1,280 bytes with all headers, most ways take 1,500: this leaves
/// 100 for IPv6, UDP and what tunnels add.
inline constexpr std::size_t kDatagramBytesMax = 1400;
/// Datagrams that wait at most for one owner to handle them. Our choice: 3 MB; who is further behind answers too late.
inline constexpr std::size_t kDatagramsWaitingMax = 2048;

/// Carried whole or not at all; it may come late, twice, or in another order. Anybody can send one in anybody's name.
struct Datagram {
  base::Endpoint with;  ///< where it came from as it says, or where it goes
  base::Bytes bytes;    ///< 1 to kDatagramBytesMax
  /// The address of this node that it came to, or that it leaves from: an answer leaves from where its question came
  /// to, though the machine has more addresses. Zeros: whichever the system takes.
  std::array<std::uint8_t, 16> here{};
};

/// To the owner of a place: what has arrived there since. Never empty.
struct Arrived {
  std::vector<Datagram> datagrams;
  /// Held while they wait to be handled: with kDatagramsWaitingMax of them waiting all others are dropped and counted.
  std::shared_ptr<const void> receipt;
};

using StreamEvent = std::variant<Received, Written, Closed, Accepted, Dialled, DialFailed, Arrived>;

/// Listens for as long as it lives.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual base::Endpoint local() const = 0;  ///< with the real port where 0 was asked for
};

/// Since the place was opened, and all of them in datagrams.
struct DatagramCounts {
  std::uint64_t sent = 0;      ///< the network has taken them; whether they arrive is another matter
  std::uint64_t received = 0;  ///< handed to the owner
  std::uint64_t unsent = 0;    ///< the system had no room at once, knows no way there, or nobody can be at that address
  std::uint64_t dropped = 0;   ///< arrived, but the owner or this process was too slow
  std::uint64_t oversize = 0;  ///< empty or longer than kDatagramBytesMax: neither sent nor, if they arrive, delivered
};

/// A place that datagrams come to and leave from. Dropping it gives it up; a batch that is on its way to the owner
/// still comes. Calls are safe from any thread.
class Datagrams {
 public:
  virtual ~Datagrams() = default;
  virtual base::Endpoint local() const = 0;  ///< with the real port where 0 was asked for

  /// Sends each to its `with`. Never blocks: what the system does not take at once is given up and counted. Nothing
  /// happens after the network has ended.
  virtual void send(std::vector<Datagram> batch) = 0;

  virtual DatagramCounts counts() const = 0;
};

class Network {
 public:
  virtual ~Network() = default;

  /// Errors: `conflict` if the address is in use, `refused`, `not_found` if the host does not resolve.
  virtual base::Outcome<std::unique_ptr<Listener>> listen(const base::HostPort& at, const runtime::Handle& owner) = 0;

  /// Listens on a local socket at `path` below the data directory, for this node's user and root only.
  virtual base::Outcome<std::unique_ptr<Listener>> listen_local(const std::string& path,
                                                                const runtime::Handle& owner) = 0;

  /// Looks up and connects; answers `owner` with Dialled or DialFailed carrying `ticket`. Never blocks.
  virtual void dial(const base::HostPort& to, base::Instant due, std::uint64_t ticket,
                    const runtime::Handle& owner) = 0;
  virtual void dial_local(const std::string& path, base::Instant due, std::uint64_t ticket,
                          const runtime::Handle& owner) = 0;

  /// Opens a place for datagrams, whose `owner` gets them as Arrived. Port 0 picks a free one; streams have ports of
  /// their own, so that a node may have both under one number.
  /// Errors: `conflict` if the address is in use, `refused`, `not_found` if the host does not resolve.
  virtual base::Outcome<std::unique_ptr<Datagrams>> open_datagrams(const base::HostPort& at,
                                                                   const runtime::Handle& owner) = 0;
};

}  // namespace troupe::ports
