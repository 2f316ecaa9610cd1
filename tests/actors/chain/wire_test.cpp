// Blocks as nodes send them: there and back, and what is false.
#include "actors/chain/wire.hpp"

#include <capnp/serialize.h>
#include <doctest/doctest.h>

#include "actors/chain/logic/merkle_log.hpp"
#include "messages/codec.hpp"
#include "runtime/base/random.hpp"
#include "tests/actors/chain/chains.hpp"

using namespace troupe;
using namespace troupe::chain;

namespace {

template <std::size_t Size>
void draw_bytes(base::Random& random, std::array<std::uint8_t, Size>& out) {
  for (auto& byte : out) byte = static_cast<std::uint8_t>(random.next());
}

Proposed drawn_block(base::Random& random) {
  Proposed out;
  for (std::uint64_t i = random.below(5); i > 0; --i) draw_bytes(random, out.ids.emplace_back().bytes);
  for (auto* list : {&out.block.evidence, &out.block.commit, &out.block.late})
    for (std::uint64_t i = random.below(4); i > 0; --i)
      list->push_back(base::Bytes(1 + random.below(40), static_cast<std::uint8_t>(random.next())));
  Header& header = out.block.header;
  header.height = Height{1 + random.below(100)};
  header.time = UnixMs(static_cast<std::int64_t>(random.below(1'000'000)));
  draw_bytes(random, header.parent.bytes);
  header.transactions = root_of(out.ids);
  header.evidence = log_root(out.block.evidence);
  header.commit = log_root(out.block.commit);
  header.late = log_root(out.block.late);
  return out;
}

Commit drawn_commit(base::Random& random) {
  Commit out{{Fork{static_cast<std::uint32_t>(random.below(3))}, Height{1 + random.below(100)},
              Round{static_cast<std::uint32_t>(random.below(5))}},
             {}};
  draw_bytes(random, out.block.bytes);
  for (std::uint8_t i = 0; i < 3; ++i) {
    out.votes.emplace_back().validator.bytes[0] = i;  // by rising id
    draw_bytes(random, out.votes.back().signature.bytes);
  }
  return out;
}

/// A message that `fill` makes, with some of its bits turned or its end cut off.
template <class T, class Fill, class Use>
void with_damage(base::Random& random, Fill fill, Use use) {
  capnp::MallocMessageBuilder made;
  fill(made.initRoot<T>());
  kj::Array<capnp::word> words = capnp::messageToFlatArray(made);
  for (std::uint64_t i = random.below(4); i > 0; --i)
    words.asBytes()[random.below(words.asBytes().size())] ^= static_cast<std::uint8_t>(1u << random.below(8));
  const std::size_t left = random.chance(1, 4) ? random.below(words.size()) : words.size();
  try {
    capnp::FlatArrayMessageReader reader(words.slice(0, left).asConst(), {8 * left + 128, 32});
    use(reader.getRoot<T>());
  } catch (const kj::Exception&) {  // `malformed`
  }
}

}  // namespace

TEST_CASE("chain wire: a block that is proposed, and one that is final, come as they were sent") {
  base::Random random(1);
  for (int i = 0; i < 200; ++i) {
    const Proposed proposed = drawn_block(random);
    const BlockId id = id_of(proposed.block.header);
    capnp::MallocMessageBuilder message;
    auto body = message.initRoot<wire::ProposedBlock>();
    write(body, proposed.block, proposed.ids);
    CHECK(read(body.asReader(), id) == proposed);
    BlockId other = id;
    other.bytes[31] ^= 1;
    CHECK_FALSE(read(body.asReader(), other));

    const Commit commit = drawn_commit(random);
    const base::Bytes bytes(1 + random.below(100), 7);
    capnp::MallocMessageBuilder whole;
    auto row = whole.initRoot<wire::FinalBlock>();
    write(row, bytes, commit);
    CHECK(read(row.asReader()) == FinalBytes{bytes, commit});
  }
}

