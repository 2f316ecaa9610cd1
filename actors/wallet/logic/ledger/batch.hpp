#pragma once
// Decides several orders one after another, each on the rows that the earlier orders left. All are committed at once.
#include <map>

#include "actors/wallet/logic/ledger/book.hpp"

namespace troupe::wallet {

class Batch final : public BookRows {
 public:
  /// `rows` and `genesis` must outlive it. `rows` knows the transfers of all requested numbers.
  Batch(const Genesis& genesis, const Head& head, const BookRows& rows) : genesis_(genesis), head_(head), rows_(rows) {}

  AccountRow account(const Address& address) const override {
    const auto at = changed_.find(address);
    return at == changed_.end() ? rows_.account(address) : at->second;
  }
  std::optional<TransferId> posted(const Address& from, TransferNumber number) const override {
    const Posting* here = posting(from, number);
    return here == nullptr ? rows_.posted(from, number) : std::optional(id_of(here->transfer));
  }

  /// Decides the order. Errors change nothing.
  base::Result<std::variant<Posting, Already>, LedgerError> take(const Order& order, UnixMs now,
                                                                 const base::Mutations& mutations) {
    auto decided = decide(genesis_, head_, *this, order, now, mutations);
    if (!decided.ok()) return decided;
    const auto* made = std::get_if<Posting>(&decided.value());
    if (made == nullptr) return decided;
    for (const auto& [address, row] : changed_by(*made, *this)) changed_[address] = row;
    numbers_[{made->transfer.from, made->transfer.number}] = postings_.size();
    head_ = {made->sequence, made->time, hash_of(*made)};
    postings_.push_back(*made);
    return decided;
  }

  /// Returns the posting of this batch with that number, or null.
  const Posting* posting(const Address& from, TransferNumber number) const {
    const auto at = numbers_.find({from, number});
    return at == numbers_.end() ? nullptr : &postings_[at->second];
  }
  const Head& head() const { return head_; }
  const std::vector<Posting>& postings() const { return postings_; }
  const std::map<Address, AccountRow>& changed() const { return changed_; }

 private:
  const Genesis& genesis_;
  Head head_;
  const BookRows& rows_;
  std::map<Address, AccountRow> changed_;
  std::map<std::pair<Address, TransferNumber>, std::size_t> numbers_;
  std::vector<Posting> postings_;
};

}  // namespace troupe::wallet
