#include "actors/wallet/api.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::wallet {

Transfer Outgoing::prepare(std::vector<Credit> credits, std::string memo) const {
  base::ensure(!bound_, "an account has one transfer at a time");
  return {book_, from_, next(done_), std::move(credits), std::move(memo)};
}

void Outgoing::bind(const Transfer& transfer) {
  base::ensure(!bound_ && transfer.book == book_ && transfer.from == from_ && transfer.number == next(done_),
               "a transfer is bound with the next number of its account");
  bound_ = transfer;
}

void Outgoing::confirmed(const TransferId& id) {
  if (!bound_ || id_of(*bound_) != id) return;
  done_ = bound_->number;
  bound_.reset();
}

void Outgoing::refused(const TransferId& id) {
  if (bound_ && id_of(*bound_) == id) bound_.reset();
}

}  // namespace troupe::wallet
