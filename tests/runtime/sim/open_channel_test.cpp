// Links without TLS: what the handshake above needs of a channel, they have.
#include "runtime/sim/open_channel.hpp"

#include <doctest/doctest.h>

#include "runtime/sim/chance.hpp"

namespace troupe::sim {
namespace {

using base::Bytes;
using crypto::ChannelError;

struct Ends {
  explicit Ends(std::uint64_t seed) : stage(seed) {}
  Stage stage;
  Chance chance{stage, "chance"};
  OpenChannel client{crypto::Side::client, chance};
  OpenChannel server{crypto::Side::server, chance};

  /// Moves what is on the wire, `piece` bytes at a time, and returns what comes out in clear.
  static Bytes carry(OpenChannel& from, OpenChannel& to, std::size_t piece) {
    Bytes plain;
    const Bytes wire = from.take_wire();
    for (std::size_t at = 0; at < wire.size(); at += piece) {
      const auto part = base::ByteView(wire).subspan(at, std::min(piece, wire.size() - at));
      REQUIRE(to.receive(part, [&](base::ByteView some) { plain.insert(plain.end(), some.begin(), some.end()); }).ok());
    }
    return plain;
  }
  void shake(std::size_t piece) {
    carry(client, server, piece);
    carry(server, client, piece);
  }
};

TEST_CASE("open channel: both ends are established after one exchange, however it is cut") {
  for (const std::size_t piece : {1, 7, 31, 32, 33, 1000}) {
    CAPTURE(piece);
    Ends ends(1);
    CHECK_FALSE(ends.client.established());
    CHECK(ends.client.send(Bytes(1)).error() == ChannelError::not_established);
    ends.shake(piece);
    REQUIRE(ends.client.established());
    REQUIRE(ends.server.established());
    const Bytes said(100'000, 7);
    REQUIRE(ends.client.send(said).ok());
    CHECK(Ends::carry(ends.client, ends.server, piece * 100) == said);
    REQUIRE(ends.server.send(said).ok());
    CHECK(Ends::carry(ends.server, ends.client, piece * 100) == said);
  }
}

TEST_CASE("open channel: a bit that changes on its way ends the channel, and nothing of its record is handed out") {
  for (std::size_t at = 0; at < 16; ++at) {
    CAPTURE(at);
    Ends ends(1);
    ends.shake(1000);
    const Bytes said(8, 7);
    REQUIRE(ends.client.send(said).ok());
    Bytes wire = ends.client.take_wire();
    REQUIRE(wire.size() == 16);
    wire[at] ^= 0x10;
    Bytes plain;
    const auto taken = ends.server.receive(wire, [&](base::ByteView some) { plain.assign(some.begin(), some.end()); });
    CHECK(plain.empty());
    // A length that grew waits for bytes that the next record will not fit into.
    if (!taken.ok()) CHECK(taken.error() == ChannelError::bad_record);
    else CHECK(at < 4);
  }
}

TEST_CASE("open channel: the exporter is the same at both ends, and another one on each connection and label") {
  Ends one(1), other(2);
  one.shake(1000);
  other.shake(1000);
  const Bytes ours = one.client.exporter("label", 32).value();
  CHECK(ours.size() == 32);
  CHECK(one.server.exporter("label", 32).value() == ours);
  CHECK(one.client.exporter("another", 32).value() != ours);
  CHECK(other.client.exporter("label", 32).value() != ours);
}

TEST_CASE("open channel: once closed it says nothing and hears nothing") {
  Ends ends(1);
  ends.shake(1000);
  CHECK(ends.server.wire_ended().error() == ChannelError::truncated);
  ends.client.close();
  CHECK(ends.client.send(Bytes(1)).error() == ChannelError::closed);
  CHECK(ends.client.exporter("label", 32).error() == ChannelError::closed);
  REQUIRE(ends.server.send(Bytes(1)).ok());
  CHECK(Ends::carry(ends.server, ends.client, 1000).empty());
  CHECK(ends.client.wire_ended().ok());
}

}  // namespace
}  // namespace troupe::sim
