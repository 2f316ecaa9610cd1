// What a book, its airdrops and its keepers do not do for one account, or say before it is true.
#include "actors/airdrop/api.hpp"
#include "actors/airdrop/codec.hpp"
#include "actors/airdrop/rows.hpp"
#include "actors/chain/logic/book_transfer.hpp"
#include "actors/chain/logic/mempool.hpp"
#include "actors/escrow/api.hpp"
#include "actors/wallet/book_rows.hpp"
#include "tests/actors/escrow/bookkeeper.hpp"

using namespace troupe;
using namespace troupe::escrow;
using namespace std::chrono_literals;

namespace {

namespace money_wire = wallet::wire;
namespace drop_wire = airdrop::wire;
using Heard = std::shared_ptr<std::optional<base::Code>>;  // what an answer was; Code{}: it was fine

/// A book with money for two people.
struct Bank {
  explicit Bank(std::uint64_t dice = 0, std::uint32_t transfers_per_minute = 60'000)
      : book(dice, {}, transfers_per_minute) {
    REQUIRE_FALSE(book.ask<money_wire::GetBook, money_wire::BookIs>(
        wallet::kPath, [](money_wire::GetBook::Builder) {},
        [this](money_wire::BookIs::Reader is) { id = *wallet::BookId::from(bytes_of(is.getBook())); }));
    for (Person* one : {&ann, &bob})
      REQUIRE_FALSE(book.ask<money_wire::Issue, money_wire::Posted>(
          wallet::kPath,
          [&](money_wire::Issue::Builder out) {
            out.setTo(data_of(one->address().view()));
            out.setAmount(1'000);
            out.setRequest(one->address().hex().substr(0, 16));
          },
          [](money_wire::Posted::Reader) {}));
  }

  Heard send(test::Scripted& self, Person& from, std::uint64_t number, std::uint64_t amount) {
    const wallet::Transfer transfer{
        id, from.address(), {number}, {{(&from == &ann ? bob : ann).address(), Amount::of(amount)}}, ""};
    return asked<money_wire::PostTransfer, money_wire::Posted>(
        self, wallet::kPath, [&](money_wire::PostTransfer::Builder out) { from.write(out.initTransfer(), transfer); });
  }
  airdrop::Terms terms(std::uint64_t pool, std::uint32_t recipients = 3) {
    std::vector<airdrop::Recipient> list;
    for (std::uint32_t i = 0; i < recipients; ++i) {
      airdrop::Recipient one{{}, 1};
      one.to.bytes.fill(static_cast<std::uint8_t>(i + 1));
      list.push_back(one);
    }
    airdrop::Terms blank;
    blank.book = id;
    blank.owner = ann.address();
    blank.pool = Amount::of(pool);
    return airdrop::make_terms(blank, list).value();
  }
  Heard create(test::Scripted& self, const airdrop::Terms& terms) {
    const wallet::Transfer deposit{id, ann.address(), {1}, {{airdrop::account_of(id_of(terms)), terms.pool}}, ""};
    return asked<drop_wire::CreateAirdrop, drop_wire::AirdropIs>(self, airdrop::kPath,
                                                                 [&](drop_wire::CreateAirdrop::Builder out) {
                                                                   out.setTerms(data_of(encode(terms)));
                                                                   wallet::write(out.initBy(), ann.sign(encode(terms)));
                                                                   ann.write(out.initDeposit(), deposit);
                                                                 });
  }
  std::size_t airdrop_rows() {
    const auto count = std::make_shared<std::optional<std::size_t>>();
    std::shared_ptr<durable::Storage> storage;
    book.inside([&](test::Scripted& self) {
      storage = std::make_shared<durable::Storage>(self, durable::Place{durable::Place::Kind::self},
                                                   airdrop::rows::kKeyspace, 0);
      storage->range({}, {}, 100, [count](const base::Outcome<durable::Storage::Page>& page) {
        REQUIRE(page.ok());
        *count = page.value().rows.size();
      });
    });
    book.run_for(1s);
    REQUIRE(*count);
    return **count;
  }
  /// Whether the book has a row of it.
  bool has_account(const Address& address) {
    const auto found = std::make_shared<std::optional<bool>>();
    std::shared_ptr<durable::Storage> storage;
    book.inside([&](test::Scripted& self) {
      storage = std::make_shared<durable::Storage>(self, durable::Place{durable::Place::Kind::self}, "wallet", 0);
      storage->get(wallet::rows::account_key(address), [found](const base::Outcome<std::optional<base::Bytes>>& row) {
        REQUIRE(row.ok());
        *found = row.value().has_value();
      });
    });
    book.run_for(1s);
    REQUIRE(*found);
    return **found;
  }
  std::uint64_t transfers_of(const Person& one) {
    std::uint64_t out = 0;
    REQUIRE_FALSE(book.ask<money_wire::GetAccount, money_wire::AccountIs>(
        wallet::kPath, [&](money_wire::GetAccount::Builder ask) { ask.setAddress(data_of(one.address().view())); },
        [&](money_wire::AccountIs::Reader is) { out = is.getAccount().getDebits(); }));
    return out;
  }

  template <class Q, class A, class Fill>
  static Heard asked(test::Scripted& self, const char* path, Fill fill) {
    auto heard = std::make_shared<std::optional<base::Code>>();
    self.ask<Q, A>(self.node().find(path), self.now() + 20s, fill,
                   [heard](runtime::Answer<A> answer) { *heard = answer.ok() ? base::Code{} : answer.error().code; });
    return heard;
  }

  Bookkeeper book;
  Person ann{"ann"}, bob{"bob"};
  wallet::BookId id;
};

/// A book that is a chain, with money for two people who have spent none.
struct ChainBank {
  static constexpr std::uint64_t kFee = 20'000;  // at most, of a transfer

  explicit ChainBank(std::uint64_t interval_ms = 0)
      : book(0, Bookkeeper::OnChain{{ann.address(), bob.address()}, 100'000'000, {}, interval_ms}) {
    REQUIRE_FALSE(book.ask<money_wire::GetAccount, money_wire::AccountIs>(
        wallet::kPath, [&](money_wire::GetAccount::Builder ask) { ask.setAddress(data_of(ann.address().view())); },
        [this](money_wire::AccountIs::Reader is) {
          id = *wallet::BookId::from(bytes_of(is.getBook()));
          chain = *chain::ChainId::from(bytes_of(is.getChain().getChain()));
          height = is.getChain().getHeight();
        }));
  }
  Heard send(test::Scripted& self, const Person& from, std::uint64_t nonce, std::uint64_t amount,
             std::uint64_t fee = kFee, std::uint64_t heights = chain::kBookHeights) {
    const chain::BookTerms terms{{height + heights}, Amount::of(fee)};
    const wallet::Transfer transfer{id,
                                    from.address(),
                                    {nonce + 1},
                                    {{(&from == &ann ? bob : ann).address(), Amount::of(amount)}},
                                    chain::memo_with("", terms)};
    const auto transaction =
        chain::transaction_of(transfer, chain, from.policy, [](const Address& account) { return account; });
    REQUIRE(transaction);
    const auto in_book = from.sign(wallet::encode(transfer));
    const auto on_chain = from.sign(signed_bytes(transaction->content, chain::Fork{}));
    return Bank::asked<money_wire::PostTransfer, money_wire::Posted>(
        self, wallet::kPath, [&](money_wire::PostTransfer::Builder out) {
          wallet::write(out.initTransfer(), transfer, from.policy, std::span(&in_book, 1), std::vector{on_chain});
        });
  }

  Person ann{"ann"}, bob{"bob"};
  Bookkeeper book;
  wallet::BookId id;
  chain::ChainId chain;
  std::uint64_t height = 0;
};

}  // namespace

TEST_CASE("chain book limits: what the pool would not take is refused, and nothing of it is kept") {
  ChainBank bank;
  Heard lasting, first, other, bobs;
  bank.book.inside([&](test::Scripted& self) {
    lasting = bank.send(self, bank.ann, 0, 1, ChainBank::kFee, 20 * chain::kBookHeights);
    // The dry run takes both, and the pool one.
    first = bank.send(self, bank.bob, 0, 1);
    other = bank.send(self, bank.bob, 0, 2);
  });
  bank.book.run_for(15s);
  bank.book.inside([&](test::Scripted& self) { bobs = bank.send(self, bank.bob, 1, 1); });
  bank.book.run_for(15s);
  CHECK(*lasting == base::Code::refused);
  CHECK(*first != base::Code::conflict);
  CHECK(*first != base::Code::refused);
  CHECK(*other == base::Code::conflict);
  CHECK(*bobs == base::Code{});
}

TEST_CASE("chain book limits: what one before it is missing for holds no place; in a row all are taken") {
  ChainBank bank;
  std::vector<Heard> gapped, row;
  bank.book.inside([&](test::Scripted& self) {
    for (std::uint64_t nonce = 1; nonce < chain::kSenderMax; ++nonce)
      gapped.push_back(bank.send(self, bank.ann, nonce, 1));
    // The first is not taken, so those after it are not.
    gapped.push_back(bank.send(self, bank.bob, 0, 1'000'000'000));
    for (std::uint64_t nonce = 1; nonce < 10; ++nonce) gapped.push_back(bank.send(self, bank.bob, nonce, 1));
  });
  bank.book.run_for(15s);
  // At first what is missing may be on its way from another node.
  for (const Heard& one : gapped) CHECK((*one == base::Code::unavailable || *one == base::Code::refused));
  bank.book.run_for(20s);
  Heard later;
  bank.book.inside([&](test::Scripted& self) { later = bank.send(self, bank.ann, 1, 1); });
  bank.book.run_for(5s);
  CHECK(*later == base::Code::conflict);
  bank.book.inside([&](test::Scripted& self) {
    for (std::uint64_t nonce = 0; nonce < chain::kSenderMax; ++nonce)
      row.push_back(bank.send(self, bank.ann, nonce, 1));
  });
  bank.book.run_for(20s);
  for (const Heard& one : row) CHECK(*one == base::Code{});
}

TEST_CASE("chain book limits: an account has 64 transfers that wait") {
  ChainBank bank(5'000);
  std::vector<Heard> kept;
  Heard more, bobs;
  bank.book.inside([&](test::Scripted& self) { bobs = bank.send(self, bank.bob, 0, 1); });
  bank.book.run_for(6s);  // the next block comes later
  bank.book.inside([&](test::Scripted& self) {
    for (std::uint64_t nonce = 0; nonce < chain::kSenderMax; ++nonce)
      kept.push_back(bank.send(self, bank.ann, nonce, 1));
    more = bank.send(self, bank.ann, 1, 1, 3 * ChainBank::kFee);
  });
  bank.book.run_for(20s);
  for (const Heard& one : kept) CHECK(*one == base::Code{});
  CHECK(*more == base::Code::overloaded);
  CHECK(*bobs == base::Code{});
}

TEST_CASE("wallet limits: an account makes a number of transfers in a minute, and the next ones after it") {
  Bank bank(0, 3);
  std::vector<Heard> heard;
  bank.book.inside([&](test::Scripted& self) {
    for (std::uint64_t number = 1; number <= 4; ++number) heard.push_back(bank.send(self, bank.ann, number, 1));
    heard.push_back(bank.send(self, bank.bob, 1, 1));
  });
  bank.book.run_for(10s);
  for (const int fine : {0, 1, 2, 4}) CHECK(*heard[fine] == base::Code{});
  CHECK(*heard[3] == base::Code::overloaded);
  bank.book.run_for(60s);
  bank.book.inside([&](test::Scripted& self) { heard.push_back(bank.send(self, bank.ann, 4, 1)); });
  bank.book.run_for(10s);
  CHECK(*heard.back() == base::Code{});
}

TEST_CASE("wallet book: a transfer is refused for another one only when that one is durable") {
  int refused = 0;
  for (std::uint64_t after = 0; after < 12; ++after) {
    CAPTURE(after);
    Bank bank(after);
    Heard first, second;
    bank.book.disk.halt_after(after);
    bank.book.inside([&](test::Scripted& self) {
      (void)bank.send(self, bank.bob, 1, 1);  // the next two are decided together, behind this one
      first = bank.send(self, bank.ann, 1, 5);
      second = bank.send(self, bank.ann, 1, 6);
    });
    bank.book.run_for(5s);
    const bool told = *second == base::Code::conflict;
    refused += told ? 1 : 0;
    if (told) CHECK(bank.transfers_of(bank.ann) == 1);
  }
  CHECK(refused > 0);
}

TEST_CASE("airdrop limits: of two that are created at once under one request one is, and the other leaves nothing") {
  Bank bank;
  Heard one, other;
  bank.book.inside([&](test::Scripted& self) {
    one = bank.create(self, bank.terms(10));
    other = bank.create(self, bank.terms(20));
  });
  bank.book.run_for(5s);
  CHECK(*one == base::Code{});
  CHECK(*other == base::Code::conflict);
  CHECK(bank.transfers_of(bank.ann) == 1);
}

TEST_CASE("airdrop limits: an airdrop whose deposit the book refuses leaves no row") {
  Bank bank;
  Heard created, sent;
  bank.book.inside([&](test::Scripted& self) {
    created = bank.create(self, bank.terms(10));
    sent = bank.send(self, bank.ann, 1, 7);  // takes the number of the deposit
  });
  bank.book.run_for(5s);
  CHECK(*sent == base::Code{});
  CHECK(*created == base::Code::conflict);
  CHECK(bank.airdrop_rows() == 0);
  CHECK_FALSE(bank.has_account(airdrop::account_of(id_of(bank.terms(10)))));
}

TEST_CASE("escrow watch: many watchers hear of an event with many entries") {
  // The message was read once for each of them, which ended the actor: it may be read four times its size in all.
  constexpr std::size_t kWatchers = 200;
  Bank bank;
  std::vector<runtime::Subscription> watches;
  const auto heard = std::make_shared<std::size_t>(0);
  bank.book.inside([&](test::Scripted& self) {
    for (std::size_t i = 0; i < kWatchers; ++i)
      watches.push_back(self.subscribe<wire::WatchEscrows, wire::EscrowEvent>(
          self.node().find(kPath), 1h, [](wire::WatchEscrows::Builder) {},
          [heard](wire::EscrowEvent::Reader) { ++*heard; }, [](const base::Result<void, base::Error>&) {}));
  });
  bank.book.run_for(1s);
  bank.book.inside([&](test::Scripted& self) {
    self.tell<wire::Happened>(self.node().find(kPath), [](wire::Happened::Builder out) {
      out.setEscrow(data_of(EscrowId{}.view()));
      const base::Bytes entry(1'000);
      auto entries = out.initEntries(3);
      for (unsigned i = 0; i < entries.size(); ++i) entries.set(i, data_of(entry));
    });
  });
  bank.book.run_for(1s);
  CHECK(*heard == 3 * kWatchers);
  bank.book.inside([&](test::Scripted&) { watches.clear(); });
  bank.book.run_for(1s);
}
