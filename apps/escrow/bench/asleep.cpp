// The figures of `troupe bench escrow` about sleeping escrows.
#include <algorithm>

#include "actors/escrow/api.hpp"
#include "actors/escrow/rows.hpp"
#include "apps/bench/purse.hpp"
#include "apps/escrow/bench/figures.hpp"
#include "messages/codec.hpp"
#include "runtime/os/disk.hpp"
#include "runtime/store/store.hpp"

namespace troupe::bench {
namespace {

constexpr std::size_t kAsleep = 1'000'000;             // the issue on escrow
constexpr std::size_t kWakes = 2'000;                  // our choice
constexpr std::size_t kPlantedAtOnce = 2'000;          // our choice: below the limit of a group of commits
constexpr std::chrono::seconds kSettles{3};            // our choice: a started node is still changing
constexpr std::chrono::seconds kUnlocks{20};           // our choice
constexpr std::chrono::minutes kWakesMost{5};          // our choice
constexpr std::chrono::hours kBeginsWithin{24 * 300};  // no deadline occurs during the measurement

Failure no_rows(const std::string& why) {
  return {{base::Code::internal, "cannot create the escrows: " + why}, "nothing was measured", "", Exit::failed};
}

/// Proposals of one buyer, which differ by their nonces. All have the same signature: nothing checks it.
class Proposals {
 public:
  explicit Proposals(const wallet::BookId& book) {
    agreement_ = {.book = book,
                  .buyer = buyer_.policy.address(),
                  .provider = provider_.policy.address(),
                  .fund = wallet::account_of("fund", book.view()),
                  .price = wallet::Amount::of(100),
                  .bond = wallet::Amount::of(15)};
    agreement_.terms.sign_by = std::chrono::duration_cast<wallet::UnixMs>(kBeginsWithin);
    agreement_.terms.start = agreement_.terms.deliver = {escrow::Due::Kind::after, std::chrono::hours(24)};
    const base::Bytes act =
        escrow::encode({id_of(agreement_), agreement_.buyer, 1, escrow::Sign{escrow::commitment_of({})}});
    act_ = {act, buyer_.policy, {buyer_.sign(act)}};
  }
  const escrow::Agreement& agreement(std::size_t number) {
    agreement_.nonce = {};
    for (std::size_t i = 0; i < 8; ++i) agreement_.nonce[i] = static_cast<std::uint8_t>(number >> (8 * i));
    return agreement_;
  }
  escrow::rows::Changes rows(std::size_t number, wallet::UnixMs now) {
    return escrow::rows::of_proposal(agreement(number), escrow::commitment_of({}), {}, act_, now).rows;
  }

 private:
  const Purse buyer_{"sleeping buyer"}, provider_{"sleeping provider"};
  escrow::Agreement agreement_;
  wallet::SignedBytes act_{{}, buyer_.policy, {}};
};

/// Writes them as their actors would, into the store of a stopped node.
Measurement<void> plant(Runner& runner, const std::string& data, Proposals& proposals) {
  const auto disk = os::open_disk(data);
  if (!disk.ok()) return no_rows("its directory cannot be opened");
  const base::Instant due = runner.now() + kUnlocks;
  std::unique_ptr<store::Store> store;
  while (!store) {
    auto opened = store::Store::open(*disk.value(), "store", store::Background::thread, 1);
    if (opened.ok()) store = std::move(opened).value();
    else if (runner.now() > due) return no_rows("its store is in use");
    else if (auto paused = runner.pause(std::chrono::milliseconds(50)); !paused.ok()) return paused.error();
  }
  const wallet::UnixMs now = wallet::unix_ms(runner.node().world().clock.wall());
  for (std::size_t from = 0; from < kAsleep; from += kPlantedAtOnce) {
    std::vector<escrow::rows::Changes> changes;
    for (std::size_t i = from; i < from + kPlantedAtOnce; ++i) changes.push_back(proposals.rows(i, now));
    for (const auto& one : changes) {
      store::Commit commit;
      for (const auto& [key, value] : one)
        commit.rows.push_back({"escrow", key, value ? std::optional(base::ByteView(*value)) : std::nullopt});
      if (!store->fits(commit))
        if (const auto flushed = store->flush(); !flushed.ok()) return no_rows(flushed.error().message);
      if (const auto added = store->add(commit); !added.ok()) return no_rows(added.error().message);
    }
    if (const auto flushed = store->flush(); !flushed.ok()) return no_rows(flushed.error().message);
    if (auto paused = runner.pause(std::chrono::milliseconds(0)); !paused.ok()) return paused.error();
  }
  return {};
}

/// Requests sleeping escrows, one after another.
class Waking final : public Measuring {
 public:
  static constexpr const char* kName = "waking";
  Waking(runtime::Handle escrows, std::shared_ptr<Proposals> proposals, Figure figure, Measured measured)
      : Measuring(std::move(figure), std::move(measured)), escrows_(escrows), proposals_(std::move(proposals)) {}

