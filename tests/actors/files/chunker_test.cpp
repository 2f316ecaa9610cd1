#include "actors/files/logic/chunker.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "actors/files/logic/range.hpp"
#include "runtime/base/ensure.hpp"
#include "tests/actors/files/bytes.hpp"

using namespace troupe;
using namespace troupe::files;

namespace {

constexpr std::uint32_t kSize = 2 * kLeafBytes;

std::vector<CutChunk> cut(base::ByteView bytes, std::size_t piece_max) {
  FixedChunker chunker(kSize);
  std::vector<CutChunk> out;
  while (!bytes.empty()) {
    const std::size_t taken = chunker.feed(bytes.first(std::min(piece_max, bytes.size())));
    bytes = bytes.subspan(taken);
    if (chunker.full()) out.push_back(chunker.take());
  }
  if (!chunker.empty()) out.push_back(chunker.take());
  return out;
}

}  // namespace

TEST_CASE("chunker: pieces of any size give the same chunks, and these are the file") {
  CHECK(rc::check([] {
    const base::Bytes bytes = pattern(*rc::gen::inRange<std::size_t>(0, 5 * kSize));
    const auto chunks = cut(bytes, *rc::gen::inRange<std::size_t>(1, 3 * kSize));
    base::Bytes joined;
    for (const CutChunk& chunk : chunks) {
      RC_ASSERT(chunk.ref.bytes == chunk.bytes.size());
      RC_ASSERT(chunk.ref.id == chunk_id(chunk.bytes));
      RC_ASSERT(chunk.bytes.size() == kSize || &chunk == &chunks.back());
      joined.insert(joined.end(), chunk.bytes.begin(), chunk.bytes.end());
    }
    RC_ASSERT(joined == bytes);
  }));
}

TEST_CASE("chunker: an empty file has no chunk, a full one has no empty chunk behind it") {
  CHECK(cut({}, 1).empty());
  CHECK(cut(pattern(kSize), 1000).size() == 1);
  CHECK(cut(pattern(kSize + 1), 1000).size() == 2);
}

TEST_CASE("chunker: a full chunk takes nothing until it is taken itself") {
  FixedChunker chunker(kSize);
  const base::Bytes bytes = pattern(2 * kSize);
  CHECK_THROWS_AS(chunker.take(), base::InvariantBroken);
  CHECK(chunker.feed(bytes) == kSize);
  CHECK(chunker.feed(bytes) == 0);
  CHECK(chunker.take().bytes.size() == kSize);
  CHECK(chunker.feed(bytes) == kSize);
}

TEST_CASE("range: text is two decimal numbers in order, and nothing else") {
  CHECK(Range::parse("0-0") == Range{0, 0});
  CHECK(Range::parse("5-18446744073709551615") == Range{5, ~std::uint64_t{0}});
  for (const char* bad :
       {"", "-", "1-", "-1", "2-1", "1-2-3", " 1-2", "1 -2", "0x1-2", "1-18446744073709551616", "+1-2"}) {
    CAPTURE(bad);
    CHECK_FALSE(Range::parse(bad).has_value());
  }
}

TEST_CASE("range: a part covers the chunks that it touches") {
  ManifestBuilder builder(kChunkBytesMin);
  REQUIRE(builder.add({{}, kChunkBytesMin}).ok());
  REQUIRE(builder.add({{}, kChunkBytesMin}).ok());
  REQUIRE(builder.add({{}, 10}).ok());
  const Manifest file = builder.finish();
  const std::uint64_t size = file.file_bytes;
  CHECK(whole(file) == Part{0, 3, 0, size});
  CHECK(part_of(file, {0, 0}) == Part{0, 1, 0, 1});
  CHECK(part_of(file, {kChunkBytesMin - 1, kChunkBytesMin}) == Part{0, 2, kChunkBytesMin - 1, 2});
  CHECK(part_of(file, {kChunkBytesMin, 2 * kChunkBytesMin - 1}) == Part{1, 1, 0, kChunkBytesMin});
  CHECK(part_of(file, {size - 1, ~std::uint64_t{0}}) == Part{2, 1, 9, 1});
  CHECK_FALSE(part_of(file, {size, size}).has_value());
  CHECK_FALSE(part_of(file, {2, 1}).has_value());
  CHECK_FALSE(part_of(ManifestBuilder(kChunkBytesMin).finish(), {0, 0}).has_value());
}
