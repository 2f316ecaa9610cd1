#include "runtime/actor/envelope.hpp"

#include <cstring>
#include <new>

#include "messages/common.capnp.h"
#include "runtime/base/ensure.hpp"

namespace troupe::runtime {
namespace {

constexpr std::size_t kScratchWords = 512;        // 4 KiB: nearly every message fits into its first segment
constexpr std::size_t kErrorTextBytesMax = 1024;  // as common.capnp says

struct ThreadScratch {
  alignas(8) capnp::word words[kScratchWords] = {};
  bool used = false;
};
thread_local ThreadScratch thread_scratch;

}  // namespace

Envelope::Scratch::Scratch() : shared_(!thread_scratch.used) {
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
  static_assert(sizeof(Frame) % sizeof(capnp::word) == 0, "the words behind the header are aligned");
  void* space = ::operator new(sizeof(Frame) + words * sizeof(capnp::word));
  Frame* frame = ::new (space) Frame;
  frame->words = static_cast<std::uint32_t>(words);
  frame->header = header;
  return frame;
}

void Envelope::destroy(Frame* frame) {
  frame->~Frame();
  ::operator delete(frame);
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

Envelope Envelope::from_builder(const Header& header, capnp::MessageBuilder& message) {
  const auto segments = message.getSegmentsForOutput();
  const std::size_t words = capnp::computeSerializedSizeInWords(segments);
  base::ensure(words * sizeof(capnp::word) <= header.kind->bytes_max, "a message that we build fits its kind");
  if (segments.size() == 1) {  // the usual case, without the temporary array of messageToFlatArray
    Envelope out(allocate(header, words));
    auto* table = reinterpret_cast<std::uint32_t*>(words_of(out.frame_));
    table[0] = 0;
    table[1] = static_cast<std::uint32_t>(segments[0].size());
    std::memcpy(words_of(out.frame_) + 1, segments[0].begin(), segments[0].asBytes().size());
    return out;
  }
  const auto flat = capnp::messageToFlatArray(segments);
  return from_words(header, flat.asPtr());
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
    return {base::Code::internal, "the other side sent an error that cannot be read"};
  }
}

}  // namespace troupe::runtime
