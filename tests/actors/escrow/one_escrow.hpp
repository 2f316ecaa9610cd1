#pragma once
// One escrow between a buyer and a provider, with a ledger that confirms at once: what is paid is summed by recipient.
#include <map>

#include "actors/escrow/logic/escrow.hpp"
#include "tests/support.hpp"

namespace troupe::escrow {

inline Address person(std::uint8_t number) {
  Address out;
  out.bytes.fill(number);
  return out;
}
inline const Address kBuyer = person(1), kProvider = person(2), kFund = person(3), kStranger = person(9);

inline Reveal secret_of(Party party) {
  Reveal out;
  out.bytes.fill(party == Party::buyer ? 11 : 12);
  return out;
}
inline Reveal secret_of_book() {
  Reveal out;
  out.bytes.fill(13);
  return out;
}
inline Cid cid(std::uint8_t number) {
  Cid out;
  out.bytes.fill(number);
  return out;
}

inline constexpr UnixMs kHour = std::chrono::hours(1);
inline constexpr UnixMs kBegin{1'700'000'000'000};

inline Agreement agreement(std::uint64_t price = 100, std::uint64_t bond = 15, std::vector<Amount> milestones = {}) {
  Agreement out{.buyer = kBuyer,
                .provider = kProvider,
                .fund = kFund,
                .price = Amount::of(price),
                .bond = Amount::of(bond),
                .milestones = std::move(milestones)};
  out.terms.start = Due{Due::Kind::after, 24 * kHour};
  out.terms.deliver = Due{Due::Kind::after, 240 * kHour};
  return out;
}

struct OneEscrow {
  explicit OneEscrow(Agreement made = agreement()) : escrow(std::move(made), commitment_of(secret_of(Party::buyer))) {
    for (const Event& event : open(escrow, now).events) apply(event);
  }

  Escrow escrow;
  UnixMs now = kBegin;
  std::array<std::uint64_t, 2> numbers{};
  std::vector<Arbiter> candidates{};
  std::map<Address, std::uint64_t> paid{};
  std::vector<ForfeitArbiter> forfeited{};
  bool ledger_answers = true;
  Paying paying = Paying::at_once;
  std::size_t payments = 0;
  std::uint64_t sequence = 0;

  void apply(const Event& event) { escrow::apply(escrow, event); }

  base::Result<void, EscrowError> command(const Command& what) {
    auto decided = decide(escrow, what, now, base::kNoMutations, paying);
    if (!decided.ok()) return decided.error();
    for (const Event& event : decided.value().events) apply(event);
    for (const Effect& effect : decided.value().effects) perform(effect);
    return {};
  }
  void perform(const Effect& effect) {
    if (const auto* forfeit = std::get_if<ForfeitArbiter>(&effect)) forfeited.push_back(*forfeit);
    const auto* payment = std::get_if<SendPayment>(&effect);
    if (payment == nullptr || !ledger_answers) return;
    ++payments;
    for (const wallet::Credit& credit : payment->transfer.credits) paid[credit.to] += credit.amount.units();
    REQUIRE(command(PaymentConfirmed{id_of(payment->transfer)}).ok());
  }

  base::Result<void, EscrowError> act(Party party, What what, Verdict verdict = Verdict::pass) {
    auto done = command(
        Acted{{escrow.id, escrow.address(party), ++of(numbers, party), std::move(what)}, verdict, secret_of_book()});
    return done;
  }
  auto buyer(What what) { return act(Party::buyer, std::move(what)); }
  auto provider(What what) { return act(Party::provider, std::move(what)); }
  auto fire(UnixMs up_since = UnixMs(0)) { return command(Fire{up_since, candidates, secret_of_book()}); }
  void wait(UnixMs span) { now += span; }
  void to_deadline() { now = escrow.deadline; }
  auto arrive(const Address& from, std::uint64_t units, std::uint8_t id) {
    wallet::TransferId transfer;
    transfer.bytes.fill(id);
    return command(Arrived{++sequence, transfer, from, Amount::of(units)});
  }

  void sign() { REQUIRE(provider(Sign{commitment_of(secret_of(Party::provider))}).ok()); }
  void fund(Party party) {
    const Amount share = escrow.share(party);
    if (share == Amount()) return;
    wallet::TransferId transfer;
    transfer.bytes.fill(static_cast<std::uint8_t>(50 + static_cast<int>(party)));
    REQUIRE(act(party, Fund{transfer, share}).ok());
    REQUIRE(arrive(escrow.address(party), share.units(), transfer.bytes[0]).ok());
  }
  OneEscrow& to_funded() {
    sign();
    fund(Party::buyer);
    fund(Party::provider);
    CHECK(escrow.stage == Stage::funded);
    return *this;
  }
  OneEscrow& to_running() {
    to_funded();
    REQUIRE(provider(Start{}).ok());
    return *this;
  }
  OneEscrow& to_delivered() {
    to_running();
    REQUIRE(provider(Deliver{cid(1)}).ok());
    return *this;
  }
  OneEscrow& to_disputed() {
    to_delivered();
    REQUIRE(buyer(Dispute{secret_of(Party::buyer)}).ok());
    return *this;
  }
  base::Digest delivery() const { return escrow.delivery->hash(escrow.id); }
  base::Digest proposal() const { return hash_of(escrow.id, *escrow.proposal); }

  /// Where all of it went: to the buyer, the provider and the fund.
  bool ended(Stage stage, std::uint64_t to_buyer, std::uint64_t to_provider, std::uint64_t to_fund) {
    CHECK(escrow.stage == stage);
    CHECK(paid[kBuyer] == to_buyer);
    CHECK(paid[kProvider] == to_provider);
    CHECK(paid[kFund] == to_fund);
    CHECK(escrow.held == Amount());
    return escrow.confirmed();
  }
};

}  // namespace troupe::escrow