  void start() override { next(); }

 private:
  void next() {
    if (figure_.delays.size() == kWakes) return end();
    // A different escrow each time: an escrow that was woken stays awake for a minute.
    const auto id = id_of(proposals_->agreement(figure_.delays.size() * (kAsleep / kWakes)));
    ask<escrow::wire::GetEscrow, escrow::wire::EscrowIs>(
        escrows_, now() + kDue, [&](escrow::wire::GetEscrow::Builder out) { out.setEscrow(data_of(id.view())); },
        [this, from = now()](const runtime::Answer<escrow::wire::EscrowIs>& is) {
          figure_.delays.push_back(now() - from);
          if (is.ok()) return next();
          figure_.errors = 1;
          figure_.error = is.error().message;
          end();
        });
  }

  const runtime::Handle escrows_;
  const std::shared_ptr<Proposals> proposals_;
};

/// Reads the id of a node's book.
class BookOf final : public runtime::Actor {
 public:
  static constexpr const char* kName = "book-of";
  using Told = std::function<void(base::Outcome<wallet::BookId>)>;
  BookOf(runtime::Handle wallet, Told told) : wallet_(wallet), told_(std::move(told)) {}
  void receive(runtime::Handlers&) override {}
  void start() override {
    ask<wallet::wire::GetBook, wallet::wire::BookIs>(
        wallet_, now() + kDue, [](wallet::wire::GetBook::Builder) {},
        [this](runtime::Answer<wallet::wire::BookIs> book) {
          if (!book.ok()) told_(book.error());
          else told_(wallet::BookId::from(bytes_of(book.value().getBook())).value_or(wallet::BookId{}));
          finish();
        });
  }

 private:
  const runtime::Handle wallet_;
  const Told told_;
};

struct Begun {
  double seconds = 0, mib = 0;
};
/// Restarts the node with the data in its directory.
Measurement<Begun> begin_again(os::Waker& waker, Runner& runner, NodeProcesses& processes) {
  const base::Instant from = runner.now();
  if (auto again = processes.restart(waker, 0); !again.ok()) return again.error();
  Begun out{.seconds = std::chrono::duration<double>(runner.now() - from).count()};
  if (auto paused = runner.pause(kSettles); !paused.ok()) return paused.error();
  out.mib = static_cast<double>(processes.resident_bytes_max()) / (1024.0 * 1024.0);
  return out;
}

}  // namespace

Measurement<Figures> measure_asleep(os::Waker& waker, Runner& runner, NodeProcesses& processes) {
  if (auto begun = processes.begin(waker, runner); !begun.ok()) return begun.error();
  const auto book = runner.told<base::Outcome<wallet::BookId>>("book-of", kDue, [&](auto tell) {
    return factory<BookOf>(processes.service(0, wallet::kPath), BookOf::Told(tell));
  });
  if (!book.ok()) return book.error();
  if (!book.value().ok()) return no_rows(book.value().error().message);
  const auto none = begin_again(waker, runner, processes);
  if (!none.ok()) return none.error();
  processes.kill(0);
  const auto proposals = std::make_shared<Proposals>(book.value().value());
  if (auto planted = plant(runner, processes.data(0), *proposals); !planted.ok()) return planted.error();
  const auto with = begin_again(waker, runner, processes);
  if (!with.ok()) return with.error();
  Figure asleep{.what = "escrow.asleep", .clients = kAsleep}, start{.what = "escrow.start", .clients = kAsleep};
  asleep.mib = std::max(0.0, with.value().mib - none.value().mib);
  start.seconds = with.value().seconds;
  auto wake = runner.measure<Waking>("waking", kWakesMost, {.what = "escrow.wake"}, processes.service(0, escrow::kPath),
                                     proposals);
  if (!wake.ok()) return wake.error();
  return Figures{asleep, std::move(wake).value(), start};
}

}  // namespace troupe::bench
