#include "actors/chain/logic/fork.hpp"

#include "runtime/base/fields.hpp"
#include "tests/actors/chain/golden.hpp"
#include "tests/actors/chain/one_form.hpp"
#include "tests/actors/chain/one_height.hpp"

using namespace troupe;
using namespace troupe::chain_test;

namespace {

const ForkStatement kStatement{Fork{1}, Height{3}, kRed};

/// In place of Ed25519: the key's first bytes, and the end of what is signed.
crypto::Signature fork_signature(const base::PublicKey& key, base::ByteView bytes) {
  return {{key.bytes[0], key.bytes[1], static_cast<std::uint8_t>(bytes.size()), bytes[46], bytes[bytes.size() - 32]}};
}

SignedFork fork_by(std::initializer_list<std::size_t> signers, const ForkStatement& statement = kStatement) {
  const ValidatorSet set = four();
  SignedFork out{statement};
  for (const std::size_t index : signers)
    out.signatures.push_back(
        {set.at(index).id, fork_signature(set.at(index).key, signed_bytes(ChainId{{42}}, statement))});
  return out;
}

std::optional<ForkError> fork_flaw(const SignedFork& fork) {
  const auto verified = verify_fork(ChainId{{42}}, four(), fork, [](const auto& key, auto bytes, const auto& given) {
    return fork_signature(key, bytes) == given;
  });
  return verified.ok() ? std::nullopt : std::optional(verified.error());
}

SignedFork golden_fork() {
  SignedFork out{{kGoldenFork, Height{9}, filled_block(0xb2)}};
  for (const std::uint8_t number : {std::uint8_t{2}, std::uint8_t{1}}) {
    const auto key = test_key(static_cast<std::uint8_t>(20 + number));
    CHECK(out.add({founder(number, 1).node(), key.sign(signed_bytes(id_of(golden_genesis()), out.statement))}));
  }
  return out;
}

SignedFork at_height(std::uint32_t fork, std::uint64_t height) { return {{Fork{fork}, Height{height}, kRed}}; }

}  // namespace

TEST_CASE("fork: its bytes are those of another program") {
  CHECK(base::hex(encode(golden_fork().statement)) == golden::kForkStatement);
  CHECK(base::hex(encode(golden_fork())) == golden::kSignedFork);
  CHECK(encode(golden_fork().statement).size() == kForkStatementBytes);
  CHECK(encode(golden_fork()).size() == signed_fork_bytes(golden_fork().signatures.size()));
  CHECK(verify_fork(id_of(golden_genesis()), founders_of_golden(), golden_fork(), by_key).ok());
  SignedFork largest = at_height(1, 9);
  for (std::size_t i = 0; i < kValidatorsMax; ++i) {
    base::NodeId id;
    id.bytes[0] = static_cast<std::uint8_t>(i / 256 + 1);
    id.bytes[1] = static_cast<std::uint8_t>(i % 256);
    CHECK(largest.add({id, crypto::Signature{{1}}}));
  }
  CHECK(encode(largest).size() == kSignedForkBytesMax);
  CHECK(parse_signed_fork(encode(largest)) == largest);
  CHECK_FALSE(largest.add({base::NodeId{{9}}, {}}));
}

TEST_CASE("fork: whatever bytes are read are the one encoding of what they say") {
  check_one_form(encode(golden_fork().statement), parse_fork_statement);
  check_one_form(encode(golden_fork()), parse_signed_fork);
  CHECK(parse_signed_fork(encode(golden_fork())) == golden_fork());
  CHECK(parse_signed_fork(encode(SignedFork{golden_fork().statement})) == SignedFork{golden_fork().statement});
  CHECK_FALSE(parse_signed_fork(encode(at_height(0, 9))).has_value());  // fork 0 is what a chain begins with
  SignedFork turned = golden_fork();
  std::swap(turned.signatures[0], turned.signatures[1]);
  CHECK_FALSE(parse_signed_fork(encode(turned)).has_value());
}

TEST_CASE("fork: a signature is added once, in the order of ids") {
  SignedFork fork = golden_fork();
  const SignedFork before = fork;
  CHECK_FALSE(fork.add({fork.signatures[1].validator, {}}));
  CHECK(fork == before);
}

