// Changes outside the log: statements about arbiters, and unsolicited deposits. Each is a row, and the head changes
// with the row.
#include <algorithm>

#include "actors/escrow/arbiters_actor.hpp"
#include "actors/escrow/escrow_actor.hpp"
#include "messages/words.hpp"

namespace troupe::escrow {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

constexpr std::chrono::seconds kSayAgain{1};     // our choice
constexpr std::uint32_t kReturnsAMinute = 2;     // our choice: of all escrows on a chain, a fee of the node each
constexpr std::chrono::minutes kReturnAgain{1};  // until the count of the minute begins anew

}  // namespace

// -- what is said of arbiters

std::map<Bytes, Address> EscrowActor::sayings_of(const ActWanted* act, const Decision& decision,
                                                 const Escrow& after_it) const {
  std::map<Bytes, Address> out;
  const auto add = [&](std::size_t round, ArbiterHow how, const Address& arbiter) {
    out.emplace(rows::arbiter_key(setup_.id, round, static_cast<std::uint8_t>(how)), arbiter);
  };
  for (const Effect& one : decision.effects)
    if (const auto* silent = std::get_if<ForfeitArbiter>(&one)) add(silent->round, ArbiterHow::silent, silent->arbiter);
  for (const Event& one : decision.events)
    if (const auto* drawn = std::get_if<ArbiterDrawn>(&one))
      add(after_it.drawn.size(), ArbiterHow::drawn, drawn->arbiter);
  const bool ends = act != nullptr && escrow().stage == Stage::disputed && escrow::is_final(after_it.stage);
  if (ends && !after_it.drawn.empty())
    add(after_it.drawn.size(), std::holds_alternative<Rule>(act->acted.act.what) ? ArbiterHow::ruled : ArbiterHow::over,
        after_it.drawn.back());
  return out;
}

/// The first of them, until it is answered; then the next.
void EscrowActor::say() {
  if (sayings_.empty() || std::exchange(saying_, true)) return;
  const auto& [key, arbiter] = *sayings_.begin();
  ask<wire::ArbiterAct, messages::wire::Nothing>(
      node().find(kArbitersPath), now() + kBookDue,
      [&, &key = key, &arbiter = arbiter](wire::ArbiterAct::Builder out) {
        out.setEscrow(data_of(setup_.id.view()));
        out.setRound(static_cast<std::uint32_t>(durable::ordered_at(key, key.size() - 9)));
        out.setHow(static_cast<wire::ArbiterHow>(key.back()));
        out.setArbiter(data_of(arbiter.view()));
        out.setBuyer(data_of(escrow().agreement.buyer.view()));
        out.setProvider(data_of(escrow().agreement.provider.view()));
      },
      [this, key = key, run = run_](const runtime::Answer<messages::wire::Nothing>& answer) {
        if (run != run_) return;
        saying_ = false;
        if (!answer.ok()) return after<Resend>(kSayAgain);
        want({.what = SaidWanted{key}, .own = true, .done = [this](const base::Outcome<Taken>&) { say(); }});
      });
}

/// That row is not needed any more.
void EscrowActor::forget(Wanted wanted) {
  const Bytes row = std::get<SaidWanted>(wanted.what).row;
  durable::Storage::Commit commit{.head = {}};
  commit.rows[row] = std::nullopt;
  rows::Aside is = aside();
  is.sayings = sayings_.size() > sayings_.count(row);
  commit_aside(std::move(wanted), std::move(commit), is, [this, row] { sayings_.erase(row); });
}

/// What is in no event: only the head changes with it, and when the escrow goes on by itself.
void EscrowActor::commit_aside(Wanted wanted, durable::Storage::Commit commit, const rows::Aside& is,
                               base::Callback<void()> then) {
  commit.rows[rows::key('h', setup_.id)] =
      rows::encode(rows::Head{replay_->sequence(), commits_ + 1, replay_->hash(), is.strays});
  commit.rows[rows::key('o', setup_.id)] = rows::unfinished_row(!unfinished(escrow()).empty(), is);
  make_durable(std::move(commit), [this, done = std::move(wanted.done), due = is.strays_due,
                                   then = std::move(then)](const base::Outcome<void>& written) mutable {
    if (!written.ok()) return done(written.error());
    strays_due_ = due;
    then();
    done(Taken{replay_->sequence(), false});
  });
}

// -- what comes unasked

/// Credits are told in their order: one that is not above the latest was told before.
bool EscrowActor::told(std::uint64_t sequence) const {
  return sequence <= std::max(escrow().arrived, strays_.latest());
}

void EscrowActor::note(Wanted wanted) {
  const Arrived came = std::get<Arrived>(std::get<Command>(wanted.what));
  if (told(came.sequence) && !world().mutations.on("escrow.counts_twice"))
    return wanted.done(Taken{replay_->sequence(), false});
  const auto sum = strays_.with(came.sequence, came.from, came.amount);
  if (!sum) return wanted.done(Error{Code::refused, "an account has no more than 2^63 units"});
  durable::Storage::Commit commit{.head = {}};
  commit.rows[rows::stray_key(setup_.id, sum->from)] = wallet::encode(*sum);
  rows::Aside is = aside();
  if (sum->amount == came.amount) ++is.strays;  // the first of its sender
  const bool begins = !is.strays_due;
  if (begins) is.strays_due = strays_due(is.strays, strays_.sum() + came.amount.units(), escrow().returns);
  commit_aside(std::move(wanted), std::move(commit), is, [this, sum, begins] {
    strays_.put(*sum);
    if (begins) wait_for_strays();
    if (strays_.size() >= wallet::kStraysAtOnce) give_back();
  });
}

/// Where its return costs the book's node a fee, it waits for more: one transfer can pay dust to many escrows.
std::optional<UnixMs> EscrowActor::strays_due(std::uint64_t strays, wallet::Wide sum, std::uint64_t returns) const {
  if (strays == 0 || (setup_.place.chain && sum < kGatheredMin)) return std::nullopt;
  return time() + std::chrono::duration_cast<UnixMs>(wallet::strays_wait(returns));
}

void EscrowActor::wait_for_strays() {
  if (!strays_due_) return;
  const UnixMs at = time();
  const UnixMs left = *strays_due_ > at ? std::min(*strays_due_ - at, rows::kUnfinishedWaitMax) : UnixMs(0);
  after<GiveBackDue>(std::chrono::duration_cast<base::Duration>(left));
}

void EscrowActor::give_back() {
  if (!strays_due_) return;
  if (*strays_due_ > time() && strays_.size() < wallet::kStraysAtOnce) return wait_for_strays();
  if (setup_.place.chain && setup_.returns->fetch_add(1) >= kReturnsAMinute) return after<GiveBackDue>(kReturnAgain);
  want({.what = Command(GiveBack{}), .own = true, .done = [this](const base::Outcome<Taken>& taken) {
          if (!taken.ok() && loaded_) after<GiveBackDue>(kSayAgain);
        }});
}

}  // namespace troupe::escrow
