#include "runtime/store/pack_walk.hpp"

#include <algorithm>

#include "runtime/store/crc32c.hpp"

namespace troupe::store {

PackWalk::PackWalk(const ports::File& file, std::optional<std::uint64_t> salt, std::uint64_t from, std::uint64_t size,
                   std::uint64_t check_from)
    : file_(file), salt_(salt), at_(from), size_(size), check_from_(check_from) {}

/// Returns up to `bytes` bytes at `offset`, fewer at the end of the file. Valid until the next call.
ports::DiskResult<base::ByteView> PackWalk::view(std::uint64_t offset, std::size_t bytes) {
  const auto in_window = [&] { return offset >= window_at_ && offset + bytes <= window_at_ + window_.size(); };
  if (!in_window()) {
    const std::uint64_t left = size_ > offset ? size_ - offset : 0;
    window_.resize(std::min<std::uint64_t>(std::max(bytes, kWindowBytes), left));
    window_at_ = offset;
    const auto got = file_.read(offset, window_);
    if (!got.ok()) {
      window_.clear();
      return got.error();
    }
    window_.resize(got.value());
  }
  const base::ByteView window = window_;
  const std::size_t begin = offset - window_at_;
  return window.subspan(begin, std::min(bytes, window.size() - begin));
}

std::optional<RecordHeader> PackWalk::header_at(std::uint64_t offset, base::ByteView bytes) {
  const auto header = decode_record_header(bytes);
  if (!header || header->offset != offset) return std::nullopt;
  if (!salt_ && offset == kPackHeaderBytes) salt_ = header->salt;
  if (header->salt != salt_) return std::nullopt;
  return header;
}

/// Returns the offset of the next header at or after `from`, or the end of the file if there is none.
ports::DiskResult<std::uint64_t> PackWalk::find_record(std::uint64_t from) {
  for (std::uint64_t offset = from; offset + kRecordHeaderBytes <= size_; offset += kRecordAlignment) {
    const auto bytes = view(offset, kRecordHeaderBytes);
    if (!bytes.ok()) return bytes.error();
    if (bytes.value().size() < kRecordHeaderBytes) break;  // the file has become shorter
    if (header_at(offset, bytes.value())) return offset;
  }
  return size_;
}

ports::DiskResult<std::optional<Stretch>> PackWalk::next() {
  if (at_ >= size_) return std::optional<Stretch>{};
  const auto front = view(at_, kRecordHeaderBytes);
  if (!front.ok()) return front.error();
  Stretch out{.offset = at_};
  const auto header = header_at(at_, front.value());
  if (!header) {
    const auto next = find_record(at_ + kRecordAlignment);
    if (!next.ok()) return next.error();
    out.bytes = next.value() - at_;
  } else if (record_bytes(header->length) > size_ - at_) {
    out.bytes = size_ - at_;  // its end was never written, so nothing follows
  } else {
    out.bytes = record_bytes(header->length);
    out.record = header;
    if (at_ >= check_from_) {
      const auto all = view(at_, out.bytes);
      if (!all.ok()) return all.error();
      const base::ByteView body =
          all.value().size() == out.bytes ? all.value().subspan(kRecordHeaderBytes) : base::ByteView{};
      if (all.value().size() == out.bytes && crc32c(body) == header->payload_crc)
        out.payload = body.first(header->length);
      else out.record.reset();
    }
  }
  at_ += out.bytes;
  return std::optional<Stretch>{out};
}

}  // namespace troupe::store
