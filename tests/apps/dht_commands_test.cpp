// What the commands of the DHT say before any node is asked.
#include "tests/apps/harness.hpp"

using namespace troupe;
using namespace troupe::apps;

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

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