TEST_CASE("chain wire: each list of a proposed block is that of its header, or it is none") {
  base::Random random(2);
  Proposed proposed = drawn_block(random);
  const BlockId id = id_of(proposed.block.header);
  const auto taken = [&] {
    capnp::MallocMessageBuilder message;
    auto body = message.initRoot<wire::ProposedBlock>();
    write(body, proposed.block, proposed.ids);
    return read(body.asReader(), id).has_value();
  };
  REQUIRE(taken());
  SUBCASE("another id") { proposed.ids.emplace_back(); }
  SUBCASE("more evidence") { proposed.block.evidence.emplace_back(3, 1); }
  SUBCASE("more of the commit") { proposed.block.commit.emplace_back(3, 1); }
  SUBCASE("more late precommits") { proposed.block.late.emplace_back(3, 1); }
  CHECK_FALSE(taken());
}

TEST_CASE("chain wire: a proposed block whose lists are larger than any block is none") {
  base::Random random(5);
  Proposed proposed = drawn_block(random);
  for (const std::size_t entries : {std::size_t{1}, std::size_t{8}, std::size_t{9}}) {
    proposed.block.evidence.assign(entries, base::Bytes(kBlockBytesMax / 9, 1));
    proposed.block.header.evidence = log_root(proposed.block.evidence);
    capnp::MallocMessageBuilder message;
    auto body = message.initRoot<wire::ProposedBlock>();
    write(body, proposed.block, proposed.ids);
    CHECK(read(body.asReader(), id_of(proposed.block.header)).has_value() == (entries <= 8));
  }
}

TEST_CASE("chain wire: ids are taken up to their number, and if each is one") {
  for (const std::size_t count : {std::size_t{0}, kToldAtOnce, kToldAtOnce + 1}) {
    capnp::MallocMessageBuilder message;
    auto have = message.initRoot<wire::HaveTransactions>();
    const std::vector<TxId> ids(count);
    write(have.initIds(size32(ids)), ids);
    CHECK(read_ids(have.asReader().getIds(), kToldAtOnce).has_value() == (count <= kToldAtOnce));
  }
  capnp::MallocMessageBuilder message;
  auto list = message.initRoot<wire::HaveTransactions>().initIds(2);
  list.set(0, data_of(TxId{}.view()));
  list.set(1, data_of(base::Bytes(31, 1)));
  CHECK_FALSE(read_ids(list.asReader(), kToldAtOnce));
}

TEST_CASE("chain wire: a commit of more votes than there are validators is not read, nor a block larger than any") {
  capnp::MallocMessageBuilder message;
  auto row = message.initRoot<wire::FinalBlock>();
  row.initCommit(static_cast<unsigned>(kValidatorsMax + 2));
  CHECK_FALSE(read(row.asReader()));
  base::Random random(3);
  capnp::MallocMessageBuilder large;
  auto other = large.initRoot<wire::FinalBlock>();
  const Commit commit = drawn_commit(random);
  write(other, base::Bytes(kBlockBytesMax, 1), commit);
  CHECK(read(other.asReader()));
  write(other, base::Bytes(kBlockBytesMax + 1, 1), commit);
  CHECK_FALSE(read(other.asReader()));
}

TEST_CASE("chain wire: whatever is read of damaged messages is what is written of it again") {
  base::Random random(4);
  for (int i = 0; i < 3'000; ++i) {
    const Proposed proposed = drawn_block(random);
    with_damage<wire::ProposedBlock>(
        random, [&](auto out) { write(out, proposed.block, proposed.ids); },
        [](wire::ProposedBlock::Reader body) {
          const auto header = parse_header(bytes_of(body.getHeader()));
          const auto taken = header ? read(body, id_of(*header)) : std::nullopt;
          if (!taken) return;
          capnp::MallocMessageBuilder again;
          write(again.initRoot<wire::ProposedBlock>(), taken->block, taken->ids);
          CHECK(read(again.getRoot<wire::ProposedBlock>().asReader(), id_of(*header)) == taken);
        });
    const Commit commit = drawn_commit(random);
    with_damage<wire::FinalBlock>(
        random, [&](auto out) { write(out, base::Bytes(20, 1), commit); },
        [](wire::FinalBlock::Reader row) {
          const auto taken = read(row);
          if (!taken) return;
          capnp::MallocMessageBuilder again;
          write(again.initRoot<wire::FinalBlock>(), taken->first, taken->second);
          CHECK(read(again.getRoot<wire::FinalBlock>().asReader()) == taken);
        });
  }
}
