// Bytes from a link, to the words of its messages. The first byte says in what pieces the rest arrives.
#include <algorithm>
#include <cstdlib>

#include "runtime/net/logic/envelope_check.hpp"
#include "runtime/net/logic/frame.hpp"
#include "runtime/net/logic/hello.hpp"
#include "runtime/net/logic/readable.hpp"

using namespace troupe;

namespace {

constexpr std::uint32_t kLimit = net::frame_bytes_max(64 * 1024);

void expect(bool held) {
  if (!held) std::abort();
}

/// What a link does with each frame: writes it again, byte for byte, and reads its payload.
void use(const net::Frame& frame) {
  base::Bytes again;
  net::write_frame(again, frame.header, frame.path, frame.payload);
  net::FrameReader reader(kLimit);
  reader.append(again);
  const auto same = reader.next();
  expect(same.ok() && same.value() && same.value()->header == frame.header && same.value()->path == frame.path);
  const auto* const kind = messages::find_kind(frame.header.kind);
  if (!net::check_envelope(frame.payload) && kind != nullptr) (void)net::readable(frame.payload, *kind);
  (void)net::decode_hello(frame.payload);
  (void)net::decode_proof(frame.payload);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = std::size_t{data[0]} + 1;
  const base::ByteView stream(data + 1, size - 1);
  net::FrameReader reader(kLimit);
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    reader.append(stream.subspan(at, std::min(piece, stream.size() - at)));
    while (true) {
      const auto next = reader.next();
      if (!next.ok()) return 0;
      if (!next.value()) break;
      use(*next.value());
      auto room = reader.take_room();
      expect(!room || room->bytes().data() == next.value()->payload.data());
    }
    expect(reader.waiting_bytes() < std::size_t{kLimit} + net::kFrameLengthBytes);
  }
  return 0;
}
