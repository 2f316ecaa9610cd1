// What came to the account of an airdrop beside its pool: it goes back once the airdrop has ended, so that the numbers
// of its payments follow from its list alone.
#include <algorithm>

#include "actors/airdrop/airdrop_actor.hpp"
#include "messages/words.hpp"

namespace troupe::airdrop {
void AirdropActor::load_strays() {
  storage_.each(
      rows::key('x', setup_.id), {},
      [this, run = run_](const durable::Storage::Row& row) -> std::optional<base::Error> {
        if (run != run_) return durable::read_again();
        const auto stray = wallet::decode_stray(row.value);
        if (!stray) return base::Error{base::Code::corrupt, "a row of money beside the pool cannot be read"};
        strays_.put(*stray);
        return std::nullopt;
      },
      [this, run = run_](const base::Outcome<void>& done) {
        if (run != run_) return;
        if (!done.ok()) return reload(done.error());
        load_owing();
      });
}

void AirdropActor::load_owing() {
  storage_.get(rows::key('w', setup_.id), [this, run = run_](const base::Outcome<std::optional<base::Bytes>>& row) {
    if (run != run_) return;
    if (!row.ok()) return reload(row.error());
    if (row.value()) back_due_ = rows::waits_until(*row.value(), wallet::unix_ms(wall())).value_or(UnixMs(0));
    opened();
  });
}

UnixMs AirdropActor::back_in() const {
  const UnixMs now = wallet::unix_ms(wall());
  const bool at_once = state().back || strays_.size() >= wallet::kStraysAtOnce || back_due_ <= now;
  return at_once ? UnixMs(0) : std::min(back_due_ - now, rows::kOwingWaitMax);
}

bool AirdropActor::may_sleep() const {
  return !owing() || (!giving_back_ && back_in() > std::chrono::duration_cast<UnixMs>(kIdle));
}

void AirdropActor::credited(wallet::wire::Credited::Reader ask, runtime::Reply<messages::wire::Nothing> reply) {
  const auto transfer = wallet::TransferId::from(bytes_of(ask.getTransfer()));
  const auto from = Address::from(bytes_of(ask.getFrom()));
  const auto amount = Amount::from(ask.getAmount());
  if (!transfer || !from || !amount) return reply.refuse({base::Code::malformed, "a credit breaks its format"});
  const wallet::Stray came{ask.getSequence(), *from, *amount};
  open_.when<messages::wire::Nothing>(std::move(reply), [this, transfer = *transfer, came](auto answer) {
    // Of one whose deposit was refused nothing is left that could pay.
    if (!founding_ || row_.state() == nullptr) return answer.done();
    const auto pool = wallet::decode_transfer(founding_->deposit.bytes);
    if (pool && id_of(*pool) == transfer) return answer.done();
    struct Noted {
      std::optional<wallet::Stray> stray;
      UnixMs due{0};  // of the first one; before the end of the airdrop that is not known
    };
    const auto noted = std::make_shared<Noted>();
    row_.change(
        [this, came, noted](Airdrop& airdrop, durable::Storage::Commit& commit) -> base::Outcome<void> {
          if (came.sequence <= std::max(airdrop.arrived, strays_.latest())) return {};  // told before
          noted->stray = strays_.with(came.sequence, came.from, came.amount);
          if (!noted->stray) return base::Error{base::Code::refused, "an account has no more than 2^63 units"};
          commit.rows[rows::stray_key(setup_.id, came.from)] = wallet::encode(*noted->stray);
          const bool many = strays_.size() + 1 >= wallet::kStraysAtOnce;
          if (!strays_.empty() && !many) return {};
          if (final(airdrop.state) && !airdrop.back && !many) noted->due = next_back(airdrop);
          commit.rows[rows::key('w', setup_.id)] = rows::owing_row(noted->due);
          return {};
        },
        [this, noted, reply = std::move(answer)](const base::Outcome<void>& done) mutable {
          if (!done.ok()) return reply.refuse(done.error());
          reply.done();
          if (!noted->stray) return;
          const bool first = strays_.empty();
          if (first) back_due_ = noted->due;
          strays_.put(*noted->stray);
          if (first || strays_.size() == wallet::kStraysAtOnce) give_back_soon();
        });
  });
}

/// Later each time: money that comes without end costs little.
UnixMs AirdropActor::next_back(const Airdrop& airdrop) const {
  return wallet::unix_ms(wall()) + std::chrono::duration_cast<UnixMs>(wallet::strays_wait(airdrop.returns));
}

void AirdropActor::give_back_soon() {
  if (!open_ || !founding_ || !final(state().state) || !owing()) return;
  after<GiveBack>(std::chrono::duration_cast<base::Duration>(back_in()));
}

void AirdropActor::bind_back() {
  if (!open_ || !founding_ || !final(state().state) || giving_back_) return;
  if (state().back) return send_back();
  if (back_in() > UnixMs(0)) return give_back_soon();
  giving_back_ = true;
  const auto back = std::make_shared<std::vector<wallet::Stray>>();
  row_.change(
      [this, back](Airdrop& airdrop, durable::Storage::Commit& commit) -> base::Outcome<void> {
        *back = strays_.first();
        if (back->empty()) return {};
        airdrop.bind_back(setup_.id, founding_->terms, *back);
        commit.rows[rows::key('w', setup_.id)] = rows::owing_row(UnixMs(0));
        for (const wallet::Stray& one : *back) commit.rows[rows::stray_key(setup_.id, one.from)] = std::nullopt;
        return {};
      },
      [this, back](const base::Outcome<void>& done) {
        giving_back_ = false;
        if (!done.ok()) return;  // it is read again
        for (const wallet::Stray& one : *back) strays_.erase(one.from);
        if (state().back) send_back();
      },
      Row::Whose::own);
}

void AirdropActor::send_back() {
  if (std::exchange(giving_back_, true)) return;
  ledger_.pay(std::string(kAccountKind), setup_.id.view(), *state().back, [this](const base::Outcome<std::uint64_t>&) {
    const auto due = std::make_shared<UnixMs>(0);
    row_.change(
        [this, due](Airdrop& airdrop, durable::Storage::Commit& commit) -> base::Outcome<void> {
          airdrop.gone_back();
          if (!strays_.empty()) *due = next_back(airdrop);
          commit.rows[rows::key('w', setup_.id)] =
              strays_.empty() ? std::nullopt : std::optional(rows::owing_row(*due));
          return {};
        },
        [this, due](const base::Outcome<void>& done) {
          giving_back_ = false;
          if (!done.ok()) return;  // it is read again
          back_due_ = *due;
          world().mutations.sometimes("airdrop: money beside the pool went back");
          if (owing()) give_back_soon();
          else tell_list(true);
        },
        Row::Whose::own);
  });
}

}  // namespace troupe::airdrop
