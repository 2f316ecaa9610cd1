#include "runtime/actor/envelope.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "messages/common.capnp.h"
#include "runtime/base/ensure.hpp"

namespace troupe::runtime {
namespace {

constexpr std::size_t kScratchWords = 512;
constexpr std::size_t kErrorTextBytesMax = 1024;  // as common.capnp says

struct ThreadScratch {
  alignas(8) capnp::word words[kScratchWords] = {};
  bool used = false;
};
thread_local ThreadScratch thread_scratch;

}  // namespace

Envelope::Scratch::Scratch() : shared_(!thread_scratch.used) {
  static_assert(sizeof(thread_scratch.words) == kScratchBytes);
  if (shared_) {
    thread_scratch.used = true;
    ::new (static_cast<void*>(space_)) capnp::MallocMessageBuilder(kj::arrayPtr(thread_scratch.words, kScratchWords));
  } else {
    ::new (static_cast<void*>(space_)) capnp::MallocMessageBuilder();
  }
}

Envelope::Scratch::~Scratch() {
  message().~MallocMessageBuilder();  // clears the part of the scratch that it used
  if (shared_) thread_scratch.used = false;
}

Envelope::Frame* Envelope::allocate(const Header& header, std::size_t words) {
  static_assert(sizeof(Frame) % sizeof(capnp::word) == 0, "the words after the header are aligned");
  void* space = ::operator new(sizeof(Frame) + words * sizeof(capnp::word));
  Frame* frame = ::new (space) Frame;
  frame->words = static_cast<std::uint32_t>(words);
  frame->header = header;
  return frame;
}

void Envelope::destroy(Frame* frame) {
  const std::shared_ptr<Account> account = std::move(frame->account);
  const std::size_t bytes = frame->words * sizeof(capnp::word);
  frame->~Frame();
  ::operator delete(frame);
  if (account) account->freed(bytes);
}

void Envelope::charge(std::shared_ptr<Account> account) {
  base::ensure(frame_->references.load(std::memory_order_relaxed) == 1 && !frame_->account,
               "an envelope is charged once, before it is copied");
  frame_->account = std::move(account);
}

Envelope Envelope::bare(Header header) {
  header.kind = nullptr;
  return Envelope(allocate(header, 0));
}

Envelope Envelope::from_words(Header header, kj::ArrayPtr<const capnp::word> words) {
  Frame* frame = allocate(header, words.size());
  if (words.size() > 0) std::memcpy(words_of(frame), words.begin(), words.asBytes().size());
  return Envelope(frame);
}

Envelope Envelope::from_room(Header header, Room room) {
  room.envelope_.frame_->header = header;
  return std::move(room.envelope_);
}

std::span<std::uint8_t> Envelope::Room::bytes() {
  Frame* frame = envelope_.frame_;
  return {reinterpret_cast<std::uint8_t*>(words_of(frame)), frame->words * sizeof(capnp::word)};
}

void Envelope::Room::grow(std::size_t words) {
  Room larger(words);
  std::ranges::copy(bytes(), larger.bytes().begin());
  *this = std::move(larger);
}

void Envelope::must_fit(const Envelope& built) {
  base::ensure(static_cast<bool>(built), "a message that we build fits its kind");
}

Envelope Envelope::from_builder(const Header& header, capnp::MessageBuilder& message) {
  const auto segments = message.getSegmentsForOutput();
  const std::size_t words = capnp::computeSerializedSizeInWords(segments);
  if (words * sizeof(capnp::word) > header.kind->bytes_max) return {};
  // messageToFlatArray would make its own array, which costs one more copy.
  Envelope out(allocate(header, words));
  capnp::word* to = words_of(out.frame_);
  const std::size_t table_words = segments.size() / 2 + 1;
  std::memset(to, 0, table_words * sizeof(capnp::word));
  auto* table = reinterpret_cast<std::uint32_t*>(to);
  table[0] = static_cast<std::uint32_t>(segments.size() - 1);
  to += table_words;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    table[i + 1] = static_cast<std::uint32_t>(segments[i].size());
    std::memcpy(to, segments[i].begin(), segments[i].asBytes().size());
    to += segments[i].size();
  }
  return out;
}

Envelope::Place::Place(std::size_t bytes) : frame_(allocate({}, 1 + bytes / sizeof(capnp::word) + 1)) {
  std::memset(words_of(frame_), 0, frame_->words * sizeof(capnp::word));
}

Envelope::Place::~Place() {
  if (frame_ != nullptr) destroy(frame_);
}

/// The first word of the envelope is the segment table of a message with one segment.
kj::ArrayPtr<capnp::word> Envelope::Place::allocateSegment(unsigned words_min) {
  if (!begun_ && words_min < frame_->words) {
    begun_ = true;
    return kj::arrayPtr(words_of(frame_) + 1, frame_->words - 1);
  }
  more_.emplace_back(std::max<std::size_t>(words_min, frame_->words));
  return kj::arrayPtr(more_.back().data(), more_.back().size());
}

Envelope Envelope::Place::take(const Header& header) {
  const auto segments = getSegmentsForOutput();
  if (segments.size() != 1 || !begun_) return from_builder(header, *this);
  const std::size_t words = 1 + segments[0].size();
  if (words * sizeof(capnp::word) > header.kind->bytes_max) return {};
  const std::uint32_t table[] = {0, static_cast<std::uint32_t>(segments[0].size())};
  std::memcpy(words_of(frame_), table, sizeof table);
  frame_->words = static_cast<std::uint32_t>(words);
  frame_->header = header;
  return Envelope(std::exchange(frame_, nullptr));
}

Envelope error_envelope(const base::Error& error, Header header) {
  header.signal = Signal::error;
  return Envelope::build<messages::wire::Error>(header, [&](messages::wire::Error::Builder out) {
    out.setCode(static_cast<std::uint16_t>(error.code));
    const std::string text = error.message.substr(0, kErrorTextBytesMax);
    out.setMessage(kj::StringPtr(text.c_str(), text.size()));
    out.setRetryAfterMs(static_cast<std::uint32_t>(std::clamp<std::int64_t>(error.retry_after.count(), 0, UINT32_MAX)));
  });
}

base::Error read_error(const Envelope& envelope) {
  try {
    Envelope::Reading<messages::wire::Error> reading(envelope);
    const auto in = reading.root();
    const auto text = in.getMessage();
    return {base::code_of(in.getCode()), std::string(text.begin(), std::min(text.size(), kErrorTextBytesMax)),
            std::chrono::milliseconds(in.getRetryAfterMs())};
  } catch (const kj::Exception&) {
    return {base::Code::internal, "the other side sent an unreadable error"};
  }
}

}  // namespace troupe::runtime
