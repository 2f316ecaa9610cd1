#include "actors/wallet/logic/ledger/audit.hpp"

#include "tests/actors/wallet/books.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::wallet;

namespace {

TestBook audited_book() {
  TestBook test;
  REQUIRE(test.issue(1, 100).ok());
  REQUIRE(test.issue(2, 50).ok());
  REQUIRE(test.send(1, 1, {credit(2, 30)}).ok());
  REQUIRE(test.send(2, 1, {credit(3, 80)}).ok());
  return test;
}

AuditReport audit_of(const TestBook& test, const std::vector<Posting>& postings, std::map<Address, AccountRow> stored) {
  Audit audit(test.book.genesis());
  for (const Posting& posting : postings) audit.take(posting);
  return std::move(audit).finish(stored, test.book.head());
}

}  // namespace

TEST_CASE("wallet audit: a sound book holds, and the report says who issued") {
  const TestBook test = audited_book();
  const AuditReport report = test.audit();
  CHECK(report.held());
  CHECK(report.accounts == 3);
  CHECK(report.postings == 4);
  CHECK(report.issued == Amount::of(150));
  CHECK(report.sum == Amount::of(150));
  CHECK(report.issuers == std::map<Address, Amount>{{test_address(TestBook::kOwner), Amount::of(150)}});
  CHECK(TestBook().audit().held());  // empty
}

TEST_CASE("wallet audit: a posting that was changed, removed, repeated or swapped is the first bad one") {
  const TestBook test = audited_book();
  const auto& good = test.book.postings();
  const auto broken_at = [&](const std::vector<Posting>& postings) {
    const AuditReport report = audit_of(test, postings, test.book.accounts());
    CHECK_FALSE(report.held());
    return report.broken_at.value_or(0);
  };
  auto bad = good;
  bad[1].transfer.credits[0].amount = Amount::of(51);
  CHECK(broken_at(bad) == 3);  // its hash is no longer what the next one says
  bad = good;
  bad[1].time = UnixMs(1);
  CHECK(broken_at(bad) == 2);
  bad = good;
  bad.erase(bad.begin() + 1);
  CHECK(broken_at(bad) == 2);
  bad = good;
  bad.pop_back();
  CHECK(broken_at(bad) == 4);
  bad = good;
  bad.insert(bad.begin() + 2, bad[1]);
  CHECK(broken_at(bad) == 3);
  bad = good;
  std::swap(bad[2], bad[3]);
  CHECK(broken_at(bad) == 3);
}

TEST_CASE("wallet audit: a chain that was made anew with a wrong posting is wrong at that posting") {
  const TestBook test = audited_book();
  const auto remade = [&](auto change) {
    auto postings = test.book.postings();
    change(postings[2]);
    postings[3].before = hash_of(postings[2]);
    const AuditReport report = audit_of(test, postings, test.book.accounts());
    CHECK(report.broken_at == 3);
    return report.broken.value();
  };
  CHECK(remade([](Posting& posting) { posting.transfer.credits[0].amount = Amount::of(101); }) == AuditError::balance);
  CHECK(remade([](Posting& posting) { posting.transfer.number = {2}; }) == AuditError::number);
  CHECK(remade([](Posting& posting) { posting.by = test_address(2); }) == AuditError::issuer);
  CHECK(remade([](Posting& posting) { posting.transfer.book.bytes[0] ^= 1; }) == AuditError::transfer);
  CHECK(remade([](Posting& posting) { posting.transfer.credits.clear(); }) == AuditError::transfer);
}

TEST_CASE("wallet audit: a stored balance that was changed is named") {
  const TestBook test = audited_book();
  auto rows = test.book.accounts();
  rows[test_address(3)].balance = Amount::of(81);
  CHECK(audit_of(test, test.book.postings(), rows).mismatches == std::vector{test_address(3)});
  rows = test.book.accounts();
  rows[test_address(4)].balance = Amount::of(1);
  CHECK(audit_of(test, test.book.postings(), rows).mismatches == std::vector{test_address(4)});
  rows = test.book.accounts();
  rows.erase(test_address(1));
  CHECK(audit_of(test, test.book.postings(), rows).mismatches == std::vector{test_address(1)});
}
