#include "runtime/sim/open_channel.hpp"

#include <algorithm>
#include <utility>

#include "runtime/base/ensure.hpp"
#include "runtime/crypto/hash.hpp"
#include "runtime/store/crc32c.hpp"

namespace troupe::sim {

using crypto::ChannelError;

namespace {

constexpr std::size_t kHeadBytes = 8;

std::uint32_t word(base::ByteView from, std::size_t at) {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < 4; ++i) out |= std::uint32_t{from[at + i]} << (8 * i);
  return out;
}

void put(base::Bytes& to, std::uint32_t word) {
  for (unsigned i = 0; i < 4; ++i) to.push_back(static_cast<std::uint8_t>(word >> (8 * i)));
}

std::uint32_t checksum(std::uint32_t bytes, base::ByteView plain) {
  base::Bytes head;
  put(head, bytes);
  return store::crc32c(plain, store::crc32c(head));
}

}  // namespace

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
    const std::size_t whole = record_.size() < kHeadBytes ? kHeadBytes : kHeadBytes + word(record_, 0);
    const base::ByteView part = from_wire.first(std::min(whole - record_.size(), from_wire.size()));
    record_.insert(record_.end(), part.begin(), part.end());
    from_wire = from_wire.subspan(part.size());
    if (record_.size() < kHeadBytes) break;
    if (word(record_, 0) == 0 || word(record_, 0) > crypto::kRecordPlainMax) return broken();
    if (record_.size() < kHeadBytes + word(record_, 0)) continue;
    const base::ByteView body = base::ByteView(record_).subspan(kHeadBytes);
    if (word(record_, 4) != checksum(word(record_, 0), body)) return broken();
    plain(body);
    record_.clear();
  }
  return {};
}

base::Result<void, ChannelError> OpenChannel::broken() {
  closed_ = true;
  return ChannelError::bad_record;
}

base::Result<void, ChannelError> OpenChannel::send(base::ByteView plain) {
  if (const auto open = check_open(); !open.ok()) return open;
  while (!plain.empty()) {
    const base::ByteView piece = plain.first(std::min(plain.size(), crypto::kRecordPlainMax));
    const auto bytes = static_cast<std::uint32_t>(piece.size());
    put(wire_, bytes);
    put(wire_, checksum(bytes, piece));
    wire_.insert(wire_.end(), piece.begin(), piece.end());
    plain = plain.subspan(piece.size());
  }
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
