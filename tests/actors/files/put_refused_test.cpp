// Puts that no holder takes.
#include <doctest/doctest.h>

#include "tests/actors/files/town.hpp"

namespace troupe::files {
namespace {

TEST_CASE("files: a put that no node would take says when to try again, for its outcome is known") {
  Town town(1);
  const runtime::Handle holder = town[0].life().node.find(kHolderPath);
  REQUIRE(holder);
  caf::anon_send_exit(holder, caf::exit_reason::kill);
  town.stage.settle();
  const PutOutcome put = town.put(0, pattern(3 * kChunkBytesMin), 1);
  REQUIRE(put.over);
  REQUIRE(put.error);
  CHECK(put.error->code == base::Code::unavailable);
  CHECK(put.error->retry_after == kPutAgain);
}

}  // namespace
}  // namespace troupe::files
