#pragma once
// One encrypted connection, as a machine from bytes to bytes: TLS 1.2 without sockets, threads or clocks.
//
// Policy  TLS 1.2 only, ECDHE on secp256r1 only, AES-128-GCM or ChaCha20-Poly1305, extended master secret
//         (RFC 7627), no resumption, no renegotiation, no time in the hello. The server shows a throw-away P-256
//         certificate that proves nothing: who is there is proven above, by signatures over exporter().
// States  shaking hands -> established -> closed; or failed, from any state, and then for ever.
// Limits  kHandshakeBytesMax from the peer until established; one record (16 KiB) waits for its end afterwards.
// Errors  values; nothing is thrown. After one, send what take_wire() still holds (an alert) and drop the stream.
// Owner   one peer actor; not thread-safe. Keeps its credentials alive.
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "runtime/base/bytes.hpp"
#include "runtime/base/result.hpp"
#include "runtime/ports/chance.hpp"

namespace troupe::crypto {

enum class ChannelError : std::uint8_t {
  bad_record,                 ///< not TLS, or bytes that were changed on their way
  handshake_failed,           ///< no version, suite or group in common, or the peer broke the handshake
  handshake_too_long,         ///< more than kHandshakeBytesMax before the handshake was done
  no_extended_master_secret,  ///< the exporter would not be bound to this handshake alone
  renegotiation,              ///< a handshake message after the handshake
  alert,                      ///< the peer gave up and said so
  truncated,                  ///< the stream ended without a close notify: something may be missing
  closed,                     ///< the channel is closed, by either side
  not_established,            ///< asked for before the handshake was done
};

std::string_view name(ChannelError error);

/// What one record carries at most (RFC 5246 6.2.1).
inline constexpr std::size_t kRecordPlainMax = 16 * 1024;

/// Bytes of records taken from a peer before the handshake is done. An honest one sends less than 1 KiB; Botan
/// itself would collect 16 MiB of one message.
inline constexpr std::size_t kHandshakeBytesMax = 8 * 1024;

/// What all channels of a node share: the throw-away certificate, the policy, and the source of chance.
/// Immutable, safe from any thread. `chance` must outlive it.
class ChannelCredentials {
 public:
  static std::shared_ptr<const ChannelCredentials> make(ports::Chance& chance);
  ~ChannelCredentials();

  struct Inner;
  Inner& inner() const { return *inner_; }

 private:
  explicit ChannelCredentials(std::unique_ptr<Inner> inner);
  std::unique_ptr<Inner> inner_;
};

class SecureChannel {
 public:
  /// The side that dialled. Its first message is in take_wire() at once.
  static SecureChannel client(std::shared_ptr<const ChannelCredentials> credentials);
  /// The side that accepted.
  static SecureChannel server(std::shared_ptr<const ChannelCredentials> credentials);
  ~SecureChannel();
  SecureChannel(SecureChannel&&) noexcept;
  SecureChannel& operator=(SecureChannel&&) noexcept;

  /// Receives plaintext in pieces of at most 16 KiB, valid during the call. It must not call the channel.
  using PlainSink = std::function<void(base::ByteView)>;

  /// Takes bytes from the wire, cut anywhere. Plaintext goes to `plain` once established and not before; answers
  /// of the protocol go to take_wire(). What came before a failure in the same call has been handed out: it is
  /// authentic. Bytes after a close notify of either side are ignored.
  base::Result<void, ChannelError> receive(base::ByteView from_wire, const PlainSink& plain);

  /// Encrypts `plain` into take_wire(), in records of its own: a short piece costs as much as a full record does to
  /// begin and end. Errors: `not_established`, `closed`, or how the channel failed.
  base::Result<void, ChannelError> send(base::ByteView plain);

  /// Bytes to write, in order; leaves none. `wire_bytes` says how many there are.
  base::Bytes take_wire();
  std::size_t wire_bytes() const;

  /// Whether send() and exporter() work: the handshake is done, its master secret is extended, nobody closed.
  bool established() const;

  /// Keying material bound to this connection (RFC 5705, without context): both sides get the same bytes, and no
  /// other connection does. Errors: `not_established`, `closed`, or how the channel failed.
  base::Result<base::Bytes, ChannelError> exporter(std::string_view label, std::size_t bytes) const;

  /// Says goodbye: puts a close notify in take_wire(). Later calls do nothing.
  void close();

  /// To be called when the stream below has ended. Errors: `truncated` unless either side said goodbye before.
  base::Result<void, ChannelError> wire_ended();

  /// Whether the peer has said goodbye.
  bool peer_closed() const;

 private:
  struct Inner;
  explicit SecureChannel(std::unique_ptr<Inner> inner);
  std::unique_ptr<Inner> inner_;
};

}  // namespace troupe::crypto
