#include "runtime/net/logic/frame.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"
#include "runtime/net/logic/words.hpp"

namespace troupe::net {
namespace {

constexpr std::size_t kTypeAt = 4, kLaneAt = 5, kPathLengthAt = 6, kCorrelationAt = 8, kKindAt = 16, kDeadlineAt = 24,
                      kTraceAt = 32, kSpanAt = 40, kReservedAt = 44;

constexpr std::size_t kHeadBytesMax = kFrameHeaderBytes + padded(kPathBytesMax);
static_assert(kHeadBytesMax <= kRoomArrivedMin, "the head of a frame that gets a room is there");

std::uint64_t kind_word(const FrameHeader& header) {
  if (header.type != FrameType::credit) return header.kind;
  return header.credit_items | std::uint64_t{header.credit_bytes} << 32;
}

bool known(std::uint8_t type) {
  return type >= static_cast<std::uint8_t>(FrameType::ask) && type <= static_cast<std::uint8_t>(FrameType::close);
}

constexpr std::size_t head_bytes(std::size_t path_bytes) { return kFrameHeaderBytes + padded(path_bytes); }

/// Reads a frame of `bytes` bytes except its payload; its head, or the first kHeadBytesMax bytes, must have arrived.
base::Result<Frame, FrameError> parse_head(const std::uint8_t* at, std::size_t bytes) {
  if (!known(at[kTypeAt])) return FrameError::unknown_type;
  if (at[kLaneAt] > static_cast<std::uint8_t>(messages::Lane::control)) return FrameError::reserved;
  if (load<std::uint32_t>(at + kReservedAt) != 0) return FrameError::reserved;
  const std::size_t path_bytes = load<std::uint16_t>(at + kPathLengthAt);
  if (path_bytes > kPathBytesMax) return FrameError::bad_path;
  const std::size_t payload_at = head_bytes(path_bytes);
  if (payload_at > bytes) return FrameError::too_short;
  if (std::any_of(at + kFrameHeaderBytes + path_bytes, at + payload_at, [](std::uint8_t byte) { return byte != 0; }))
    return FrameError::reserved;

  Frame frame;
  frame.path = {reinterpret_cast<const char*>(at) + kFrameHeaderBytes, path_bytes};
  if (!valid_path(frame.path)) return FrameError::bad_path;
  FrameHeader& header = frame.header;
  header.type = static_cast<FrameType>(at[kTypeAt]);
  header.lane = static_cast<messages::Lane>(at[kLaneAt]);
  header.correlation = load<std::uint64_t>(at + kCorrelationAt);
  header.remaining_us = load<std::uint64_t>(at + kDeadlineAt);
  header.trace_id = load<std::uint64_t>(at + kTraceAt);
  header.parent_span = load<std::uint32_t>(at + kSpanAt);
  const auto kind = load<std::uint64_t>(at + kKindAt);
  if (header.type == FrameType::credit) {
    header.credit_items = static_cast<std::uint32_t>(kind);
    header.credit_bytes = static_cast<std::uint32_t>(kind >> 32);
  } else {
    header.kind = kind;
  }
  return frame;
}

/// Returns the size of the buffer for a payload of which `arrived` bytes have arrived.
std::size_t room_words(std::size_t arrived, std::size_t payload_bytes) {
  return std::min(payload_bytes, kRoomGrowth * arrived / kWordBytes * kWordBytes) / kWordBytes;
}

}  // namespace

std::string_view name(FrameType type) {
  static constexpr std::string_view kNames[] = {"none", "ask",    "answer", "error", "tell",    "item",
                                                "end",  "cancel", "credit", "watch", "unwatch", "down",
                                                "ping", "pong",   "hello",  "proof", "close"};
  const auto number = static_cast<std::size_t>(type);
  return number < std::size(kNames) ? kNames[number] : kNames[0];
}

std::string_view name(FrameError error) {
  switch (error) {
    case FrameError::too_long: return "too long";
    case FrameError::too_short: return "too short";
    case FrameError::misaligned: return "misaligned";
    case FrameError::unknown_type: return "of an unknown type";
    case FrameError::reserved: return "invalid: reserved bits are set";
    case FrameError::bad_path: return "invalid: its path is not allowed";
  }
  return "too long";
}

bool valid_path(std::string_view path) {
  return path.size() <= kPathBytesMax && path.find("..") == std::string_view::npos &&
         std::ranges::all_of(path, [](char c) { return c >= ' ' && c <= '~'; });
}

void write_frame_head(base::Bytes& out, const FrameHeader& header, std::string_view path, std::size_t payload_bytes) {
  base::ensure(valid_path(path), "the path of a frame that is sent is valid");
  base::ensure(payload_bytes % kWordBytes == 0, "the payload of a frame is whole words");
  const std::size_t bytes = head_bytes(path.size());
  base::ensure(payload_bytes <= UINT32_MAX - bytes, "a frame's length fits 32 bits");

  std::uint8_t head[kHeadBytesMax] = {};
  store(head, static_cast<std::uint32_t>(bytes + payload_bytes - kFrameLengthBytes));
  head[kTypeAt] = static_cast<std::uint8_t>(header.type);
  head[kLaneAt] = static_cast<std::uint8_t>(header.lane);
  store(head + kPathLengthAt, static_cast<std::uint16_t>(path.size()));
  store(head + kCorrelationAt, header.correlation);
  store(head + kKindAt, kind_word(header));
  store(head + kDeadlineAt, header.remaining_us);
  store(head + kTraceAt, header.trace_id);
  store(head + kSpanAt, header.parent_span);
  std::ranges::copy(path, head + kFrameHeaderBytes);
  out.insert(out.end(), head, head + bytes);
}

void write_frame(base::Bytes& out, const FrameHeader& header, std::string_view path, base::ByteView payload) {
  write_frame_head(out, header, path, payload.size());
  out.insert(out.end(), payload.begin(), payload.end());
}

FrameReader::FrameReader(std::uint32_t frame_bytes_max) : frame_bytes_max_(frame_bytes_max) {}

void FrameReader::append(base::ByteView bytes) {
  if (failed_) return;
  if (large_) bytes = bytes.subspan(fill_large(bytes));
  if (bytes.empty()) return;
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ + bytes.size() > capacity()) {
    const std::size_t needed = buffered() + bytes.size();
    // Doubled, so that a long frame in many pieces is not moved for every piece.
    reallocate(needed > capacity() ? std::max(needed, 2 * capacity()) : capacity());
  }
  std::memcpy(data() + end_, bytes.data(), bytes.size());
  end_ += bytes.size();
}

