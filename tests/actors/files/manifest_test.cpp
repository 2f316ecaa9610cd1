#include "actors/files/logic/manifest.hpp"

#include <capnp/message.h>
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "messages/files.capnp.h"
#include "runtime/base/ensure.hpp"
#include "runtime/base/fields.hpp"
#include "tests/actors/files/bytes.hpp"

using namespace troupe;
using namespace troupe::files;

namespace {

Manifest manifest_of(base::ByteView bytes, std::uint32_t chunk_bytes = kChunkBytes) {
  ManifestBuilder builder(chunk_bytes);
  for (std::size_t at = 0; at < bytes.size(); at += chunk_bytes) {
    const auto chunk = bytes.subspan(at, std::min<std::size_t>(chunk_bytes, bytes.size() - at));
    REQUIRE(builder.add({chunk_id(chunk), static_cast<std::uint32_t>(chunk.size())}).ok());
  }
  return builder.finish();
}

/// A file of small chunks with invented ids.
Manifest invented(std::size_t chunks, std::uint32_t last) {
  ManifestBuilder builder(kChunkBytesMin);
  for (std::size_t i = 0; i < chunks; ++i) {
    ChunkId id;
    id.bytes[0] = static_cast<std::uint8_t>(i + 1);
    REQUIRE(builder.add({id, i + 1 == chunks ? last : kChunkBytesMin}).ok());
  }
  return builder.finish();
}

base::Bytes canonical_by_capnp(const Manifest& manifest) {
  capnp::MallocMessageBuilder message;
  auto out = message.initRoot<wire::Manifest>();
  out.setFileBytes(manifest.file_bytes);
  out.setFormat(kManifestFormat);
  out.setChunker(static_cast<std::uint16_t>(manifest.chunker));
  out.setChunkBytes(manifest.chunk_bytes);
  if (!manifest.chunks.empty()) {
    out.setRoot({manifest.root.bytes.data(), manifest.root.bytes.size()});
    auto chunks = out.initChunks(static_cast<unsigned>(manifest.chunks.size()));
    for (unsigned i = 0; i < chunks.size(); ++i) {
      const base::ByteView id = manifest.chunks[i].id.view();
      chunks[i].setId0(base::load<std::uint64_t>(id, 0));
      chunks[i].setId1(base::load<std::uint64_t>(id, 8));
      chunks[i].setId2(base::load<std::uint64_t>(id, 16));
      chunks[i].setId3(base::load<std::uint64_t>(id, 24));
      chunks[i].setBytes(manifest.chunks[i].bytes);
    }
  }
  const auto words = capnp::canonicalize(out.asReader());
  const auto bytes = words.asBytes();
  return {bytes.begin(), bytes.end()};
}

void put64(base::Bytes& bytes, std::size_t at, std::uint64_t number) {
  for (std::size_t i = 0; i < 8; ++i) bytes[at + i] = static_cast<std::uint8_t>(number >> (8 * i));
}

ManifestError error_of(base::ByteView bytes) {
  const auto parsed = parse_manifest(bytes);
  REQUIRE_FALSE(parsed.ok());
  return parsed.error();
}

}  // namespace

