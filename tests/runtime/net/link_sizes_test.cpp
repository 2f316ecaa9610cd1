// Messages from a few bytes to many records of TLS.
#include <doctest/doctest.h>

#include "messages/bench.capnp.h"
#include "messages/files.capnp.h"
#include "runtime/net/logic/frame.hpp"
#include "tests/runtime/net/net_cluster.hpp"

using namespace troupe;
using namespace troupe::test;
using bench::wire::Parcel;
using runtime::Handle;
using runtime::Handlers;

TEST_CASE("link: messages of every size cross it byte for byte and in their order") {
  NetCluster cluster(2);
  const auto byte_of = [](std::uint64_t message, std::size_t at) {
    return static_cast<std::uint8_t>((message + 1) * (at % 251));
  };
  std::vector<std::size_t> sizes;
  for (const std::size_t records : {1, 2, 4, 16})
    for (const std::size_t less : {0, 8, 100, 200, 8'000})  // a frame has a head: some end with their record
      sizes.insert(sizes.end(), {records * crypto::kRecordPlainMax - less, 10});
  std::uint64_t received = 0;
  cluster.serve<Parcel>(1, "count", [&](Scripted&, Handlers& on) {
    on.tell<Parcel>([&](Parcel::Reader parcel) {
      const auto data = parcel.getData();
      bool same = parcel.getNumber() == received && data.size() == sizes[received];
      for (std::size_t i = 0; same && i < data.size(); ++i) same = data[i] == byte_of(received, i);
      CHECK(same);
      ++received;
    });
  });
  cluster.inside(0, [&](Scripted& self) {
    const Handle remote = self.node().remote(cluster[1].id(), "/count");
    for (std::uint64_t number = 0; number < sizes.size(); ++number)
      self.tell<Parcel>(remote, [&](Parcel::Builder parcel) {
        parcel.setNumber(number);
        auto data = parcel.initData(static_cast<unsigned>(sizes[number]));
        for (std::size_t i = 0; i < data.size(); ++i) data[i] = byte_of(number, i);
      });
  });
  CHECK(received == sizes.size());
  const auto link = cluster[0].pool->in_service(cluster[1].id());
  REQUIRE(link != nullptr);
  CHECK(link->queued() == 0);  // all of them were paid back
}

TEST_CASE("link: what nodes send each other fits into the frames that they take") {
  using messages::kind_of;
  CHECK(net::kPeerPayloadBytesMax >= kind_of<files::wire::StoreContent>().bytes_max);
  CHECK(net::kPeerPayloadBytesMax == kind_of<files::wire::Fetched>().bytes_max);
}
