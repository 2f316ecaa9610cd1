#pragma once
// Byte streams between nodes, and between a node and the command line on the same machine; datagrams between nodes.
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

/// The near end of a connected stream. Dropping it closes the stream. Calls are asynchronous and safe from any thread;
/// after the end they do nothing.
class Stream {
 public:
  virtual ~Stream() = default;

  /// Makes `owner` receive this stream's events. Nothing is read before the first call.
  virtual void start(const runtime::Handle& owner) = 0;

  /// Queues bytes. Returns how many were sent at once; `Written` reports the rest later. The caller bounds the
  /// unwritten bytes.
  virtual std::size_t write(base::Bytes bytes) = 0;

  /// Stops or resumes reading, so that TCP flow control adapts the sender to a slow owner.
  virtual void pause(bool paused) = 0;

  /// Sends the queued bytes, then closes.
  virtual void close() = 0;

  /// Closes without waiting for the other side: bytes that the system accepts at once are sent, the rest is dropped,
  /// and nothing more is read. For an untrusted peer, which could otherwise keep the stream open for a while.
  virtual void abandon() = 0;
};

/// Bytes arrived, in order. Never empty.
struct Received {
  base::Bytes bytes;
  /// Release it once the bytes are handled: while too many bytes wait, the stream does not read.
  std::shared_ptr<const void> credit;
};
/// This many more bytes of write() have left the process, in addition to the return value of write().
struct Written {
  std::size_t bytes;
};
/// The stream has ended, by either side; the last event. `why` is empty for a clean end.
struct Closed {
  std::string why;
};

/// The far end of an accepted stream.
struct RemoteAddress {
  base::Endpoint endpoint;               ///< for TCP
  std::optional<std::uint32_t> user_id;  ///< for a local socket: SO_PEERCRED
};

/// Sent to the owner of a listener: a new stream. Dropping the stream refuses the connection.
struct Accepted {
  std::shared_ptr<Stream> stream;
  RemoteAddress from;
};
/// Sent to the actor that dialled: connected.
struct Dialled {
  std::uint64_t ticket;
  std::shared_ptr<Stream> stream;
  base::Endpoint to;
};
/// Sent to the actor that dialled: not connected, by the deadline at the latest.
struct DialFailed {
  std::uint64_t ticket;
  std::string why;
};

/// The maximum payload of a datagram. RFC 8200 5 guarantees packets of 1,280 bytes with all headers, and most paths
/// take 1,500: 100 remain for the headers of IPv6, UDP and tunnels.
inline constexpr std::size_t kDatagramBytesMax = 1400;
/// The maximum number of datagrams that wait for one owner. Our choice: 3 MB; a slower owner would respond too late.
inline constexpr std::size_t kDatagramsWaitingMax = 2048;

/// Delivered whole or not at all; may be late, duplicated or out of order. Its source address may be forged.
struct Datagram {
  base::Endpoint with;  ///< its claimed source, or its destination
  base::Bytes bytes;    ///< 1 to kDatagramBytesMax
  /// The address of this node that received it, or sends it. On a machine with several addresses, a response leaves
  /// from the address that received its request. Zeros: the system chooses.
  std::array<std::uint8_t, 16> here{};
};

/// Sent to the owner of a datagram socket: the datagrams that have arrived. Never empty.
struct Arrived {
  std::vector<Datagram> datagrams;
  /// Release it once the datagrams are handled: while kDatagramsWaitingMax wait, further datagrams are dropped and
  /// counted.
  std::shared_ptr<const void> credit;
};

/// Listens as long as this object lives.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual base::Endpoint local() const = 0;  ///< with the real port if port 0 was requested
};

/// Counts of datagrams since the socket was opened.
struct DatagramCounts {
  std::uint64_t sent = 0;      ///< handed to the network, which may lose them
  std::uint64_t received = 0;  ///< handed to the owner
  std::uint64_t unsent = 0;    ///< no buffer space, no route, or an address that no node can have
  std::uint64_t dropped = 0;   ///< arrived while the owner or this process was too slow
  std::uint64_t oversize = 0;  ///< empty or longer than kDatagramBytesMax: not sent, or not delivered
};

/// A datagram socket. Destroying it closes it; a batch in flight to the owner still arrives. Safe from any thread.
class Datagrams {
 public:
  virtual ~Datagrams() = default;
  virtual base::Endpoint local() const = 0;  ///< with the real port if port 0 was requested

  /// Sends each datagram to its `with`. Never blocks: datagrams that the system does not accept at once are dropped and
  /// counted. Does nothing after the network has ended.
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

  /// Resolves and connects; sends `owner` Dialled or DialFailed with `ticket`. Never blocks.
  virtual void dial(const base::HostPort& to, base::Instant due, std::uint64_t ticket,
                    const runtime::Handle& owner) = 0;
  virtual void dial_local(const std::string& path, base::Instant due, std::uint64_t ticket,
                          const runtime::Handle& owner) = 0;

  /// Opens a datagram socket, whose `owner` gets datagrams as Arrived. Port 0 picks a free port. Streams and datagrams
  /// have separate ports, so a node may use one number for both.
  /// Errors: `conflict` if the address is in use, `refused`, `not_found` if the host does not resolve.
  virtual base::Outcome<std::unique_ptr<Datagrams>> open_datagrams(const base::HostPort& at,
                                                                   const runtime::Handle& owner) = 0;
};

}  // namespace troupe::ports
