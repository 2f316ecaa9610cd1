#pragma once
// A book in memory whose accounts are those of test keys, for tests of what moves money.
#include "actors/wallet/logic/ledger/audit.hpp"
#include "tests/actors/wallet/keys.hpp"

namespace troupe::wallet {

struct TestBook {
  static constexpr std::uint8_t kOwner = 200;
  MemoryBook book{Genesis{test_address(kOwner), {}}};
  UnixMs now{1'000};

  Transfer transfer(std::uint8_t from, std::uint64_t number, std::vector<Credit> credits) const {
    return {book.id(), test_address(from), {number}, std::move(credits)};
  }
  /// Approved by its one key, or else a failed test.
  static Order order(const Transfer& transfer, std::uint8_t key) {
    const auto signer = test_key(key);
    return Order::approved(transfer, Policy::of_key(signer.public_key()),
                           std::vector{approval(signer, encode(transfer))})
        .value();
  }
  base::Result<TransferId, LedgerError> send(std::uint8_t from, std::uint64_t number, std::vector<Credit> credits) {
    return book.post(order(transfer(from, number, std::move(credits)), from), now);
  }
  base::Result<TransferId, LedgerError> issue(std::uint8_t to, std::uint64_t units, std::uint8_t by = kOwner) {
    const Address issuance = issuance_of(book.id());
    return book.post(
        Order::issue({book.id(), issuance, next(book.account(issuance).done), {{test_address(to), Amount::of(units)}}},
                     test_address(by)),
        now);
  }
  std::uint64_t balance(std::uint8_t of) const { return book.account(test_address(of)).balance.units(); }
  AuditReport audit() const {
    Audit audit(book.genesis());
    for (const Posting& posting : book.postings()) audit.take(posting);
    return std::move(audit).finish(book.accounts(), book.head());
  }
};

inline Credit credit(std::uint8_t to, std::uint64_t units) { return {test_address(to), Amount::of(units)}; }

}  // namespace troupe::wallet
