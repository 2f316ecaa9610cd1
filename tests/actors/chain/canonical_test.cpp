#include "actors/chain/logic/canonical.hpp"

#include <capnp/message.h>
#include <rapidcheck.h>

#include "messages/chain.capnp.h"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::chain;

namespace {

template <class Reader>
base::Bytes by_capnp(Reader reader) {
  const auto words = capnp::canonicalize(reader);
  const auto bytes = words.asBytes();
  return {bytes.begin(), bytes.end()};
}

kj::ArrayPtr<const kj::byte> view(const base::Bytes& bytes) { return {bytes.data(), bytes.size()}; }

base::Bytes some_bytes() { return *rc::gen::arbitrary<base::Bytes>(); }

/// Reads a Block and its header's place for all that it may be, as a Block is shaped.
bool read_as_block(const base::Bytes& bytes, CanonStruct& out) {
  CanonReader in(bytes);
  const auto root = in.root(0, 5);
  out.data(in.data(root, 0, 1'000));
  for (unsigned i = 1; i < 5; ++i) {
    std::vector<base::Bytes> list;
    for (const base::ByteView one : in.data_list(root, i, 100, 1'000)) list.emplace_back(one.begin(), one.end());
    out.data_list(std::move(list));
  }
  return in.ended();
}

bool read_as_founding(const base::Bytes& bytes, CanonStruct& out) {
  CanonReader in(bytes);
  const auto root = in.root(1, 1);
  out.words = {in.word(root, 0)};
  const auto founder = in.object(root, 0, 2, 3);
  CanonStruct inner{{in.word(founder, 0), in.word(founder, 1)}, {}};
  for (unsigned i = 0; i < 3; ++i) inner.data(in.data(founder, i, 100));
  out.object(std::move(inner));
  return in.ended();
}

bool read_as_transfer(const base::Bytes& bytes, CanonStruct& out) {
  CanonReader in(bytes);
  const auto root = in.root(0, 2);
  const auto list = in.list(root, 0, 64, 5, 0);
  std::vector<CanonStruct> credits;
  for (unsigned i = 0; i < list.count; ++i) {
    credits.emplace_back();
    for (unsigned w = 0; w < 5; ++w) credits.back().words.push_back(in.word(list[i], w));
  }
  out.object_list(std::move(credits)).data(in.data(root, 1, 100));
  return in.ended();
}

bool read_as_balances(const base::Bytes& bytes, CanonStruct& out) {
  CanonReader in(bytes);
  const auto root = in.root(2, 4);
  out.words = {in.word(root, 0), in.word(root, 1)};
  out.data(in.data(root, 0, 100));
  in.null(root, 1);
  in.null(root, 2);
  out.null().null();
  const auto list = in.list(root, 3, 100, 1, 1);
  std::vector<CanonStruct> balances;
  for (unsigned i = 0; i < list.count; ++i) {
    balances.push_back({{in.word(list[i], 0)}, {}});
    balances.back().data(in.data(list[i], 0, 100));
  }
  out.object_list(std::move(balances));
  return in.ended();
}

using ReadAs = bool (*)(const base::Bytes&, CanonStruct&);
const ReadAs kShapes[] = {read_as_block, read_as_founding, read_as_transfer, read_as_balances};

CanonStruct some_struct(std::size_t shape) {
  const auto word = [] { return *rc::gen::element<std::uint64_t>(0, 1, ~std::uint64_t{0}); };
  CanonStruct out;
  std::vector<CanonStruct> list;
  const auto count = *rc::gen::inRange<std::size_t>(0, 5);
  switch (shape) {
    case 0:
      out.data(some_bytes());
      for (int i = 0; i < 4; ++i) out.data_list(*rc::gen::arbitrary<std::vector<base::Bytes>>());
      break;
    case 1:
      out.words = {word()};
      out.object(CanonStruct{{word(), word()}, {}}.data(some_bytes()).data(some_bytes()).data(some_bytes()));
      break;
    case 2:
      for (std::size_t i = 0; i < count; ++i) list.push_back({{word(), word(), word(), word(), word()}, {}});
      out.object_list(std::move(list)).data(some_bytes());
      break;
    default:
      out.words = {word(), word()};
      for (std::size_t i = 0; i < count; ++i) list.push_back(CanonStruct{{word()}, {}}.data(some_bytes()));
      out.data(some_bytes()).null().null().object_list(std::move(list));
  }
  return out;
}

}  // namespace

TEST_CASE("chain canonical: what is written is what Cap'n Proto makes of the same struct") {
  CHECK(rc::check([] {
    const auto count = *rc::gen::inRange<unsigned>(0, 4);
    std::vector<base::Bytes> all;
    for (unsigned i = 0; i < 3 + count; ++i) all.push_back(some_bytes());
    const auto number = *rc::gen::element<std::uint64_t>(0, 1, 1ull << 63);
    const auto small = *rc::gen::element<std::uint16_t>(0, 1);
    capnp::MallocMessageBuilder message;
    auto genesis = message.initRoot<wire::Genesis>();
    CanonStruct mine{{number, std::uint64_t{small} << 16}, {}};
    genesis.setTimeMs(number);
    genesis.setTest(small != 0);
    mine.data(all[0]);
    if (!all[0].empty()) genesis.setName(view(all[0]));
    mine.object(CanonStruct{{number, 0, 5, 0}, {}});
    genesis.initParameters().setBlockIntervalMs(number);
    genesis.getParameters().setBlockBytes(5);
    std::vector<CanonStruct> founders;
    auto list = count == 0 ? capnp::List<wire::Founder>::Builder() : genesis.initFounders(count);
    for (unsigned i = 0; i < count; ++i) {
      list[i].setStake(number);
      list[i].setNodeNonce(small);
      if (!all[3 + i].empty()) list[i].setConsensusKey(view(all[3 + i]));
      founders.push_back(CanonStruct{{number, small}, {}}.null().data(all[3 + i]));
    }
    mine.object_list(std::move(founders));
    RC_ASSERT(mine.encode() == by_capnp(genesis.asReader()));

    capnp::MallocMessageBuilder other;
    auto block = other.initRoot<wire::Block>();
    if (count > 0) {
      auto entries = block.initEvidence(count);
      for (unsigned i = 0; i < count; ++i)
        if (!all[3 + i].empty()) entries.set(i, view(all[3 + i]));
    }
    RC_ASSERT(CanonStruct().null().null().data_list({all.begin() + 3, all.end()}).encode() ==
              by_capnp(block.asReader()));
  }));
}

TEST_CASE("chain canonical: what was written is read back") {
  CHECK(rc::check([] {
    const auto shape = *rc::gen::inRange<std::size_t>(0, std::size(kShapes));
    const base::Bytes bytes = some_struct(shape).encode();
    CanonStruct again;
    const bool held = kShapes[shape](bytes, again);
    if (held || shape != 0) RC_ASSERT(held);
    if (held) RC_ASSERT(again.encode() == bytes);
  }));
}

TEST_CASE("chain canonical: what is read of changed, cut and random bytes is what was written") {
  CHECK(rc::check([] {
    const auto shape = *rc::gen::inRange<std::size_t>(0, std::size(kShapes));
    base::Bytes bytes = some_struct(shape).encode();
    switch (*rc::gen::inRange(0, 4)) {
      case 0: bytes = some_bytes(); break;
      case 1: bytes.resize(*rc::gen::inRange<std::size_t>(0, bytes.size())); break;
      case 2: bytes.resize(bytes.size() + 8 * *rc::gen::inRange<std::size_t>(1, 3)); break;
      default:
        for (int i = 0; i < 2; ++i)
          bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::element<std::uint8_t>(0, 1, 2, 4, 8, 255);
    }
    for (const ReadAs read : kShapes) {
      CanonStruct again;
      if (read(bytes, again)) RC_ASSERT(again.encode() == bytes);
    }
  }));
}

TEST_CASE("chain canonical: a struct of nothing is one word") {
  CHECK(base::hex(CanonStruct().encode()) == "fcffffff00000000");
  CHECK(base::hex(CanonStruct{{0, 0}, {}}.null().encode()) == "fcffffff00000000");
  const base::Bytes bytes = CanonStruct().encode();
  CanonReader in(bytes);
  const auto root = in.root(2, 2);
  CHECK(in.word(root, 1) == 0);
  CHECK(in.data(root, 1, 10).empty());
  CHECK(in.ended());
}

TEST_CASE("chain canonical: no size that is only claimed is believed") {
  // A list of 2^29 - 1 bytes, of pointers and of structs, in two words.
  for (const std::uint32_t element : {2u, 6u, 7u}) {
    base::Bytes bytes = test::bytes_of_hex(
        "0000000000000100"
        "01000000ffffffff");
    bytes[12] = static_cast<std::uint8_t>(0xf8 | element);
    for (const ReadAs read : kShapes) {
      CanonStruct again;
      CHECK_FALSE(read(bytes, again));
    }
  }
}
