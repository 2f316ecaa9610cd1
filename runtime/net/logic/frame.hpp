#pragma once
// Frames: how messages, answers and streams lie on a link. Every frame is a multiple of 8 bytes, so that words stay
// aligned where they arrived, and are read there.
//
//   0  u32  length   bytes that follow: 44 + path + payload; bounded by the reader
//   4  u8   type     FrameType
//   5  u8   lane     messages::Lane: 0 or 1
//   6  u16  path     its length in bytes, 0 to 255
//   8  u64  correlation
//  16  u64  kind     type id of the payload; in CREDIT: items granted, and bytes granted in the upper half
//  24  u64  deadline remaining microseconds; 0: none
//  32  u64  trace id
//  40  u32  parent span
//  44  u32  reserved: 0
//  48  path, filled with zeros to a multiple of 8
//      payload: a flat array of capnp::messageToFlatArray, or nothing
//
// All numbers are little-endian. Each frame has exactly one encoding.
// Limits  a frame's length is checked with its first 4 bytes; what is set aside for it follows the bytes that are here.
// Owner   one peer actor; not thread-safe.
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "messages/kinds.hpp"
#include "runtime/actor/envelope.hpp"
#include "runtime/base/bytes.hpp"
#include "runtime/base/result.hpp"

namespace troupe::net {

/// Numbers travel: add at the end only.
enum class FrameType : std::uint8_t {
  ask = 1,  ///< a question; answered by one ANSWER or ERROR of the same correlation
  answer,   ///< its answer
  error,    ///< its refusal, or the bad end of a stream: the payload is a messages::wire::Error
  tell,     ///< a message without an answer
  item,     ///< one item of a stream, in the direction of the frame
  end,      ///< no more items in this direction
  cancel,   ///< the reader of a stream wants no more
  credit,   ///< the reader of a stream grants more items and bytes
  watch,    ///< tell me when the actor at this path ends
  unwatch,  ///< no longer
  down,     ///< it has ended: the payload says why
  ping,     ///< are you there
  pong,     ///< yes, with the same correlation
  hello,    ///< see handshake.hpp
  proof,    ///< see handshake.hpp
  close,    ///< the sender will close; nothing follows
};

std::string_view name(FrameType type);

enum class FrameError : std::uint8_t {
  too_long,      ///< more than the reader's limit
  too_short,     ///< shorter than its own header and path
  misaligned,    ///< not a multiple of 8 bytes
  unknown_type,  ///< not a FrameType
  reserved,      ///< a bit is set that has no meaning yet, or that fills up
  bad_path,      ///< too long, not printable ASCII, or with ".."
};

std::string_view name(FrameError error);

/// Bytes of a frame before its path.
inline constexpr std::size_t kFrameHeaderBytes = 48;
/// Bytes of the length itself, which it does not count.
inline constexpr std::size_t kFrameLengthBytes = 4;
/// An actor's path is a few words ("/dht/bucket/17"); the same bound as a file name's.
inline constexpr std::size_t kPathBytesMax = 255;
/// What a frame's length counts besides its payload, at most.
inline constexpr std::uint32_t kFrameOverheadMax = kFrameHeaderBytes - kFrameLengthBytes + kPathBytesMax + 1;
/// In place of the setting until both proofs hold: no more than 1 KiB waits for a stranger.
inline constexpr std::uint32_t kHandshakeFrameBytesMax = 1024 - kFrameLengthBytes;

/// The reader's limit for the setting `net.frame_bytes_max`, which counts the words of a message alone.
constexpr std::uint32_t frame_bytes_max(std::uint32_t payload_bytes_max) {
  return payload_bytes_max + kFrameOverheadMax;
}
static_assert(frame_bytes_max(messages::kBytesMaxLimit) > messages::kBytesMaxLimit);

/// A payload of that size gets memory of its own, which its envelope takes over: copying it once more costs more than
/// that memory does. (Two records of TLS.)
inline constexpr std::size_t kRoomPayloadMin = 32 * 1024;
/// So many of its bytes must be here before it does.
inline constexpr std::size_t kRoomArrivedMin = 4 * 1024;
/// That memory is at most so many times what has arrived of the payload, and once more while it grows: whoever
/// announces much and sends little makes nobody set much aside.
inline constexpr std::size_t kRoomGrowth = 8;

struct FrameHeader {
  FrameType type = FrameType::tell;
  messages::Lane lane = messages::Lane::normal;
  std::uint64_t correlation = 0;
  std::uint64_t kind = 0;          ///< zero where there is no payload
  std::uint64_t remaining_us = 0;  ///< of the deadline; zero: none
  std::uint64_t trace_id = 0;
  std::uint32_t parent_span = 0;
  std::uint32_t credit_items = 0;  ///< of CREDIT alone
  std::uint32_t credit_bytes = 0;  ///< of CREDIT alone