TEST_CASE("manifest: CIDs and roots are what an independent program computes") {
  struct Golden {
    std::size_t size;
    const char* root;
    const char* cid;
  };
  const Golden golden[] = {
      {0, "0000000000000000000000000000000000000000000000000000000000000000",
       "6045a3ae722af00ea2a4c97dcfce39a8c2cbff906cad67d54c53e49b1fd3159e"},
      {1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
       "bbdee1e8aed6177caaaf7aae54c19bdc4f6512af2cd3758d9f28e418001b5d8a"},
      {16383, "01068a4f3bd80b6c0bd83ccfcd7b1b37b64a368482ea6d1b59a0c0ad63573d97",
       "c0315c53f662f04d5f5937cf1a4a2f81fafa9984354cd7f1c4c8b0634167bd10"},
      {16384, "5420aeee22ec63a2713629edd7a0038994a9cc8be3addd0b8c8ceaaabf053463",
       "b1c115bfd472666cf4629a7922b7f69918dddd269e05733a7c9ab9ac7f56c90a"},
      {16385, "b0edaca561af3ccac4956d6047a2fb99f268847561f763e1dd9b125d3388a9c8",
       "306448f114d1f73d948b6dcc82fcb8b3cfc81c4d7daca2e70d6afc8e51d3af5d"},
      {1048576, "68de44ba57d41ce75e38b2e72c2865ba71115076e193662799ab1b6c1d786742",
       "89a40b6790f53ace95986bb02abbb6c712a78b8d92895f37129c39e97298c585"},
      {1048577, "a25ee40b451b79ca4a65f1b6b1c020bcc63db24339701bcd60115654175455d4",
       "242b163e97d926b9db7c2111a6c60046f3f15d137eab4325a3039100f68ded75"},
      {5282880, "8140253d42403ca2531da57554f2cec5c57ccc3c480f8a76eeb3487d72adb85c",
       "1c50f989c69a7022f537504b053f775375234aa10fa7e9cccfbd7f97c4c9879b"},
  };
  for (const Golden& one : golden) {
    CAPTURE(one.size);
    const Manifest manifest = manifest_of(pattern(one.size));
    CHECK(manifest.root.hex() == one.root);
    CHECK(cid_of(encode(manifest)).hex() == one.cid);
  }
}

TEST_CASE("manifest: the encoding is the canonical form of Cap'n Proto") {
  for (const std::size_t size : {0, 1, 16383, 16384, 16385, 1 << 20, (1 << 20) + 1, 5 * (1 << 20) + 40000}) {
    CAPTURE(size);
    const Manifest manifest = manifest_of(pattern(size));
    CHECK(encode(manifest) == canonical_by_capnp(manifest));
  }
}

TEST_CASE("manifest: an empty file is three words, and every byte of them counts") {
  const base::Bytes bytes = encode(manifest_of({}));
  CHECK(base::hex(bytes) == "000000000200000000000000000000000100000000001000");
  REQUIRE(parse_manifest(bytes).ok());
  CHECK(parse_manifest(bytes).value().chunks.empty());
}

TEST_CASE("manifest: what was written is read back") {
  for (const std::size_t size : {0, 1, 16384, 40000, 3 * 16384, 3 * 16384 + 1}) {
    const Manifest manifest = manifest_of(pattern(size), kChunkBytesMin);
    const auto parsed = parse_manifest(encode(manifest));
    REQUIRE(parsed.ok());
    CHECK(parsed.value() == manifest);
  }
}

TEST_CASE("manifest: whatever differs in a byte is refused or means something else") {
  CHECK(rc::check([] {
    const auto chunks = *rc::gen::inRange<std::size_t>(0, 6);
    const auto last = *rc::gen::inRange<std::uint32_t>(1, kChunkBytesMin + 1);
    const Manifest original = chunks == 0 ? manifest_of({}) : invented(chunks, last);
    base::Bytes bytes = encode(original);
    const auto edits = *rc::gen::inRange(1, 4);
    for (int i = 0; i < edits; ++i) {
      const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
      bytes[at] = *rc::gen::arbitrary<std::uint8_t>();
    }
    const auto parsed = parse_manifest(bytes);
    if (!parsed.ok()) return;
    RC_ASSERT(encode(parsed.value()) == bytes);
    RC_ASSERT((parsed.value() == original) == (bytes == encode(original)));
  }));
}

TEST_CASE("manifest: a tail, a cut and random bytes are refused") {
  CHECK(rc::check([] {
    base::Bytes bytes = encode(invented(3, 7));
    if (*rc::gen::arbitrary<bool>()) {
      const auto tail = *rc::gen::nonEmpty(rc::gen::arbitrary<base::Bytes>());
      bytes.insert(bytes.end(), tail.begin(), tail.end());
    } else {
      bytes.resize(*rc::gen::inRange<std::size_t>(0, bytes.size()));
    }
    RC_ASSERT(!parse_manifest(bytes).ok());
    const auto noise = *rc::gen::arbitrary<base::Bytes>();
    const auto parsed = parse_manifest(noise);
    if (parsed.ok()) RC_ASSERT(encode(parsed.value()) == noise);
  }));
}

