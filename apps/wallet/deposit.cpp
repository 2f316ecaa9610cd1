#include "apps/wallet/deposit.hpp"

#include "actors/chain/logic/book_transfer.hpp"

namespace troupe::apps::wallets {
Client::Outcome<Deposit> sign_deposit(Client& client, const Signer& signer, const Account& payer,
                                      const wallet::Credit& credit, const std::string& memo) {
  Deposit out{{payer.book, signer.address(), next(payer.done), {credit}, memo}, signer.policy, {}};
  if (payer.chain) {
    const auto receiver = account_at(client, credit.to, OfNoKey::yes);
    if (!receiver.ok()) return receiver.error();
    if (!receiver.value().chain) return odd_answer("the book is both a chain and not a chain");
    const auto on_chain = [&](const wallet::Address&) { return receiver.value().chain->address; };
    const chain::ChainId id{payer.chain->id.bytes};
    // The fee depends on the transaction's size, which includes the fee: the fee of the largest terms is always enough.
    wallet::Transfer longest = out.transfer;
    longest.memo = chain::memo_with(memo, {chain::Height{UINT64_MAX}, wallet::Amount::of(wallet::Amount::kMax)});
    const auto sized = chain::transaction_of(longest, id, signer.policy, on_chain);
    if (!sized) return odd_answer("the number of the next transfer is too large");
    const BookOnChain& now = *payer.chain;
    out.transfer.memo =
        chain::memo_with(memo, chain::terms_now(chain::Height{now.height}, sized->content.gas, now.base_fee));
    const auto transaction = chain::transaction_of(out.transfer, id, signer.policy, on_chain);
    if (!transaction) return odd_answer("the number of the next transfer is too large");
    out.on_chain = {signer.approve(signed_bytes(transaction->content, chain::Fork{now.fork}))};
  }
  out.approvals = {signer.approve(encode(out.transfer))};
  return out;
}

}  // namespace troupe::apps::wallets
