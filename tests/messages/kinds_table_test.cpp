// The build's own reading of the schemas, over requests as the Cap'n Proto compiler would send them.
#include <capnp/message.h>
#include <doctest/doctest.h>

#include <string>

#include "messages/annotations.capnp.h"
#include "messages/kinds.hpp"
#include "messages/kinds/table.hpp"

using namespace troupe::messages;
using build::BadSchema;

namespace {

constexpr std::uint64_t kFileId = 1;
constexpr std::uint64_t kPingId = 3;
constexpr std::uint64_t kPongId = 2;

enum class Comment { present, absent };

/// A file `messages/dht.capnp` with two kinds, Ping and Pong, each good until a test spoils it.
struct Request {
  capnp::MallocMessageBuilder message;
  capnp::schema::CodeGeneratorRequest::Builder root = message.initRoot<capnp::schema::CodeGeneratorRequest>();
  capnp::schema::Node::Builder file{nullptr};
  wire::Kind::Builder ping{nullptr};

  explicit Request(const char* pong_name = "Pong", Comment comment = Comment::present) {
    auto nodes = root.initNodes(3);
    file = nodes[0];
    file.setId(kFileId);
    file.setDisplayName("messages/dht.capnp");
    file.setFile();
    name_space("troupe::dht::wire");
    auto nested = file.initNestedNodes(2);
    nested[0].setId(kPingId);
    nested[0].setName("Ping");
    nested[1].setId(kPongId);
    nested[1].setName(pong_name);
    ping = kind(nodes[1], kPingId);
    kind(nodes[2], kPongId);
    root.initRequestedFiles(1)[0].setId(kFileId);
    auto comments = root.initSourceInfo(2);
    comments[0].setId(kPingId);
    comments[0].setDocComment("Asks whether a node is alive.");
    comments[1].setId(kPongId);
    if (comment == Comment::present) comments[1].setDocComment("Answers that it is.");
  }

  void name_space(const char* text) {
    auto annotation = file.initAnnotations(1)[0];
    annotation.setId(0xb9c6f99ebf805f2c);  // capnp/c++.capnp
    annotation.initValue().setText(text);
  }

  build::Table table() const { return build::read_table(root.asReader()); }

 private:
  static wire::Kind::Builder kind(capnp::schema::Node::Builder node, std::uint64_t id) {
    node.setId(id);
    node.setDisplayName("messages/dht.capnp:kind");
    node.initStruct();
    auto annotation = node.initAnnotations(1)[0];
    annotation.setId(0xe1a5c0d37b924f68);  // messages/annotations.capnp
    return annotation.initValue().initStruct().initAs<wire::Kind>();
  }
};

}  // namespace

TEST_CASE("kinds table: a kind is named after its domain, and rows are ordered by id") {
  Request request;
  request.ping.setLane(wire::Lane::CONTROL);
  request.ping.setWhenFull(wire::WhenFull::KEEP_LATEST);
  request.ping.initFrom(1).set(0, wire::Role::OPERATE);
  const build::Table table = request.table();
  CHECK(table.schemas == std::vector<std::uint64_t>{kPongId, kPingId});
  REQUIRE(table.kinds.size() == 2);

  const build::KindRow& pong = table.kinds[0];
  CHECK(pong.id == kPongId);
  CHECK(pong.from == 1);
  CHECK(pong.bytes_max == 65536);
  const build::KindRow& ping = table.kinds[1];
  CHECK(ping.name == "dht.Ping");
  CHECK(ping.lane == "control");
  CHECK(ping.when_full == "keep_latest");
  CHECK(ping.from == 1 + 8);
}

TEST_CASE("kinds table: the common schemas give no domain") {
  Request request;
  request.name_space("troupe::messages::wire");
  CHECK(request.table().kinds[1].name == "Ping");
}

TEST_CASE("kinds table: a size is 1 byte to 4 MiB") {
  Request request;
  for (const std::uint32_t bytes : {1u, kBytesMaxLimit}) {
    request.ping.setBytesMax(bytes);
    CHECK(request.table().kinds[1].bytes_max == bytes);
  }
  for (const std::uint32_t bytes : {0u, kBytesMaxLimit + 1}) {
    request.ping.setBytesMax(bytes);
    CHECK_THROWS_WITH_AS(request.table(), doctest::Contains("messages/dht.capnp:kind: bytesMax is"), BadSchema);
  }
}

TEST_CASE("kinds table: only what a peer may send is asked by datagram") {
  Request request;
  request.ping.setDatagram(true);
  request.ping.initFrom(1).set(0, wire::Role::OPERATE);
  CHECK_THROWS_WITH_AS(request.table(), doctest::Contains("is asked by no datagram"), BadSchema);
  request.ping.initFrom(1).set(0, wire::Role::PEER);
  CHECK(request.table().kinds[1].datagram);
  CHECK_FALSE(request.table().kinds[0].datagram);
}

TEST_CASE("kinds table: a file without its namespace is refused") {
  Request request;
  for (const char* space : {"", "dht", "troupe::wire", "troupe::::wire", "troupe::a::b::wire", "troupe::dht"}) {
    CAPTURE(space);
    request.name_space(space);
    CHECK_THROWS_WITH_AS(request.table(), doctest::Contains("messages/dht.capnp: needs $Cxx.namespace"), BadSchema);
  }
  request.file.initAnnotations(0);
  CHECK_THROWS_WITH_AS(request.table(), doctest::Contains("needs $Cxx.namespace"), BadSchema);
}

TEST_CASE("kinds table: two kinds of one name, and a kind without a comment, are refused") {
  CHECK_THROWS_WITH_AS(Request("Ping").table(), doctest::Contains("another kind has the name dht.Ping"), BadSchema);
  CHECK_THROWS_WITH_AS(Request("Pong", Comment::absent).table(), doctest::Contains("says in a comment"), BadSchema);
}
