// The ledger takes money for an escrow's account only with the act that announces it; and the limits of one escrow.
#include "actors/escrow/api.hpp"
#include "tests/actors/escrow/bookkeeper.hpp"

using namespace troupe;
using namespace troupe::escrow;
using namespace std::chrono_literals;

namespace {

namespace money_wire = wallet::wire;

constexpr std::uint64_t kMoney = 1'000;

/// An escrow that is proposed and signed, and a stranger.
struct Street {
  explicit Street(std::uint64_t dice = 0) : book(dice) {
    done(book.ask<money_wire::GetBook, money_wire::BookIs>(
        wallet::kPath, [](money_wire::GetBook::Builder) {},
        [this](money_wire::BookIs::Reader is) { id = *wallet::BookId::from(bytes_of(is.getBook())); }));
    for (Person* one : {&buyer, &provider, &stranger})
      done(book.ask<money_wire::Issue, money_wire::Posted>(
          wallet::kPath,
          [&](money_wire::Issue::Builder out) {
            out.setTo(data_of(one->address().view()));
            out.setAmount(kMoney);
            out.setRequest(one->address().hex().substr(0, 16));
          },
          [](money_wire::Posted::Reader) {}));
    agreement = {.book = id,
                 .buyer = buyer.address(),
                 .provider = provider.address(),
                 .fund = wallet::account_of("fund", id.view()),
                 .price = Amount::of(100),
                 .bond = Amount::of(15)};
    agreement.terms.start = agreement.terms.deliver = {Due::Kind::after, 24h};
    escrow = id_of(agreement);
    ++buyer.acts;
    done(propose(agreement));
    done(act(provider, Sign{commitment_of({})}));
  }
  static void done(const std::optional<base::Error>& why) { REQUIRE_MESSAGE(!why, why->message); }

  std::optional<base::Error> propose(const Agreement& made) {
    const base::Bytes bytes = encode(Act{id_of(made), buyer.address(), 1, Sign{commitment_of({})}});
    return book.ask<wire::OpenEscrow, wire::EscrowIs>(
        escrow::kPath,
        [&](wire::OpenEscrow::Builder out) {
          out.setAgreement(data_of(encode(made)));
          const auto approval = buyer.sign(bytes);
          write(out.initSign(), bytes, buyer.policy, std::span(&approval, 1));
        },
        [](wire::EscrowIs::Reader) {});
  }
  std::optional<base::Error> act(Person& by, What what, const std::optional<wallet::Transfer>& deposit = {}) {
    return take(by, encode(Act{escrow, by.address(), ++by.acts, std::move(what)}), deposit);
  }
  std::optional<base::Error> take(const Person& by, const base::Bytes& bytes,
                                  const std::optional<wallet::Transfer>& deposit = {}) {
    return book.ask<wire::TakeAct, wire::ActTaken>(
        escrow::kPath,
        [&](wire::TakeAct::Builder out) {
          const auto approval = by.sign(bytes);
          write(out.initAct(), bytes, by.policy, std::span(&approval, 1));
          if (deposit) by.write(out.initDeposit(), *deposit);
        },
        [](wire::ActTaken::Reader) {});
  }
  wallet::Transfer paying(const Person& from, std::uint64_t number, std::uint64_t amount) const {
    return {id, from.address(), {number}, {{account_of(escrow), Amount::of(amount)}}, "escrow"};
  }
  std::optional<base::Error> send(const Person& from, std::uint64_t number, std::uint64_t amount) {
    return book.ask<money_wire::PostTransfer, money_wire::Posted>(
        wallet::kPath,
        [&](money_wire::PostTransfer::Builder out) { from.write(out.initTransfer(), paying(from, number, amount)); },
        [](money_wire::Posted::Reader) {});
  }
  std::uint64_t balance(const Address& address) {
    std::uint64_t out = 0;
    done(book.ask<money_wire::GetAccount, money_wire::AccountIs>(
        wallet::kPath, [&](money_wire::GetAccount::Builder ask) { ask.setAddress(data_of(address.view())); },
        [&](money_wire::AccountIs::Reader is) { out = is.getAccount().getBalance(); }));
    return out;
  }
  /// The escrow as its log says.
  Replay replay() {
    Replay out(agreement, commitment_of({}));
    done(book.ask<wire::GetEscrow, wire::EscrowIs>(
        escrow::kPath, [&](wire::GetEscrow::Builder ask) { ask.setEscrow(data_of(escrow.view())); },
        [&](wire::EscrowIs::Reader is) {
          out = Replay(agreement, commitment_of({}));
          for (const auto bytes : is.getEntries()) REQUIRE(out.take(*decode_entry(bytes_of(bytes))).ok());
        }));
    return out;
  }

  Bookkeeper book;
  Person buyer{"buyer"}, provider{"provider"}, stranger{"stranger"};
  wallet::BookId id;
  Agreement agreement;
  EscrowId escrow;
};

}  // namespace

TEST_CASE("escrow: an escrow whose account was paid before is not proposed") {
  Street street;
  Agreement other = street.agreement;
  other.nonce[0] = 1;
  street.escrow = id_of(other);
  Street::done(street.send(street.provider, 1, 15));
  const auto refused = street.propose(other);
  REQUIRE(refused);
  CHECK(refused->code == base::Code::refused);
  other.nonce[0] = 2;
  Street::done(street.propose(other));
}