  friend bool operator==(const FrameHeader&, const FrameHeader&) = default;
};

/// A frame in the reader's memory: valid until the next append(), next() or release().
struct Frame {
  FrameHeader header;
  std::string_view path;
  base::ByteView payload;  ///< starts at a multiple of 8, and is one long
};

/// Whether `path` may stand in a frame: at most kPathBytesMax of printable ASCII, without "..". Empty is fine.
bool valid_path(std::string_view path);

/// Appends a frame up to its payload, of which `payload_bytes` must follow. What we send ourselves must be right: a bad
/// path, or a payload that is not a multiple of 8 bytes or too long for 32 bits, is a broken invariant.
void write_frame_head(base::Bytes& out, const FrameHeader& header, std::string_view path, std::size_t payload_bytes);
/// Appends a whole frame.
void write_frame(base::Bytes& out, const FrameHeader& header, std::string_view path, base::ByteView payload);

/// Cuts a stream of bytes into frames. The bytes wait in one aligned buffer, which the frames point into; those of a
/// large payload of which only a part has come gather in a room of their own.
class FrameReader {
 public:
  explicit FrameReader(std::uint32_t frame_bytes_max);

  /// Another limit for the frames to come, also for one of which a part is here.
  void set_frame_bytes_max(std::uint32_t frame_bytes_max) { frame_bytes_max_ = frame_bytes_max; }

  /// Takes bytes that arrived. To keep memory bounded, take all frames with next() before receiving more: then what
  /// waits is less than one frame of the limit.
  void append(base::ByteView bytes);

  /// The next frame; nothing while it is incomplete. An error is final: the stream has lost its frames' borders,
  /// every later call repeats it, and bytes are no longer kept.
  base::Result<std::optional<Frame>, FrameError> next();

  /// The memory of the payload of the frame that next() gave, where it has its own. Its bytes stay where they are.
  std::optional<runtime::Envelope::Room> take_room() { return std::exchange(ready_, std::nullopt); }

  /// Bytes that wait.
  std::size_t waiting_bytes() const { return buffered() + (large_ ? large_->filled : 0); }
  /// Bytes of memory held.
  std::size_t held_bytes();

  /// Gives memory back that the waiting bytes do not need; for a link that has become idle.
  void release();

 private:
  /// The payload of the first frame, of which the buffer has the head alone; what follows there belongs to the next.
  struct Large {
    runtime::Envelope::Room room;
    std::size_t filled;
    std::size_t payload_bytes;
  };
  using Next = base::Result<std::optional<Frame>, FrameError>;

  std::uint8_t* data() { return reinterpret_cast<std::uint8_t*>(words_.get()); }
  std::size_t buffered() const { return end_ - begin_; }
  std::size_t capacity() const { return capacity_words_ * sizeof(std::uint64_t); }
  void reallocate(std::size_t bytes);
  FrameError fail(FrameError why);
  Next begin_large(std::size_t bytes);
  Next next_large();
  std::size_t fill_large(base::ByteView bytes);

  std::uint32_t frame_bytes_max_;
  std::unique_ptr<std::uint64_t[]> words_;
  std::size_t capacity_words_ = 0;
  std::size_t begin_ = 0;  // of the first frame not yet taken; a multiple of 8
  std::size_t end_ = 0;
  std::optional<Large> large_;
  std::optional<runtime::Envelope::Room> ready_;
  std::optional<FrameError> failed_;
};

}  // namespace troupe::net
