#include "runtime/sim/open_channel.hpp"

#include <algorithm>
#include <utility>

#include "runtime/base/ensure.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::sim {

using crypto::ChannelError;

OpenChannel::OpenChannel(crypto::Side side, ports::Chance& chance) : side_(side), ours_(kNonceBytes) {
  chance.fill(ours_);
  if (side_ == crypto::Side::client) wire_ = ours_;
}

base::Result<void, ChannelError> OpenChannel::receive(base::ByteView from_wire, const PlainSink& plain) {
  if (closed_) return {};
  if (const std::size_t missing = kNonceBytes - theirs_.size(); missing > 0) {
    const base::ByteView part = from_wire.first(std::min(missing, from_wire.size()));
    theirs_.insert(theirs_.end(), part.begin(), part.end());
    from_wire = from_wire.subspan(part.size());
    if (theirs_.size() == kNonceBytes && side_ == crypto::Side::server)
      wire_.insert(wire_.end(), ours_.begin(), ours_.end());
  }
  while (!from_wire.empty()) {
    const base::ByteView piece = from_wire.first(std::min(from_wire.size(), crypto::kRecordPlainMax));
    plain(piece);
    from_wire = from_wire.subspan(piece.size());
  }
  return {};
}

base::Result<void, ChannelError> OpenChannel::send(base::ByteView plain) {
  if (const auto open = check_open(); !open.ok()) return open;
  wire_.insert(wire_.end(), plain.begin(), plain.end());
  return {};
}

base::Bytes OpenChannel::take_wire() { return std::exchange(wire_, {}); }

base::Result<base::Bytes, ChannelError> OpenChannel::exporter(std::string_view label, std::size_t bytes) const {
  if (const auto open = check_open(); !open.ok()) return open.error();
  base::ensure(bytes <= base::Digest::kBytes, "an exporter is asked for one digest");
  const bool client = side_ == crypto::Side::client;
  crypto::Sha256 hash;
  hash.update(base::as_bytes(label));
  hash.update(client ? ours_ : theirs_);
  hash.update(client ? theirs_ : ours_);
  const base::Digest digest = hash.finish();
  return base::Bytes(digest.view().begin(), digest.view().begin() + static_cast<std::ptrdiff_t>(bytes));
}

base::Result<void, ChannelError> OpenChannel::wire_ended() {
  if (!closed_) return ChannelError::truncated;
  return {};
}

base::Result<void, ChannelError> OpenChannel::check_open() const {
  if (closed_) return ChannelError::closed;
  if (!established()) return ChannelError::not_established;
  return {};
}

}  // namespace troupe::sim
