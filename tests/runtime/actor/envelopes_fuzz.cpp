// Words from outside, as a link hands them to an actor: whatever they are, reading them ends, in a value or in a
// kj::Exception, and never beyond the traversal limit of the envelope.
#include <capnp/dynamic.h>
#include <kj/string.h>

#include <cstdint>
#include <cstring>

#include "messages/bench.capnp.h"
#include "messages/common.capnp.h"
#include "messages/contact.hpp"
#include "messages/files.capnp.h"
#include "messages/links.capnp.h"
#include "messages/peers.capnp.h"
#include "runtime/actor/envelope.hpp"
#include "runtime/net/logic/envelope_check.hpp"

using namespace troupe;

namespace {

template <class T>
void read_all(const runtime::Envelope& envelope) {
  try {
    runtime::Envelope::Reading<T> reading(envelope);
    static_cast<void>(kj::str(reading.root()));  // follows every pointer of the schema
  } catch (const kj::Exception&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kBytesMax = 64 * 1024;
  if (size > kBytesMax) return 0;
  std::vector<std::uint64_t> words(size / sizeof(std::uint64_t));
  if (!words.empty()) std::memcpy(words.data(), data, words.size() * sizeof(std::uint64_t));
  const base::ByteView payload{reinterpret_cast<const std::uint8_t*>(words.data()),
                               words.size() * sizeof(std::uint64_t)};
  if (net::check_envelope(payload)) return 0;
  runtime::Header header;
  header.origin = runtime::Origin::foreign;
  const auto envelope = runtime::Envelope::from_words(
      header, kj::arrayPtr(reinterpret_cast<const capnp::word*>(words.data()), words.size()));
  static_cast<void>(runtime::read_error(envelope));
  read_all<bench::wire::Parcel>(envelope);
  read_all<messages::wire::Error>(envelope);
  read_all<peers::wire::Contacts>(envelope);
  read_all<peers::wire::PeerRows>(envelope);
  read_all<net::wire::LinkRows>(envelope);
  read_all<net::wire::LinkMade>(envelope);
  try {
    runtime::Envelope::Reading<peers::wire::Contacts> reading(envelope);
    for (const auto contact : reading.root().getList()) static_cast<void>(messages::read_contact(contact));
  } catch (const kj::Exception&) {
  }
  return 0;
}
