#pragma once
// One encrypted connection as a state machine from bytes to bytes: TLS 1.2 without sockets, threads or clocks.
//
// Policy  TLS 1.2 only, ECDHE on secp256r1 only, AES-128-GCM or ChaCha20-Poly1305, extended master secret (RFC 7627),
//         no resumption, no renegotiation, no time in the hello. The server shows a throw-away P-256 certificate that
//         proves nothing: the layer above proves identities, by signatures over exporter().
// States  handshake -> established -> closed; or failed, from any state, which is final.
// Server  Its certificate is checked before Botan parses it (server_certificate.hpp).
// Limits  kHandshakeBytesMax from the peer until established; then at most one incomplete record (16 KiB).
// Errors  Are values; nothing is thrown. After an error, send the rest of take_wire() (an alert) and drop the stream.
// Owner   One peer actor; not thread-safe. Keeps its credentials alive.
#include <cstdint>
#include <memory>

#include "runtime/crypto/channel.hpp"
#include "runtime/ports/chance.hpp"

namespace troupe::crypto {

/// Bytes of records accepted from a peer before the handshake is done. An honest peer sends less than 1 KiB; Botan
/// itself would collect 16 MiB for one message.
inline constexpr std::size_t kHandshakeBytesMax = 8 * 1024;

/// What all channels of a node share: the throw-away certificate, the policy, and the source of randomness. Immutable,
/// safe from any thread. `chance` must outlive it.
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

class SecureChannel final : public Channel {
 public:
  /// Makes the dialler's side, whose first message is in take_wire() at once.
  static SecureChannel client(std::shared_ptr<const ChannelCredentials> credentials);
  /// Makes the acceptor's side.
  static SecureChannel server(std::shared_ptr<const ChannelCredentials> credentials);
  ~SecureChannel() override;
  SecureChannel(SecureChannel&&) noexcept;
  SecureChannel& operator=(SecureChannel&&) noexcept;

  base::Result<void, ChannelError> receive(base::ByteView from_wire, const PlainSink& plain) override;
  base::Result<void, ChannelError> send(base::ByteView plain) override;
  base::Bytes take_wire() override;
  std::size_t wire_bytes() const override;
  bool established() const override;
  base::Result<base::Bytes, ChannelError> exporter(std::string_view label, std::size_t bytes) const override;
  void close() override;
  base::Result<void, ChannelError> wire_ended() override;
  bool peer_closed() const override;

 private:
  struct Inner;
  explicit SecureChannel(std::unique_ptr<Inner> inner);
  std::unique_ptr<Inner> inner_;
};

}  // namespace troupe::crypto
