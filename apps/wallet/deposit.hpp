#pragma once
// A transfer to an account without a key: a deposit of an escrow, a bond, the pool of an airdrop. It is signed for the
// current book, and if that is a chain, also as the resulting transaction (actors/chain/logic/book_transfer.hpp), with
// the current fee and last height.
//
// Trust  on a chain, the address of such an account is trusted to the book's node, which has the key.
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

/// Signs a deposit. `payer` is the signer's current account (account_at). Fails if the book does not respond.
Client::Outcome<Deposit> sign_deposit(Client& client, const Signer& signer, const Account& payer,
                                      const wallet::Credit& credit, const std::string& memo);

}  // namespace troupe::apps::wallets
