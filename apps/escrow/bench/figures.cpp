// The figures of `troupe bench escrow`.
#include "apps/escrow/bench/figures.hpp"

#include "actors/escrow/api.hpp"
#include "apps/bench/node_processes.hpp"
#include "apps/bench/purse.hpp"
#include "messages/codec.hpp"

namespace troupe::bench {
namespace {

using wallet::Address;
using wallet::Amount;

constexpr std::size_t kRecipients = 10'000;              // as in the script for pgbench
constexpr std::size_t kTransferClients = 64;             // as with pgbench
constexpr std::uint64_t kMoneyEach = 1'000'000'000'000;  // more than is spent
constexpr std::chrono::milliseconds kPaidLook{5};        // our choice: between two checks for the last payment

/// How to reach the book, as a command does.
struct Ways {
  runtime::Handle wallet, escrow;
};

/// Clients, each of which does one thing after another; their purses are funded before.
class MoneyLoad : public Measuring {
 public:
  MoneyLoad(Ways ways, std::size_t clients, base::Duration span, Figure figure, Measured measured)
      : Measuring(std::move(figure), std::move(measured)), ways_(std::move(ways)), clients_(clients), span_(span) {}

  void start() override {
    ask<escrow::wire::GetTerms, escrow::wire::TermsAre>(
        ways_.escrow, now() + kDue, [](escrow::wire::GetTerms::Builder) {},
        [this](runtime::Answer<escrow::wire::TermsAre> terms) {
          if (!terms.ok()) return fail(terms.error().message);
          book_ = *wallet::BookId::from(bytes_of(terms.value().getBook()));
          for (std::size_t i = 0; i < purses_needed(); ++i) {
            purses_.emplace_back(figure_.what + " purse " + std::to_string(i) + " of " + std::to_string(clients_));
            issue(i);
          }
        });
  }

 protected:
  virtual std::size_t purses_needed() const { return clients_; }
  virtual void next(std::size_t client) = 0;

  void fail(const std::string& why) {
    figure_.errors = 1;
    figure_.error = why;
    end();
  }
  /// One operation is done; the next begins, until the time is over.
  void done(std::size_t client, base::Instant from, const std::string& why = {}) {
    const base::Instant at = now();
    if (why.empty()) note_delay(from, at);
    else if (figure_.errors++ == 0) figure_.error = why;
    if (!progress_->done(1, at)) over_ = true;
    if (!over_) return next(client);
    if (--under_way_ == 0) end();
  }

  const Ways ways_;
  const std::size_t clients_;
  wallet::BookId book_;
  std::deque<Purse> purses_;

 private:
  void issue(std::size_t purse) {
    ask<wallet::wire::Issue, wallet::wire::Posted>(
        ways_.wallet, now() + kDue,
        [&](wallet::wire::Issue::Builder out) {
          out.setTo(data_of(purses_[purse].policy.address().view()));
          out.setAmount(kMoneyEach);
          out.setRequest("bench " + figure_.what.substr(7) + ' ' + std::to_string(clients_) + ' ' +
                         std::to_string(purse));
        },
        [this](const runtime::Answer<wallet::wire::Posted>& posted) {
          if (!posted.ok()) return fail(posted.error().message);
          if (++issued_ < purses_needed()) return;
          progress_.emplace(now(), span_);
          under_way_ = clients_;
          for (std::size_t client = 0; client < clients_; ++client) next(client);
        });
  }

  const base::Duration span_;
  std::size_t issued_ = 0, under_way_ = 0;
  bool over_ = false;
};

class TransferLoad final : public MoneyLoad {
 public:
  static constexpr const char* kName = "transfer-load";
  using MoneyLoad::MoneyLoad;

 private:
  void next(std::size_t client) override {
    Purse& purse = purses_[client];
    Address to;
    to.bytes = crypto::sha256(base::as_bytes("recipient " + std::to_string(random().below(kRecipients)))).bytes;
    const wallet::Transfer transfer{book_, purse.policy.address(), {purse.debits + 1}, {{to, Amount::of(1)}}, ""};
    ask<wallet::wire::PostTransfer, wallet::wire::Posted>(
        ways_.wallet, now() + kDue,
        [&](wallet::wire::PostTransfer::Builder out) { purse.write(out.initTransfer(), transfer); },
        [this, client, from = now()](const runtime::Answer<wallet::wire::Posted>& posted) {
          if (posted.ok()) ++purses_[client].debits;
          done(client, from, posted.ok() ? "" : posted.error().message);
        });
  }
};

/// Pairs of a buyer and a provider, each from the proposal to the last payment.
class WholeEscrows final : public MoneyLoad {
 public:
  static constexpr const char* kName = "whole-escrows";
  using MoneyLoad::MoneyLoad;

 private:
  struct Under {
    base::Instant from;
    escrow::Agreement agreement;
    escrow::EscrowId id;
    std::array<std::uint64_t, 2> numbers{};
    std::uint64_t sequence = 0;
  };
  std::size_t purses_needed() const override { return 2 * clients_; }
  Purse& buyer(std::size_t client) { return purses_[2 * client]; }
  Purse& provider(std::size_t client) { return purses_[2 * client + 1]; }

