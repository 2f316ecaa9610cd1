#include "actors/chain/logic/transaction.hpp"

#include <rapidcheck.h>

#include "tests/actors/chain/chains.hpp"
#include "tests/actors/chain/golden.hpp"

using namespace troupe;
using namespace troupe::chain;

namespace {

Amount some_amount() { return Amount::of(*rc::gen::element<std::uint64_t>(0, 1, 500, Amount::kMax / 64)); }

Transaction some_transaction() {
  Transaction out = golden_transfer();
  out.nonce = {*rc::gen::arbitrary<std::uint64_t>()};
  out.last_height = {*rc::gen::arbitrary<std::uint64_t>()};
  out.gas = {*rc::gen::arbitrary<std::uint64_t>()};
  out.fee_max = some_amount();
  out.tip = std::min(some_amount(), out.fee_max);
  out.salt = {*rc::gen::element<std::uint64_t>(0, 1, UINT64_MAX)};
  if (*rc::gen::arbitrary<bool>()) out.fee_payer.reset();
  if (*rc::gen::arbitrary<bool>()) {
    out.body = Faucet{};
    out.fee_max = out.tip = Amount();
    out.fee_payer.reset();
    return out;
  }
  auto& transfer = std::get<Transfer>(out.body);
  transfer.reference.assign(*rc::gen::inRange<std::size_t>(0, kReferenceBytesMax + 1), 'r');
  transfer.credits.resize(*rc::gen::inRange<std::size_t>(1, wallet::kCreditsMax + 1), pay(2, 7));
  for (auto& credit : transfer.credits) credit.amount = std::max(Amount::of(1), some_amount());
  return out;
}

TransactionError error_of(const Transaction& transaction) {
  CHECK(flaw(transaction).has_value());
  const auto parsed = parse_transaction(encode(transaction));
  REQUIRE_FALSE(parsed.ok());
  return parsed.error();
}

Transaction with_credits(std::vector<wallet::Credit> credits) {
  Transaction out = golden_transfer();
  std::get<Transfer>(out.body).credits = std::move(credits);
  return out;
}

}  // namespace

TEST_CASE("chain transaction: the bytes are those of another program") {
  CHECK(base::hex(encode(golden_transfer())) == golden::kTransfer);
  CHECK(base::hex(encode(golden_faucet())) == golden::kFaucet);
  CHECK(base::hex(encode(sign(golden_transfer(), kGoldenFork, 1, 2))) == golden::kSignedTransfer);
  CHECK(base::hex(encode(sign(golden_faucet(), kGoldenFork, 1))) == golden::kSignedFaucet);
  CHECK(parse_transaction(test::bytes_of_hex(golden::kTransfer)).value() == golden_transfer());
  CHECK(parse_transaction(test::bytes_of_hex(golden::kFaucet)).value() == golden_faucet());
}

TEST_CASE("chain transaction: what was written is read back") {
  CHECK(rc::check([] {
    const Transaction transaction = some_transaction();
    const auto parsed = parse_transaction(encode(transaction));
    RC_ASSERT(parsed.ok());
    RC_ASSERT(parsed.value() == transaction);
    const SignedTransaction whole = sign(transaction, {}, 1, transaction.fee_payer ? 2 : 0);
    RC_ASSERT(parse_signed_transaction(encode(whole)).value() == whole);
  }));
}

TEST_CASE("chain transaction: changed, cut and random bytes are refused, or are the bytes of another one") {
  CHECK(rc::check([] {
    base::Bytes bytes = encode(sign(golden_transfer(), kGoldenFork, 1, 2));
    switch (*rc::gen::inRange(0, 3)) {
      case 0: bytes = *rc::gen::arbitrary<base::Bytes>(); break;
      case 1: bytes.resize(*rc::gen::inRange<std::size_t>(0, bytes.size())); break;
      default: bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<std::uint8_t>();
    }
    const auto parsed = parse_signed_transaction(bytes);
    if (parsed.ok()) RC_ASSERT(encode(parsed.value()) == bytes);
  }));
}

TEST_CASE("chain transaction: equal payments of two requests are two transactions") {
  Transaction one = golden_transfer(), other = golden_transfer();
  one.salt = {1};
  other.salt = {2};
  CHECK(id_of(one) != id_of(other));
  CHECK(id_of(one) != id_of(golden_transfer()));
  CHECK(signed_bytes(one, kGoldenFork) != signed_bytes(other, kGoldenFork));
}

