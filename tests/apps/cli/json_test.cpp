#include "apps/cli/json.hpp"

#include <capnp/message.h>

#include <limits>

#include "messages/output/files.capnp.h"
#include "messages/output/node.capnp.h"
#include "messages/output/peers.capnp.h"
#include "tests/apps/harness.hpp"

using namespace troupe;
using namespace troupe::apps;
namespace wire = troupe::output::wire;

namespace {

std::string json(const capnp::DynamicStruct::Reader& value) {
  std::ostringstream out;
  write_json(out, value);
  return out.str();
}

}  // namespace

TEST_CASE("json: every field of the contract is there when nothing was set") {
  capnp::MallocMessageBuilder message;
  CHECK(json(message.initRoot<wire::Status>().asReader()) ==
        R"({"node":null,"name":null,"version":null,"uptimeS":0,"listen":null,"peers":0,"actors":0,"health":"ok",)"
        R"("reasons":[],"seats":0,"seatsMax":0,"stage":"starting","publicKey":null})");
  CHECK(json(message.initRoot<wire::Peer>().asReader()) ==
        R"({"node":null,"address":null,"state":null,"rttMs":null,"direction":"out","sent":0,)"
        R"("received":0,"score":0,"bannedForMs":null,"lastHeardMs":null})");
  CHECK(json(message.initRoot<wire::File>().asReader()) ==
        R"({"cid":null,"name":null,"bytes":0,"chunks":0,"pinned":false,"expires":null,"copiesEnd":null})");
}

TEST_CASE("json: numbers of 64 bits are numbers, ids are hex, enums are names") {
  capnp::MallocMessageBuilder message;
  auto status = message.initRoot<wire::Status>();
  const kj::byte id[] = {0x00, 0x9f, 0xff};
  status.setNode(kj::arrayPtr(id, 3));
  status.setName("");
  status.setUptimeS(std::numeric_limits<std::uint64_t>::max());
  status.setHealth(wire::Health::DEGRADED);
  status.initReasons(2).set(0, "disk: \"full\"");
  CHECK(
      json(status.asReader()) ==
      R"({"node":"009fff","name":"","version":null,"uptimeS":18446744073709551615,"listen":null,"peers":0,)"
      R"("actors":0,"health":"degraded","reasons":["disk: \"full\"",""],"seats":0,"seatsMax":0,"stage":"starting","publicKey":null})");
}

TEST_CASE("json: a number that may be unset is null or the number, even if it is zero") {
  capnp::MallocMessageBuilder message;
  auto peer = message.initRoot<wire::Peer>();
  peer.getRttMs().setValue(0);
  CHECK(json(peer.asReader()).find("\"rttMs\":0,") != std::string::npos);
  peer.getRttMs().setValue(1.25);
  CHECK(json(peer.asReader()).find("\"rttMs\":1.25,") != std::string::npos);
  peer.getRttMs().setValue(std::numeric_limits<double>::quiet_NaN());
  CHECK(json(peer.asReader()).find("\"rttMs\":null,") != std::string::npos);
  peer.getRttMs().setNone();
  CHECK(json(peer.asReader()).find("\"rttMs\":null,") != std::string::npos);
}

TEST_CASE("json: text is valid UTF-8 with control characters escaped") {
  capnp::MallocMessageBuilder message;
  auto file = message.initRoot<wire::File>();
  file.setName("a\xff\x1b\n\xe2\x80\xae");
  CHECK(json(file.asReader()).find("\"name\":\"a\xef\xbf\xbd\\u001b\\u000a\\u202e\"") != std::string::npos);
}

TEST_CASE("json: an enum of a newer version is its number") {
  capnp::MallocMessageBuilder message;
  auto status = message.initRoot<wire::Status>();
  status.setHealth(static_cast<wire::Health>(9));
  CHECK(json(status.asReader()).find("\"health\":9") != std::string::npos);
}

TEST_CASE("json: an output that is a list is printed without its struct") {
  capnp::MallocMessageBuilder message;
  auto rows = message.initRoot<wire::Problems>().initRows(2);
  rows[0].setWhere("f:1");
  std::ostringstream out;
  write_json_line(out, capnp::toDynamic(rows.asReader()));
  CHECK(out.str() == "[{\"where\":\"f:1\",\"what\":null},{\"where\":null,\"what\":null}]\n");
}
