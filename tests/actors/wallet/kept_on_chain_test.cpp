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

  /// As its keeper says that it has paid all that it owes.
  void end() {
    done(book.ask<wire::Follow, messages::wire::Nothing>(
        kPath,
        [&](wire::Follow::Builder out) {
          out.setKind("test");
          out.setId(data_of(ids[0].view()));
          out.setEnded(true);
        },
        [](messages::wire::Nothing::Reader) {}));
  }
  std::uint64_t fund() {
    std::uint64_t balance = 0;
    done(book.ask<wire::GetAccount, wire::AccountIs>(
        kPath, [&](wire::GetAccount::Builder ask) { ask.setAddress(data_of(account_of("fund", id.view()).view())); },
        [&](wire::AccountIs::Reader is) { balance = is.getAccount().getBalance(); }));
    return balance;
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

TEST_CASE("chain book: what one kept account pays another stays there") {
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

TEST_CASE("chain book: what is left on a kept account at its end goes to the fund once, except dust") {
  constexpr std::uint64_t kMin = chain::ChainBookActor::kSweptMin;
  KeptOnChain it;
  SUBCASE("dust stays") {
    it.pay(kMin - 1);
    it.end();
    CHECK(it.look(0) == kMin - 1);
    CHECK(it.fund() == 0);
  }
  SUBCASE("the rest goes, without what was paid before") {
    it.pay(kMin + 400);
    it.pay_from(400);
    for (int times = 0; times < 2; ++times) {
      it.end();
      CHECK(it.look(0) == 0);
      CHECK(it.fund() == kMin);
    }
  }
}

TEST_CASE("chain book: a payment by a key to a kept account is refused unless a part of the node posts it") {
  KeptOnChain it;
  Address to = it.accounts[0];
  SUBCASE("to its address in the book") {}
  SUBCASE("to its address on the chain") { to = it.on_chain.at(to); }
  const Transfer transfer{it.id, it.payer.address(), {1}, {{to, Amount::of(1)}}, ""};
  const auto approval = it.payer.sign(encode(transfer));
  const auto refused = it.book.ask<wire::PostTransfer, wire::Posted>(
      kPath,
      [&](wire::PostTransfer::Builder out) {
        write(out.initTransfer(), transfer, it.payer.policy, std::span(&approval, 1));
      },
      [](wire::Posted::Reader) {});
  REQUIRE(refused);
  CHECK(refused->code == base::Code::refused);
  CHECK(refused->message.find("accepts only its own deposits") != std::string::npos);
}
