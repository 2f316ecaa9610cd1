// Credits of accounts that a part of the program keeps, in the blocks of a chain.
#include <doctest/doctest.h>

#include "actors/chain/logic/mempool.hpp"
#include "tests/actors/escrow/bookkeeper.hpp"

using namespace troupe;
using namespace troupe::escrow;
using namespace std::chrono_literals;
namespace money_wire = troupe::wallet::wire;

namespace {

constexpr std::size_t kKept = 56;  // credits of a transfer

struct Credited {
  explicit Credited(std::size_t payers, std::size_t kept = kKept) {
    for (std::size_t i = 0; i < payers; ++i) people.emplace_back("payer " + std::to_string(i));
    std::vector<Address> accounts;
    for (const Person& one : people) accounts.push_back(one.address());
    book.emplace(0, Bookkeeper::OnChain{accounts, 1'000'000'000, 10'000'000});
    for (std::size_t i = 0; i < kept; ++i) {
      const base::Digest id = crypto::sha256(base::as_bytes("kept " + std::to_string(i)));
      REQUIRE_FALSE(book->ask<money_wire::Follow, messages::wire::Nothing>(
          wallet::kPath,
          [&](money_wire::Follow::Builder out) {
            out.setKind("test");
            out.setId(data_of(id.view()));
            out.setPath(Bookkeeper::kTold);
          },
          [](messages::wire::Nothing::Reader) {}));
      const Address account = wallet::account_of("test", id.view());
      REQUIRE_FALSE(book->ask<money_wire::GetAccount, money_wire::AccountIs>(
          wallet::kPath, [&](money_wire::GetAccount::Builder ask) { ask.setAddress(data_of(account.view())); },
          [&](money_wire::AccountIs::Reader is) {
            on_chain[account] = *Address::from(bytes_of(is.getChain().getAddress()));
            in_book = *wallet::BookId::from(bytes_of(is.getBook()));
            chain = *chain::ChainId::from(bytes_of(is.getChain().getChain()));
            height = is.getChain().getHeight();
          }));
    }
  }

  /// Pays kKept of the kept accounts a unit, from that one on.
  void pay(test::Scripted& self, const Person& from, std::uint64_t nonce, std::size_t first = 0) {
    const chain::BookTerms terms{{height + chain::kBookHeights}, Amount::of(500'000)};
    std::vector<wallet::Credit> credits;
    for (auto at = std::next(on_chain.begin(), static_cast<std::ptrdiff_t>(first));
         at != on_chain.end() && credits.size() < kKept; ++at)
      credits.push_back({at->first, Amount::of(1)});
    const wallet::Transfer transfer{in_book, from.address(), {nonce + 1}, credits, chain::memo_with("", terms)};
    const auto transaction = chain::transaction_of(transfer, chain, from.policy, [this](const Address& account) {
      const auto at = on_chain.find(account);
      return at == on_chain.end() ? account : at->second;
    });
    REQUIRE(transaction);
    const auto here = from.sign(wallet::encode(transfer));
    const auto there = from.sign(signed_bytes(transaction->content, chain::Fork{}));
    self.ask<money_wire::PostTransfer, money_wire::Posted>(
        self.node().find(wallet::kPath), self.now() + 60s,
        [&](money_wire::PostTransfer::Builder out) {
          out.setToNoKey(true);
          wallet::write(out.initTransfer(), transfer, from.policy, std::span(&here, 1), std::vector{there});
        },
        [this](const runtime::Answer<money_wire::Posted>& answer) {
          if (answer.ok()) ++paid;
          else why = answer.error().message;
        });
  }

  std::vector<Person> people;
  std::optional<Bookkeeper> book;
  std::map<Address, Address> on_chain;
  wallet::BookId in_book;
  chain::ChainId chain;
  std::uint64_t height = 0;
  std::size_t paid = 0;
  std::string why;
};

}  // namespace

TEST_CASE("chain book: a block with more credits of kept accounts than a commit holds is noted, and told once") {
  constexpr std::size_t kPayers = 8, kEach = 52;  // 23,296 credits: more than the 4 MiB of a commit
  Credited it(kPayers);
  it.book->inside([&](test::Scripted& self) {
    for (const Person& one : it.people)
      for (std::uint64_t nonce = 0; nonce < kEach; ++nonce) it.pay(self, one, nonce);
  });
  it.book->run_for(90s);
  CAPTURE(it.why);
  CHECK(it.paid == kPayers * kEach);
  CHECK(it.book->told.size() == kKept);
  for (const auto& [id, sequences] : it.book->told) {
    CHECK(sequences.size() == kPayers * kEach);
    CHECK(std::ranges::adjacent_find(sequences, std::greater_equal()) == sequences.end());
  }
}

TEST_CASE("chain book: few keepers are told of credits at once, and then the others") {
  constexpr std::size_t kAll = chain::ChainBookActor::kToldAtOnce + kKept;
  Credited it(1, kAll);
  it.book->takes = false;
  it.book->inside([&](test::Scripted& self) {
    std::uint64_t nonce = 0;
    for (std::size_t first = 0; first < kAll; first += kKept) it.pay(self, it.people[0], nonce++, first);
  });
  it.book->run_for(15s);
  CHECK(it.book->untaken.size() == chain::ChainBookActor::kToldAtOnce);
  it.book->takes = true;
  for (auto& one : std::exchange(it.book->untaken, {})) one.done();
  it.book->run_for(60s);
  CHECK(it.book->told.size() == kAll - chain::ChainBookActor::kToldAtOnce);
  CHECK(it.paid == (kAll + kKept - 1) / kKept);
}
