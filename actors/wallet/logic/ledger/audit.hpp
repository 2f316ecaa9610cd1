#pragma once
// Recomputes a book from its first posting, with code that is independent of the code that wrote it.
//
// Memory  a row per account.
#include <map>

#include "actors/wallet/logic/ledger/book.hpp"

namespace troupe::wallet {

enum class AuditError : std::uint8_t {
  chain,     ///< its sequence, its time or its hash does not follow from the posting before
  transfer,  ///< it breaks the rules of a transfer, or belongs to another book
  number,    ///< its number is not the next number of the account
  balance,   ///< the account's balance was too small
  issuer,    ///< issued by someone other than the owner, or debited by someone other than the account
};
std::string_view name(AuditError error);

struct AuditReport {
  std::uint64_t accounts = 0;
  std::uint64_t postings = 0;
  Amount issued;
  Amount sum;                                ///< of all balances; equals what was issued
  std::map<Address, Amount> issuers{};       ///< the sum that each issuer issued
  std::vector<Address> mismatches{};         ///< accounts whose stored row differs; ascending
  std::optional<std::uint64_t> broken_at{};  ///< the first wrong posting: nothing after it was counted
  std::optional<AuditError> broken{};

  bool held() const { return mismatches.empty() && !broken_at && sum == issued; }
};

class Audit {
 public:
  explicit Audit(const Genesis& genesis) : genesis_(genesis), head_(first_head(genesis)) {}

  /// Checks the next posting. Ignores all postings after a wrong posting.
  void take(const Posting& posting);

  /// Ends the audit. `stored` are all rows of the book. `head` is its stored end; a different end breaks the chain.
  AuditReport finish(const std::map<Address, AccountRow>& stored, const Head& head) &&;

 private:
  struct Row {
    Amount balance;
    std::uint64_t debits = 0;
  };
  std::optional<AuditError> flaw(const Posting& posting);

  Genesis genesis_;
  Head head_;
  AuditReport report_;
  std::map<Address, Row> rows_;
};

}  // namespace troupe::wallet
