// An escrow whose money is on a chain: the power fails at disk operations along the way, and the end is the same as
// without failures.
#include "actors/chain/logic/book_transfer.hpp"
#include "actors/escrow/api.hpp"
#include "runtime/crypto/hash.hpp"
#include "tests/actors/escrow/bookkeeper.hpp"

using namespace troupe;
using namespace troupe::escrow;
namespace money_wire = wallet::wire;

namespace {

constexpr std::uint64_t kEach = 1'000'000;
constexpr std::uint64_t kStorms = 60;  // our choice: a chain writes at each block

crypto::SecretKey key_called(const std::string& name) {
  crypto::Seed seed;
  seed.bytes = crypto::sha256(base::as_bytes(name)).bytes;
  return crypto::SecretKey(seed);
}

struct Signing {
  explicit Signing(const std::string& name) : key(key_called(name)), policy(wallet::Policy::of_key(key.public_key())) {}
  const Address& address() const { return policy.address(); }
  wallet::Approval sign(base::ByteView bytes) const { return {key.public_key(), key.sign(bytes)}; }

  crypto::SecretKey key;
  wallet::Policy policy;
  std::uint64_t acts = 0;
  std::uint64_t fee = 0;  ///< of what it has paid, where a unit of gas costs one
};

struct Balances {
  std::uint64_t buyer = 0, provider = 0, fund = 0, escrow = 0;
  friend bool operator==(const Balances&, const Balances&) = default;
};

/// An escrow from the proposal to the release.
class ChainEvening {
 public:
  /// `after`: the power fails after as many operations of the disk; none: never. `unrequested`: what the provider pays
  /// to the account of the escrow in addition to its deposit.
  explicit ChainEvening(std::optional<std::uint64_t> after, std::uint64_t unrequested = 0)
      : unrequested_(unrequested),
        book_(after.value_or(0), Bookkeeper::OnChain{{buyer_.address(), provider_.address()}, kEach}) {
    done(book_.ask<money_wire::GetBook, money_wire::BookIs>(
        wallet::kPath, [](money_wire::GetBook::Builder) {},
        [this](money_wire::BookIs::Reader is) {
          id_ = *wallet::BookId::from(bytes_of(is.getBook()));
          CHECK(text_of(is.getPlace()) == "chain");
        }));
    begun_ = book_.disk.operations();
    if (after) book_.disk.halt_after(*after);
    escrow();
    judge();
  }
  const Balances& balances() const { return balances_; }
  const std::vector<std::size_t>& events() const { return events_; }
  std::uint64_t operations() const { return book_.disk.operations() - begun_; }
  std::size_t failures() const { return book_.failures(); }
  /// The result, whatever happens: of 100 the fund gets 5, and each pays the fees of what it pays in.
  Balances due() const {
    const std::uint64_t swept = unrequested_ < chain::ChainBookActor::kSweptMin ? 0 : unrequested_;
    return {kEach - 100 - buyer_.fee, kEach + 95 - provider_.fee - unrequested_, 5 + swept, unrequested_ - swept};
  }

