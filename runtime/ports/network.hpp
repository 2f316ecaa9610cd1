#pragma once
// Streams of bytes between nodes, and between a node and the command line on the same machine; datagrams between nodes.
//
// A stream belongs to one actor, its owner. The owner calls `Stream`; events come back to the owner as private messages
// of the types below, never as a callback on a foreign thread. The same holds for a datagram socket, `Datagrams`.
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/base/bytes.hpp"
#include "runtime/base/endpoint.hpp"
#include "runtime/base/error.hpp"
#include "runtime/base/time.hpp"
#include "runtime/ports/event_types.hpp"
#include "runtime/ports/handle.hpp"

namespace troupe::ports {

/// The near end of a connected stream. Dropping it closes the stream. Calls are asynchronous and safe from
/// any thread; after the end they do nothing.
class Stream {
 public:
  virtual ~Stream() = default;

  /// Makes `owner` receive this stream's events. Nothing is read before the first call.
  virtual void start(const runtime::Handle& owner) = 0;

  /// Queues bytes. Returns how many of them have left at once; `Written` reports the others later. The caller bounds
  /// the unwritten bytes.
  virtual std::size_t write(base::Bytes bytes) = 0;

  /// Stops or resumes reading, so that a slow owner bounds the sender by TCP's own window.
  virtual void pause(bool paused) = 0;

  /// Sends the queued bytes, then closes.
  virtual void close() = 0;

  /// Closes without waiting for the other side: bytes that the system takes at once are sent, the rest is dropped, and
  /// nothing more is read. For an unknown peer, which could otherwise keep the stream open for a while.
  virtual void abandon() = 0;
};

/// Bytes arrived, in order. Never empty.
struct Received {
  base::Bytes bytes;
  /// Held while the bytes wait to be handled: if too many bytes wait, the stream stops reading by itself.
  std::shared_ptr<const void> credit;
};
/// This many more bytes of write() have left the process, beyond those that write() has returned.
struct Written {
  std::size_t bytes;
};
/// The stream has ended, by either side; the last event. `why` is empty for a clean end.
struct Closed {
  std::string why;
};

/// The other end of an accepted stream.
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

/// The maximum payload of a datagram. RFC 8200 5 guarantees 1,280 bytes with all headers, and most paths take 1,500:
/// this leaves 100 for IPv6, UDP and tunnels.
inline constexpr std::size_t kDatagramBytesMax = 1400;
/// The maximum number of datagrams that wait for one owner. Our choice: 3 MB; an owner further behind answers too late.
inline constexpr std::size_t kDatagramsWaitingMax = 2048;

/// Delivered whole or not at all; it may come late, twice, or out of order. Its source address may be forged.
struct Datagram {
  base::Endpoint with;  ///< its claimed source, or its destination
  base::Bytes bytes;    ///< 1 to kDatagramBytesMax
  /// This node's address that it came to, or leaves from: on a machine with several addresses, an answer leaves from
  /// the address to which its question came. Zeros: the system chooses.
  std::array<std::uint8_t, 16> here{};
};

/// To the owner of a datagram socket: the datagrams that have arrived. Never empty.
struct Arrived {
  std::vector<Datagram> datagrams;
  /// Held while they wait to be handled: while kDatagramsWaitingMax wait, further datagrams are dropped and counted.
  std::shared_ptr<const void> credit;
};

/// Listens as long as it lives.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual base::Endpoint local() const = 0;  ///< with the real port where 0 was asked for
};

/// Numbers of datagrams since the socket was opened.
struct DatagramCounts {
  std::uint64_t sent = 0;      ///< handed to the network, which may lose them
  std::uint64_t received = 0;  ///< handed to the owner
  std::uint64_t unsent = 0;    ///< no buffer space, no route, or an address that no node can have
  std::uint64_t dropped = 0;   ///< arrived while the owner or this process was too slow
  std::uint64_t oversize = 0;  ///< empty or longer than kDatagramBytesMax: not sent, or not delivered
};

/// A datagram socket. Destroying it closes it; a batch that is on its way to the owner still arrives. Calls are safe
/// from any thread.
class Datagrams {
 public:
  virtual ~Datagrams() = default;
  virtual base::Endpoint local() const = 0;  ///< with the real port where 0 was asked for

  /// Sends each datagram to its `with`. Never blocks: what the system does not take at once is dropped and counted.
  /// Does nothing after the network has ended.
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

  /// Opens a datagram socket, whose `owner` gets datagrams as Arrived. Port 0 picks a free port. Streams have ports of
  /// their own, so a node may use one number for both.
  /// Errors: `conflict` if the address is in use, `refused`, `not_found` if the host does not resolve.
  virtual base::Outcome<std::unique_ptr<Datagrams>> open_datagrams(const base::HostPort& at,
                                                                   const runtime::Handle& owner) = 0;
};

}  // namespace troupe::ports
