// What the commands of the DHT say before any node is asked.
#include "tests/apps/harness.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::apps;

namespace {

using troupe::test::contains;

}  // namespace

TEST_CASE("dht commands: a directory is no file of lines, and says so as `file put` does") {
  const TemporaryFolder folder;
  const auto seen = troupe_with({"dht", "put", "--from", folder.path()});
  CHECK(seen.exit == troupe_with({"file", "put", folder.path()}).exit);
  CHECK(seen.err == "error: cannot read " + folder.path() +
                        ": it is a directory\noutcome: nothing was done\ntry: troupe help dht put\n");
  const auto none = troupe_with({"dht", "put", "--from", folder.path() + "/none"});
  CHECK(none.exit == Exit::not_found);
  CHECK(contains(none.err, "\ntry: troupe help dht put\n"));
}

TEST_CASE("dht commands: a key with a wrong number of digits is told how many it should have") {
  const std::string typed = "/kv/" + std::string(39, 'a');
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"dht", "get", typed}, {"dht", "get", typed, "b"}, {"dht", "put", typed, "x"}, {"dht", "listen", typed}}) {
    const auto seen = troupe_with(words);
    CHECK(seen.exit == Exit::usage);
    CHECK_MESSAGE(contains(seen.err, "error: after /kv/ come 40 hexadecimal digits, got 39"), seen.err);
  }
}

TEST_CASE("dht commands: options of a signed value are refused with a value that nobody signs") {
  for (const auto& [option, value] :
       {std::pair("--ttl", "60"), std::pair("--expect", "1"), std::pair("--reader", "x")}) {
    const auto seen = troupe_with({"dht", "put", "/cid", "bytes", option, value});
    CHECK(seen.exit == Exit::usage);
    CHECK(seen.err.starts_with("error: " + std::string(option) + " needs a NAME, whose values this node signs"));
    CHECK(contains(seen.err, "\ntry: troupe help dht put\n"));
  }
}

TEST_CASE("dht commands: a reader that is neither an id nor a key is told where they are") {
  const auto wrong = [](const std::string& typed) {
    const auto seen = troupe_with({"dht", "put", "orders", "x", "--reader", typed});
    CHECK(seen.exit == Exit::usage);
    return seen.err;
  };
  CHECK(contains(wrong("me"), "got \"me\"\n"));
  CHECK(contains(wrong("me"), "\ntry: at the reader's node: troupe status\n"));
  CHECK(contains(wrong(std::string(41, 'a')), "a node's id of 40 hexadecimal digits, or its public key of 64"));
}

TEST_CASE("dht commands: another node's name is neither put nor withdrawn") {
  const std::string typed = "orders@" + std::string(40, 'a');
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"dht", "put", typed, "x"}, {"dht", "withdraw", "/kv/" + typed}}) {
    const auto seen = troupe_with(words);
    CHECK(seen.exit == Exit::usage);
    CHECK_MESSAGE(contains(seen.err, "only that node can change it"), seen.err);
  }
}
