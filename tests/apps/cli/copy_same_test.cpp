#include "apps/cli/copy_same.hpp"

#include <capnp/message.h>
#include <doctest/doctest.h>

#include "messages/inspect.capnp.h"
#include "messages/node.capnp.h"
#include "messages/output/inspect.capnp.h"
#include "messages/output/node.capnp.h"
#include "messages/output/peers.capnp.h"
#include "messages/peers.capnp.h"

using namespace troupe;
using namespace troupe::apps;

TEST_CASE("copy same: numbers, texts, bytes and enumerants of one name are copied, an empty text is null") {
  capnp::MallocMessageBuilder from, to;
  auto status = from.initRoot<node::wire::NodeStatus>();
  status.setName("");
  status.setVersion("1.2.3");
  status.setUptimeS(7);
  status.setHealth(node::wire::Health::DEGRADED);
  const std::uint8_t id[] = {1, 2};
  status.setNode({id, 2});
  auto out = to.initRoot<output::wire::Status>();
  copy_same(status.asReader(), out);
  CHECK_FALSE(out.hasName());
  CHECK(std::string(out.getVersion().cStr()) == "1.2.3");
  CHECK(out.getUptimeS() == 7);
  CHECK(out.getHealth() == output::wire::Health::DEGRADED);
  CHECK(out.getNode().size() == 2);
  CHECK(enumerant_text(node::wire::Health::FAILING) == "failing");
  CHECK(enumerant_text(static_cast<node::wire::Health>(99)) == "unknown");
}

TEST_CASE("copy same: a field of another type is left to the caller, and so is what only one side has") {
  capnp::MallocMessageBuilder from, to;
  auto status = from.initRoot<node::wire::NodeStatus>();
  status.initReasons(2);  // structs there, texts in the output
  auto out = to.initRoot<output::wire::Status>();
  copy_same(status.asReader(), out);
  CHECK_FALSE(out.hasReasons());
}

TEST_CASE("copy same: a union of none and value keeps what it says") {
  capnp::MallocMessageBuilder from, to;
  auto row = from.initRoot<peers::wire::PeerRow>();
  row.getRttMs().setValue(1.5);
  auto out = to.initRoot<output::wire::Peer>();
  copy_same(row.asReader(), out);
  CHECK(out.getRttMs().getValue() == 1.5);
  CHECK(out.getBannedForMs().isNone());
}

TEST_CASE("copy same: lists are copied element by element, structs of another schema too") {
  capnp::MallocMessageBuilder from, to;
  auto rows = from.initRoot<inspect::wire::ActorRows>();
  auto actors = rows.initActors(2);
  actors[1].setPath("/dht");
  actors[1].setMailbox(3);
  rows.initWarnings(1).set(0, "slow");
  auto out = to.initRoot<output::wire::Inspection>();
  copy_same(rows.asReader(), out);
  REQUIRE(out.getActors().size() == 2);
  CHECK(std::string(out.getActors()[1].getPath().cStr()) == "/dht");
  CHECK(out.getActors()[1].getMailbox() == 3);
  CHECK(std::string(out.getWarnings()[0].cStr()) == "slow");
}