TEST_CASE("escrow: the ledger refuses a payment to its account that is no deposit") {
  Street street;
  const std::uint64_t before = street.replay().sequence();
  const auto refused = street.send(street.stranger, 1, 3);
  REQUIRE(refused);
  CHECK(refused->code == base::Code::refused);
  CHECK(street.balance(street.stranger.address()) == kMoney);
  CHECK(street.balance(account_of(street.escrow)) == 0);
  CHECK(street.replay().sequence() == before);
}

TEST_CASE("escrow: a deposit is posted by its act, and not before") {
  Street street;
  const auto price = street.paying(street.buyer, 1, 115);
  const auto refused = street.send(street.buyer, 1, 115);
  REQUIRE(refused);
  CHECK(refused->code == base::Code::refused);
  Street::done(street.act(street.buyer, Fund{wallet::id_of(price), Amount::of(115)}, price));
  CHECK(of(street.replay().escrow().deposited, Party::buyer) == Amount::of(115));
  Street::done(street.send(street.buyer, 1, 115));  // what was posted is answered again
  CHECK(street.balance(street.buyer.address()) == kMoney - 115);
}

TEST_CASE("escrow rates: what others send again of what an account has signed takes nothing from it") {
  Street street;
  const base::Bytes first = encode(Act{street.escrow, street.provider.address(), 1, Sign{commitment_of({})}});
  for (int i = 0; i < 100; ++i) (void)street.take(street.provider, first);
  const auto bond = street.paying(street.provider, 1, 15);
  Street::done(street.act(street.provider, Fund{wallet::id_of(bond), Amount::of(15)}, bond));
}

TEST_CASE("escrow grace: an agreement waits after an outage for at most ten times as long as its book") {
  Street street;
  const UnixMs books = Terms().grace;
  const auto proposed = [&](UnixMs grace) {
    Agreement made = street.agreement;
    made.terms.grace = grace;
    made.nonce[0] = 2;  // another one than the street's
    return !street.propose(made);
  };
  CHECK(proposed(UnixMs(0)));
  CHECK(proposed(10 * books));
  CHECK_FALSE(proposed(11 * books));
}

TEST_CASE("escrow rows: a timer says for how long it waits after an outage, and whether an arbiter may be drawn") {
  const Person buyer{"buyer"};
  Agreement made;
  made.buyer = buyer.address();
  made.terms.sign_by = 2h;
  made.terms.grace = 3h;
  const auto proposed = rows::of_proposal(made, {}, {}, {{}, buyer.policy, {}}, UnixMs(1'000));
  const base::Bytes key = rows::timer_key(UnixMs(1'000) + UnixMs(2h), id_of(made));
  REQUIRE(proposed.rows.contains(key));
  const auto timer = rows::decode_timer(key, *proposed.rows.at(key));
  REQUIRE(timer);
  CHECK(timer->id == id_of(made));
  CHECK(timer->window == UnixMs(2h));  // as long as the state
  CHECK_FALSE(timer->draws);
  CHECK(timer->fires(UnixMs(0)) == timer->deadline);
  CHECK(timer->fires(timer->deadline) == timer->deadline + UnixMs(2h));
  const auto old = rows::decode_timer(key, {});
  REQUIRE(old);
  CHECK(old->draws);
  CHECK(old->fires(timer->deadline) == timer->deadline);
  CHECK_FALSE(rows::decode_timer(key, base::Bytes(8)));
}

TEST_CASE("escrow arbiters: an agreement gives them the time that its book does, or up to ten times as much") {
  Street street;
  const auto refused = [&](UnixMs term) {
    Agreement made = street.agreement;
    made.terms.arbiter_term = term;
    made.nonce[0] = 1;  // another one than the street's
    const auto why = street.propose(made);
    if (why) CHECK(why->code == base::Code::refused);
    return why.has_value();
  };
  const UnixMs books = Terms().arbiter_term;
  CHECK(refused(1s));  // they would lose their bonds before they hear of it
  CHECK(refused(books - UnixMs(1)));
  CHECK_FALSE(refused(books));
  CHECK_FALSE(refused(10 * books));
  CHECK(refused(11 * books));
}

TEST_CASE("escrow log: a page has 64 entries at most, and the pages have all of them, with their acts") {
  constexpr std::uint64_t kPage = 64, kActs = 80;  // as many before it was bounded; two entries each
  Street street;
  for (std::uint64_t i = 1; i <= kActs; ++i) {
    const Extend later{Extended::deliver, {Due::Kind::after, 24h + std::chrono::seconds(i)}};
    Street::done(street.act(i % 2 == 0 ? street.buyer : street.provider, later));
  }
  Replay replay(street.agreement, commitment_of({}));
  std::uint64_t acts = 0, pages = 0;
  for (bool more = true; more; ++pages)
    Street::done(street.book.ask<wire::GetEscrow, wire::EscrowIs>(
        escrow::kPath,
        [&](wire::GetEscrow::Builder ask) {
          ask.setEscrow(data_of(street.escrow.view()));
          ask.setAfter(replay.sequence());
        },
        [&](wire::EscrowIs::Reader is) {
          CHECK(is.getEntries().size() <= kPage);
          for (const auto bytes : is.getEntries()) REQUIRE(replay.take(*decode_entry(bytes_of(bytes))).ok());
          for (const auto act : is.getActs()) CHECK(act.getSequence() <= replay.sequence());
          acts += is.getActs().size();
          more = is.getMore();
        }));
  CHECK(replay.sequence() > 2 * kActs);
  CHECK(pages == replay.sequence() / kPage + 1);
  CHECK(acts == kActs + 2);
}
