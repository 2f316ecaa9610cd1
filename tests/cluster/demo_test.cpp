// The demo is itself a program that starts processes, and shows them as a shell session.
#include "tests/cluster/program.hpp"

using namespace troupe::test;

namespace {

/// The directory that the session says it works in; empty before that.
std::string directory_of(const std::string& session) {
  const auto at = session.find("$ cd ");
  const auto end = session.find('\n', at);
  return at == std::string::npos || end == std::string::npos ? "" : session.substr(at + 5, end - at - 5);
}

}  // namespace

TEST_CASE("cluster: the demo shows the main job, and leaves nothing") {
  const Folder folder;
  Program demo({"demo", "--nodes", "4", "--bytes", "3145729", "--json"}, folder / "demo");
  CHECK_MESSAGE(demo.wait() == 0, demo.err());
  CHECK(demo.out().starts_with("{\"nodes\":4,\"bytes\":3145729,\"cid\":\""));
  CHECK(contains(demo.out(), "\"same\":true"));
  const std::string session = demo.err();
  for (const char* part :
       {"$ troupe node --data n4 ", "$ troupe file put original --replicas 3 --data n1\n", "$ kill -9 ",
        "$ cmp original copy\n", "$ troupe status --data n1\n",
        "$ troupe inspect --once --top handled --limit 27 --data n1\n", "\n/files/holder ", "files.GetFile"})
    CHECK_MESSAGE(contains(session, part), std::string(part), session);
  REQUIRE_FALSE(directory_of(session).empty());
  CHECK_FALSE(std::filesystem::exists(directory_of(session)));
}

TEST_CASE("cluster: a demo that is interrupted ends its nodes and leaves nothing") {
  const Folder folder;
  int signal = SIGINT;
  SUBCASE("SIGINT") {}
  SUBCASE("SIGTERM") { signal = SIGTERM; }
  Program demo({"demo"}, folder / "demo");
  REQUIRE(until([&] { return contains(demo.out(), "\nready "); }));
  const std::string directory = directory_of(demo.out());
  demo.kill(signal);
  CHECK(demo.wait() == 130);
  CHECK(contains(demo.err(), "removed everything"));
  CHECK_FALSE(std::filesystem::exists(directory));
}
