#include "actors/escrow/codec.hpp"

#include <capnp/message.h>

#include "messages/codec.hpp"
#include "tests/actors/escrow/one_escrow.hpp"

using namespace troupe;
using namespace troupe::escrow;

namespace {

crypto::SecretKey signing_key(std::uint8_t number) {
  crypto::Seed seed;
  seed.bytes.fill(number);
  return crypto::SecretKey(seed);
}

struct SignedCancel {
  crypto::SecretKey key = signing_key(1);
  wallet::Policy policy = wallet::Policy::of_key(key.public_key());
  base::Bytes act = encode(Act{{{5}}, policy.address(), 3, Cancel{}});
  wallet::Approval approval{key.public_key(), key.sign(act)};
  capnp::MallocMessageBuilder message;
  wire::SignedAct::Builder words = message.initRoot<wire::SignedAct>();

  SignedCancel() { write(words, act, policy, {&approval, 1}); }
  base::Code refused() {
    const auto given = read(words.asReader());
    REQUIRE_FALSE(given.ok());
    return given.error().code;
  }
  bool held() {
    const auto given = read(words.asReader());
    REQUIRE(given.ok());
    return holds(given.value());
  }
};

}  // namespace

TEST_CASE("escrow codec: a signed act is read as it was written, and holds if its account has signed these bytes") {
  SignedCancel one;
  const auto given = read(one.words.asReader());
  REQUIRE(given.ok());
  CHECK(given.value().bytes == one.act);
  CHECK(given.value().act.number == 3);
  CHECK(given.value().policy == one.policy);
  CHECK(given.value().approvals == std::vector{one.approval});
  CHECK(one.held());

  SUBCASE("another act under the same signature") {
    one.words.setAct(data_of(encode(Act{{{5}}, one.policy.address(), 4, Cancel{}})));
    CHECK_FALSE(one.held());
  }
  SUBCASE("an act of another account, which this key has signed") {
    const base::Bytes other = encode(Act{{{5}}, kStranger, 3, Cancel{}});
    const wallet::Approval approval{one.key.public_key(), one.key.sign(other)};
    write(one.words, other, one.policy, {&approval, 1});
    CHECK_FALSE(one.held());
  }
  SUBCASE("another key") {
    const auto stranger = signing_key(2);
    const wallet::Approval approval{stranger.public_key(), stranger.sign(one.act)};
    write(one.words, one.act, one.policy, {&approval, 1});
    CHECK_FALSE(one.held());
  }
  SUBCASE("no signature at all") {
    one.words.initApprovals(0);
    CHECK_FALSE(one.held());
  }
}

TEST_CASE("escrow codec: what is not as it is encoded is malformed") {
  SignedCancel one;
  SUBCASE("the act") {
    one.words.setAct(data_of(base::ByteView(one.act).first(one.act.size() - 1)));
    CHECK(one.refused() == base::Code::malformed);
  }
  SUBCASE("the policy") {
    base::Bytes policy = one.policy.encode();
    policy.push_back(0);
    one.words.setPolicy(data_of(policy));
    CHECK(one.refused() == base::Code::malformed);
  }
  SUBCASE("an approval") {
    one.words.getApprovals()[0].setSignature(data_of(base::Bytes(63)));
    CHECK(one.refused() == base::Code::malformed);
  }
  SUBCASE("more approvals than signers can be") {
    const std::vector<wallet::Approval> many(wallet::kSignersMax + 1, one.approval);
    write(one.words, one.act, one.policy, many);
    CHECK(one.refused() == base::Code::malformed);
  }
}

TEST_CASE(
    "wallet words: a signed transfer keeps what its signer approves on a chain; without it the bytes are as before") {
  const crypto::SecretKey key = signing_key(1);
  const wallet::Policy policy = wallet::Policy::of_key(key.public_key());
  const base::Bytes content{1, 2, 3};
  const wallet::Approval approval{key.public_key(), key.sign(content)};
  const wallet::Approval on_chain{key.public_key(), key.sign(base::Bytes{4})};
  const base::Bytes whole = wallet::encode(wallet::SignedBytes{content, policy, {approval}, {on_chain}});
  const base::Bytes plain = wallet::encode(wallet::SignedBytes{content, policy, {approval}});
  CHECK(plain.size() == 4 + content.size() + 4 + policy.encode().size() + 96);
  CHECK(whole.size() == plain.size() + 96);
  const auto read = wallet::decode_signed(whole);
  REQUIRE(read);
  CHECK(read->bytes == content);
  CHECK(read->policy == policy);
  CHECK(read->approvals == std::vector{approval});
  CHECK(read->on_chain == std::vector{on_chain});
  REQUIRE(wallet::decode_signed(plain));
  CHECK(wallet::decode_signed(plain)->on_chain.empty());
  for (std::size_t cut = 1; cut < 96; ++cut)
    CHECK_FALSE(wallet::decode_signed(base::ByteView(whole).first(whole.size() - cut)));
  // More of them than signers can be, and more than there are.
  for (const std::uint8_t count : {std::uint8_t{17}, std::uint8_t{3}}) {
    base::Bytes wrong = whole;
    wrong[4 + content.size() + 3] = count;
    CHECK_FALSE(wallet::decode_signed(wrong));
  }

  const wallet::Transfer transfer{{{9}}, policy.address(), {1}, {{kStranger, wallet::Amount::of(5)}}, "escrow"};
  capnp::MallocMessageBuilder message;
  auto words = message.initRoot<wallet::wire::SignedTransfer>();
  wallet::write(words, transfer, policy, {&approval, 1}, {&on_chain, 1});
  const auto given = wallet::read(words.asReader());
  REQUIRE(given.ok());
  CHECK(given.value().approvals == std::vector{approval});
  CHECK(given.value().on_chain == std::vector{on_chain});
  words.initOnChain(17);
  CHECK(wallet::read(words.asReader()).error().code == base::Code::malformed);
}
