#include "actors/wallet/own_actor.hpp"

#include "actors/wallet/codec.hpp"
#include "messages/codec.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::wallet {
namespace {

using base::Code;
using base::Error;

constexpr std::chrono::seconds kOwnBookDue{20};  // our choice
constexpr std::chrono::seconds kOwnReadAgain{1};
constexpr std::uint64_t kDayMs = 86'400'000;

}  // namespace

base::Bytes OwnSpent::encode() const {
  base::Bytes out;
  base::append_number(out, day);
  base::append_number(out, spent.units());
  return out;
}

std::optional<OwnSpent> OwnSpent::decode(base::ByteView bytes) {
  base::FieldReader in(bytes);
  OwnSpent out{.day = in.number<std::uint64_t>(), .spent = {}};
  const auto spent = Amount::from(in.number<std::uint64_t>());
  if (!in.ended() || !spent) return std::nullopt;
  out.spent = *spent;
  return out;
}

OwnActor::OwnActor(WalletSettings settings)
    : settings_(std::move(settings)),
      policy_(Policy::of_key(settings_.identity->public_key())),
      storage_(*this, durable::Place{durable::Place::Kind::self}, "walletown", 0),
      row_(*this, storage_, base::Bytes{'d'}, "the spending of this node's account") {}

void OwnActor::receive(runtime::Handlers& on) {
  row_.on([] {}, [this](const Error&) { after<Reload>(kOwnReadAgain); });
  on.ask<wire::GetOwnAccount, wire::OwnAccountIs>([this](auto, auto reply) {
    ask<wire::GetAccount, wire::AccountIs>(
        node().find(kPath), now() + kOwnBookDue,
        [this](wire::GetAccount::Builder out) { out.setAddress(data_of(policy_.address().view())); },
        [this, reply = std::move(reply)](runtime::Answer<wire::AccountIs> answer) mutable {
          if (!answer.ok()) return reply.refuse(answer.error());
          reply.send([&](wire::OwnAccountIs::Builder out) {
            out.setAddress(data_of(policy_.address().view()));
            out.setBalance(answer.value().getAccount().getBalance());
            out.setDaily(settings_.own_daily.units());
            out.setSpent(spent_today().units());
            out.setPayments(size32(queue_) + (busy_ ? 1 : 0));
          });
        });
  });
  on.ask<wire::Spend, wire::Spending>([this](wire::Spend::Reader ask, GiveTo reply) {
    const auto to = Address::from(bytes_of(ask.getTo()));
    const auto amount = Amount::from(ask.getAmount());
    if (!to || !amount)
      return reply.refuse({Code::malformed, "invalid address or amount: expected 32 bytes, and less than 2^63"});
    want({{*to, *amount}, text_of(ask.getMemo()), {}, std::move(reply)});
  });
  on.ask<wire::PayOwn, wire::Posted>([this](wire::PayOwn::Reader ask, PostFor reply) {
    const auto to = Address::from(bytes_of(ask.getTo()));
    const auto amount = Amount::from(ask.getAmount());
    if (!to || !amount)
      return reply.refuse({Code::malformed, "invalid address or amount: expected 32 bytes, and less than 2^63"});
    want({{*to, *amount}, text_of(ask.getMemo()), text_of(ask.getRequest()), std::move(reply)});
  });
  on.tell<wire::Spent>([this](wire::Spent::Reader told) {
    if (current_ && TransferId::from(bytes_of(told.getTransfer())) == id_of(*current_)) ended(told.getPosted());
  });
  on.timer<Reload>([this] { load(); });
  // An unanswered transfer may still be posted: it stays spent, and the next transfer may take its number.
  on.timer<Overdue>([this] { ended(true); });
  on.describe<wire::OwnState>([this](wire::OwnState::Builder state) {
    state.setAddress(text(policy_.address()));
    state.setDaily(settings_.own_daily.units());
    state.setSpent(spent_today().units());
    state.setWaiting(size32(queue_));
  });
}

void OwnActor::start() {
  node().publish<wire::GetOwnAccount, wire::PayOwn>(kOwnPath, self());
  load();
}

std::uint64_t OwnActor::today() const { return unix_ms(wall()).count() / kDayMs; }

Amount OwnActor::spent_today() const {
  if (row_.state() == nullptr) return {};
  return settings_.own_daily - row_.state()->left(today(), settings_.own_daily);
}

void OwnActor::load() {
  row_.load([](std::optional<base::ByteView> bytes) { return bytes ? OwnSpent::decode(*bytes) : OwnSpent{}; },
            [this](const base::Outcome<void>& done) {
              if (!done.ok()) return after<Reload>(kOwnReadAgain);
              next();
            });
}

void OwnActor::want(Waiting waiting) {
  if (queue_.size() >= kWaitingMax)
    return waiting.refuse({Code::overloaded, "too many payments wait for the account of this node"});
  waiting.came = now();
  queue_.push_back(std::move(waiting));
  next();
}

