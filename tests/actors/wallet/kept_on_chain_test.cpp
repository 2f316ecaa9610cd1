// Accounts that parts of the program keep, where the book is the chain of this node.
#include <doctest/doctest.h>

#include "tests/actors/escrow/bookkeeper.hpp"

using namespace troupe;
using namespace troupe::wallet;
using namespace std::chrono_literals;

namespace {

struct KeptOnChain {
  KeptOnChain() : payer("payer"), book(0, escrow::Bookkeeper::OnChain{{payer.address()}, 1'000'000'000}) {
    for (std::size_t i = 0; i < 2; ++i) {
      ids.push_back(crypto::sha256(base::as_bytes("kept " + std::to_string(i))));
      accounts.push_back(account_of("test", ids[i].view()));
      done(book.ask<wire::Follow, messages::wire::Nothing>(
          kPath,
          [&](wire::Follow::Builder out) {
            out.setKind("test");
            out.setId(data_of(ids[i].view()));
            out.setPath(escrow::Bookkeeper::kTold);
          },
          [](messages::wire::Nothing::Reader) {}));
      look(i);
    }
  }
  static void done(const std::optional<base::Error>& why) { REQUIRE_MESSAGE(!why, why->message); }
  std::uint64_t look(std::size_t account) {
    std::uint64_t balance = 0;
    done(book.ask<wire::GetAccount, wire::AccountIs>(
        kPath, [&](wire::GetAccount::Builder ask) { ask.setAddress(data_of(accounts[account].view())); },
        [&](wire::AccountIs::Reader is) {
          on_chain[accounts[account]] = *Address::from(bytes_of(is.getChain().getAddress()));
          id = *BookId::from(bytes_of(is.getBook()));
          chain = *chain::ChainId::from(bytes_of(is.getChain().getChain()));
          height = is.getChain().getHeight();
          balance = is.getAccount().getBalance();
        }));
    return balance;
  }
  /// By a key, to the first kept account.
  void pay(std::uint64_t amount) {
    const chain::BookTerms terms{{height + chain::kBookHeights}, Amount::of(500'000)};
    const Transfer transfer{id, payer.address(), {1}, {{accounts[0], Amount::of(amount)}}, chain::memo_with("", terms)};
    const auto transaction = chain::transaction_of(transfer, chain, payer.policy, [this](const Address& account) {
      const auto at = on_chain.find(account);
      return at == on_chain.end() ? account : at->second;
    });
    REQUIRE(transaction);
    const auto here = payer.sign(encode(transfer));
    const auto there = payer.sign(signed_bytes(transaction->content, chain::Fork{}));
    done(book.ask<wire::PostTransfer, wire::Posted>(
        kPath,
        [&](wire::PostTransfer::Builder out) {
          out.setToNoKey(true);
          write(out.initTransfer(), transfer, payer.policy, std::span(&here, 1), std::vector{there});
        },
        [](wire::Posted::Reader) {}));
  }
  /// By its keeper, from the first kept account to the second one, whose address on the chain was given.
  void pay_from(std::uint64_t amount) {
    const Transfer transfer{id, accounts[0], {1}, {{on_chain.at(accounts[1]), Amount::of(amount)}}, ""};
    done(book.ask<wire::PayFrom, wire::Posted>(
        kPath,
        [&](wire::PayFrom::Builder out) {
          out.setTransfer(data_of(encode(transfer)));
          out.setKind("test");
          out.setId(data_of(ids[0].view()));
        },
        [](wire::Posted::Reader) {}));
  }

  const escrow::Person payer;
  escrow::Bookkeeper book;
  std::vector<base::Digest> ids;
  std::vector<Address> accounts;
  std::map<Address, Address> on_chain;
  BookId id;
  chain::ChainId chain;
  std::uint64_t height = 0;
};

}  // namespace

TEST_CASE("chain book: what one kept account pays another stays there, for their keepers would give it back for ever") {
  KeptOnChain it;
  it.pay(1'000);
  it.book.run_for(60s);
  CHECK(it.book.told[it.ids[0]].size() == 1);
  it.pay_from(400);
  it.book.run_for(60s);
  CHECK(it.look(0) == 600);
  CHECK(it.look(1) == 400);
  CHECK(it.book.told[it.ids[1]].empty());
}
