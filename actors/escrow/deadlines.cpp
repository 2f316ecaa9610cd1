// When a deadline has passed, and what is due then.
#include <algorithm>

#include "actors/escrow/api.hpp"
#include "actors/escrow/escrows_actor.hpp"
#include "messages/words.hpp"

namespace troupe::escrow {
namespace {

using base::Bytes;

constexpr std::uint32_t kTimersAtOnce = 256;    // our choice
constexpr std::chrono::seconds kLookAhead{10};  // our choice: a clock that steps is noticed
constexpr std::chrono::seconds kClockDue{1};
constexpr std::chrono::seconds kFireDue{30};

}  // namespace

/// The clocks of the members, as far as they have answered.
struct EscrowsActor::Clocks {
  std::size_t waits = 0, members = 1;
  std::int64_t asked_at = 0;  ///< ms of the monotonic clock
  std::vector<UnixMs> told;
  base::Callback<void()> then;
};

void EscrowsActor::arm(UnixMs deadline) {
  if (next_deadline_ && *next_deadline_ <= deadline) return;
  next_deadline_ = deadline;
  const UnixMs at = time();
  const base::Duration left = deadline > at
                                  ? std::chrono::duration_cast<base::Duration>(std::min<std::chrono::milliseconds>(
                                        std::chrono::milliseconds((deadline - at).count()), kLookAhead))
                                  : base::Duration::zero();
  if (!firing_) after<Deadlines>(left);
}

/// Whether this node's date has gone on as its monotonic clock for long enough.
bool EscrowsActor::steady() {
  const auto offset =
      std::chrono::duration_cast<std::chrono::nanoseconds>(wall().since_origin() - now().since_origin());
  if (offset_ && std::chrono::abs(offset - *offset_) > kStep) {
    stepped_ = now();
    settings_->log.warn("the date of this node has made a step: deadlines wait",
                        {{"ms", std::chrono::duration_cast<std::chrono::milliseconds>(offset - *offset_).count()}});
  }
  offset_ = offset;
  return !stepped_ || now() >= *stepped_ + kSteadyFor;
}

void EscrowsActor::deadlines() {
  if (!storage_ || firing_) return;
  const bool steady_now = steady();
  const bool alone = seat_.place().kind == durable::Place::Kind::self;
  const UnixMs at = time();
  if (!next_deadline_) return;
  if (at < *next_deadline_ || !alive_ || !candidates_ || (alone && !steady_now)) {
    const UnixMs next = *std::exchange(next_deadline_, std::nullopt);
    arm(std::max(next, at + (at < next ? UnixMs(0) : std::chrono::duration_cast<UnixMs>(kTryAgain))));
    return;
  }
  firing_ = true;
  next_deadline_.reset();
  agree_on_time([this, run = run_] {
    if (run == run_) fire(time(), {}, UnixMs::max());
  });
}

/// The latest time that a majority of the members has passed; a silent one has passed none. Without a majority it stays
/// as it was: nothing can be committed then.
void EscrowsActor::agree_on_time(base::Callback<void()> then) {
  const auto clocks = std::make_shared<Clocks>();
  const UnixMs own = wallet::unix_ms(wall());
  clocks->told.push_back(own);
  clocks->then = std::move(then);
  const auto settle = [this, clocks, run = run_] {
    if (clocks->waits > 0) return;
    clocks->told.resize(clocks->members, UnixMs(0));
    std::ranges::sort(clocks->told, std::greater());
    const UnixMs agreed = clocks->told[clocks->members / 2];
    if (agreed > UnixMs(0) && clocks->members > 1 && run == run_)
      correction_->store(static_cast<std::int64_t>(agreed.count()) - clocks->asked_at, std::memory_order_relaxed);
    clocks->then();
  };
  clocks->asked_at = std::chrono::duration_cast<std::chrono::milliseconds>(now().since_origin()).count();
  const base::NodeId self = settings_->pool->setup().identity->id();
  for (const base::NodeId& member : seat_.members()) {
    if (member == self) continue;
    ++clocks->members;
    const auto link = settings_->pool->in_service(member);
    if (!link) continue;
    ++clocks->waits;
    ask<wire::GetClock, wire::ClockIs>(
        link->proxy(kPath), now() + kClockDue, [](wire::GetClock::Builder) {},
        [clocks, settle](runtime::Answer<wire::ClockIs> clock) {
          --clocks->waits;
          if (clock.ok()) clocks->told.push_back(UnixMs(clock.value().getNow()));
          settle();
        });
  }
  settle();
}

/// All timers up to that time, page by page; then the next one is waited for.
void EscrowsActor::fire(UnixMs at, const Bytes& from, UnixMs next) {
  storage_->range(rows::prefix('t'), from.empty() ? rows::prefix('t') : from, kTimersAtOnce,
                  [this, run = run_, at, next](const base::Outcome<durable::Storage::Page>& page) mutable {
                    if (run != run_) return;
                    struct Round {
                      std::size_t waits = 0;
                      std::function<void()> done;
                    };
                    const auto round = std::make_shared<Round>();
                    bool more = page.ok() && page.value().next.has_value(), due_any = !page.ok();
                    if (page.ok())
                      for (const auto& row : page.value().rows) {
                        const auto timer = rows::decode_timer(row.key);
                        if (!timer) continue;
                        if (timer->deadline > at) {
                          next = std::min(next, timer->deadline);
                          more = false;
                          break;
                        }
                        due_any = true;
                        ++round->waits;
                        ask_due(timer->id, [round] {
                          if (--round->waits == 0 && round->done) round->done();
                        });
                      }
                    // What could not fire is looked at again a little later.
                    if (due_any) next = std::min<UnixMs>(next, time() + std::chrono::duration_cast<UnixMs>(kTryAgain));
                    const std::optional<Bytes> on = more ? page.value().next : std::nullopt;
                    auto finished = [this, run, at, next, on]() mutable {
                      if (run != run_) return;
                      if (on) return fire(at, *on, next);
                      firing_ = false;
                      if (next_deadline_) next = std::min(next, *std::exchange(next_deadline_, std::nullopt));
                      if (next != UnixMs::max()) arm(next);
                    };
                    if (round->waits == 0) return finished();
                    round->done = finished;
                  });
}

void EscrowsActor::ask_due(const EscrowId& id, base::Callback<void()> done) {
  // Who can be drawn is not known before the arbiters are read: at the next look.
  if (!candidates_ || escrows_.ends(id.hex())) return done();
  runtime::Envelope due =
      runtime::Envelope::build<wire::DueAt>({.due = now() + kFireDue}, [&](wire::DueAt::Builder out) {
        out.setUpSince(up_since_.count());
        auto list = out.initCandidates(size32(*candidates_));
        for (unsigned i = 0; i < list.size(); ++i) {
          list[i].setAddress(data_of((*candidates_)[i].address.view()));
          list[i].setBond((*candidates_)[i].bond.units());
        }
      });
  ask_escrow(id, {std::move(due), {}, std::move(done)});
}

/// Notes that the book takes commands; and, at the beginning of a term, finds out for how long it did not.
void EscrowsActor::note_alive() {
  if (!storage_) return;
  steady();
  const auto commit = [this, run = run_] {
    const Bytes row = rows::encode(rows::Alive{up_since_, time()});
    durable::Storage::Commit change{.head = rows::alive_key(), .expected = alive_row_};
    change.rows[rows::alive_key()] = row;
    storage_->commit(std::move(change), [this, run, row](const base::Outcome<void>& done) {
      if (run != run_) return;
      if (done.ok()) alive_row_ = row;
      else alive_ = false;  // read again
      if (alive_) wake_unfinished();
      after<Alive>(done.ok() ? std::chrono::duration_cast<base::Duration>(kAliveEvery) : kTryAgain);
    });
  };
  if (alive_) return agree_on_time(commit);
  storage_->take([this, run = run_, commit](const base::Outcome<void>& taken) {
    if (run != run_) return;
    if (!taken.ok()) return after<Alive>(kTryAgain);
    storage_->get(rows::alive_key(), [this, run, commit](const base::Outcome<std::optional<Bytes>>& row) {
      if (run != run_) return;
      if (!row.ok()) return after<Alive>(kTryAgain);
      alive_row_ = row.value();
      agree_on_time([this, run, commit] { back(run, commit); });
    });
  });
}

/// For how long the book took no commands, at the beginning of a term.
void EscrowsActor::back(std::uint64_t run, const std::function<void()>& commit) {
  if (run != run_) return;
  // Too few members have said what time it is.
  if (seat_.members().size() > 1 && correction_->load() == kNoGroup) return after<Alive>(kTryAgain);
  if (const auto before = alive_row_ ? rows::decode_alive(*alive_row_) : std::nullopt) {
    const bool outage = before->at + std::chrono::duration_cast<UnixMs>(kOutage) < time();
    up_since_ = outage ? time() : before->since;
    if (outage) settings_->log.info("the book is back after an outage: deadlines wait for their grace");
  }
  alive_ = true;
  for (Nothing& one : std::exchange(ready_, {})) one.done();
  for (Early& one : std::exchange(early_, {})) take(std::move(one));
  wake_unfinished();
  arm(time());
  commit();
}

}  // namespace troupe::escrow
