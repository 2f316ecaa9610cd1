// The book's time, and deadlines that have passed.
#include <algorithm>

#include "actors/escrow/api.hpp"
#include "actors/escrow/escrows_actor.hpp"
#include "messages/codec.hpp"

namespace troupe::escrow {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

constexpr std::uint32_t kTimersAtOnce = 256;    // our choice
constexpr std::chrono::seconds kLookAhead{10};  // our choice: detects a clock that steps
constexpr std::chrono::seconds kClockDue{1};
constexpr std::chrono::seconds kFireDue{30};
// Our choice: retries take a tenth of the time, but the pause is never longer than kLookAgainMax.
constexpr int kLookPart = 10;
constexpr std::chrono::microseconds kSkipTakes{4}, kAskTakes{500};  // per timer; measured, about
constexpr std::chrono::minutes kLookAgainMax{10};

}  // namespace

/// The clocks of the members that have answered so far.
struct EscrowsActor::Clocks {
  std::size_t waits = 0, members = 1;
  std::int64_t asked_at = 0;  ///< ms of the monotonic clock
  std::vector<UnixMs> told;
  base::Callback<void()> then;
};

/// A scan of due timers.
struct EscrowsActor::Pass {
  UnixMs at;                              ///< timers up to then
  bool whole = false;                     ///< includes timers that could not fire before
  std::uint64_t skipped = 0, asked = 0;   ///< timers that did not fire
  UnixMs next = UnixMs::max();            ///< the first later deadline
  std::optional<base::Duration> early{};  ///< the least time until a timer that may not have fired can fire

  void leave(base::Duration until) { early = std::min(early.value_or(until), until); }
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

/// Returns whether this node's date has followed its monotonic clock for long enough.
bool EscrowsActor::steady() {
  const auto offset =
      std::chrono::duration_cast<std::chrono::nanoseconds>(wall().since_origin() - now().since_origin());
  if (offset_ && std::chrono::abs(offset - *offset_) > kStep) {
    stepped_ = now();
    settings_->log.warn("the clock of this node has jumped: deadlines wait",
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
    if (run == run_) fire();
  });
}

/// Finds the latest time that a majority of the members has passed; a silent member has passed none. Without a majority
/// the time stays unchanged, because then nothing can be committed.
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
  const base::NodeId self = settings_->links->self();
  for (const base::NodeId& member : seat_.members()) {
    if (member == self) continue;
    ++clocks->members;
    if (!settings_->links->linked(member)) continue;
    ++clocks->waits;
    ask<wire::GetClock, wire::ClockIs>(
        settings_->links->over_link(member, kPath), now() + kClockDue, [](wire::GetClock::Builder) {},
        [clocks, settle](runtime::Answer<wire::ClockIs> clock) {
          --clocks->waits;
          if (clock.ok()) clocks->told.push_back(UnixMs(clock.value().getNow()));
          settle();
        });
  }
  settle();
}

/// Scans timers that became due since the last scan, and at its time also those that could not fire.
void EscrowsActor::fire() {
  const auto pass = std::make_shared<Pass>(Pass{.at = time()});
  pass->whole = !look_again_ || now() >= *look_again_ || pass->at < passed_;
  fire_page(pass, pass->whole ? rows::prefix('t') : rows::timer_key(passed_ + UnixMs(1), {}));
}

/// Scans page by page.
void EscrowsActor::fire_page(const std::shared_ptr<Pass>& pass, const Bytes& from) {
  storage_->range(rows::prefix('t'), from, kTimersAtOnce,
                  [this, run = run_, pass](const base::Outcome<durable::Storage::Page>& page) {
                    if (run != run_) return;
                    struct Round {
                      std::size_t waits = 1;  // for the page itself
                      std::optional<Bytes> next;
                    };
                    const auto round = std::make_shared<Round>();
                    const auto answered = [this, run, pass, round] {
                      if (--round->waits > 0 || run != run_) return;
                      if (round->next) fire_page(pass, *round->next);
                      else fired(*pass);
                    };
                    if (page.ok()) round->next = page.value().next;
                    else pass->leave(base::Duration::zero());
                    for (std::size_t i = 0; page.ok() && i < page.value().rows.size(); ++i) {
                      const auto& row = page.value().rows[i];
                      const auto timer = rows::decode_timer(row.key, row.value);
                      if (!timer) continue;
                      if (timer->deadline > pass->at) {
                        pass->next = timer->deadline;
                        round->next.reset();
                        break;
                      }
                      const UnixMs fires = timer->fires(up_since_);
                      if (fires > pass->at) {
                        const UnixMs most = std::chrono::duration_cast<UnixMs>(kLookAgainMax);
                        pass->leave(std::min(fires - pass->at, most));
                        ++pass->skipped;
                        continue;
                      }
                      ++round->waits;
                      ask_due(*timer, pass, answered);
                    }
                    answered();
                  });
}