  void next(std::size_t client) override {
    under_.resize(clients_);
    Under& it = under_[client];
    it = {.from = now()};
    it.agreement = {.book = book_,
                    .buyer = buyer(client).policy.address(),
                    .provider = provider(client).policy.address(),
                    .fund = wallet::account_of("fund", book_.view()),
                    .price = Amount::of(100),
                    .bond = Amount::of(15)};
    it.agreement.terms.start = it.agreement.terms.deliver = {escrow::Due::Kind::after, std::chrono::hours(24)};
    node().world().chance.fill(it.agreement.nonce);
    it.id = id_of(it.agreement);
    ask<escrow::wire::OpenEscrow, escrow::wire::EscrowIs>(
        ways_.escrow, now() + kDue,
        [&](escrow::wire::OpenEscrow::Builder out) {
          out.setAgreement(data_of(encode(it.agreement)));
          buyer(client).write(out.initSign(), act(it, true, escrow::Sign{escrow::commitment_of({})}));
        },
        [this, client](const runtime::Answer<escrow::wire::EscrowIs>& opened) {
          if (!opened.ok()) return over(client, opened.error().message);
          step(client, 0);
        });
  }
  escrow::Act act(Under& it, bool by_buyer, escrow::What what) {
    const Address& by = by_buyer ? it.agreement.buyer : it.agreement.provider;
    return {it.id, by, ++it.numbers[by_buyer ? 0 : 1], std::move(what)};
  }
  void step(std::size_t client, int number) {
    escrow::Cid cid;
    cid.bytes = under_[client].id.bytes;
    switch (number) {
      case 0: return take(client, number, false, escrow::Sign{escrow::commitment_of({})});
      case 1: return fund(client, number, true);
      case 2: return fund(client, number, false);
      case 3: return take(client, number, false, escrow::Start{});
      case 4: return take(client, number, false, escrow::Deliver{cid});
      case 5: return take(client, number, true, escrow::Accept{escrow::Delivery{cid, 1}.hash(under_[client].id)});
      default: return await_payment(client);
    }
  }
  void fund(std::size_t client, int number, bool by_buyer) {
    Purse& purse = by_buyer ? buyer(client) : provider(client);
    const Amount share = Amount::of(by_buyer ? 115 : 15);
    const wallet::Transfer deposit{
        book_, purse.policy.address(), {++purse.debits}, {{escrow::account_of(under_[client].id), share}}, "escrow"};
    take(client, number, by_buyer, escrow::Fund{wallet::id_of(deposit), share}, deposit);
  }
  void take(std::size_t client, int number, bool by_buyer, escrow::What what,
            const std::optional<wallet::Transfer>& deposit = {}) {
    const Purse& purse = by_buyer ? buyer(client) : provider(client);
    ask<escrow::wire::TakeAct, escrow::wire::ActTaken>(
        ways_.escrow, now() + kDue,
        [&](escrow::wire::TakeAct::Builder out) {
          purse.write(out.initAct(), act(under_[client], by_buyer, std::move(what)));
          if (deposit) purse.write(out.initDeposit(), *deposit);
        },
        [this, client, number](runtime::Answer<escrow::wire::ActTaken> taken) {
          if (!taken.ok()) return over(client, "step " + std::to_string(number) + ": " + taken.error().message);
          under_[client].sequence = taken.value().getSequence();
          step(client, number + 1);
        });
  }
  /// Waits until the ledger has confirmed the payouts.
  void await_payment(std::size_t client) {
    ask<escrow::wire::GetEscrow, escrow::wire::EscrowIs>(
        ways_.escrow, now() + kDue,
        [&](escrow::wire::GetEscrow::Builder out) {
          out.setEscrow(data_of(under_[client].id.view()));
          out.setAfter(under_[client].sequence);
        },
        [this, client](runtime::Answer<escrow::wire::EscrowIs> is) {
          if (!is.ok()) return over(client, is.error().message);
          for (const auto bytes : is.value().getEntries()) {
            const auto entry = escrow::decode_entry(bytes_of(bytes));
            if (entry && std::holds_alternative<escrow::PaymentEnded>(entry->event)) return over(client, "");
          }
          looking_.push_back(client);
          after<Look>(kPaidLook);
        });
  }
  void receive(runtime::Handlers& on) override {
    on.timer<Look>([this] {
      for (const std::size_t client : std::exchange(looking_, {})) await_payment(client);
    });
  }
  void over(std::size_t client, const std::string& why) { done(client, under_[client].from, why); }

  struct Look {};
  std::vector<Under> under_;
  std::vector<std::size_t> looking_;
};

Ways ways_to(NodeProcesses& processes, std::size_t node) {
  return {processes.service(node, wallet::kPath), processes.service(node, escrow::kPath)};
}

}  // namespace

Measurement<Figures> measure_transfers(os::Waker& waker, Runner& runner, NodeProcesses& processes,
                                       base::Duration span) {
  if (auto begun = processes.begin(waker, runner); !begun.ok()) return begun.error();
  auto figure =
      runner.measure<TransferLoad>("transfer-load", span, {.what = "escrow.transfer", .clients = kTransferClients},
                                   ways_to(processes, 0), kTransferClients, span);
  if (!figure.ok()) return figure.error();
  return Figures{figure.value()};
}

Measurement<Figures> measure_escrows(os::Waker& waker, Runner& runner, NodeProcesses& processes, base::Duration span) {
  if (auto made = processes.make_group(waker, runner); !made.ok()) return made.error();
  Figures out;
  for (const std::size_t clients : {std::size_t{1}, std::size_t{64}}) {
    const auto leads = processes.leader(runner);
    if (!leads.ok()) return leads.error();
    auto figure = runner.measure<WholeEscrows>("whole-escrows", span, {.what = "escrow.whole", .clients = clients},
                                               ways_to(processes, leads.value()), clients, span);
    if (!figure.ok()) return figure.error();
    out.push_back(std::move(figure).value());
  }
  return out;
}

}  // namespace troupe::bench
