#pragma once
// One encrypted connection as a state machine from bytes to bytes: plaintext on one side, ciphertext on the other.
//
// Production uses SecureChannel. A simulation may use a channel without encryption (runtime/sim/open_channel.hpp) if
// TLS would only cost time.
#include <cstdint>
#include <functional>
#include <string_view>

#include "runtime/base/bytes.hpp"
#include "runtime/base/result.hpp"

namespace troupe::crypto {

enum class ChannelError : std::uint8_t {
  bad_record,                 ///< not TLS, or changed in transit
  handshake_failed,           ///< no common version, suite or group, or the peer violated the handshake
  handshake_too_long,         ///< more than kHandshakeBytesMax before the handshake was done
  no_extended_master_secret,  ///< the peer lacks the extension that binds the exporter to this handshake
  renegotiation,              ///< a handshake message after the handshake
  alert,                      ///< the peer sent a fatal alert
  truncated,                  ///< the stream ended without a close notify: bytes may be missing
  closed,                     ///< the channel is closed, by either side
  not_established,            ///< called before the handshake was done
};

std::string_view name(ChannelError error);

/// The maximum plaintext of one record (RFC 5246 6.2.1).
inline constexpr std::size_t kRecordPlainMax = 16 * 1024;

/// Which end of a connection this is.
enum class Side : std::uint8_t {
  client,  ///< dialled
  server,  ///< accepted
};

class Channel {
 public:
  virtual ~Channel() = default;

  /// Receives plaintext in pieces of at most 16 KiB, valid during the call. It must not call the channel.
  using PlainSink = std::function<void(base::ByteView)>;

  /// Receives bytes from the wire, cut anywhere. Plaintext goes to `plain`, but only once the channel is established;
  /// protocol responses go to take_wire(). If the call fails, plaintext that it has already passed on is authentic.
  /// Bytes after a close notify of either side are ignored.
  virtual base::Result<void, ChannelError> receive(base::ByteView from_wire, const PlainSink& plain) = 0;

  /// Encrypts `plain` for take_wire(), in new records: a short piece has the overhead of a full record. Errors:
  /// `not_established`, `closed`, or the failure of the channel.
  virtual base::Result<void, ChannelError> send(base::ByteView plain) = 0;

  /// Returns the bytes to write, in order, and removes them. `wire_bytes` is their number.
  virtual base::Bytes take_wire() = 0;
  virtual std::size_t wire_bytes() const = 0;

  /// Returns whether send() and exporter() work: the handshake is done, its master secret is extended, and neither side
  /// has closed.
  virtual bool established() const = 0;

  /// Returns keying material bound to this connection (RFC 5705, without context): both sides get the same bytes, and
  /// no other connection does. Errors: `not_established`, `closed`, or the failure of the channel.
  virtual base::Result<base::Bytes, ChannelError> exporter(std::string_view label, std::size_t bytes) const = 0;

  /// Closes the channel: take_wire() then has a close notify. Later calls do nothing.
  virtual void close() = 0;

  /// Call it when the stream below has ended. Errors: `truncated` unless either side has sent a close notify.
  virtual base::Result<void, ChannelError> wire_ended() = 0;

  /// Returns whether the peer has sent a close notify.
  virtual bool peer_closed() const = 0;
};

}  // namespace troupe::crypto
