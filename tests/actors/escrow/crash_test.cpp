// The power fails at each operation of the disk, in the middle of an escrow and of an airdrop: both end as without it.
#include "actors/airdrop/api.hpp"
#include "actors/airdrop/codec.hpp"
#include "actors/escrow/api.hpp"
#include "tests/actors/escrow/bookkeeper.hpp"

using namespace troupe;
using namespace troupe::escrow;
namespace book_wire = wallet::wire;

namespace {

constexpr std::uint64_t kMoney = 1'000;
constexpr std::uint32_t kDropped = 150;  // three payments
constexpr std::uint32_t kStruck = 17;

/// What is left when all is over.
struct Ending {
  std::map<Address, std::uint64_t> balances;
  std::vector<std::size_t> events;  ///< of the escrow's log, by kind
  std::string airdrop;
  std::uint64_t paid = 0;
  friend bool operator==(const Ending&, const Ending&) = default;
};

/// Money for two, an escrow from the proposal to the release, and an airdrop with an objection.
class Evening {
 public:
  /// `after`: the power fails after as many operations of the disk; none: never.
  explicit Evening(std::optional<std::uint64_t> after) : book_(after.value_or(0)) {
    done(book_.ask<book_wire::GetBook, book_wire::BookIs>(
        wallet::kPath, [](book_wire::GetBook::Builder) {},
        [this](book_wire::BookIs::Reader is) { id_ = *wallet::BookId::from(bytes_of(is.getBook())); }));
    begun_ = book_.disk.operations();
    if (after) book_.disk.halt_after(*after);
    for (Person* one : {&buyer_, &provider_}) issue(*one);
    escrow();
    airdrop();
    book_.run_for(std::chrono::seconds(30));
    judge();
    CHECK(ending_.balances[account_of(escrow_)] == 0);
    CHECK(ending_.balances[airdrop_account_] == 0);
  }
  const Ending& ending() const { return ending_; }
  std::uint64_t operations() const { return book_.disk.operations() - begun_; }
  std::size_t failures() const { return book_.failures(); }

