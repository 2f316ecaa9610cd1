#pragma once
// A transfer to an account that belongs to no key: a deposit of an escrow, a bond, the pool of an airdrop. It is signed
// for the book as it is: where that is a chain, also as the transaction that follows from it, with the fee and the last
// height of now (actors/chain/logic/book_transfer.hpp).
//
// Trust  where such an account stands on a chain is what the book's node says: it has the key.
#include "apps/wallet/book.hpp"

namespace troupe::apps::wallets {

struct Deposit {
  wallet::Transfer transfer;
  wallet::Policy policy;
  std::vector<wallet::Approval> approvals;
  std::vector<wallet::Approval> on_chain{};

  void write_to(wallet::wire::SignedTransfer::Builder out) const {
    wallet::write(out, transfer, policy, approvals, on_chain);
  }
};

/// `payer` is the signer's account as it is now (account_at). Fails if the book does not answer.
Client::Outcome<Deposit> sign_deposit(Client& client, const Signer& signer, const Account& payer,
                                      const wallet::Credit& credit, const std::string& memo);

}  // namespace troupe::apps::wallets
