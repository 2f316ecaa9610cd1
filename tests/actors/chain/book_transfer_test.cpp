#include "actors/chain/logic/book_transfer.hpp"

#include "tests/actors/chain/chains.hpp"

using namespace troupe;
using namespace troupe::chain;

namespace {

const wallet::Address kEscrow = wallet::account_of("escrow", base::Digest{{7}}.view());
const wallet::Address kOnChain = test_address(9);
constexpr Fork kFork{3};

wallet::Address there(const wallet::Address& account) { return account == kEscrow ? kOnChain : account; }
wallet::Address back(const wallet::Address& account) { return account == kOnChain ? kEscrow : account; }

ChainId chain_id() { return id_of(golden_genesis()); }
wallet::BookId book() { return book_of(chain_id(), test_key(5).public_key()); }

wallet::Policy policy_of(std::uint8_t number) { return wallet::Policy::of_key(test_key(number).public_key()); }

wallet::Transfer deposit() {
  return {book(), test_address(1), {4}, {{kEscrow, Amount::of(230)}}, memo_with("escrow", {{150}, Amount::of(9'000)})};
}

}  // namespace

TEST_CASE("chain book: the terms of a transaction stand at the end of its memo, in one form") {
  const BookTerms terms{{1'234}, Amount::of(567)};
  CHECK(memo_with("escrow", terms) == "escrow [until 1234, fee 567]");
  CHECK(terms_in(memo_with("escrow", terms)) == terms);
  CHECK(terms_in(memo_with("", {{0}, Amount()})) == BookTerms{{0}, Amount()});
  const BookTerms longest{{UINT64_MAX}, Amount::of(Amount::kMax)};
  CHECK(terms_in(memo_with("a [until 1, fee 2]", longest)) == longest);
  for (const char* memo : {"", "escrow", "escrow [until 1234, fee 567", "escrow [until 1234, fee 567] ",
                           "escrow [until 01234, fee 567]", "escrow [until 1234, fee 0567]", "escrow [until , fee 1]",
                           "escrow [until 1, fee ]", "escrow [until -1, fee 1]", "escrow [until 1, fee 1]x",
                           "escrow [until 18446744073709551616, fee 1]", "escrow [until 1, fee 9223372036854775808]"})
    CHECK_MESSAGE(!terms_in(memo), memo);
}

TEST_CASE("chain book: the transaction of a deposit follows from the transfer, and the transfer from it") {
  const auto made = transaction_of(deposit(), chain_id(), policy_of(1), there);
  REQUIRE(made);
  const Transaction& content = made->content;
  CHECK(content.chain == id_of(golden_genesis()));
  CHECK(content.from == test_address(1));
  CHECK(content.nonce == Nonce{3});
  CHECK(content.last_height == Height{150});
  CHECK(content.fee_max == Amount::of(9'000));
  CHECK(content.tip == Amount());
  CHECK_FALSE(content.fee_payer);
  CHECK(std::get<chain::Transfer>(content.body).credits == std::vector{wallet::Credit{kOnChain, Amount::of(230)}});
  CHECK(std::get<chain::Transfer>(content.body).reference == deposit().memo);
  CHECK_FALSE(flaw(content));
  const auto approved = Approved::verify(sign(content, kFork, 1), content.chain, kFork);
  REQUIRE(approved.ok());
  CHECK(approved.value().gas_needed() == content.gas);
  CHECK(transfer_of(content, book(), back) == deposit());

  SUBCASE("other terms make it no other transfer: the chain takes one of them") {
    Transaction other = content;
    other.last_height = {151};
    other.fee_max = Amount::of(1);
    CHECK(id_of(other) != id_of(content));
    CHECK(transfer_of(other, book(), back) == deposit());
  }
  SUBCASE("what is of another sender, nonce, receiver or memo is another transfer") {
    std::vector<Transaction> others(4, content);
    others[0].from = test_address(2);
    others[1].nonce = {4};
    std::get<chain::Transfer>(others[2].body).credits[0].to = test_address(3);
    std::get<chain::Transfer>(others[3].body).reference += '.';
    for (const Transaction& other : others) {
      REQUIRE(transfer_of(other, book(), back));
      CHECK(id_of(*transfer_of(other, book(), back)) != id_of(deposit()));
    }
  }
  SUBCASE("a faucet is no transfer, and the last nonce has no number") {
    CHECK_FALSE(transfer_of(golden_faucet(), book(), back));
    Transaction last = content;
    last.nonce = {UINT64_MAX};
    CHECK_FALSE(transfer_of(last, book(), back));
  }
}

TEST_CASE("chain book: a transfer without terms, without a number, or of another policy is no transaction") {
  wallet::Transfer transfer = deposit();
  SUBCASE("terms") { transfer.memo = "escrow"; }
  SUBCASE("number") { transfer.number = {0}; }
  SUBCASE("policy") { transfer.from = test_address(2); }
  CHECK_FALSE(transaction_of(transfer, chain_id(), policy_of(1), there));
}

TEST_CASE("chain book: a payment of a kept account has its host as payer, and both sign") {
  const ChainId id = id_of(golden_genesis());
  const crypto::SecretKey node = test_key(5);
  const crypto::SecretKey key = kept_key(node, id, kEscrow);
  const wallet::Policy from = wallet::Policy::of_key(key.public_key());
  const wallet::Transfer transfer{book(), kEscrow, {1}, {pay(2, 95), pay(3, 5)}, "escrow"};
  SignedTransaction made =
      transaction_of(transfer, chain_id(), Nonce{2}, terms_now(Height{50}, Gas{2'000}, 3), from, policy_of(5), there);
  CHECK(made.content.from == from.address());
  CHECK(made.content.payer() == test_address(5));
  CHECK(made.content.nonce == Nonce{2});
  CHECK(made.content.last_height == Height{50 + kBookHeights});
  CHECK(made.content.fee_max == Amount::of(12'000));
  const base::Bytes message = signed_bytes(made.content, kFork);
  made.from.approvals = {wallet::approval(key, message)};
  REQUIRE(made.fee_payer);
  made.fee_payer->approvals = {wallet::approval(node, message)};
  CHECK(Approved::verify(made, id, kFork).ok());
  CHECK(parse_signed_transaction(encode(made)).value() == made);

  SUBCASE("each account, chain and node has another key, and the same one again") {
    CHECK(kept_key(node, id, kEscrow).public_key() == key.public_key());
    CHECK(kept_key(node, id, test_address(1)).public_key() != key.public_key());
    CHECK(kept_key(node, ChainId{{1}}, kEscrow).public_key() != key.public_key());
    CHECK(kept_key(test_key(6), id, kEscrow).public_key() != key.public_key());
  }
}

TEST_CASE("chain book: each chain and each node has a book of its own") {
  CHECK(book_of(chain_id(), test_key(5).public_key()) == book());
  CHECK(book_of(chain_id(), test_key(6).public_key()) != book());
  CHECK(book_of(ChainId{{1}}, test_key(5).public_key()) != book());
}

TEST_CASE("chain book: a fee that is too large to be one is the largest there is") {
  CHECK(terms_now(Height{0}, Gas{UINT64_MAX}, UINT64_MAX).fee_max == Amount::of(Amount::kMax));
}

TEST_CASE("chain book: a kept account pays its transfers in their order; one that failed takes a nonce and no number") {
  using Standing = KeptAccount::Standing;
  KeptAccount account;
  CHECK(account.judge({1}) == Standing::next);
  CHECK(account.judge({2}) == Standing::ahead);
  account.failed();
  CHECK(account.judge({1}) == Standing::next);
  CHECK(account.next() == Nonce{1});
  account.paid();
  CHECK(account.judge({1}) == Standing::paid);
  CHECK(account.judge({2}) == Standing::next);
  CHECK(account.next() == Nonce{2});
  CHECK(KeptAccount::decode(account.encode()) == account);
  base::Bytes longer = account.encode();
  longer.push_back(0);
  CHECK_FALSE(KeptAccount::decode(longer));
  CHECK_FALSE(KeptAccount::decode(base::ByteView(longer).first(15)));
  CHECK(KeptAccount(Nonce{7}).next() == Nonce{7});
}

TEST_CASE("chain book: sequences rise with height and index") {
  CHECK(sequence_of({1}, 0) > sequence_of({0}, (1u << kSequenceShift) - 2));
  CHECK(sequence_of({1}, 1) > sequence_of({1}, 0));
  CHECK(sequence_of({0}, 0) == 1);
}
