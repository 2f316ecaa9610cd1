// Changes outside the log: statements about arbiters. Each is a row, and the head changes with the row.
#include <algorithm>

#include "actors/escrow/arbiters_actor.hpp"
#include "actors/escrow/escrow_actor.hpp"
#include "messages/codec.hpp"

namespace troupe::escrow {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

constexpr std::chrono::seconds kSayAgain{1};  // our choice

}  // namespace

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

/// Sends the first report until it is acknowledged; then the next.
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

/// Erases that row. No event contains it: only the head changes with it, and whether the escrow has unfinished work.
void EscrowActor::forget(Wanted wanted) {
  const Bytes row = std::get<SaidWanted>(wanted.what).row;
  durable::Storage::Commit commit{.head = {}};
  commit.rows[row] = std::nullopt;
  commit.rows[rows::key('h', setup_.id)] = rows::encode(rows::Head{replay_->sequence(), commits_ + 1, replay_->hash()});
  const bool says = sayings_.size() > sayings_.count(row);
  if (!says && unfinished(escrow()).empty()) commit.rows[rows::key('o', setup_.id)] = std::nullopt;
  make_durable(std::move(commit),
               [this, row, done = std::move(wanted.done)](const base::Outcome<void>& written) mutable {
                 if (!written.ok()) return done(written.error());
                 sayings_.erase(row);
                 done(Taken{replay_->sequence(), false});
               });
}

}  // namespace troupe::escrow