 private:
  /// The provider pays to the account of the escrow what it does not wait for.
  void pay_unrequested() {
    const Paid paid = transfer(provider_, unrequested_);
    done(book_.ask<money_wire::PostTransfer, money_wire::Posted>(
        wallet::kPath,
        [&](money_wire::PostTransfer::Builder out) {
          const auto approval = provider_.sign(wallet::encode(paid.transfer));
          wallet::write(out.initTransfer(), paid.transfer, provider_.policy, std::span(&approval, 1), paid.on_chain);
          out.setToNoKey(true);
        },
        [](money_wire::Posted::Reader) {}));
  }
  struct Seen {
    std::uint64_t balance = 0, debits = 0, height = 0, base_fee = 0;
    Address on_chain;
    chain::ChainId chain;
  };
  static void done(const std::optional<base::Error>& why) { REQUIRE_MESSAGE(!why, why->message); }
  Seen account(const Address& address, bool of_no_key) {
    Seen out;
    done(book_.ask<money_wire::GetAccount, money_wire::AccountIs>(
        wallet::kPath,
        [&](money_wire::GetAccount::Builder ask) {
          ask.setAddress(data_of(address.view()));
          ask.setOfNoKey(of_no_key);
        },
        [&](money_wire::AccountIs::Reader is) {
          const auto terms = is.getChain();
          out = {is.getAccount().getBalance(),
                 is.getAccount().getDebits(),
                 terms.getHeight(),
                 terms.getBaseFee(),
                 *Address::from(bytes_of(terms.getAddress())),
                 *chain::ChainId::from(bytes_of(terms.getChain()))};
        }));
    return out;
  }
  void act(Signing& by, What what, const wallet::Transfer* deposit = nullptr,
           const std::vector<wallet::Approval>& on_chain = {}) {
    const Act act{escrow_, by.address(), ++by.acts, std::move(what)};
    const base::Bytes bytes = encode(act);
    done(book_.ask<wire::TakeAct, wire::ActTaken>(
        escrow::kPath,
        [&](wire::TakeAct::Builder out) {
          const auto approval = by.sign(bytes);
          write(out.initAct(), bytes, by.policy, std::span(&approval, 1));
          if (deposit == nullptr) return;
          const auto paid = by.sign(wallet::encode(*deposit));
          wallet::write(out.initDeposit(), *deposit, by.policy, std::span(&paid, 1), on_chain);
        },
        [](wire::ActTaken::Reader) {}));
  }
  struct Paid {
    wallet::Transfer transfer;
    std::vector<wallet::Approval> on_chain;
  };
  /// A transfer to the escrow's account, with the transaction that it is.
  Paid transfer(Signing& by, std::uint64_t amount) {
    const Seen payer = account(by.address(), false), receiver = account(account_of(escrow_), true);
    CHECK(payer.base_fee == 1);
    CHECK(receiver.on_chain != account_of(escrow_));
    const chain::BookTerms terms{{payer.height + chain::kBookHeights}, Amount::of(20'000)};
    Paid out{{id_,
              by.address(),
              {payer.debits + 1},
              {{account_of(escrow_), Amount::of(amount)}},
              chain::memo_with("escrow", terms)},
             {}};
    const auto transaction =
        chain::transaction_of(out.transfer, payer.chain, by.policy, [&](const Address&) { return receiver.on_chain; });
    REQUIRE(transaction);
    by.fee += transaction->content.gas.value;
    out.on_chain.push_back(by.sign(signed_bytes(transaction->content, chain::Fork{})));
    return out;
  }
  void fund(Signing& by, std::uint64_t amount) {
    const Paid deposit = transfer(by, amount);
    act(by, Fund{wallet::id_of(deposit.transfer), Amount::of(amount)}, &deposit.transfer, deposit.on_chain);
  }
  void escrow() {
    Agreement agreement{.book = id_,
                        .buyer = buyer_.address(),
                        .provider = provider_.address(),
                        .fund = wallet::account_of("fund", id_.view()),
                        .price = Amount::of(100),
                        .bond = Amount::of(15),
                        .milestones = {Amount::of(40), Amount::of(60)}};
    agreement.terms.start = agreement.terms.deliver = {Due::Kind::after, std::chrono::hours(24)};
    escrow_ = id_of(agreement);
    const Act first{escrow_, buyer_.address(), ++buyer_.acts, Sign{commitment_of({})}};
    const base::Bytes bytes = encode(first);
    done(book_.ask<wire::OpenEscrow, wire::EscrowIs>(
        escrow::kPath,
        [&](wire::OpenEscrow::Builder out) {
          out.setAgreement(data_of(encode(agreement)));
          const auto approval = buyer_.sign(bytes);
          write(out.initSign(), bytes, buyer_.policy, std::span(&approval, 1));
        },
        [](wire::EscrowIs::Reader) {}));
    act(provider_, Sign{commitment_of({})});
    fund(buyer_, 115);
    fund(provider_, 15);
    wait_for_money();
    if (unrequested_ > 0) pay_unrequested();
    act(provider_, Start{});
    act(buyer_, Accept{.delivery = {}, .milestone = 1});
    Cid cid;
    cid.bytes = escrow_.bytes;
    act(provider_, Deliver{cid});
    act(buyer_, Accept{Delivery{cid, 1}.hash(escrow_)});
  }
  std::vector<std::size_t> log() {
    std::vector<std::size_t> out;
    done(book_.ask<wire::GetEscrow, wire::EscrowIs>(
        escrow::kPath, [&](wire::GetEscrow::Builder ask) { ask.setEscrow(data_of(escrow_.view())); },
        [&](wire::EscrowIs::Reader is) {
          out.clear();
          for (const auto bytes : is.getEntries()) out.push_back(decode_entry(bytes_of(bytes))->event.index());
        }));
    return out;
  }
  /// A deposit is answered when its credit was told, which a failure of the power may put off.
  void wait_for_money() {
    const std::size_t arrived = Event(MoneyArrived{}).index();
    for (int i = 0; i < 100; ++i) {
      const auto seen = log();
      if (std::ranges::count(seen, arrived) == 2) return;
      book_.run_for(std::chrono::seconds(1));
    }
    FAIL("the deposits did not arrive");
  }
  void judge() {
    const std::size_t ended = Event(PaymentEnded{}).index();
    for (int i = 0; i < 100; ++i) {
      events_ = log();
      if (std::ranges::count(events_, ended) >= 1) break;  // the milestone waited for the end
      book_.run_for(std::chrono::seconds(1));
    }
    book_.run_for(std::chrono::seconds(30));  // nothing is paid twice
    events_ = log();
    std::ranges::sort(events_);  // a payment may end before or after the next act
    balances_ = {account(buyer_.address(), false).balance, account(provider_.address(), false).balance,
                 account(wallet::account_of("fund", id_.view()), true).balance,
                 account(account_of(escrow_), true).balance};
  }

  const std::uint64_t unrequested_;
  Signing buyer_{"buyer"}, provider_{"provider"};
  Bookkeeper book_;
  wallet::BookId id_;
  EscrowId escrow_;
  std::uint64_t begun_ = 0;
  Balances balances_;
  std::vector<std::size_t> events_;
};

}  // namespace

TEST_CASE("escrow chain: money on a chain is paid once, wherever the power fails") {
  const ChainEvening calm({});
  CHECK(calm.failures() == 0);
  CHECK(calm.balances() == calm.due());
  const std::uint64_t step = std::max<std::uint64_t>(calm.operations() / test::rounds(kStorms, 10), 1);
  for (std::uint64_t after = 0; after < calm.operations(); after += step) {
    CAPTURE(after);
    const ChainEvening stormy(after);
    CHECK(stormy.failures() == 1);
    CHECK(stormy.balances() == stormy.due());
    CHECK(stormy.events() == calm.events());
  }
}

TEST_CASE("escrow chain: money that no act announced goes to the fund at the end, if it is worth a fee") {
  constexpr std::uint64_t kMin = chain::ChainBookActor::kSweptMin;
  for (const std::uint64_t unrequested : {std::uint64_t{1}, kMin - 1, kMin, kMin + 1}) {
    CAPTURE(unrequested);
    const ChainEvening evening({}, unrequested);
    CHECK(evening.balances() == evening.due());
  }
}

TEST_CASE("escrow chain: money that no act announced goes to the fund once, wherever the power fails") {
  constexpr std::uint64_t kStormsHere = kStorms / 4;
  const ChainEvening calm({}, chain::ChainBookActor::kSweptMin);
  CHECK(calm.balances() == calm.due());
  const std::uint64_t step = std::max<std::uint64_t>(calm.operations() / test::rounds(kStormsHere, 5), 1);
  for (std::uint64_t after = 0; after < calm.operations(); after += step) {
    CAPTURE(after);
    const ChainEvening stormy(after, chain::ChainBookActor::kSweptMin);
    CHECK(stormy.balances() == stormy.due());
    CHECK(stormy.events() == calm.events());
  }
}
