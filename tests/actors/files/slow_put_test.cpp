// Puts whose source takes its time.
#include <doctest/doctest.h>

#include "runtime/actor/stream_end.hpp"
#include "tests/actors/files/files_cluster.hpp"

using namespace troupe;
using namespace troupe::files;

TEST_CASE("files: empty pieces keep a put alive whose source is silent, and are no part of the file") {
  FilesCluster cluster(2);
  const base::Bytes bytes = pattern(3 * kChunkBytesMin);
  const auto putting = cluster.start_put(0, bytes, 2, "slow", kChunkBytesMin, false);
  cluster.stage.run_for(10s);
  // Far more of them than the stream's window, for longer than either side keeps an idle stream.
  for (base::Duration silent{}; silent < 3 * runtime::kServedIdle; silent += 30s) {
    cluster.inside(0, [&](Scripted&) {
      REQUIRE(putting->sink.ready());
      putting->sink.push([](wire::PutPiece::Builder) {});
    });
    cluster.stage.run_for(30s);
  }
  REQUIRE_FALSE(putting->outcome.over);
  cluster.inside(0, [&](Scripted&) { putting->sink.end(); });
  cluster.stage.run_until([&] { return putting->outcome.over; }, 60s);
  CHECK(!putting->outcome.error);
  CHECK(putting->outcome.bytes == bytes.size());
  CHECK(putting->outcome.reached == 2);
  CHECK(cluster.get(1, putting->outcome.cid).bytes == bytes);
}
