// What came to the account of an airdrop beside its pool: it goes back once the airdrop has ended, so that the numbers
// of its payments follow from its list alone.
#include <algorithm>

#include "actors/airdrop/airdrop_actor.hpp"
#include "messages/words.hpp"

namespace troupe::airdrop {
namespace {

constexpr std::chrono::seconds kBackDue{20};  // our choice: it is sent again

}  // namespace

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
        opened();
      });
}

void AirdropActor::credited(wallet::wire::Credited::Reader ask, runtime::Reply<messages::wire::Nothing> reply) {
  const auto transfer = wallet::TransferId::from(bytes_of(ask.getTransfer()));
  const auto from = Address::from(bytes_of(ask.getFrom()));
  const auto amount = Amount::from(ask.getAmount());
  if (!transfer || !from || !amount) return reply.refuse({base::Code::malformed, "a credit breaks its format"});
  const wallet::Stray came{ask.getSequence(), *from, *amount};
  when_open<messages::wire::Nothing>(std::move(reply), [this, transfer = *transfer, came](auto answer) {
    // Of one whose deposit was refused nothing is left that could pay.
    if (!founding_ || row_.state() == nullptr) return answer.done();
    const auto pool = wallet::decode_transfer(founding_->deposit.bytes);
    if (pool && id_of(*pool) == transfer) return answer.done();
    const auto noted = std::make_shared<std::optional<wallet::Stray>>();
    row_.change(
        [this, came, noted](Airdrop& airdrop, durable::Storage::Commit& commit) -> base::Outcome<void> {
          if (came.sequence <= std::max(airdrop.arrived, strays_.latest())) return {};  // told before
          *noted = strays_.with(came.sequence, came.from, came.amount);
          if (!*noted) return base::Error{base::Code::refused, "an account has no more than 2^63 units"};
          commit.rows[rows::stray_key(setup_.id, came.from)] = wallet::encode(**noted);
          commit.rows[rows::key('w', setup_.id)] = base::Bytes();
          return {};
        },
        [this, noted, reply = std::move(answer)](const base::Outcome<void>& done) mutable {
          if (!done.ok()) return reply.refuse(done.error());
          reply.done();
          if (!*noted) return;
          const bool first = strays_.empty();
          strays_.put(**noted);
          if (first && final(state().state)) tell_list(true);  // it is woken again until nothing is owed
          if (first || strays_.size() == wallet::kStraysAtOnce) give_back_soon();
        });
  });
}

/// Later each time: money that comes without end costs little.
void AirdropActor::give_back_soon() {
  if (!open_ || !founding_ || !final(state().state) || !owing()) return;
  const bool at_once = state().back || strays_.size() >= wallet::kStraysAtOnce;
  after<GiveBack>(at_once ? std::chrono::seconds(0) : wallet::strays_wait(state().returns));
}

void AirdropActor::bind_back() {
  if (!open_ || !founding_ || !final(state().state) || giving_back_) return;
  if (state().back) return send_back();
  giving_back_ = true;
  const auto back = std::make_shared<std::vector<wallet::Stray>>();
  row_.change(
      [this, back](Airdrop& airdrop, durable::Storage::Commit& commit) -> base::Outcome<void> {
        *back = strays_.first();
        if (back->empty()) return {};
        airdrop.bind_back(setup_.id, founding_->terms, *back);
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
  ask<wallet::wire::PayFrom, wallet::wire::Posted>(
      node().find(wallet::kPath), now() + kBackDue,
      [&](wallet::wire::PayFrom::Builder out) {
        out.setTransfer(data_of(wallet::encode(*state().back)));
        out.setKind(std::string(kAccountKind));
        out.setId(data_of(setup_.id.view()));
      },
      [this, run = run_](const runtime::Answer<wallet::wire::Posted>& answer) {
        if (run != run_) return;
        giving_back_ = false;
        if (!answer.ok()) return after<GiveBack>(back_again_.next(answer.error()));
        back_again_.reset();
        giving_back_ = true;
        row_.change(
            [this](Airdrop& airdrop, durable::Storage::Commit& commit) -> base::Outcome<void> {
              airdrop.gone_back();
              if (strays_.empty()) commit.rows[rows::key('w', setup_.id)] = std::nullopt;
              return {};
            },
            [this](const base::Outcome<void>& done) {
              giving_back_ = false;
              if (!done.ok()) return;  // it is read again
              world().mutations.sometimes("airdrop: money beside the pool went back");
              if (owing()) give_back_soon();
              else tell_list(true);
            },
            Row::Whose::own);
      });
}

}  // namespace troupe::airdrop