/// Asks the book for the number each time, because only the book knows which transfers were posted.
void OwnActor::next() {
  while (!queue_.empty() && now() > queue_.front().came + kAskedFor) queue_.pop_front();
  if (busy_ || queue_.empty() || row_.state() == nullptr) return;
  busy_ = true;
  const auto waiting = std::make_shared<Waiting>(std::move(queue_.front()));
  queue_.pop_front();
  ask<wire::GetAccount, wire::AccountIs>(
      node().find(kPath), now() + kOwnBookDue,
      [this](wire::GetAccount::Builder out) { out.setAddress(data_of(policy_.address().view())); },
      [this, waiting](runtime::Answer<wire::AccountIs> answer) {
        const auto refuse = [&](const Error& why) {
          waiting->refuse(why);
          busy_ = false;
          next();
        };
        if (!answer.ok()) return refuse(answer.error());
        const auto book = BookId::from(bytes_of(answer.value().getBook()));
        const auto balance = Amount::from(answer.value().getAccount().getBalance());
        if (!book || !balance) return refuse({Code::corrupt, "the book sent an invalid account"});
        // An operator may repeat a transfer that was posted: the book knows.
        if (!waiting->by_operator() && *balance < waiting->credit.amount)
          return refuse({Code::refused, "the account of this node has " + balance->text() + ", and " +
                                            waiting->credit.amount.text() + " is to be paid: send money to " +
                                            text(policy_.address())});
        spend(std::move(*waiting), *book, wallet::next({answer.value().getAccount().getDebits()}));
      });
}

void OwnActor::spend(Waiting waiting, const BookId& book, TransferNumber number) {
  const Transfer transfer{book, policy_.address(), number, {waiting.credit}, waiting.memo};
  const auto kept = std::make_shared<Waiting>(std::move(waiting));
  if (!decode_transfer(encode(transfer))) {
    kept->refuse({Code::malformed,
                  "invalid payment: it needs an amount above 0, another account, and a memo of at most 256 bytes"});
    busy_ = false;
    return next();
  }
  row_.change(
      [this, amount = kept->credit.amount, by_operator = kept->by_operator()](
          OwnSpent& spent, durable::Storage::Commit&) -> base::Outcome<void> {
        if (by_operator) return {};
        const std::uint64_t day = today();
        if (amount > spent.left(day, settings_.own_daily))
          return Error{Code::refused, "the payment exceeds this node's daily limit (wallet.own_daily)"};
        spent = {day, (day == spent.day ? spent.spent : Amount()) + amount};
        return {};
      },
      [this, kept, transfer](const base::Outcome<void>& done) {
        if (!done.ok()) {
          kept->refuse(done.error());
          busy_ = false;
          return next();
        }
        current_ = transfer;
        if (auto* const to = std::get_if<GiveTo>(&kept->reply)) return give(transfer, *to);
        post(transfer, kept->request, std::move(std::get<PostFor>(kept->reply)));
      });
}

void OwnActor::write_signed(wire::SignedTransfer::Builder to, const Transfer& transfer) const {
  const crypto::Identity& self = *settings_.identity;
  const Approval approval{self.public_key(), self.key().sign(encode(transfer))};
  write(to, transfer, policy_, {&approval, 1});
}

void OwnActor::give(const Transfer& transfer, GiveTo& to) {
  to.send([&](wire::Spending::Builder out) { write_signed(out.initTransfer(), transfer); });
  after<Overdue>(kSpendDue);
}

void OwnActor::post(const Transfer& transfer, const std::string& request, PostFor to) {
  ask<wire::PostTransfer, wire::Posted>(
      node().find(kPath), now() + kOwnBookDue,
      [&](wire::PostTransfer::Builder out) {
        write_signed(out.initTransfer(), transfer);
        out.setRequest(request);
      },
      [this, to = std::move(to)](runtime::Answer<wire::Posted> answer) mutable {
        if (!answer.ok()) {
          to.refuse(answer.error());
          return ended(true);
        }
        to.send([&](wire::Posted::Builder out) {
          out.setId(answer.value().getId());
          out.setSequence(answer.value().getSequence());
          out.setTime(answer.value().getTime());
        });
        ended(true);
      });
}

void OwnActor::ended(bool posted) {
  cancel<Overdue>();
  const Transfer transfer = std::move(*current_);
  current_.reset();
  const auto go_on = [this] {
    busy_ = false;
    next();
  };
  if (posted) return go_on();
  row_.change(
      [amount = transfer.credits[0].amount, day = today()](OwnSpent& spent,
                                                           durable::Storage::Commit&) -> base::Outcome<void> {
        if (day == spent.day) spent.spent = minus(spent.spent, amount).value_or(Amount());
        return {};
      },
      [go_on](const base::Outcome<void>&) { go_on(); }, durable::StateRow<OwnSpent>::Whose::own);
}

}  // namespace troupe::wallet
