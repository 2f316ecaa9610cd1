#include "actors/wallet/logic/ledger/book.hpp"

#include <rapidcheck.h>

#include "actors/wallet/api.hpp"
#include "tests/actors/wallet/books.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::wallet;

namespace {

struct PlantedBookBug final : base::Mutations {
  explicit PlantedBookBug(std::string_view bug) : planted(bug) {}
  bool on(std::string_view bug) const override { return bug == planted; }
  std::string_view planted;
};

Transfer golden_transfer() {
  Genesis genesis;
  genesis.owner.bytes.fill(9);
  for (std::uint8_t i = 0; i < 16; ++i) genesis.nonce[i] = i;
  Address one, two;
  one.bytes.fill(1);
  two.bytes.fill(2);
  return {genesis.id(), issuance_of(genesis.id()), {1}, {{one, Amount::of(95)}, {two, Amount::of(5)}}, "first"};
}

}  // namespace

TEST_CASE("wallet book: the bytes of a transfer and of a posting never change") {
  // Computed by a program in Python that shares no code with this one.
  const Transfer transfer = golden_transfer();
  CHECK(transfer.book.hex() == "484b176f8123f90e039b187a238c46894ee55aa9f32fc924cc69e1a62dc2ca15");
  CHECK(id_of(transfer).hex() == "424a0048bd4a981a687550373fa9314e5cea3fe6ca93e4973330be79027f5be5");
  Posting posting{1, UnixMs(1'700'000'000'000), {}, {transfer.book.bytes}, transfer};
  posting.by.bytes.fill(9);
  CHECK(hash_of(posting).hex() == "721d169bf1358f7d8cddcfb71dfb107d09cb3bffa925d4acb402763be97365ee");
  CHECK(decode_posting(encode(posting)) == posting);
}

TEST_CASE("wallet book: a transfer debits one account, credits others, and is in the chain") {
  TestBook test;
  REQUIRE(test.issue(1, 100).ok());
  REQUIRE(test.send(1, 1, {credit(2, 60), credit(3, 40)}).ok());
  CHECK(test.balance(1) == 0);
  CHECK(test.balance(2) == 60);
  CHECK(test.balance(3) == 40);
  REQUIRE(test.book.postings().size() == 2);
  const Posting& first = test.book.postings()[0];
  const Posting& second = test.book.postings()[1];
  CHECK(first.before.bytes == test.book.id().bytes);
  CHECK(second.before == hash_of(first));
  CHECK(test.book.head() == Head{2, test.now, hash_of(second)});
  CHECK(second.by == test_address(1));
}

TEST_CASE("wallet book: a refused transfer changes nothing and leaves its number free") {
  TestBook test;
  REQUIRE(test.issue(1, 100).ok());
  const auto before = test.book.accounts();
  CHECK(test.send(1, 1, {credit(2, 101)}).error() == LedgerError::funds);
  CHECK(test.send(1, 1, {credit(2, 50), credit(3, 51)}).error() == LedgerError::funds);
  CHECK(test.send(2, 1, {credit(1, 1)}).error() == LedgerError::funds);
  CHECK(test.send(1, 2, {credit(2, 1)}).error() == LedgerError::ahead);
  Transfer elsewhere = test.transfer(1, 1, {credit(2, 1)});
  elsewhere.book.bytes[0] ^= 1;
  CHECK(test.book.post(TestBook::order(elsewhere, 1), test.now).error() == LedgerError::wrong_book);
  CHECK(test.book.accounts() == before);
  CHECK(test.book.postings().size() == 1);
  CHECK(test.send(1, 1, {credit(2, 100)}).ok());
}

TEST_CASE("wallet book: a retry is posted once, also after later transfers; another transfer can only take the place") {
  TestBook test;
  REQUIRE(test.issue(1, 100).ok());
  const auto first = test.send(1, 1, {credit(2, 10)});
  REQUIRE(first.ok());
  CHECK(test.send(1, 1, {credit(2, 10)}).value() == first.value());
  CHECK(test.send(1, 1, {credit(3, 10)}).error() == LedgerError::taken);
  REQUIRE(test.send(1, 2, {credit(2, 10)}).ok());
  CHECK(test.send(1, 1, {credit(2, 10)}).value() == first.value());
  CHECK(test.send(1, 1, {credit(2, 11)}).error() == LedgerError::taken);
  CHECK(test.balance(2) == 20);
  CHECK(test.book.postings().size() == 3);
}

