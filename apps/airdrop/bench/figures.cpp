// The figures of `troupe bench escrow` about airdrops.
#include "apps/airdrop/bench/figures.hpp"

#include <algorithm>

#include "actors/airdrop/api.hpp"
#include "actors/airdrop/codec.hpp"
#include "apps/bench/purse.hpp"
#include "apps/bench/ran.hpp"
#include "messages/codec.hpp"

namespace troupe::bench {
namespace {

constexpr std::size_t kAccounts = 100'000;           // the issue on escrow
constexpr std::uint64_t kPool = 1'000'000'000;       // our choice
constexpr std::chrono::seconds kPatient{300};        // our choice: after that the figure has failed
constexpr std::chrono::milliseconds kLookEvery{20};  // our choice

std::vector<airdrop::Recipient> many_recipients() {
  std::vector<airdrop::Recipient> out;
  for (std::size_t i = 0; i < kAccounts; ++i) {
    airdrop::Recipient one{{}, 1 + i % 100};
    one.to.bytes = crypto::sha256(base::as_bytes("recipient " + std::to_string(i))).bytes;
    out.push_back(one);
  }
  std::ranges::sort(out, {}, &airdrop::Recipient::to);
  return out;
}

/// One airdrop, from the first request to the last payment.
class AirdropLoad final : public Measuring {
 public:
  static constexpr const char* kName = "airdrop-load";
  AirdropLoad(runtime::Handle wallet, runtime::Handle airdrops, std::shared_ptr<airdrop::AirdropId> id, Figure figure,
              Measured measured)
      : Measuring(std::move(figure), std::move(measured)), wallet_(wallet), airdrops_(airdrops), id_(std::move(id)) {}

  void receive(runtime::Handlers& on) override {
    on.timer<Look>([this] { look(); });
  }
  void start() override {
    ask<wallet::wire::Issue, wallet::wire::Posted>(
        wallet_, now() + kDue,
        [&](wallet::wire::Issue::Builder out) {
          out.setTo(data_of(owner_.policy.address().view()));
          out.setAmount(kPool);
          out.setRequest("bench airdrop");
        },
        [this](const runtime::Answer<wallet::wire::Posted>& posted) {
          if (!posted.ok()) return fail(posted.error().message);
          ask<wallet::wire::GetBook, wallet::wire::BookIs>(
              wallet_, now() + kDue, [](wallet::wire::GetBook::Builder) {},
              [this](runtime::Answer<wallet::wire::BookIs> book) {
                if (!book.ok()) return fail(book.error().message);
                create(*wallet::BookId::from(bytes_of(book.value().getBook())));
              });
        });
  }

 private:
  struct Look {};
  void fail(const std::string& why) {
    figure_.errors = 1;
    figure_.error = why;
    end();
  }
  void create(const wallet::BookId& book) {
    const auto list = many_recipients();
    pages_ = airdrop::pages_of(list);
    airdrop::Terms blank;
    blank.book = book;
    blank.owner = owner_.policy.address();
    blank.pool = wallet::Amount::of(kPool);
    const airdrop::Terms terms = airdrop::make_terms(blank, list).value();
    *id_ = id_of(terms);
    const wallet::Transfer deposit{book, blank.owner, {1}, {{airdrop::account_of(*id_), blank.pool}}, "airdrop"};
    from_ = now();
    ask<airdrop::wire::CreateAirdrop, airdrop::wire::AirdropIs>(
        airdrops_, now() + kDue,
        [&](airdrop::wire::CreateAirdrop::Builder out) {
          out.setTerms(data_of(encode(terms)));
          wallet::write(out.initBy(), owner_.sign(encode(terms)));
          owner_.write(out.initDeposit(), deposit);
        },
        [this](const runtime::Answer<airdrop::wire::AirdropIs>& created) {
          if (!created.ok()) return fail(created.error().message);
          hand_in(0);
        });
  }
  void hand_in(std::uint32_t number) {
    if (number == pages_.size()) return look();
    ask<airdrop::wire::AddPage, airdrop::wire::AirdropStep>(
        airdrops_, now() + kDue,
        [&](airdrop::wire::AddPage::Builder out) {
          out.setId(data_of(id_->view()));
          out.setPage(number);
          out.setRows(data_of(encode(pages_[number])));
        },
        [this, number](const runtime::Answer<airdrop::wire::AirdropStep>& step) {
          if (!step.ok()) return fail(step.error().message);
          hand_in(number + 1);
        });
  }
  void look() {
    ask<airdrop::wire::GetAirdrop, airdrop::wire::AirdropIs>(
        airdrops_, now() + kDue, [&](airdrop::wire::GetAirdrop::Builder out) { out.setId(data_of(id_->view())); },
        [this](runtime::Answer<airdrop::wire::AirdropIs> is) {
          if (!is.ok()) return fail(is.error().message);
          const auto seen = airdrop::read(is.value());
          if (!seen) return fail("it is not an airdrop");
          if (!final(seen->airdrop.state)) return after<Look>(kLookEvery);
          if (seen->airdrop.cursor.paid.units() != kPool) return fail("the pool was not paid");
          figure_.seconds = std::chrono::duration<double>(now() - from_).count();
          figure_.per_second = static_cast<double>(kAccounts) / *figure_.seconds;
          end();
        });
  }

  const runtime::Handle wallet_, airdrops_;
  const std::shared_ptr<airdrop::AirdropId> id_;
  const Purse owner_{"airdrop owner"};
  std::vector<airdrop::Page> pages_;
  base::Instant from_;
};

/// Runs `troupe airdrop verify` as a user does.
Figure verify(Runner& runner, const std::string& data, const airdrop::AirdropId& id) {
  Figure figure{.what = "airdrop.verify"};
  const Ran ran = run_troupe(runner, {"airdrop", "verify", id.hex(), "--data", data, "--json"});
  figure.seconds = ran.seconds;
  if (ran.done) return figure;
  figure.errors = 1;
  figure.error = "`troupe airdrop verify` did not end with 0";
  return figure;
}

}  // namespace

Measurement<Figures> measure_airdrop(os::Waker& waker, Runner& runner, NodeProcesses& processes) {
  if (auto begun = processes.begin(waker, runner); !begun.ok()) return begun.error();
  const auto id = std::make_shared<airdrop::AirdropId>();
  auto figure =
      runner.measure<AirdropLoad>("airdrop-load", kPatient, {.what = "airdrop.pay"},
                                  processes.service(0, wallet::kPath), processes.service(0, airdrop::kPath), id);
  if (!figure.ok()) return figure.error();
  Figures out{figure.value()};
  if (out.front().errors == 0) out.push_back(verify(runner, processes.data(0), *id));
  return out;
}

}  // namespace troupe::bench