void EscrowsActor::fired(const Pass& pass) {
  firing_ = false;
  passed_ = pass.at;
  if (pass.whole) {
    look_again_.reset();
    look_pace_ = std::clamp<base::Duration>(kLookPart * (pass.skipped * kSkipTakes + pass.asked * kAskTakes), kTryAgain,
                                            kLookAgainMax);
  }
  const auto told = std::exchange(next_deadline_, std::nullopt);
  // A deadline that was reported during the scan may have its row before the scan's position.
  if (pass.early || (told && *told <= passed_)) look_again(pass.early.value_or(base::Duration::zero()));
  else if (look_again_) look_again(base::Duration::max());
  for (const auto next : {told.value_or(pass.next), pass.next})
    if (next > passed_ && next != UnixMs::max()) arm(next);
}

/// Schedules a scan of timers up to `passed_`, after that time, but within the limit of its pace; never later than
/// planned.
void EscrowsActor::look_again(base::Duration after) {
  const auto again = now() + std::clamp<base::Duration>(after, look_pace_, kLookAgainMax);
  look_again_ = std::min(look_again_.value_or(again), again);
  arm(time() + std::chrono::ceil<UnixMs>(std::max(*look_again_ - now(), base::Duration::zero())));
}

void EscrowsActor::ask_due(const rows::Timer& timer, const std::shared_ptr<Pass>& pass, base::Callback<void()> done) {
  due_.insert(timer.id);
  auto answered = [this, run = run_, id = timer.id, pass, done = std::move(done)]() mutable {
    // The escrow has reported its events before its reply (happened).
    if (run == run_ && due_.erase(id) > 0) {
      pass->leave(base::Duration::zero());
      ++pass->asked;
    }
    done();
  };
  // The candidates are unknown until the arbiters are read: fire at the next scan.
  if (!candidates_ || escrows_.ends(timer.id.hex())) return answered();
  runtime::Envelope due =
      runtime::Envelope::build<wire::DueAt>({.due = now() + kFireDue}, [&](wire::DueAt::Builder out) {
        out.setUpSince(up_since_.count());
        if (!timer.draws) return;
        auto list = out.initCandidates(size32(*candidates_));
        for (unsigned i = 0; i < list.size(); ++i) {
          list[i].setAddress(data_of((*candidates_)[i].address.view()));
          list[i].setBond((*candidates_)[i].bond.units());
          list[i].setSince((*candidates_)[i].since.count());
        }
      });
  ask_escrow(timer.id, {std::move(due), {}, std::move(answered)});
}

/// Records that the book accepts commands; at the beginning of a term, finds out how long it did not.
void EscrowsActor::note_alive() {
  if (!storage_) return;
  steady();
  const auto commit = [this, run = run_] {
    if (run != run_) return;
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
    if (!taken.ok()) return not_alive(taken.error());
    storage_->get(rows::alive_key(), [this, run, commit](const base::Outcome<std::optional<Bytes>>& row) {
      if (run != run_) return;
      if (!row.ok()) return not_alive(row.error());
      alive_row_ = row.value();
      agree_on_time([this, run, commit] { back(run, commit); });
    });
  });
}

/// Handles a failed read. Corrupted rows stay so until the node restarts: it serves without them, and reports why.
void EscrowsActor::not_alive(const Error& why) {
  if (why.code != Code::corrupt) return after<Alive>(kTryAgain);
  damaged_ = why;
  for (Nothing& one : std::exchange(ready_, {})) one.done();
  for (Early& one : std::exchange(early_, {})) one.reply.refuse(why);
}

/// Finds out, at the beginning of a term, how long the book accepted no commands.
void EscrowsActor::back(std::uint64_t run, const std::function<void()>& commit) {
  if (run != run_) return;
  // Too few members have sent their time.
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