FrameReader::Next FrameReader::next() {
  ready_.reset();
  if (failed_) return *failed_;
  if (large_) return next_large();
  if (buffered() < kFrameLengthBytes) return std::optional<Frame>{};
  const std::uint8_t* at = data() + begin_;
  const std::size_t length = load<std::uint32_t>(at);
  if (length > frame_bytes_max_) return fail(FrameError::too_long);
  const std::size_t bytes = kFrameLengthBytes + length;
  if (bytes < kFrameHeaderBytes) return fail(FrameError::too_short);
  if (bytes % kWordBytes != 0) return fail(FrameError::misaligned);
  if (buffered() < bytes) return begin_large(bytes);
  const auto head = parse_head(at, bytes);
  if (!head.ok()) return fail(head.error());
  Frame frame = head.value();
  const std::size_t payload_at = head_bytes(frame.path.size());
  frame.payload = {at + payload_at, bytes - payload_at};
  begin_ += bytes;
  return std::optional<Frame>{frame};
}

FrameError FrameReader::fail(FrameError why) {
  failed_ = why;
  large_.reset();
  begin_ = end_ = 0;
  return why;
}

/// Gives the payload of an incomplete first frame a separate buffer, if it is large enough.
FrameReader::Next FrameReader::begin_large(std::size_t bytes) {
  if (bytes < kHeadBytesMax + kRoomPayloadMin || buffered() < kHeadBytesMax + kRoomArrivedMin)
    return std::optional<Frame>{};
  const auto head = parse_head(data() + begin_, bytes);
  if (!head.ok()) return fail(head.error());
  const std::size_t payload_at = head_bytes(head.value().path.size());
  const base::ByteView arrived{data() + begin_ + payload_at, buffered() - payload_at};
  large_ = Large{runtime::Envelope::Room(room_words(arrived.size(), bytes - payload_at)), 0, bytes - payload_at};
  fill_large(arrived);
  end_ = begin_ + payload_at;
  return std::optional<Frame>{};
}

/// Moves the bytes of the large payload from the front of `bytes`; returns their number.
std::size_t FrameReader::fill_large(base::ByteView bytes) {
  Large& to = *large_;
  const std::size_t take = std::min(bytes.size(), to.payload_bytes - to.filled);
  if (to.filled + take > to.room.bytes().size()) to.room.grow(room_words(to.filled + take, to.payload_bytes));
  std::memcpy(to.room.bytes().data() + to.filled, bytes.data(), take);
  to.filled += take;
  return take;
}

FrameReader::Next FrameReader::next_large() {
  if (large_->filled < large_->payload_bytes) return std::optional<Frame>{};
  Frame frame = parse_head(data() + begin_, SIZE_MAX).value();  // was read before
  begin_ += head_bytes(frame.path.size());
  ready_ = std::move(large_->room);
  large_.reset();
  frame.payload = ready_->bytes();
  return std::optional<Frame>{frame};
}

void FrameReader::release() {
  ready_.reset();
  reallocate(buffered());
}

std::size_t FrameReader::held_bytes() {
  return capacity() + (large_ ? large_->room.bytes().size() : 0) + (ready_ ? ready_->bytes().size() : 0);
}

/// Moves the waiting bytes to the start of a buffer of `bytes` bytes, which may be the same buffer.
void FrameReader::reallocate(std::size_t bytes) {
  const std::size_t waiting = buffered();
  const std::size_t words = padded(bytes) / kWordBytes;
  if (words == capacity_words_) {
    if (waiting > 0) std::memmove(data(), data() + begin_, waiting);
  } else {
    auto fresh = words == 0 ? nullptr : std::make_unique_for_overwrite<std::uint64_t[]>(words);
    if (waiting > 0) std::memcpy(fresh.get(), data() + begin_, waiting);
    words_ = std::move(fresh);
    capacity_words_ = words;
  }
  begin_ = 0;
  end_ = waiting;
}

}  // namespace troupe::net
