#include "actors/files/logic/merkle.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "actors/files/logic/content_memo.hpp"
#include "actors/files/logic/contents.hpp"
#include "runtime/base/ensure.hpp"
#include "tests/actors/files/bytes.hpp"

using namespace troupe;
using namespace troupe::files;

namespace {

/// BEP 52 as it is written, level by level: the oracle for the folding one.
base::Digest tree_as_written(base::ByteView bytes, std::size_t leaves_min = 1) {
  std::vector<base::Digest> level;
  for (std::size_t at = 0; at < bytes.size(); at += kLeafBytes) {
    level.push_back(crypto::sha256(bytes.subspan(at, std::min(kLeafBytes, bytes.size() - at))));
  }
  std::size_t width = 1;
  while (width < level.size() || width < leaves_min) width *= 2;
  level.resize(width);
  while (level.size() > 1) {
    for (std::size_t i = 0; i < level.size() / 2; ++i) {
      level[i] = crypto::sha256(level[2 * i].view(), level[2 * i + 1].view());
    }
    level.resize(level.size() / 2);
  }
  return level.front();
}

}  // namespace

TEST_CASE("merkle: chunk ids are the roots that libtorrent 2.0.8 computes for a v2 torrent of one file") {
  const auto root = [](std::size_t size) { return chunk_id(pattern(size)).hex(); };
  CHECK(root(1) == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  CHECK(root(16383) == "01068a4f3bd80b6c0bd83ccfcd7b1b37b64a368482ea6d1b59a0c0ad63573d97");
  CHECK(root(16384) == "5420aeee22ec63a2713629edd7a0038994a9cc8be3addd0b8c8ceaaabf053463");
  CHECK(root(16385) == "b0edaca561af3ccac4956d6047a2fb99f268847561f763e1dd9b125d3388a9c8");
  CHECK(root(1 << 20) == "68de44ba57d41ce75e38b2e72c2865ba71115076e193662799ab1b6c1d786742");
}

TEST_CASE("merkle: a short last chunk extends to the root that libtorrent lists for the last piece") {
  const auto last = [](std::size_t size) {
    const base::Bytes all = pattern(size);
    const auto chunk = base::ByteView(all).subspan((size - 1) / kChunkBytes * kChunkBytes);
    return extend({chunk_id(chunk).bytes}, chunk.size(), tree_levels(kChunkBytes / kLeafBytes)).hex();
  };
  CHECK(last((1 << 20) + 1) == "78b97f301cc018c93ed8e684d80bde01c68d0c5ccfe0ccad26a4cb973811b2e1");
  CHECK(last(5 * (1 << 20) + 40000) == "4ae2dd534c390cf45909eceb494321b0c222a7b3a5d6fd84ec4add85dfa21b9c");
}

TEST_CASE("merkle: up to one leaf the root is the plain hash, beyond it two leaves are joined") {
  const base::Bytes bytes = pattern(kLeafBytes + 1);
  const base::ByteView view(bytes);
  CHECK(chunk_id(view.first(1)).bytes == crypto::sha256(view.first(1)).bytes);
  CHECK(chunk_id(view.first(kLeafBytes)).bytes == crypto::sha256(view.first(kLeafBytes)).bytes);
  const auto left = crypto::sha256(view.first(kLeafBytes)), right = crypto::sha256(view.last(1));
  CHECK(chunk_id(view).bytes == crypto::sha256(left.view(), right.view()).bytes);
}

TEST_CASE("merkle: no bytes have no root") {
  CHECK_THROWS_AS(chunk_id({}), base::InvariantBroken);
  CHECK_THROWS_AS(tree_levels(0), base::InvariantBroken);
  CHECK_THROWS_AS(extend({}, kLeafBytes + 1, 0), base::InvariantBroken);
}

TEST_CASE("merkle: folding is the tree as it is written, in pieces of any size, one chunk after another") {
  ChunkHasher hasher;
  CHECK(rc::check([&] {
    const base::Bytes bytes = pattern(*rc::gen::inRange<std::size_t>(1, 20 * kLeafBytes));
    base::ByteView rest(bytes);
    while (!rest.empty()) {
      const std::size_t piece = *rc::gen::inRange<std::size_t>(1, rest.size() + 1);
      hasher.update(rest.first(piece));
      rest = rest.subspan(piece);
    }
    const ChunkId id = hasher.finish();
    RC_ASSERT(id.bytes == tree_as_written(bytes).bytes);
    RC_ASSERT(extend({id.bytes}, bytes.size(), 6).bytes == tree_as_written(bytes, 64).bytes);
  }));
}

TEST_CASE("contents: bytes pass for their key only with its length and every bit") {
  base::Bytes bytes = pattern(2 * kLeafBytes);
  const auto key = ContentKey::chunk(chunk_id(bytes), 2 * kLeafBytes);
  CHECK(verify_content(key, bytes));
  SUBCASE("a changed bit") {
    bytes[kLeafBytes] ^= 1;
    CHECK_FALSE(verify_content(key, bytes));
    CHECK(verify_content(key, bytes, Planted("files.digest_unchecked")));
  }
  SUBCASE("the two hashes below the root have the same root, and another length") {
    const base::ByteView view(bytes);
    base::Bytes forged;
    for (const auto& half : {crypto::sha256(view.first(kLeafBytes)), crypto::sha256(view.last(kLeafBytes))}) {
      forged.insert(forged.end(), half.bytes.begin(), half.bytes.end());
    }
    CHECK(chunk_id(forged) == chunk_id(bytes));
    CHECK_FALSE(verify_content(key, forged));
  }
  SUBCASE("nothing at all") {
    CHECK_FALSE(verify_content(key, {}));
    CHECK_FALSE(verify_content(ContentKey::manifest({}), {}));
  }
}

TEST_CASE("contents: a memo of what was found right changes no answer") {
  ContentMemo memo;
  base::Bytes bytes = pattern(kLeafBytes);
  const auto key = ContentKey::chunk(chunk_id(bytes), kLeafBytes);
  CHECK_FALSE(memo.knows(key, bytes));
  for (int times = 0; times < 2; ++times) {
    CHECK(verify_content(key, bytes));
    CHECK(memo.knows(key, bytes));
    for (const std::size_t at : {std::size_t{0}, bytes.size() - 1}) {
      bytes[at] ^= 1;
      CHECK_FALSE(verify_content(key, bytes));
      bytes[at] ^= 1;
    }
    CHECK_FALSE(verify_content(key, base::ByteView(bytes).first(10)));
  }
  {
    const ContentMemo inner;
    CHECK(ContentMemo::here() == &inner);
    CHECK_FALSE(inner.knows(key, bytes));
  }
  CHECK(ContentMemo::here() == &memo);
}

TEST_CASE("contents: in a full memo the oldest make room") {
  ContentMemo memo;
  const base::Bytes bytes(kChunkBytes);
  for (std::uint8_t i = 0; i <= kContentMemoBytesMax / kChunkBytes; ++i) memo.note(content(i, kChunkBytes), bytes);
  CHECK_FALSE(memo.knows(content(0, kChunkBytes), bytes));
  CHECK(memo.knows(content(1, kChunkBytes), bytes));
}
