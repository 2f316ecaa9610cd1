// Schemas and words from outside: whatever they are, a line that is plain and fits. The first byte is the number of
// schemas; each begins with its number of words, two bytes, little-endian. What is left is the message. It is read by
// the first schema's id, and as a kind of this program.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "messages/kinds.hpp"
#include "runtime/base/text.hpp"
#include "runtime/observe/decode.hpp"

using namespace troupe;
using namespace troupe::observe;

namespace {

constexpr std::size_t kLineBytes = 300;

void expect(bool held) {
  if (!held) std::abort();
}

const Decoder& program() {
  static const auto* const decoder = [] {
    auto* const all = new Decoder;
    for (const auto& schema : messages::all_schemas()) expect(all->learn(schema.node).ok());
    return all;
  }();
  return *decoder;
}

void read(const Decoder& decoder, std::uint64_t kind, base::ByteView words) {
  const std::string line = decoder.line(kind, words, kLineBytes);
  expect(line.size() <= kLineBytes && base::is_plain(line));
}

/// Where the data of a root struct lies that follows its pointer at once, as in what a builder makes.
std::uint64_t id_of(base::ByteView node) {
  std::uint64_t id = 0;
  if (node.size() >= 16) std::memcpy(&id, node.data() + 8, sizeof(id));
  return id;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  base::ByteView left(data + 1, size - 1);
  Decoder decoder;
  std::uint64_t kind = 0;
  for (unsigned schemas = data[0]; schemas > 0 && left.size() >= 2; --schemas) {
    const std::size_t bytes = std::min(left.size() - 2, (left[0] + std::size_t{left[1]} * 256) * 8);
    const base::ByteView node = left.subspan(2, bytes);
    left = left.subspan(2 + bytes);
    const auto learnt = decoder.learn(node);
    expect(learnt.ok() || (base::is_plain(learnt.error()) && !learnt.error().empty()));
    if (kind == 0) kind = id_of(node);
  }
  read(decoder, kind, left);
  const auto kinds = messages::all_kinds();
  read(program(), kinds[data[0] % kinds.size()].id, left);
  return 0;
}