TEST_CASE("chain transaction: its id is that of the unsigned part, and approvals are in one order") {
  std::vector<wallet::Address> signers{test_address(1), test_address(2), test_address(3)};
  const auto policy = wallet::Policy::of_signers(2, signers).value();
  Transaction content = golden_faucet();
  content.from = policy.address();
  const base::Bytes message = signed_bytes(content, kGoldenFork);
  const auto with = [&](std::vector<std::uint8_t> keys) {
    SignedTransaction out{content, {policy, {}}, {}};
    for (const std::uint8_t key : keys) out.from.approvals.push_back(wallet::approval(test_key(key), message));
    std::ranges::sort(out.from.approvals, {}, &wallet::Approval::key);
    return out;
  };
  const ChainId chain = content.chain;
  const auto one = Approved::verify(with({1, 2}), chain, kGoldenFork),
             two = Approved::verify(with({2, 3}), chain, kGoldenFork);
  REQUIRE(one.ok());
  REQUIRE(two.ok());
  CHECK(one.value().id() == two.value().id());
  CHECK(one.value().gas_needed() == two.value().gas_needed());
  CHECK(one.value().bytes() == two.value().bytes());
  CHECK(parse_signed_transaction(encode(with({1, 2}))).ok());
  SignedTransaction other = with({1, 2});
  SUBCASE("one less") {
    other = with({1});
    CHECK(parse_signed_transaction(encode(other)).ok());  // so far: it may go to the next signer
  }
  SUBCASE("one more than the threshold") {
    other = with({1, 2, 3});
    CHECK(parse_signed_transaction(encode(other)).error() == TransactionError::malformed);
  }
  SUBCASE("in another order") {
    std::swap(other.from.approvals[0], other.from.approvals[1]);
    CHECK(parse_signed_transaction(encode(other)).error() == TransactionError::malformed);
  }
  SUBCASE("one twice") {
    other.from.approvals[1] = other.from.approvals[0];
    CHECK(parse_signed_transaction(encode(other)).error() == TransactionError::malformed);
  }
  CHECK(Approved::verify(other, chain, kGoldenFork).error() == TransactionError::authority);
}

TEST_CASE("chain transaction: a payer approves with exactly its threshold as well") {
  const auto policy = wallet::Policy::of_signers(1, {test_address(2), test_address(3)}).value();
  Transaction content = golden_transfer();
  content.fee_payer = policy.address();
  const base::Bytes message = signed_bytes(content, kGoldenFork);
  SignedTransaction one = sign(content, kGoldenFork, 1);
  one.fee_payer = Authority{policy, {wallet::approval(test_key(2), message)}};
  CHECK(Approved::verify(one, content.chain, kGoldenFork).ok());
  one.fee_payer->approvals.push_back(wallet::approval(test_key(3), message));
  std::ranges::sort(one.fee_payer->approvals, {}, &wallet::Approval::key);
  CHECK(Approved::verify(one, content.chain, kGoldenFork).error() == TransactionError::authority);
  CHECK(parse_signed_transaction(encode(one)).error() == TransactionError::malformed);
}

TEST_CASE("chain transaction: a signature counts for its content, chain, fork and signer alone") {
  const ChainId chain = golden_transfer().chain;
  const SignedTransaction good = sign(golden_transfer(), kGoldenFork, 1, 2);
  REQUIRE(Approved::verify(good, chain, kGoldenFork).ok());
  CHECK(Approved::verify(good, chain, kGoldenFork).value().bytes() == encode(good).size());
  CHECK(Approved::verify(good, chain, Fork{8}).error() == TransactionError::authority);
  CHECK(Approved::verify(good, ChainId{}, kGoldenFork).error() == TransactionError::wrong_chain);
  CHECK(Approved::verify(sign(golden_transfer(), kGoldenFork, 2, 1), chain, kGoldenFork).error() ==
        TransactionError::authority);
  SignedTransaction bad = good;
  SUBCASE("another content") { bad.content.tip = Amount(); }
  SUBCASE("no payer's signature") { bad.fee_payer.reset(); }
  SUBCASE("the payer without a signature") { bad.fee_payer->approvals.clear(); }
  SUBCASE("another payer") { bad.fee_payer = authority(3, signed_bytes(good.content, kGoldenFork)); }
  SUBCASE("a bit") { bad.from.approvals[0].signature.bytes[5] ^= 1; }
  CHECK(Approved::verify(bad, chain, kGoldenFork).error() == TransactionError::authority);
}

