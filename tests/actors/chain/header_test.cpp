#include "actors/chain/logic/header.hpp"

#include <rapidcheck.h>

#include "actors/chain/logic/merkle_log.hpp"
#include "tests/actors/chain/chains.hpp"
#include "tests/actors/chain/golden.hpp"

using namespace troupe;
using namespace troupe::chain;

namespace {

base::Digest filled(std::uint8_t byte) {
  base::Digest out;
  out.bytes.fill(byte);
  return out;
}

Block golden_block() {
  Block out;
  out.header.fork = kGoldenFork;
  out.header.height = {9};
  out.header.time = UnixMs(1'700'000'001'000);
  out.header.proposer = founder(1, 1).node();
  out.header.parent = {id_of(golden_genesis()).bytes};
  base::Digest* const rest[] = {&out.header.blocks,     &out.header.validators, &out.header.next_validators,
                                &out.header.parameters, &out.header.state,      &out.header.receipts};
  for (std::uint8_t i = 0; i < 6; ++i) *rest[i] = filled(static_cast<std::uint8_t>(5 + i));
  out.transactions = {sign(golden_transfer(), kGoldenFork, 1, 2), sign(golden_faucet(), kGoldenFork, 1)};
  out.evidence = {test::bytes_of("evidence")};
  out.commit = {test::bytes_of("one"), test::bytes_of("two"), test::bytes_of("three")};
  seal(out);
  return out;
}

}  // namespace

TEST_CASE("chain header: header and block are those of another program") {
  const Block block = golden_block();
  CHECK(base::hex(encode(block.header)) == golden::kHeader);
  CHECK(encode(block.header).size() == kHeaderBytes);
  CHECK(base::hex(encode(block)) == golden::kBlock);
  CHECK(parse_header(test::bytes_of_hex(golden::kHeader)) == block.header);
  CHECK(parse_block(test::bytes_of_hex(golden::kBlock)).value() == block);
}

TEST_CASE("chain header: a height of 0, another version and a negative time are no headers") {
  Header header = golden_block().header;
  base::Bytes bytes = encode(header);
  REQUIRE(parse_header(bytes).has_value());
  SUBCASE("height") {
    header.height = {0};
    bytes = encode(header);
  }
  SUBCASE("time") {
    header.time = UnixMs(-1);
    bytes = encode(header);
  }
  SUBCASE("a time past the last one") {
    header.time = kBlockTimeMax;
    REQUIRE(parse_header(encode(header)).has_value());
    header.time += UnixMs(1);
    bytes = encode(header);
  }
  SUBCASE("version") { bytes[8 + 16] = 2; }
  SUBCASE("between version and fork") { bytes[8 + 18] = 1; }
  CHECK_FALSE(parse_header(bytes).has_value());
}

TEST_CASE("chain header: each byte of a header counts") {
  const base::Bytes good = encode(golden_block().header);
  const auto id = id_of(golden_block().header);
  for (std::size_t i = 0; i < good.size(); ++i) {
    base::Bytes bytes = good;
    bytes[i] ^= 1;
    const auto parsed = parse_header(bytes);
    if (!parsed) continue;
    CHECK(encode(*parsed) == bytes);
    CHECK(id_of(*parsed) != id);
  }
}

TEST_CASE("chain header: a block whose list is not that of the header is refused") {
  Block block = golden_block();
  SUBCASE("a transaction less") { block.transactions.pop_back(); }
  SUBCASE("in another order") { std::swap(block.transactions[0], block.transactions[1]); }
  SUBCASE("evidence more") { block.evidence.push_back(test::bytes_of("more")); }
  SUBCASE("another commit") { block.commit[1][0] ^= 1; }
  SUBCASE("late precommits") { block.late = block.commit; }
  CHECK(parse_block(encode(block)).error() == BlockError::root);
  seal(block);
  CHECK(parse_block(encode(block)).value() == block);
}

TEST_CASE("chain header: a block that has a transaction twice is refused, whatever its approvals") {
  Block block = golden_block();
  SUBCASE("side by side") { block.transactions.push_back(block.transactions.back()); }
  SUBCASE("apart") { block.transactions.push_back(block.transactions.front()); }
  SUBCASE("with another signature") { block.transactions.push_back(sign(golden_faucet(), Fork{8}, 1)); }
  seal(block);
  CHECK(parse_block(encode(block)).error() == BlockError::repeated);
  block.transactions.pop_back();
  seal(block);
  CHECK(parse_block(encode(block)).ok());
}

