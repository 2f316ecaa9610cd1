#pragma once
// A channel without encryption and authentication, which replaces TLS in runs where TLS would only cost time. Either
// all links of a run use it or none, because it does not understand TLS. Like TLS, it detects changed bytes.
//
// Wire    each side begins with kNonceBytes of its node's chance, the client first; then records: 4 bytes length of the
//         plaintext, 4 bytes CRC-32C of that length and the plaintext, both little-endian, and the plaintext.
// Bound   the exporter depends on both nonces, so that the handshake of a link is bound to this connection.
// Goodbye none: the end of the stream ends the channel.
// Owner   one peer actor.
#include "runtime/base/ids.hpp"
#include "runtime/crypto/channel.hpp"
#include "runtime/ports/chance.hpp"

namespace troupe::sim {

inline constexpr std::size_t kNonceBytes = 32;

class OpenChannel final : public crypto::Channel {
 public:
  OpenChannel(crypto::Side side, ports::Chance& chance);

  base::Result<void, crypto::ChannelError> receive(base::ByteView from_wire, const PlainSink& plain) override;
  base::Result<void, crypto::ChannelError> send(base::ByteView plain) override;
  base::Bytes take_wire() override;
  std::size_t wire_bytes() const override { return wire_.size(); }
  bool established() const override { return !closed_ && theirs_.size() == kNonceBytes; }
  /// `bytes` is at most 32.
  base::Result<base::Bytes, crypto::ChannelError> exporter(std::string_view label, std::size_t bytes) const override;
  void close() override { closed_ = true; }
  base::Result<void, crypto::ChannelError> wire_ended() override;
  bool peer_closed() const override { return false; }

 private:
  base::Result<void, crypto::ChannelError> check_open() const;
  base::Result<void, crypto::ChannelError> broken();

  const crypto::Side side_;
  base::Bytes ours_;
  base::Bytes theirs_;
  base::Bytes record_;  // a partly received record
  base::Bytes wire_;
  bool closed_ = false;
};

}  // namespace troupe::sim
