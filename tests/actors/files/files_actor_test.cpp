#include <doctest/doctest.h>

#include "tests/actors/files/town.hpp"

using namespace troupe;
using namespace troupe::files;
using base::Code;

TEST_CASE("files: what is put at one node is read back at any other") {
  Town town(4);
  for (const std::size_t size : {0u, 1u, 16'383u, 16'384u, 16'385u, 100'000u}) {
    CAPTURE(size);
    const base::Bytes bytes = pattern(size);
    const PutOutcome put = town.put(0, bytes);
    REQUIRE(put.over);
    REQUIRE(!put.error);
    CHECK(put.bytes == size);
    CHECK(put.chunks == (size + 16'383) / 16'384);
    CHECK(put.asked == 3);
    CHECK(put.reached == 3);
    for (std::size_t i = 0; i < 4; ++i) {
      const GetOutcome got = town.get(i, put.cid);
      CHECK(!got.error);
      CHECK(got.file_bytes == size);
      CHECK(got.bytes == bytes);
    }
  }
  CHECK(town.failures().empty());
}