TEST_CASE("chain header: other approvals of the same transactions are the same block") {
  Block block = golden_block();
  const auto id = id_of(block.header);
  block.transactions[1] = sign(golden_faucet(), Fork{8}, 1);
  CHECK(parse_block(encode(block)).ok());
  seal(block);
  CHECK(id_of(block.header) == id);
}

TEST_CASE("chain header: changed, cut and random bytes are refused, or are the bytes of another block") {
  CHECK(rc::check([] {
    Block block = golden_block();
    block.late = *rc::gen::arbitrary<std::vector<base::Bytes>>();
    seal(block);
    base::Bytes bytes = encode(block);
    const auto whole = parse_block(bytes);
    RC_ASSERT(whole.ok());
    RC_ASSERT(whole.value() == block);
    switch (*rc::gen::inRange(0, 3)) {
      case 0: bytes = *rc::gen::arbitrary<base::Bytes>(); break;
      case 1: bytes.resize(*rc::gen::inRange<std::size_t>(0, bytes.size())); break;
      default: bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<std::uint8_t>();
    }
    const auto parsed = parse_block(bytes);
    if (parsed.ok()) RC_ASSERT(encode(parsed.value()) == bytes);
    if (const auto header = parse_header(bytes)) RC_ASSERT(encode(*header) == bytes);
  }));
  CHECK(parse_block(base::Bytes(kBlockBytesMax + 8)).error() == BlockError::too_large);
}

TEST_CASE("chain header: a block has the bytes that its parameters allow, in all and for each list") {
  Parameters parameters;
  REQUIRE(parameters.set(Param::block_bytes, kBlockBytesMin));
  Block block = golden_block();
  block.evidence.clear();
  block.commit.clear();
  CHECK(flaw(block, parameters) == std::nullopt);
  const auto fill = [](std::size_t bytes) { return std::vector<base::Bytes>{base::Bytes(bytes - 8)}; };
  SUBCASE("evidence, and late precommits") {
    for (auto* list : {&block.evidence, &block.late}) {
      *list = fill(kBlockBytesMin / kListShare);
      CHECK(flaw(block, parameters) == std::nullopt);
      list->push_back({});
      CHECK(flaw(block, parameters) == BlockError::list);
      seal(block);
      CHECK(parse_block(encode(block)).ok());  // other parameters might allow it
      *list = fill(kBlockBytesMax / kListShare);
      seal(block);
      CHECK(parse_block(encode(block)).ok());
      list->push_back({});
      seal(block);
      CHECK(parse_block(encode(block)).error() == BlockError::list);
      list->clear();
    }
  }
  SUBCASE("the largest commit") {
    Commit commit{{kGoldenFork, {8}, {1}}, BlockId{{7}}};
    for (std::size_t i = 0; i < kValidatorsMax; ++i)
      commit.votes.push_back({base::NodeId{{static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}}, {}});
    block.commit = commit_entries(commit);
    CHECK(flaw(block, parameters) == std::nullopt);
    seal(block);
    CHECK(parse_block(encode(block)).ok());
    block.commit.push_back({});
    CHECK(flaw(block, parameters) == BlockError::list);
    seal(block);
    CHECK(parse_block(encode(block)).error() == BlockError::list);
  }
  SUBCASE("transactions have what is left") {
    block.evidence = fill(kBlockBytesMin / kListShare);
    block.late = block.evidence;
    block.transactions.clear();
    const auto add = [&](std::uint64_t nonce) {
      Transaction one = golden_transfer();
      one.nonce = {nonce};
      block.transactions.push_back(sign(one, {}, 1, 2));
    };
    add(0);
    const std::size_t each = entry_bytes(encode(block.transactions.front()).size());
    const std::size_t room = bytes_left(block, parameters) / each;
    for (std::uint64_t nonce = 1; nonce <= room; ++nonce) add(nonce);
    CHECK(encode(block).size() <= kBlockBytesMin);
    CHECK(encode(block).size() + bytes_left(block, parameters) == kBlockBytesMin);
    CHECK(bytes_left(block, parameters) < each);
    CHECK(flaw(block, parameters) == std::nullopt);
    add(room + 1);
    CHECK(flaw(block, parameters) == BlockError::too_large);
    CHECK(bytes_left(block, parameters) == 0);
    CHECK(flaw(block, Parameters()) == std::nullopt);
  }
  SUBCASE("none twice") {
    block.transactions.push_back(block.transactions.front());
    CHECK(flaw(block, parameters) == BlockError::repeated);
  }
}