TEST_CASE("wallet book: the owner alone issues, up to 2^63 - 1 in all") {
  TestBook test;
  CHECK(test.issue(1, 5, 1).error() == LedgerError::not_owner);
  REQUIRE(test.issue(1, Amount::kMax - 1).ok());
  CHECK(test.issue(2, 2).error() == LedgerError::too_much);
  REQUIRE(test.issue(2, 1).ok());
  CHECK(test.issue(2, 1).error() == LedgerError::too_much);
  REQUIRE(test.send(1, 1, {credit(2, Amount::kMax - 1)}).ok());
  CHECK(test.balance(2) == Amount::kMax);
  CHECK(test.audit().held());
}

TEST_CASE("wallet book: a transfer has 1 to 64 credits, none of 0, a total below 2^63, and pays another account") {
  TestBook test;
  const auto flaw = [&](std::vector<Credit> credits, std::uint64_t number = 1) {
    return total_of(test.transfer(1, number, std::move(credits))).error();
  };
  CHECK(flaw({}) == TransferError::credits);
  CHECK(flaw(std::vector<Credit>(65, credit(2, 1))) == TransferError::credits);
  CHECK(total_of(test.transfer(1, 1, std::vector<Credit>(64, credit(2, 1)))).value() == Amount::of(64));
  CHECK(flaw({{test_address(2), Amount()}}) == TransferError::amount);
  CHECK(flaw({credit(2, Amount::kMax), credit(3, 1)}) == TransferError::total);
  CHECK(flaw({credit(1, 1)}) == TransferError::itself);
  CHECK(flaw({{issuance_of(test.book.id()), Amount::of(1)}}) == TransferError::issuance);
  CHECK(flaw({credit(2, 1)}, 0) == TransferError::number);
  Transfer memo = test.transfer(1, 1, {credit(2, 1)});
  memo.memo = std::string(kMemoBytesMax, 'x');
  CHECK(total_of(memo).ok());
  memo.memo += 'x';
  CHECK(total_of(memo).error() == TransferError::memo);
  memo.memo = "\x1b[2J";
  CHECK(total_of(memo).error() == TransferError::memo);
}

TEST_CASE("wallet book: a signature for other bytes, by another key or for another account moves nothing") {
  TestBook test;
  const Transfer transfer = test.transfer(1, 1, {credit(2, 1)});
  const auto owner = test_key(1), thief = test_key(2);
  const auto good = approval(owner, encode(transfer));
  const auto order = [](const Transfer& what, const crypto::SecretKey& policy, const Approval& by) {
    return Order::approved(what, Policy::of_key(policy.public_key()), std::vector{by});
  };
  CHECK(order(transfer, owner, good));
  CHECK_FALSE(order(transfer, owner, approval(thief, encode(transfer))));
  CHECK_FALSE(order(transfer, thief, approval(thief, encode(transfer))));
  Transfer changed = transfer;
  changed.credits[0].amount = Amount::of(2);
  CHECK_FALSE(order(changed, owner, good));
  changed = transfer;
  changed.number = {2};
  CHECK_FALSE(order(changed, owner, good));
  changed = transfer;
  changed.from = test_address(2);
  CHECK_FALSE(order(changed, owner, good));
}

TEST_CASE("wallet book: an account of an escrow is debited by its keeper alone, and each has its own") {
  TestBook test;
  base::Digest id;
  id.bytes.fill(7);
  const Address escrow = account_of("escrow", id.view());
  CHECK(escrow != account_of("fund", id.view()));
  REQUIRE(test.issue(1, 10).ok());
  REQUIRE(test.send(1, 1, {{escrow, Amount::of(10)}}).ok());
  const Transfer pay{test.book.id(), escrow, {1}, {credit(2, 10)}};
  CHECK_THROWS(Order::of_account(pay, "fund", id.view()));
  CHECK(test.book.post(Order::of_account(pay, "escrow", id.view()), test.now).ok());
  CHECK(test.balance(2) == 10);
}