 private:
  static void done(const std::optional<base::Error>& why) { REQUIRE_MESSAGE(!why, why->message); }
  void issue(Person& to) {
    done(book_.ask<book_wire::Issue, book_wire::Posted>(
        wallet::kPath,
        [&](book_wire::Issue::Builder out) {
          out.setTo(data_of(to.address().view()));
          out.setAmount(kMoney);
          out.setRequest(to.address().hex().substr(0, 16));
        },
        [](book_wire::Posted::Reader) {}));
  }
  void act(Person& by, What what, const std::optional<wallet::Transfer>& deposit = {}) {
    const Act act{escrow_, by.address(), ++by.acts, std::move(what)};
    const base::Bytes bytes = encode(act);
    done(book_.ask<wire::TakeAct, wire::ActTaken>(
        escrow::kPath,
        [&](wire::TakeAct::Builder out) {
          const auto approval = by.sign(bytes);
          write(out.initAct(), bytes, by.policy, std::span(&approval, 1));
          if (deposit) by.write(out.initDeposit(), *deposit);
        },
        [](wire::ActTaken::Reader) {}));
  }
  void fund(Person& by, std::uint64_t amount) {
    const wallet::Transfer deposit{id_, by.address(), {1}, {{account_of(escrow_), Amount::of(amount)}}, "escrow"};
    act(by, Fund{wallet::id_of(deposit), Amount::of(amount)}, deposit);
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
    act(provider_, Start{});
    act(buyer_, Accept{.delivery = {}, .milestone = 1});
    Cid cid;
    cid.bytes = escrow_.bytes;
    act(provider_, Deliver{cid});
    act(buyer_, Accept{Delivery{cid, 1}.hash(escrow_)});
  }
  void airdrop() {
    std::vector<airdrop::Recipient> list;
    for (std::uint32_t i = 0; i < kDropped; ++i) {
      airdrop::Recipient one{{}, 1 + i % 5};
      one.to.bytes.fill(static_cast<std::uint8_t>(i + 1));
      list.push_back(one);
    }
    airdrop::Terms blank;
    blank.book = id_;
    blank.owner = buyer_.address();
    blank.pool = Amount::of(500);
    const airdrop::Terms terms = airdrop::make_terms(blank, list).value();
    const auto id = id_of(terms);
    airdrop_account_ = airdrop::account_of(id);
    const wallet::Transfer deposit{id_, buyer_.address(), {2}, {{airdrop::account_of(id), blank.pool}}, "airdrop"};
    namespace drop = airdrop::wire;
    done(book_.ask<drop::CreateAirdrop, drop::AirdropIs>(
        airdrop::kPath,
        [&](drop::CreateAirdrop::Builder out) {
          out.setTerms(data_of(encode(terms)));
          wallet::write(out.initBy(), buyer_.sign(encode(terms)));
          buyer_.write(out.initDeposit(), deposit);
        },
        [](drop::AirdropIs::Reader) {}));
    done(book_.ask<drop::AddPage, drop::AirdropStep>(
        airdrop::kPath,
        [&](drop::AddPage::Builder out) {
          out.setId(data_of(id.view()));
          out.setRows(data_of(encode(airdrop::pages_of(list)[0])));
        },
        [](drop::AirdropStep::Reader) {}));
    const Address& struck = list[kStruck].to;
    done(book_.ask<drop::Object, drop::ObjectedRow>(
        airdrop::kPath,
        [&](drop::Object::Builder out) {
          out.setId(data_of(id.view()));
          out.setIndex(kStruck);
          out.setRecipient(data_of(struck.view()));
          out.setReason("a bot");
          wallet::write(out.initBy(), provider_.sign(airdrop::object_bytes(id, struck, "a bot")));
        },
        [](drop::ObjectedRow::Reader) {}));
    done(book_.ask<drop::Decide, drop::ObjectedRow>(
        airdrop::kPath,
        [&](drop::Decide::Builder out) {
          out.setId(data_of(id.view()));
          out.setIndex(kStruck);
          out.setRecipient(data_of(struck.view()));
          out.setStrike(true);
          wallet::write(out.initBy(), buyer_.sign(airdrop::decide_bytes(id, struck, true)));
        },
        [](drop::ObjectedRow::Reader) {}));
    for (int i = 0; i < 100 && ending_.airdrop != "paid"; ++i) {
      book_.run_for(std::chrono::seconds(5));
      done(book_.ask<drop::GetAirdrop, drop::AirdropIs>(
          airdrop::kPath, [&](drop::GetAirdrop::Builder out) { out.setId(data_of(id.view())); },
          [this](drop::AirdropIs::Reader is) {
            ending_.airdrop = text_of(is.getStep().getState());
            ending_.paid = is.getPaid();
          }));
    }
  }
  void judge() {
    done(book_.ask<wire::GetEscrow, wire::EscrowIs>(
        escrow::kPath, [&](wire::GetEscrow::Builder out) { out.setEscrow(data_of(escrow_.view())); },
        [this](wire::EscrowIs::Reader is) {
          ending_.events.clear();
          for (const auto bytes : is.getEntries())
            ending_.events.push_back(decode_entry(bytes_of(bytes))->event.index());
        }));
    done(book_.ask<book_wire::ListAccounts, book_wire::Accounts>(
        wallet::kPath, [](book_wire::ListAccounts::Builder) {},
        [this](book_wire::Accounts::Reader are) {
          ending_.balances.clear();
          for (const auto row : are.getRows())
            ending_.balances[*Address::from(bytes_of(row.getAddress()))] = row.getBalance();
        }));
    done(book_.ask<book_wire::CheckBook, book_wire::BookChecked>(
        wallet::kPath, [](book_wire::CheckBook::Builder) {},
        [](book_wire::BookChecked::Reader is) {
          CHECK(is.getMismatches().size() == 0);
          CHECK(is.getBrokenAt() == 0);
          CHECK(is.getSum() == 2 * kMoney);
        }));
  }

  Bookkeeper book_;
  Person buyer_{"buyer"}, provider_{"provider"};
  wallet::BookId id_;
  EscrowId escrow_;
  Address airdrop_account_;
  std::uint64_t begun_ = 0;
  Ending ending_;
};

}  // namespace

TEST_CASE("escrow crash: the power fails at each operation of the disk, and all ends as without it") {
  const Evening calm({});
  CHECK(calm.failures() == 0);
  CHECK(calm.ending().airdrop == "paid");
  CHECK(calm.ending().paid == 500);
  for (std::uint64_t after = 0; after < calm.operations(); ++after) {
    CAPTURE(after);
    const Evening stormy(after);
    CHECK(stormy.failures() == 1);
    CHECK(stormy.ending() == calm.ending());
  }
}
