#pragma once
// Frames: how messages, answers and streams lie on a link. Every frame is a multiple of 8 bytes, so that a payload is
// aligned where it arrived, and is read there.
//
// Format  README.md, "A frame": byte for byte. Little-endian; exactly one encoding for each frame.
// Limits  a frame's length is checked with its first 4 bytes; memory for the frame grows with the bytes that arrived.
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
  cancel,   ///< the reader of a stream wants no more items
  credit,   ///< the reader of a stream grants more items and bytes
  watch,    ///< tell me when the actor at this path ends
  unwatch,  ///< withdraws a watch
  down,     ///< the watched actor has ended: the payload says why
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
  reserved,      ///< a reserved or padding bit is set
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
/// Replaces the setting until both proofs hold: an unproven peer makes us keep 1 KiB at most.
inline constexpr std::uint32_t kHandshakeFrameBytesMax = 1024 - kFrameLengthBytes;

/// The reader's limit for the setting `net.frame_bytes_max`, which counts the words of a message alone.
constexpr std::uint32_t frame_bytes_max(std::uint32_t payload_bytes_max) {
  return payload_bytes_max + kFrameOverheadMax;
}
static_assert(frame_bytes_max(messages::kBytesMaxLimit) > messages::kBytesMaxLimit);

/// The largest payload that nodes send each other (StoreContent and Fetched, messages/files.capnp): more is only for
/// operators.
inline constexpr std::uint32_t kPeerPayloadBytesMax = 2'622'544;

/// A payload of at least this size gets memory of its own, which its envelope takes over: another copy would cost more
/// than the allocation. (Two TLS records.)
inline constexpr std::size_t kRoomPayloadMin = 32 * 1024;
/// The payload gets this memory only once this many of its bytes have arrived.
inline constexpr std::size_t kRoomArrivedMin = 4 * 1024;
/// The memory is at most this multiple of the payload bytes that have arrived, and twice that while it grows: a peer
/// that announces much and sends little makes us allocate little.
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

/// Appends a frame up to its payload; the caller appends `payload_bytes` of it. Broken invariants: a bad path, and a
/// payload that is not a multiple of 8 bytes or too long for 32 bits.
void write_frame_head(base::Bytes& out, const FrameHeader& header, std::string_view path, std::size_t payload_bytes);
/// Appends a whole frame.
void write_frame(base::Bytes& out, const FrameHeader& header, std::string_view path, base::ByteView payload);

/// Cuts a stream of bytes into frames. The bytes wait in one aligned buffer, and the frames point into it. A large
/// payload that has arrived in part is gathered in memory of its own.
class FrameReader {
 public:
  explicit FrameReader(std::uint32_t frame_bytes_max);

  /// Sets the limit for the next frames, and for a frame that has arrived in part.
  void set_frame_bytes_max(std::uint32_t frame_bytes_max) { frame_bytes_max_ = frame_bytes_max; }

  /// Takes received bytes. Call next() until no frame is left before receiving more: then less than one frame of the
  /// limit waits, and memory stays bounded.
  void append(base::ByteView bytes);

  /// The next frame; nothing while it is incomplete. An error is final, because the borders between frames are lost:
  /// later calls repeat it, and bytes are no longer kept.
  base::Result<std::optional<Frame>, FrameError> next();

  /// The payload's own memory of the frame that next() gave, if it has any. The bytes keep their address.
  std::optional<runtime::Envelope::Room> take_room() { return std::exchange(ready_, std::nullopt); }

  /// Bytes that wait.
  std::size_t waiting_bytes() const { return buffered() + (large_ ? large_->filled : 0); }
  /// Bytes of memory held.
  std::size_t held_bytes();

  /// Frees memory that the waiting bytes do not need; for a link that is idle now.
  void release();

 private:
  /// The payload of the first frame. The buffer has only its head; the bytes after the head belong to the next frame.
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
