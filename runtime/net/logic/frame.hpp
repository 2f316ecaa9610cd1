#pragma once
// Frames: the layout of messages, responses and streams on a link. Every frame is a multiple of 8 bytes, so that a
// payload is aligned on arrival and read in place.
//
// Format  README.md, "A frame": byte for byte. Little-endian; exactly one encoding for each frame.
// Limits  A frame's length is checked with its first 4 bytes; memory for the frame grows with the bytes that arrived.
// Owner   One peer actor; not thread-safe.
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

/// Numbers are part of the protocol: add at the end only.
enum class FrameType : std::uint8_t {
  ask = 1,  ///< a request; answered by one ANSWER or ERROR of the same correlation
  answer,   ///< its response
  error,    ///< its refusal, or a stream's end with an error: the payload is a messages::wire::Error
  tell,     ///< a message without a response
  item,     ///< one item of a stream, in the direction of the frame
  end,      ///< no more items in this direction
  cancel,   ///< the reader of a stream refuses further items
  credit,   ///< the reader of a stream grants more items and bytes
  watch,    ///< requests a DOWN when the actor at this path ends
  unwatch,  ///< withdraws a watch
  down,     ///< the watched actor has ended: the payload says why
  ping,     ///< asks whether the other side is alive
  pong,     ///< the reply, with the same correlation
  hello,    ///< see handshake.hpp
  proof,    ///< see handshake.hpp
  close,    ///< the sender will close the link; no frame follows
};

std::string_view name(FrameType type);

enum class FrameError : std::uint8_t {
  too_long,      ///< above the reader's limit
  too_short,     ///< shorter than its own header and path
  misaligned,    ///< not a multiple of 8 bytes
  unknown_type,  ///< not a FrameType
  reserved,      ///< a reserved or padding bit is set
  bad_path,      ///< too long, not printable ASCII, or with ".."
};

std::string_view name(FrameError error);

/// Bytes of a frame before its path.
inline constexpr std::size_t kFrameHeaderBytes = 48;
/// Bytes of the length field, which the length does not count.
inline constexpr std::size_t kFrameLengthBytes = 4;
/// The same limit as for a file name. An actor's path is a few words ("/dht/bucket/17").
inline constexpr std::size_t kPathBytesMax = 255;
/// The maximum of a frame's length without its payload.
inline constexpr std::uint32_t kFrameOverheadMax = kFrameHeaderBytes - kFrameLengthBytes + kPathBytesMax + 1;
/// The limit until both proofs are verified, in place of the setting: for an unproven peer this side keeps at most 1
/// KiB.
inline constexpr std::uint32_t kHandshakeFrameBytesMax = 1024 - kFrameLengthBytes;

/// Returns the reader's limit for the setting `net.frame_bytes_max`, which counts only the words of a message.
constexpr std::uint32_t frame_bytes_max(std::uint32_t payload_bytes_max) {
  return payload_bytes_max + kFrameOverheadMax;
}
static_assert(frame_bytes_max(messages::kBytesMaxLimit) > messages::kBytesMaxLimit);

/// The largest payload that nodes send each other (StoreContent and Fetched, messages/files.capnp): only operators may
/// send more.
inline constexpr std::uint32_t kPeerPayloadBytesMax = 2'622'544;

/// A payload of at least this size gets a separate buffer, which its envelope takes over: another copy would cost more
/// than the allocation. (Two TLS records.)
inline constexpr std::size_t kRoomPayloadMin = 32 * 1024;
/// The payload gets its separate buffer only once this many of its bytes have arrived.
inline constexpr std::size_t kRoomArrivedMin = 4 * 1024;
/// The separate buffer is at most this multiple of the arrived payload bytes, and twice that while it grows. So a peer
/// that announces much and sends little makes this side allocate little.
inline constexpr std::size_t kRoomGrowth = 8;

struct FrameHeader {
  FrameType type = FrameType::tell;
  messages::Lane lane = messages::Lane::normal;
  std::uint64_t correlation = 0;
  std::uint64_t kind = 0;          ///< zero without a payload
  std::uint64_t remaining_us = 0;  ///< until the deadline; zero: none
  std::uint64_t trace_id = 0;
  std::uint32_t parent_span = 0;
  std::uint32_t credit_items = 0;  ///< only in CREDIT
  std::uint32_t credit_bytes = 0;  ///< only in CREDIT

  friend bool operator==(const FrameHeader&, const FrameHeader&) = default;
};

/// A frame in the reader's memory, valid until the next append(), next() or release().
struct Frame {
  FrameHeader header;
  std::string_view path;
  base::ByteView payload;  ///< its address and size are multiples of 8
};

/// Returns whether a frame may contain `path`: at most kPathBytesMax of printable ASCII, without "..". It may be empty.
bool valid_path(std::string_view path);

/// Appends a frame without its payload; the caller then appends `payload_bytes` bytes. Broken invariants: a bad path,
/// and a payload that is not a multiple of 8 bytes or too long for 32 bits.
void write_frame_head(base::Bytes& out, const FrameHeader& header, std::string_view path, std::size_t payload_bytes);
/// Appends a whole frame.
void write_frame(base::Bytes& out, const FrameHeader& header, std::string_view path, base::ByteView payload);

/// Cuts a stream of bytes into frames. The bytes wait in one aligned buffer, and the frames point into it. A large
/// payload that has partly arrived is gathered in a separate buffer.
class FrameReader {
 public:
  explicit FrameReader(std::uint32_t frame_bytes_max);

  /// Sets the limit for the next frames, and for a partly received frame.
  void set_frame_bytes_max(std::uint32_t frame_bytes_max) { frame_bytes_max_ = frame_bytes_max; }

  /// Appends received bytes. Before receiving more, call next() until no frame is left: less than one frame of maximum
  /// size waits then, so memory stays bounded.
  void append(base::ByteView bytes);

  /// Returns the next frame, or nullopt while it is incomplete. An error is final, because the boundaries of later
  /// frames are unknown: later calls repeat it, and further bytes are dropped.
  base::Result<std::optional<Frame>, FrameError> next();

  /// Returns the separate buffer of the frame that next() returned, if it has one. The bytes keep their address.
  std::optional<runtime::Envelope::Room> take_room() { return std::exchange(ready_, std::nullopt); }

  /// Returns the number of waiting bytes.
  std::size_t waiting_bytes() const { return buffered() + (large_ ? large_->filled : 0); }
  /// Returns the number of allocated bytes.
  std::size_t held_bytes();

  /// Frees memory that the waiting bytes do not need, for an idle link.
  void release();

 private:
  /// The payload of the first frame, in a separate buffer. The main buffer has the frame's head; the bytes after the
  /// head belong to the next frame.
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
