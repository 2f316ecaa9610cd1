#include "apps/sim/trace.hpp"

#include <bit>

namespace troupe::apps {

static_assert(std::endian::native == std::endian::little, "numbers are written in the machine's order");

TraceWriter::TraceWriter(std::ostream& out, sim::Stage& stage, const std::string& scenario) : out_(out), stage_(stage) {
  put(kTraceMagic.data(), kTraceMagic.size());
  put(static_cast<std::uint32_t>(scenario.size()));
  put(scenario.data(), scenario.size());
}

void TraceWriter::event(std::uint64_t number, sim::ActorNumber actor, std::size_t place) {
  if (decisions_ == kTraceBlockEvents) write_block();
  if (decisions_ == 0)
    before_ = {number - 1, static_cast<std::uint64_t>(stage_.now().since_origin().count()), stage_.hash()};
  ++decisions_;
  std::uint64_t word = actor == 0 ? 0 : place + 1;
  for (; word >= 0x80; word >>= 7) block_.push_back(static_cast<char>(word | 0x80));
  block_.push_back(static_cast<char>(word));
}

void TraceWriter::finish() {
  if (decisions_ > 0) write_block();
  before_ = {stage_.events(), static_cast<std::uint64_t>(stage_.now().since_origin().count()), stage_.hash()};
  write_block();
  out_.flush();
}

void TraceWriter::write_block() {
  put(decisions_);
  put(static_cast<std::uint32_t>(block_.size()));
  put(before_.event);
  put(before_.nanoseconds);
  put(before_.hash);
  put(block_.data(), block_.size());
  block_.clear();
  decisions_ = 0;
}

void TraceWriter::put(const void* data, std::size_t size) {
  out_.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
  bytes_ += size;
}

template <class Number>
void TraceWriter::put(Number number) {
  put(&number, sizeof number);
}

}  // namespace troupe::apps