TEST_CASE("wallet book: the time of a posting never goes back") {
  TestBook test;
  test.now = UnixMs(2'000);
  REQUIRE(test.issue(1, 1).ok());
  test.now = UnixMs(1'000);
  REQUIRE(test.issue(1, 1).ok());
  CHECK(test.book.postings()[1].time == UnixMs(2'000));
  CHECK(test.audit().held());
}

TEST_CASE("wallet book: whatever comes, money is neither made nor lost, and the audit agrees (property)") {
  rc::check([](const std::vector<std::tuple<std::uint8_t, std::uint8_t, std::uint8_t, std::uint8_t>>& commands) {
    TestBook test;
    std::map<std::uint8_t, std::uint64_t> oracle, done;
    std::uint64_t issued = 0;
    for (const auto& [what, a, b, n] : commands) {
      const auto from = static_cast<std::uint8_t>(1 + a % 3), to = static_cast<std::uint8_t>(1 + b % 4);
      const std::uint64_t units = n % 16;
      if (what % 4 == 0) {
        RC_ASSERT(test.issue(to, units + 1).ok());
        oracle[to] += units + 1;
        issued += units + 1;
        continue;
      }
      const std::uint64_t number = done[from] + what % 3;  // the latest again, the next one, or one ahead
      const bool good = what % 3 == 1 && units > 0 && from != to && oracle[from] >= units;
      const auto flaw = total_of(test.transfer(from, number, {{test_address(to), Amount::of(units)}}));
      if (!flaw.ok()) continue;
      const auto before = test.book.postings().size();
      const auto sent = test.send(from, number, {credit(to, units)});
      if (good) {
        RC_ASSERT(sent.ok());
        oracle[from] -= units;
        oracle[to] += units;
        ++done[from];
      }
      RC_ASSERT(test.book.postings().size() == before + (good ? 1 : 0));
    }
    for (std::uint8_t account = 1; account <= 4; ++account) RC_ASSERT(test.balance(account) == oracle[account]);
    const AuditReport report = test.audit();
    RC_ASSERT(report.held());
    RC_ASSERT(report.issued.units() == issued);
  });
}

TEST_CASE("wallet book: planted bugs are found by the audit") {
  for (const char* bug : {"wallet.posts_again", "wallet.overdraws"}) {
    CAPTURE(bug);
    TestBook test;
    const PlantedBookBug planted(bug);
    REQUIRE(test.issue(1, 100).ok());
    REQUIRE(test.issue(2, 100).ok());
    const auto pay = [&](std::uint64_t number, std::uint64_t units) {
      (void)test.book.post(TestBook::order(test.transfer(1, number, {credit(2, units)}), 1), test.now, planted);
    };
    pay(1, 10);
    pay(1, 10);
    bool noticed = !test.audit().held();
    try {
      pay(2, 1'000);
    } catch (const std::exception&) {  // the invariant of an amount
      noticed = true;
    }
    CHECK(noticed);
  }
}

TEST_CASE("wallet book: bytes that are taken as a posting are what it encodes to (property)") {
  const Posting posting{1, UnixMs(5), test_address(1), {}, golden_transfer()};
  const base::Bytes good = encode(posting);
  rc::check([&](const std::vector<std::pair<std::uint16_t, std::uint8_t>>& changes, std::uint8_t cut) {
    base::Bytes bytes = good;
    for (const auto& [at, byte] : changes) bytes[at % bytes.size()] = byte;
    bytes.resize(bytes.size() - cut % 3);
    if (const auto read = decode_posting(bytes)) RC_ASSERT(encode(*read) == bytes);
  });
}

TEST_CASE("wallet outgoing: one transfer at a time, sent again as it was, and its number used once") {
  TestBook test;
  base::Digest id;
  const Address escrow = account_of("escrow", id.view());
  Outgoing outgoing(test.book.id(), escrow);
  const Transfer first = outgoing.prepare({credit(1, 5)}, "a");
  CHECK(first.number == TransferNumber{1});
  outgoing.bind(first);
  CHECK_THROWS(outgoing.prepare({credit(1, 5)}, "b"));
  outgoing.confirmed(TransferId{});  // another one
  CHECK(outgoing.bound() == first);
  outgoing.refused(id_of(first));
  const Transfer second = outgoing.prepare({credit(2, 5)}, "b");
  CHECK(second.number == TransferNumber{1});  // takes the place
  outgoing.bind(second);
  outgoing.confirmed(id_of(second));
  outgoing.confirmed(id_of(second));  // twice
  CHECK_FALSE(outgoing.bound());
  CHECK(outgoing.prepare({credit(1, 5)}, "c").number == TransferNumber{2});
  CHECK_THROWS(outgoing.bind(second));
}
