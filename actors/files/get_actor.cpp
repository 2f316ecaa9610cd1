#include "actors/files/get_actor.hpp"

#include "runtime/base/ensure.hpp"

namespace troupe::files {

using base::Code;
using base::Error;

void GetActor::receive(runtime::Handlers& on) {
  Reading::receive(on);
  on.stream<wire::GetFile, wire::GetItem>([this](auto question, auto sink) { begin(question, std::move(sink)); });
  on.describe<wire::GetState>([this](wire::GetState::Builder state) {
    state.setBytes(sent_);
    state.setBadAnswers(bad_answers());
  });
}

void GetActor::begin(wire::GetFile::Reader question, runtime::Sink<wire::GetItem> sink) {
  base::ensure(!sink_, "an actor for each get");
  sink_ = std::move(sink);
  sink_.on_cancel([this] {
    close();
    finish();
  });
  sink_.on_ready([this] { pump(); });
  const auto cid = read_id<Cid>(question.getCid());
  if (!cid.ok()) return fail(cid.error());
  switch (question.getPart().which()) {
    case wire::GetFile::Part::WHOLE: break;
    case wire::GetFile::Part::RANGE: {
      const auto range = question.getPart().getRange();
      if (range.getFirst() > range.getLast()) return fail({Code::refused, "the range ends before it begins"});
      range_ = Range{range.getFirst(), range.getLast()};
      break;
    }
    default: return fail({Code::unsupported, "this version does not know that kind of range"});
  }
  find_candidates([this, cid = cid.value()](std::vector<base::NodeId> candidates) {
    if (!sink_) return;
    open(with_hints(std::move(candidates), hints_));
    want(ContentKey::manifest(cid));
    pump();
  });
}

bool GetActor::take(const ContentKey&, base::ByteView bytes) {
  return started_ ? take_chunk(bytes) : take_manifest(bytes);
}

bool GetActor::take_manifest(base::ByteView bytes) {
  if (!sink_.ready()) return false;
  const auto manifest = parse_manifest(bytes);
  if (!manifest.ok()) return fail(to_error(manifest.error())), false;
  const auto part = range_ ? part_of(manifest.value(), *range_) : whole(manifest.value());
  if (!part) return fail({Code::refused, "the range begins after the end of the file"}), false;
  started_ = true;
  skip_ = static_cast<std::size_t>(part->skip);
  left_ = part->bytes;
  sink_.push([&](wire::GetItem::Builder item) {
    auto start = item.initStart();
    start.setFileBytes(manifest.value().file_bytes);
    start.setPartBytes(part->bytes);
  });
  if (left_ == 0) {
    sink_.end();
    close();
    finish();
    return false;
  }
  for (std::size_t i = 0; i < part->chunks; ++i) want(manifest.value().chunks[part->chunk_first + i].key());
  return true;
}

bool GetActor::take_chunk(base::ByteView bytes) {
  while (skip_ < bytes.size() && left_ > 0) {
    if (!sink_.ready()) return false;
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>({kPieceBytesMax, bytes.size() - skip_, left_}));
    sink_.push([&](wire::GetItem::Builder item) { item.adoptPiece(borrow(item, bytes.subspan(skip_, size))); });
    skip_ += size;
    left_ -= size;
    sent_ += size;
  }
  skip_ = 0;
  if (left_ > 0) return true;
  sink_.end();
  close();
  finish();
  return false;
}

void GetActor::check() const {
  Reading::check();
  if (!started_) return base::ensure(sent_ == 0, "the bytes of a get follow its manifest");
  base::ensure(left_ > 0 && reading(), "a get that has started has something left to read, and reads it");
  base::ensure(!range_ || sent_ + left_ - 1 <= range_->last - range_->first, "a get sends no more than its range");
}

void GetActor::fail(const Error& error) {
  sink_.fail(error);
  close();
  finish();
}

}  // namespace troupe::files
