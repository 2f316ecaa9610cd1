// Envelopes that are built, in a scratch or in their place.
#include "runtime/actor/envelope.hpp"

#include <doctest/doctest.h>

#include "messages/bench.capnp.h"

using namespace troupe::runtime;
using troupe::bench::wire::Parcel;

namespace {

/// A message with that many bytes, of which 3, 4, 5, ... are the first.
Envelope parcel(unsigned bytes, std::size_t said) {
  return Envelope::build<Parcel>(
      {},
      [&](Parcel::Builder out) {
        auto data = out.initData(bytes);
        for (unsigned i = 0; i < bytes; ++i) data[i] = static_cast<std::uint8_t>(i + 3);
      },
      said);
}

bool whole(const Envelope& envelope, unsigned bytes) {
  Envelope::Reading<Parcel> reading(envelope);
  const auto data = reading.root().getData();
  bool same = data.size() == bytes;
  for (unsigned i = 0; same && i < bytes; ++i) same = data[i] == static_cast<std::uint8_t>(i + 3);
  return same;
}

}  // namespace

TEST_CASE("envelope: a message is the same whatever was said of its size") {
  for (const unsigned bytes : {0u, 1u, 4'000u, 5'000u, 100'000u})
    for (const std::size_t said : {0ul, 1ul, 5'000ul, 99'000ul, 100'100ul, 300'000ul}) {
      CAPTURE(bytes);
      CAPTURE(said);
      CHECK(whole(parcel(bytes, said), bytes));
    }
}

TEST_CASE("envelope: a message that is built in its place has no words to spare") {
  const std::size_t words = parcel(100'000, 0).words().size();
  CHECK(parcel(100'000, 100'100).words().size() <= words);
  CHECK(parcel(100'000, 300'000).words().size() == parcel(100'000, 100'100).words().size());
}