TEST_CASE("manifest: each field that follows from others is held against them") {
  const base::Bytes good = encode(invented(3, 7));
  REQUIRE(parse_manifest(good).ok());
  base::Bytes bytes = good;
  SUBCASE("a size that needs another number of chunks") { put64(bytes, 8, 3 * kChunkBytesMin + 1); }
  SUBCASE("a size that needs another last chunk") { put64(bytes, 8, 2 * kChunkBytesMin + 8); }
  SUBCASE("a size of zero beside chunks") { put64(bytes, 8, 0); }
  SUBCASE("a chunk of no bytes") { put64(bytes, 80 + 2 * 40 + 32, 0); }
  SUBCASE("a short chunk that is not the last") { put64(bytes, 80 + 32, 7); }
  SUBCASE("something in the padding behind a length") { bytes[80 + 36] = 1; }
  SUBCASE("another root") { bytes[40] ^= 1; }
  SUBCASE("another chunk id under the same root") { bytes[80] ^= 1; }
  SUBCASE("a list of another length than its tag") { put64(bytes, 72, std::uint64_t{5} << 32 | 2 << 2); }
  SUBCASE("a list that lies elsewhere") { bytes[32] += 4; }
  SUBCASE("a chunk size that is no power of two") { bytes[20] = 1; }
  SUBCASE("a chunk size below a leaf") { put64(bytes, 16, std::uint64_t{8192} << 32 | 1); }
  SUBCASE("format zero") { bytes[16] = 0; }
  CHECK(error_of(bytes) == ManifestError::malformed);
}

TEST_CASE("manifest: a later format, another chunker and larger chunks are unsupported, not malformed") {
  base::Bytes bytes = encode(invented(3, 7));
  SUBCASE("format") { bytes[16] = 2; }
  SUBCASE("format, with more fields") {
    bytes[16] = 2;
    bytes[4] = 3;
    bytes.resize(bytes.size() + 64);
  }
  SUBCASE("chunker") { bytes[18] = 1; }
  SUBCASE("chunk size") { put64(bytes, 16, std::uint64_t{2 * kChunkBytesMax} << 32 | 1); }
  CHECK(error_of(bytes) == ManifestError::unsupported);
}

TEST_CASE("manifest: a file may have the largest number of chunks, and not one more") {
  ManifestBuilder builder(kChunkBytesMin);
  for (std::size_t i = 0; i < kChunksMax; ++i) REQUIRE(builder.add({{}, kChunkBytesMin}).ok());
  CHECK(builder.add({{}, 1}).error() == ManifestError::too_large);
  const base::Bytes bytes = encode(builder.finish());
  CHECK(bytes.size() == kManifestBytesMax);
  REQUIRE(parse_manifest(bytes).ok());
  SUBCASE("a size that needs more is refused before anything is read") {
    base::Bytes more = bytes;
    put64(more, 8, std::uint64_t{kChunksMax} * kChunkBytesMin + 1);
    CHECK(error_of(more) == ManifestError::too_large);
    put64(more, 8, ~std::uint64_t{0});
    CHECK(error_of(more) == ManifestError::too_large);
  }
  SUBCASE("so are more bytes") {
    base::Bytes more = bytes;
    more.resize(more.size() + 8);
    CHECK(error_of(more) == ManifestError::too_large);
  }
}

TEST_CASE("manifest: a builder takes no impossible chunk") {
  ManifestBuilder builder(kChunkBytesMin);
  CHECK_THROWS_AS((void)builder.add({{}, 0}), base::InvariantBroken);
  CHECK_THROWS_AS((void)builder.add({{}, kChunkBytesMin + 1}), base::InvariantBroken);
  REQUIRE(builder.add({{}, 1}).ok());
  CHECK_THROWS_AS((void)builder.add({{}, 1}), base::InvariantBroken);
  CHECK_THROWS_AS(ManifestBuilder(3 * kChunkBytesMin), base::InvariantBroken);
}
