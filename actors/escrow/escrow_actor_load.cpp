// Reads an escrow from its rows: its creation data, its log, and the rows outside the log.
#include <algorithm>

#include "actors/escrow/escrow_actor.hpp"

namespace troupe::escrow {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

constexpr std::chrono::milliseconds kReload{200};  // our choice

}  // namespace

void EscrowActor::when_loaded(durable::Opening::Then then) {
  // An escrow that was never proposed is dropped soon, because an untrusted node may ask for any id.
  after<Idle>(loaded_ && !replay_ ? std::chrono::duration_cast<base::Duration>(kUnknownIdle) : setup_.settings->idle);
  loaded_.when(std::move(then));
}

void EscrowActor::load() {
  ++run_;
  loaded_.closed();
  founding_.reset();
  replay_.reset();
  head_row_.reset();
  commits_ = 0;
  for (Depositing& one : deposits_) one.transfer.reset(), one.from.reset();
  saying_ = false;
  sayings_.clear();
  storage_.get(rows::key('h', setup_.id), [this, run = run_](base::Outcome<std::optional<Bytes>> row) {
    if (run != run_) return;
    if (!row.ok()) return reload(row.error());
    if (!row.value()) return loaded();
    const auto head = rows::decode_head(*row.value());
    if (!head) return reload({Code::corrupt, "the head of an escrow is corrupted"});
    head_row_ = std::move(row.value());
    storage_.get(rows::key('g', setup_.id),
                 [this, run, head = *head](const base::Outcome<std::optional<Bytes>>& first) {
                   if (run != run_) return;
                   if (!first.ok()) return reload(first.error());
                   auto founding = first.value() ? rows::decode_founding(*first.value()) : std::nullopt;
                   if (!founding)
                     return reload({Code::corrupt, "the creation data of an escrow is missing or corrupted"});
                   load_snapshot(std::move(*founding), head);
                 });
  });
}

/// Reads the snapshot. Without a readable snapshot the log is read from its start.
void EscrowActor::load_snapshot(rows::Founding founding, rows::Head head) {
  if (snapshot_doubted_ || head.sequence < setup_.settings->snapshot_after) {
    Replay replay(founding.agreement, founding.buyer);
    return load_log(std::move(founding), head, {}, std::move(replay));
  }
  storage_.get(rows::key('z', setup_.id), [this, run = run_, head, founding = std::move(founding)](
                                              const base::Outcome<std::optional<Bytes>>& row) mutable {
    if (run != run_) return;
    if (!row.ok()) return reload(row.error());
    auto at = row.value() ? Replay::from_snapshot(founding.agreement, founding.buyer, *row.value()) : std::nullopt;
    if (!at || at->sequence() > head.sequence) at.emplace(founding.agreement, founding.buyer);
    const Bytes from = rows::numbered_key('e', setup_.id, at->sequence() + 1);
    load_log(std::move(founding), head, from, std::move(*at));
  });
}

void EscrowActor::load_log(rows::Founding founding, rows::Head head, const Bytes& from, Replay before) {
  const auto replay = std::make_shared<Replay>(std::move(before));
  const auto wrong = std::make_shared<std::string>();
  storage_.each(
      rows::key('e', setup_.id), from,
      [this, run = run_, replay, wrong](const durable::Storage::Row& row) -> std::optional<Error> {
        if (run != run_) return durable::read_again();
        const auto entry = decode_entry(row.value);
        if (entry && replay->take(*entry).ok()) return std::nullopt;
        *wrong = "breaks at entry " + std::to_string(replay->sequence() + 1);
        return Error{Code::corrupt, *wrong};
      },
      [this, run = run_, replay, wrong, head, founding = std::move(founding)](const base::Outcome<void>& done) mutable {
        if (run != run_) return;
        if (!wrong->empty()) return breaks(*wrong);
        if (!done.ok()) return reload(done.error());
        if (replay->sequence() != head.sequence || replay->hash() != head.hash)
          return breaks("does not end where its head says");
        founding_ = std::move(founding);
        commits_ = head.commits;
        replay_ = std::move(*replay);
        load_deposits(Party::buyer);
      });
}

/// The snapshot may be wrong: then the log is read from its start, once.
void EscrowActor::breaks(const std::string& how) {
  if (!std::exchange(snapshot_doubted_, true)) return load();
  reload({Code::corrupt, "the log of escrow " + setup_.id.hex() + ' ' + how});
}

/// Reads the deposits that the state names; most escrows have none.
void EscrowActor::load_deposits(Party party) {
  const auto on = [this, party] {
    if (party == Party::buyer) return load_deposits(Party::provider);
    load_sayings();
  };
  if (!of(escrow().depositing, party)) return on();
  storage_.get(rows::numbered_key('d', setup_.id, static_cast<std::uint64_t>(party)),
               [this, party, on, run = run_](const base::Outcome<std::optional<Bytes>>& row) {
                 if (run != run_) return;
                 if (!row.ok()) return reload(row.error());
                 if (row.value()) of(deposits_, party).transfer = rows::decode_signed(*row.value());
                 on();
               });
}

void EscrowActor::load_sayings() {
  if (escrow().drawn.empty()) return loaded();
  const Bytes prefix = rows::key('w', setup_.id);
  storage_.range(prefix, prefix, 64, [this, run = run_](const base::Outcome<durable::Storage::Page>& page) {
    if (run != run_) return;
    if (!page.ok()) return reload(page.error());
    for (const auto& row : page.value().rows)
      if (const auto arbiter = Address::from(row.value)) sayings_.emplace(row.key, *arbiter);
    loaded();
  });
}

void EscrowActor::loaded() {
  if (replay_)
    for (const Effect& one : unfinished(escrow())) effect(one);
  say();
  if (!replay_) after<Idle>(kUnknownIdle);
  loaded_.opened();
  next();
}

/// Reads the rows again; waiting requests keep waiting. A corrupted log is read again, because the disk may be the
/// cause.
void EscrowActor::reload(const Error& why) {
  ++run_;
  ledger_.forget();
  loaded_.closed();
  busy_ = false;
  setup_.settings->log.warn("reading an escrow again",
                            {{"escrow", setup_.id.hex()}, {"why", std::string_view(why.message)}});
  if (why.code == Code::corrupt) {
    for (Wanted& one : std::exchange(queue_, {})) one.done(why);
    loaded_.failed(why);
  }
  after<Reload>(why.code == Code::corrupt ? std::chrono::duration_cast<base::Duration>(kDamagedAgain) : kReload);
}

}  // namespace troupe::escrow