TEST_CASE("chain transaction: a transfer has 1 to 64 credits of 1 or more to others, below 2^63 in all") {
  CHECK(error_of(with_credits({})) == TransactionError::credits);
  CHECK(error_of(with_credits({pay(2, 0)})) == TransactionError::credits);
  CHECK(error_of(with_credits({pay(1, 5)})) == TransactionError::credits);
  CHECK(error_of(with_credits({pay(2, Amount::kMax), pay(3, 1)})) == TransactionError::credits);
  CHECK_FALSE(flaw(with_credits({pay(2, Amount::kMax)})).has_value());
  CHECK_FALSE(flaw(with_credits(std::vector<wallet::Credit>(64, pay(2, 1)))).has_value());
  CHECK(flaw(with_credits(std::vector<wallet::Credit>(65, pay(2, 1)))) == TransactionError::credits);
  CHECK_FALSE(parse_transaction(encode(with_credits(std::vector<wallet::Credit>(65, pay(2, 1))))).ok());
}

TEST_CASE("chain transaction: amounts of 2^63 and more are no amounts") {
  const base::Bytes good = encode(with_credits({pay(2, 0x1122334455667788)}));
  REQUIRE(parse_transaction(good).ok());
  const base::Bytes amount = test::bytes_of_hex("8877665544332211");
  base::Bytes bytes = good;
  const auto at = std::ranges::search(bytes, amount).begin();
  REQUIRE(at != bytes.end());
  std::fill(at, at + 8, std::uint8_t{255});
  CHECK(parse_transaction(bytes).error() == TransactionError::malformed);
  bytes = good;
  bytes[8 + 3 * 8 + 7] = 0x80;  // fee-max
  CHECK(parse_transaction(bytes).error() == TransactionError::malformed);
}

TEST_CASE("chain transaction: a reference is plain text, a tip part of the fee, a faucet free, a payer another one") {
  Transaction one = golden_transfer();
  SUBCASE("reference") {
    std::get<Transfer>(one.body).reference = "\x1b[2J";
    CHECK(error_of(one) == TransactionError::reference);
    std::get<Transfer>(one.body).reference = "\xe2\x80\xae";  // U+202E is for who shows it, not for the chain
    CHECK_FALSE(flaw(one).has_value());
    std::get<Transfer>(one.body).reference.assign(kReferenceBytesMax + 1, 'x');
    CHECK(flaw(one) == TransactionError::reference);
    CHECK_FALSE(parse_transaction(encode(one)).ok());
  }
  SUBCASE("tip") {
    one.tip = Amount::of(9'001);
    CHECK(error_of(one) == TransactionError::fee);
  }
  SUBCASE("payer") {
    one.fee_payer = one.from;
    CHECK(error_of(one) == TransactionError::fee);
  }
  SUBCASE("faucet") {
    one.body = Faucet{};
    CHECK(error_of(one) == TransactionError::fee);
  }
}

TEST_CASE("chain transaction: a later version and an unknown body are unsupported") {
  base::Bytes bytes = encode(golden_transfer());
  SUBCASE("version") { bytes[8 + 5 * 8] = 2; }
  SUBCASE("body") { bytes[8 + 5 * 8 + 2] = 2; }
  CHECK(parse_transaction(bytes).error() == TransactionError::unsupported);
}

TEST_CASE("chain transaction: the largest one is within its limit, and more bytes are not looked at") {
  Transaction largest = with_credits(std::vector<wallet::Credit>(wallet::kCreditsMax, pay(2, Amount::kMax / 64)));
  std::get<Transfer>(largest.body).reference.assign(kReferenceBytesMax, 'x');
  largest.salt = {UINT64_MAX};
  CHECK(encode(largest).size() == 3'032);
  SignedTransaction whole = sign(largest, {}, 1, 2);
  std::vector<wallet::Address> signers;
  for (std::uint8_t i = 1; i <= wallet::kSignersMax; ++i) signers.push_back(test_address(i));
  const Authority all{wallet::Policy::of_signers(16, signers).value(),
                      std::vector<wallet::Approval>(16, whole.from.approvals[0])};
  whole.from = all;
  whole.fee_payer = all;
  CHECK(encode(whole).size() == 7'736);
  CHECK(parse_transaction(base::Bytes(kContentBytesMax + 8)).error() == TransactionError::too_large);
  CHECK(parse_signed_transaction(base::Bytes(kTransactionBytesMax + 8)).error() == TransactionError::too_large);
}
