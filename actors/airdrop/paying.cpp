// Pays an airdrop batch by batch; a repeated batch has the same bytes.
#include <algorithm>

#include "actors/airdrop/airdrop_actor.hpp"
#include "messages/codec.hpp"

namespace troupe::airdrop {
namespace {

constexpr std::chrono::seconds kSendAgain{1};  // our choice

}  // namespace

void AirdropActor::pay() {
  if (!open_ || state().state != State::paying || failed_) return;
  while (in_flight_.size() < window_ && planned_.index < founding_->terms.recipients) {
    const auto number = static_cast<std::uint32_t>(planned_.index / kPageRows);
    if (page_number_ != number) return read_page(number);
    Batch batch = next_batch(setup_.id, founding_->terms, state(), objected_, planned_, page_);
    planned_ = batch.after;
    const bool empty = batch.transfer.credits.empty();
    const bool posted = empty || world().mutations.on("airdrop.assumes_posted");
    in_flight_.push_back({std::move(batch), posted, posted});
    if (!empty) send(in_flight_.size() - 1);
  }
  posted({}, {});
}

void AirdropActor::read_page(std::uint32_t number) {
  if (std::exchange(reading_page_, true)) return;
  storage_.get(rows::numbered_key('p', setup_.id, number),
               [this, run = run_, number](const base::Outcome<std::optional<base::Bytes>>& row) {
                 if (run != run_) return;
                 reading_page_ = false;
                 if (!row.ok()) return after<Resend>(kSendAgain);
                 auto page = row.value() ? decode_page(*row.value()) : std::nullopt;
                 if (!page) return reload({base::Code::corrupt, "a stored page of the list is corrupted"});
                 page_ = std::move(*page);
                 page_number_ = number;
                 pay();
               });
}

void AirdropActor::send(std::size_t at) {
  const wallet::Transfer& transfer = in_flight_[at].batch.transfer;
  ledger_.pay_once(std::string(kAccountKind), setup_.id.view(), transfer,
                   [this, number = transfer.number](const wallet::LedgerClient::Answer& answer) {
                     posted(number, answer.ok() ? base::Outcome<void>() : base::Outcome<void>(answer.error()));
                   });
}

/// Handles the answer to a payment; a number of 0 only checks the progress.
void AirdropActor::posted(wallet::TransferNumber number, const base::Outcome<void>& how) {
  for (InFlight& one : in_flight_)
    if (number.value > 0 && one.batch.transfer.number == number) one.answered = true, one.posted = how.ok();
  if (!how.ok())
    setup_.settings.log.debug("sending payments of an airdrop again",
                              {{"airdrop", setup_.id.hex()}, {"why", std::string_view(how.error().message)}});
  if (number.value > 0 && how.ok()) pays_again_.reset();
  // Later transfers fail, too, because its number is missing. Only the wait of the first transfer matters.
  if (!how.ok() && (!failed_ || how.error().retry_after > failed_->retry_after)) failed_ = how.error();
  while (!in_flight_.empty() && in_flight_.front().posted) {
    reached_ = in_flight_.front().batch.after;
    in_flight_.pop_front();
    ++unsaved_;
  }
  const bool last = reached_.index >= founding_->terms.recipients;
  if (unsaved_ >= kSaveEvery || (last && state().state == State::paying)) save(reached_, last);
  if (failed_) {
    if (!std::ranges::all_of(in_flight_, &InFlight::answered)) return;
    window_ = std::max<std::size_t>(window_ / 2, 1);
    in_flight_.clear();  // posted transfers before it stay counted
    planned_ = reached_;
    return after<PayAgain>(pays_again_.next(*failed_));
  }
  if (number.value > 0) window_ = std::min(window_ + 1, kAtOnce);
  if (!last && (number.value > 0 || in_flight_.empty())) pay();
}

void AirdropActor::save(const Cursor& reached, bool last) {
  unsaved_ = 0;
  row_.change(
      [this, reached, last, now = wallet::unix_ms(wall())](Airdrop& airdrop, durable::Storage::Commit& commit) {
        if (airdrop.state != State::paying) return base::Outcome<void>();
        airdrop.reached(reached);
        if (!last) return base::Outcome<void>();
        airdrop.end(now);
        commit.rows[rows::key('u', setup_.id)] = std::nullopt;
        return base::Outcome<void>();
      },
      [this, last](const base::Outcome<void>& done) {
        if (!done.ok() || !last) return;
        setup_.settings.log.info("an airdrop was paid", {{"airdrop", setup_.id.hex()},
                                                         {"recipients", state().recipients},
                                                         {"transfers", state().cursor.number.value}});
        finished();
      },
      Row::Whose::own);
}

}  // namespace troupe::airdrop
