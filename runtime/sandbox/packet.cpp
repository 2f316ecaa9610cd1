#include "runtime/sandbox/packet.hpp"

#include <cerrno>
#include <utility>

#include "runtime/base/fields.hpp"
#include "runtime/sandbox/passed.hpp"

namespace troupe::sandbox {

Sent send_packet(int to, const base::Bytes& bytes, std::span<const int> descriptors) {
  errno = 0;
  if (pass(to, bytes, descriptors)) return Sent::yes;
  // The kernel may briefly lack memory, or as many descriptors may be in flight as a process may have open.
  return errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM || errno == ETOOMANYREFS ? Sent::later : Sent::never;
}

std::optional<Packet> receive_packet(int from) {
  Packet out;
  out.bytes.resize(kPacketBytesMax + kHeadBytes);
  auto taken = take_packet<kPassedMax>(from, out.bytes);
  if (taken.bytes < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  out.bytes.resize(taken.bytes > 0 ? static_cast<std::size_t>(taken.bytes) : 0);
  out.descriptors = std::move(taken.descriptors);
  return out;
}

base::Bytes head(Word word, SandboxId id) {
  base::Bytes out;
  base::append_number(out, static_cast<std::uint8_t>(word));
  base::append_number(out, id.value);
  return out;
}

}  // namespace troupe::sandbox