TEST_CASE("fork: more than two thirds go on, two thirds, doubled and false ones do not") {
  CHECK(fork_flaw(fork_by({0, 1, 2})) == std::nullopt);
  CHECK(fork_flaw(fork_by({0, 1, 2, 3})) == std::nullopt);
  CHECK(fork_flaw(fork_by({0, 3})) == ForkError::too_little);
  CHECK(fork_flaw(fork_by({})) == ForkError::too_little);
  CHECK(fork_flaw(fork_by({0, 1, 1})) == ForkError::too_little);
  SignedFork other = fork_by({0, 1, 2});
  for (const ForkStatement& statement : {ForkStatement{Fork{2}, Height{3}, kRed}, {Fork{1}, Height{3}, kBlue}}) {
    other.statement = statement;
    CHECK(fork_flaw(other) == ForkError::bad_signature);
  }
}

TEST_CASE("fork: signatures of others count nothing, and spoil nothing") {
  SignedFork fork = fork_by({0, 1, 2});
  CHECK(fork.add({base::NodeId{{200}}, {}}));
  CHECK(fork_flaw(fork) == std::nullopt);
  SignedFork few = fork_by({0, 1});
  CHECK(few.add({base::NodeId{{200}}, {}}));
  CHECK(fork_flaw(few) == ForkError::too_little);
}

TEST_CASE("fork: the block of a height is of the highest fork that begins before it") {
  ForkHistory history;
  CHECK(history.of(Height{100}) == Fork{});
  CHECK(history.add(at_height(1, 100)));
  CHECK(history.of(Height{100}) == Fork{});
  CHECK(history.of(Height{101}) == Fork{1});
  CHECK_FALSE(history.add(at_height(1, 200)));
  CHECK(history.add(at_height(3, 150)));
  CHECK(history.of(Height{150}) == Fork{1});
  CHECK(history.of(Height{151}) == Fork{3});

  SUBCASE("a later one that begins earlier takes all behind it") {
    CHECK(history.add(at_height(4, 50)));
    CHECK(history.of(Height{50}) == Fork{});
    CHECK(history.of(Height{51}) == Fork{4});
    CHECK(history.of(Height{151}) == Fork{4});
    CHECK(history.latest() == Fork{4});
    CHECK(history.find(Fork{3})->statement.height == Height{150});
    CHECK(history.find(Fork{2}) == nullptr);
  }
  SUBCASE("there is an end") {
    for (std::uint32_t fork = 4; history.all().size() < kForksMax; ++fork) CHECK(history.add(at_height(fork, 200)));
    CHECK(history.full());
    CHECK_FALSE(history.add(at_height(100'000, 200)));
  }
}

TEST_CASE("fork: a key stands for one statement of a fork, and what it stands for is read back") {
  ForkPledges pledges;
  const ForkStatement other{kStatement.fork, Height{4}, kRed}, later{Fork{7}, Height{4}, kRed};
  CHECK(pledges.against(kStatement) == nullptr);
  CHECK(pledges.add(later));
  CHECK(pledges.add(kStatement));
  CHECK(pledges.add(kStatement));  // again is as once
  CHECK(pledges.against(kStatement) == nullptr);
  REQUIRE(pledges.against(other) != nullptr);
  CHECK(*pledges.against(other) == kStatement);
  CHECK_FALSE(pledges.add(other));
  CHECK(pledges.all() == std::vector{kStatement, later});

  const base::Bytes bytes = pledges.encode();
  const auto read = ForkPledges::parse(bytes);
  REQUIRE(read);
  CHECK(read->all() == pledges.all());
  CHECK(ForkPledges::parse({}).has_value());
  CHECK_FALSE(ForkPledges::parse(base::ByteView(bytes).first(bytes.size() - 1)));
  base::Bytes twice = encode(kStatement);
  base::append(twice, encode(other));
  CHECK_FALSE(ForkPledges::parse(twice));

  for (std::uint32_t fork = 8; pledges.all().size() < kForksMax; ++fork)
    CHECK(pledges.add({Fork{fork}, Height{4}, kRed}));
  CHECK_FALSE(pledges.add({Fork{1'000}, Height{4}, kRed}));
  CHECK(ForkPledges::parse(pledges.encode())->all().size() == kForksMax);
}
