#include "runtime/net/logic/readable.hpp"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <doctest/doctest.h>

#include "messages/dht.capnp.h"
#include "messages/files.capnp.h"
#include "runtime/base/random.hpp"

using namespace troupe;
using net::readable;

namespace {

using Words = kj::Array<capnp::word>;

base::ByteView view(const Words& words) {
  return {reinterpret_cast<const std::uint8_t*>(words.begin()), words.asBytes().size()};
}

/// An answer with contacts and a record.
Words answer() {
  capnp::MallocMessageBuilder message;
  auto found = message.initRoot<dht::wire::FoundValue>();
  found.setRecord(capnp::Data::Reader(reinterpret_cast<const kj::byte*>("record"), 6));
  auto list = found.initContacts(3);
  for (auto one : list) one.setKey0(7);
  return capnp::messageToFlatArray(message);
}
const messages::KindInfo& kind() { return messages::kind_of<dht::wire::FoundValue>(); }

/// What a service does with it.
void read(const Words& words) {
  capnp::FlatArrayMessageReader message(words.asPtr());
  const auto found = message.getRoot<dht::wire::FoundValue>();
  (void)found.getRecord().size();
  for (const auto one : found.getContacts()) (void)one.getKey0();
}

}  // namespace

TEST_CASE("readable: what a builder makes can be read") { CHECK(readable(view(answer()), kind())); }

TEST_CASE("readable: what throws when it is read, whichever word is broken, cannot be read") {
  const Words whole = answer();
  std::size_t broken = 0;
  for (std::size_t at = 1; at < whole.size(); ++at)
    for (int bit = 0; bit < 64; ++bit) {
      Words words = kj::heapArray<capnp::word>(whole.asPtr());
      reinterpret_cast<std::uint64_t*>(words.begin())[at] ^= std::uint64_t{1} << bit;
      const bool sound = readable(view(words), kind());
      broken += sound ? 0 : 1;
      if (!sound) continue;
      CHECK_NOTHROW(read(words));
    }
  CHECK(broken > 0);
}

TEST_CASE("readable: a part of another type cannot be read") {
  capnp::MallocMessageBuilder other;
  other.initRoot<files::wire::Has>().initPresent(3);
  const Words words = capnp::messageToFlatArray(other);
  CHECK(readable(view(words), messages::kind_of<files::wire::Has>()));
  CHECK_FALSE(readable(view(words), kind()));  // bits where the record would be
}

// 2.6 MB of it took a second of a core.
TEST_CASE("readable: a list of structs that comes as one of bytes has more elements than words, and cannot be read") {
  capnp::MallocMessageBuilder message;
  message.initRoot<dht::wire::FoundValue>().initRecord(8'192);
  Words words = capnp::messageToFlatArray(message);
  auto* const word = reinterpret_cast<std::uint64_t*>(words.begin());
  word[4] = std::exchange(word[3], 0) - (1 << 2);  // what was the record is the list of contacts
  CHECK_FALSE(readable(view(words), kind()));
}

TEST_CASE("readable: parts that share words cannot be read, for they could be read for ever") {
  capnp::MallocMessageBuilder message;
  auto found = message.initRoot<dht::wire::FoundValue>();
  found.initRecord(8'192);
  Words words = capnp::messageToFlatArray(message);
  CHECK(readable(view(words), kind()));
  // The table, the root, a word of data, then the pointers of the record, the contacts and the token.
  auto* const word = reinterpret_cast<std::uint64_t*>(words.begin());
  word[5] = word[3] - (2 << 2);
  CHECK_FALSE(readable(view(words), kind()));
}
