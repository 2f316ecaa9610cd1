#include "actors/chain/chain_book_actor.hpp"

#include <algorithm>

#include "actors/chain/api.hpp"
#include "messages/codec.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

// Rows: 'h' the head; 'f' account: it is followed; 'a' account: a KeptAccount; 'b' account: its transaction in
// progress; 'n' account, number: the position of a transfer; 'r' mark: the transfer of a request; 'o' sequence, credit:
// a pending notice; 'p' transaction: a party's submitted transaction: its last height and, except in old rows, its
// account.
constexpr std::chrono::milliseconds kBookReopen{500};  // our choice
constexpr std::size_t kCommitAtOnce = 256;             // our choice: rows of other writes per commit
constexpr std::string_view kBookLoaded = "fbop";

}  // namespace

Bytes ChainBookActor::encode(const Keeper& keeper) {
  Bytes out;
  base::append(out, keeper.id.view());
  base::append(out, keeper.on_chain.view());
  out.push_back(static_cast<std::uint8_t>(keeper.kind.size()));
  base::append(out, base::as_bytes(keeper.kind));
  base::append(out, base::as_bytes(keeper.path));
  return out;
}

std::optional<ChainBookActor::Keeper> ChainBookActor::decode_keeper(base::ByteView bytes) {
  base::FieldReader in(bytes);
  Keeper out;
  out.id = in.fixed<base::Digest>();
  out.on_chain = in.fixed<Address>();
  const auto kind = in.take(in.number<std::uint8_t>()), path = in.rest();
  if (!in.ok()) return std::nullopt;
  out.kind.assign(kind.begin(), kind.end());
  out.path.assign(path.begin(), path.end());
  return out;
}

Bytes ChainBookActor::encode(const Credit& credit) {
  Bytes out;
  base::append(out, credit.account.view());
  base::append_number(out, credit.sequence);
  base::append(out, credit.transfer.view());
  base::append(out, credit.from.view());
  base::append_number(out, credit.amount.units());
  return out;
}

std::optional<ChainBookActor::Credit> ChainBookActor::decode_credit(base::ByteView bytes) {
  base::FieldReader in(bytes);
  Credit out;
  out.account = in.fixed<Address>();
  out.sequence = in.number<std::uint64_t>();
  out.transfer = in.fixed<wallet::TransferId>();
  out.from = in.fixed<Address>();
  const auto amount = wallet::Amount::from(in.number<std::uint64_t>());
  if (!in.ended() || !amount) return std::nullopt;
  out.amount = *amount;
  return out;
}

ChainBookActor::ChainBookActor(ChainSettings settings, Use use)
    : settings_(std::move(settings)),
      use_(use),
      chain_(settings_.genesis ? ChainId{id_of(settings_.genesis->genesis()).bytes} : ChainId{}),
      book_(book_of(chain_, settings_.identity->public_key())),
      own_policy_(wallet::Policy::of_key(settings_.identity->public_key())),
      storage_(*this, durable::Place{durable::Place::Kind::self}, wallet::kChainBookRows, 0) {}

void ChainBookActor::receive(runtime::Handlers& on) {
  namespace asked = wallet::wire;
  on.ask<asked::PostTransfer, asked::Posted>([this](auto ask, auto reply) { post(ask, std::move(reply)); });
  on.ask<asked::PayFrom, asked::Posted>([this](auto ask, auto reply) { pay_from(ask, std::move(reply)); });
  on.ask<asked::Follow, messages::wire::Nothing>([this](auto ask, auto reply) { follow(ask, std::move(reply)); });
  on.ask<asked::GetBook, asked::BookIs>([this](auto, auto reply) { book(std::move(reply)); });
  on.ask<asked::GetAccount, asked::AccountIs>([this](auto ask, auto reply) { account(ask, std::move(reply)); });
  on.ask<asked::Issue, asked::Posted>([](auto, auto reply) {
    reply.refuse(
        {Code::refused, "this node's book is its chain, whose genesis has issued all money: it cannot issue more"});
  });
  on.other([](const runtime::Envelope&, runtime::AnyReply reply) {
    reply.refuse({Code::refused,
                  "this node's book is its chain (ledger.book = chain): use `troupe chain` and `troupe tx` instead"});
  });
  on.timer<Reopen>([this] { open(); });
  on.timer<Follow>([this] { watch_chain(); });
  on.timer<Look>([this] { look(); });
  on.timer<Tell>([this] { tell(); });
  on.timer<Flush>([this] { flush(); });
  on.timer<Again>([this] { go_on(); });
  on.timer<Fees>([this] { look_at_fees(); });
  on.describe<asked::BookState>([this](asked::BookState::Builder state) {
    state.setSequence(looked_.value);
    state.setAccounts(followed_.size());
    state.setWaiting(static_cast<std::uint32_t>(orders_));
    state.setUntold(static_cast<std::uint32_t>(untold_.size()));
  });
}

void ChainBookActor::start() {
  if (use_ == Use::book) return open();
  open_.failed({Code::refused, "this node keeps no accounts on its chain (ledger.book)"});
}

void ChainBookActor::stop() { clear_health(); }

void ChainBookActor::clear_health() const {
  if (settings_.health == nullptr) return;
  settings_.health->clear(kHealth);
  settings_.health->clear(kFeesHealth);
  settings_.health->clear(kUntoldHealth);
}

crypto::SecretKey ChainBookActor::key_of(const Address& account) const {
  return kept_key(settings_.identity->key(), chain_, account);
}

Counterpart ChainBookActor::on_chain(bool to_no_key) const {
  return [this, to_no_key](const Address& account) {
    if (to_no_key) return kept(account);
    const auto at = known_.find(account);
    return at == known_.end() ? account : at->second;
  };
}

Counterpart ChainBookActor::in_book() const {
  return [this](const Address& address) {
    const auto at = in_book_.find(address);
    return at == in_book_.end() ? address : at->second;
  };
}

// -- rows

Bytes ChainBookActor::head_row(std::uint64_t commits, Height looked) const {
  Bytes out;
  base::append_number(out, commits);
  base::append_number(out, looked.value);
  base::append(out, chain_.view());
  return out;
}

void ChainBookActor::open() {
  ++run_;
  open_.closed();
  committing_ = looking_ = look_more_ = false;
  watching_ = {};
  followed_.clear();
  paying_.clear();
  parties_.clear();
  trying_.clear();
  party_places_ = base::ShareBudget<Address>(kPartiesMax);
  untold_.clear();
  told_.clear();
  orders_ = 0;
  known_.clear();
  in_book_.clear();
  if (!settings_.genesis) {  // the node itself does not start like this
    settings_.log.error("ledger.book is chain, but this node has no chain");
    return;
  }
  for (const char* kind : {"fund", "arbiters"}) {
    const Address account = wallet::account_of(kind, book_.view());
    known_[account] = kept(account);
    in_book_[known_[account]] = account;
  }
  storage_.get({'h'}, [this, run = run_](const base::Outcome<std::optional<Bytes>>& row) {
    if (run != run_) return;
    if (!row.ok()) return reopen(row.error());
    if (row.value()) {
      base::FieldReader in(*row.value());
      const auto commits = in.number<std::uint64_t>(), looked = in.number<std::uint64_t>();
      const auto chain = in.fixed<ChainId>();
      if (!in.ended()) return reopen({Code::corrupt, "the first row of the accounts is corrupted"});
      if (chain != chain_)
        return reopen({Code::conflict, "the accounts belong to another chain than this node's chain"});
      head_row_ = row.value();
      return found(commits, {looked});
    }
    // No account is followed yet: earlier blocks contain no credits for it.
    with_now([this, run](const base::Outcome<Now>& now) {
      if (run != run_) return;
      if (!now.ok()) return reopen(now.error());
      head_row_.reset();
      found(0, now.value().height);
    });
  });
}

void ChainBookActor::found(std::uint64_t commits, Height looked) {
  commits_ = commits;
  looked_ = saved_ = looked;
  load_from(0);
}

void ChainBookActor::load_from(std::size_t index) {
  if (index == kBookLoaded.size()) return opened();
  load(kBookLoaded[index], [this, index] { load_from(index + 1); });
}

void ChainBookActor::load(char kind, base::Callback<void()> then) {
  storage_.each(
      {static_cast<std::uint8_t>(kind)}, {},
      [this, kind, run = run_](const durable::Storage::Row& row) -> std::optional<Error> {
        if (run != run_) return durable::read_again();
        if (!keep(kind, row)) return Error{Code::corrupt, "a row of the accounts is corrupted"};
        return std::nullopt;
      },
      [this, run = run_, then = std::move(then)](const base::Outcome<void>& done) mutable {
        if (run != run_) return;
        if (!done.ok()) return reopen(done.error());
        then();
      });
}

bool ChainBookActor::keep(char kind, const durable::Storage::Row& row) {
  if (kind == 'o') {
    auto credit = decode_credit(row.value);
    // A credit of a partly scanned block is found there again, with the same key.
    if (credit && followed_.contains(credit->from)) told_.push_back(row.key);  // written by an older version
    else if (credit && height_of(credit->sequence) <= looked_ && followed_.contains(credit->account))
      untold_.put(credit->account, row.key, *credit);
    return credit.has_value();
  }
  if (kind == 'p') {
    const auto id = TxId::from(base::ByteView(row.key).subspan(1));
    base::FieldReader in(row.value);
    const Height last{in.number<std::uint64_t>()};
    const Address account = in.ended() ? Address{} : in.fixed<Address>();
    if (!id || !in.ended()) return false;
    parties_[*id] = {.by = {.id = account}, .last = last, .kept = true, .taken = true};
    party_places_.hold({.id = account}, 1);
    return true;
  }
  const auto account = Address::from(base::ByteView(row.key).subspan(1));
  if (!account) return false;
  if (kind == wallet::kChainBookFollowed) {
    auto keeper = decode_keeper(row.value);
    if (!keeper) return false;
    in_book_[keeper->on_chain] = *account;
    followed_.emplace(*account, std::move(*keeper));
    return true;
  }
  base::FieldReader in(row.value);
  const auto transfer = in.fixed<wallet::TransferId>();
  auto transaction = parse_signed_transaction(in.rest());
  if (!in.ok() || !transaction.ok()) return false;
  paying_[*account].bound = Bound{transfer, std::move(transaction).value()};
  return true;
}

void ChainBookActor::opened() {
  clear_health();
  lacks_fees_ = again_ = held_up_ = false;
  open_.opened();
  watch_chain();
  tell();
  go_on();
}

void ChainBookActor::reopen(const Error& why) {
  ++run_;
  open_.closed();
  committing_ = false;
  for (Write& one : std::exchange(writes_, {})) one.done(why);
  for (auto& [account, paying] : std::exchange(paying_, {}))
    for (auto& [number, wanted] : paying.waiting)
      wanted.done(Error{Code::unavailable, "the accounts on the chain are being read again: try again"});
  for (auto& [id, party] : std::exchange(parties_, {}))
    for (Party::Waiting& one : party.waiting)
      one.done(Error{Code::unavailable, "the accounts on the chain are being read again: try again"});
  // These errors do not go away by themselves.
  if (why.code == Code::corrupt || why.code == Code::conflict) open_.failed(why);
  trying_.clear();
  party_places_ = base::ShareBudget<Address>(kPartiesMax);
  orders_ = 0;
  settings_.log.warn("reading the accounts on the chain again", {{"why", std::string_view(why.message)}});
  if (settings_.health != nullptr)
    settings_.health->raise(kHealth, observe::HealthState::degraded,
                            "money on the chain cannot be used for escrows: " + why.message);
  after<Reopen>(kBookReopen);
}

void ChainBookActor::write(Write write) {
  writes_.push_back(std::move(write));
  flush();
}

/// Commits all waiting writes that fit.
void ChainBookActor::flush() {
  if (!open_ || committing_ || (writes_.empty() && told_.empty())) return;
  const auto ended = std::make_shared<std::vector<Write>>();
  durable::Storage::Commit commit{.head = {'h'}, .expected = head_row_};
  Height looked = saved_;
  while (!writes_.empty() && (ended->empty() || commit.rows.size() + writes_.front().rows.size() < kCommitAtOnce)) {
    Write& one = ended->emplace_back(std::move(writes_.front()));
    writes_.pop_front();
    for (auto& [key, value] : one.rows) commit.rows[key] = value;
    if (one.looked) looked = *one.looked;
  }
  while (!told_.empty() && commit.rows.size() < kCommitAtOnce) {
    commit.rows[told_.back()] = std::nullopt;
    told_.pop_back();
  }
  const Bytes head = head_row(commits_ + 1, looked);
  commit.rows[commit.head] = head;
  committing_ = true;
  storage_.commit(std::move(commit), [this, run = run_, ended, head, looked](const base::Outcome<void>& done) {
    if (run != run_ || !done.ok()) {
      const Error why = durable::not_committed(done, "the accounts on the chain were read again");
      for (Write& one : *ended) one.done(why);
      if (run == run_) reopen(why);
      return;
    }
    committing_ = false;
    ++commits_;
    head_row_ = head;
    saved_ = looked;
    for (Write& one : *ended) one.done({});
    flush();
  });
}

// -- requests that read

void ChainBookActor::book(runtime::Reply<wallet::wire::BookIs> reply) {
  open_.when<wallet::wire::BookIs>(std::move(reply), [this](auto waiting) {
    with_now([this, reply = std::move(waiting)](const base::Outcome<Now>& now) mutable {
      if (!now.ok()) return reply.refuse(now.error());
      reply.send([&](wallet::wire::BookIs::Builder out) {
        out.setBook(data_of(book_.view()));
        out.setOwner(data_of(Address{}.view()));
        out.setSequence(sequence_of(now.value().height, 0));
        out.setHead(data_of(now.value().id.view()));
        out.setIssued(now.value().supply.units());
        out.setPlace(durable::Place{.kind = durable::Place::Kind::self, .chain = true}.text());
      });
    });
  });
}

/// Reports the account. The chain does not record when an account was first paid, so each counts as paid now: a limit
/// for fresh accounts holds for all.
void ChainBookActor::account(wallet::wire::GetAccount::Reader ask, runtime::Reply<wallet::wire::AccountIs> reply) {
  const auto address = Address::from(bytes_of(ask.getAddress()));
  if (!address) return reply.refuse({Code::malformed, "invalid address: expected 32 bytes"});
  struct Asked {
    Address address, on_chain;
    std::string kind{};
    bool here = false;  ///< this node has its key and numbers its transfers
    Now now{};
    Seen seen{};
    runtime::Reply<wallet::wire::AccountIs> reply;

    void answer(const ChainId& chain, const wallet::BookId& book, std::uint64_t debits, std::uint64_t since) {
      reply.send([&](wallet::wire::AccountIs::Builder out) {
        auto row = out.initAccount();
        row.setAddress(data_of(address.view()));
        row.setBalance(seen.balance.units());
        row.setDebits(debits);
        row.setKind(kind);
        row.setSince(since);
        out.setBook(data_of(book.view()));
        auto terms = out.initChain();
        terms.setHeight(now.height.value);
        terms.setBaseFee(now.base_fee);
        terms.setFork(now.fork.value);
        terms.setAddress(data_of(on_chain.view()));
        terms.setChain(data_of(chain.view()));
      });
    }
  };
  open_.when<wallet::wire::AccountIs>(std::move(reply), [this, address = *address,
                                                         of_no_key = ask.getOfNoKey()](auto waiting) {
    const auto asked = std::make_shared<Asked>(Asked{.address = address, .on_chain = address});
    asked->reply = std::move(waiting);
    const auto followed = followed_.find(address);
    if (followed != followed_.end()) asked->kind = followed->second.kind;
    const bool is_kept = of_no_key || followed != followed_.end() || known_.contains(address);
    if (is_kept) asked->on_chain = kept(address);
    asked->here = is_kept || address == own();
    with_now([this, asked](const base::Outcome<Now>& now) {
      if (!now.ok()) return asked->reply.refuse(now.error());
      asked->now = now.value();
      with_account(asked->on_chain, [this, asked](const base::Outcome<Seen>& seen) {
        if (!seen.ok()) return asked->reply.refuse(seen.error());
        asked->seen = seen.value();
        const bool used = asked->seen.balance > wallet::Amount() || asked->seen.nonce > Nonce{};
        const std::uint64_t since = used ? wallet::unix_ms(wall()).count() : 0;
        if (!asked->here) return asked->answer(chain_, book_, asked->seen.next.value, since);
        Bytes key{'a'};
        base::append(key, asked->address.view());
        storage_.get(key, [this, asked, since](const base::Outcome<std::optional<Bytes>>& row) {
          const auto known = row.ok() && row.value() ? KeptAccount::decode(*row.value()) : std::optional(KeptAccount());
          if (!row.ok() || !known)
            return asked->reply.refuse(row.ok() ? Error{Code::corrupt, "the stored row of an account is corrupted"}
                                                : row.error());
          asked->answer(chain_, book_, known->done().value, since);
        });
      });
    });
  });
}

void ChainBookActor::follow(wallet::wire::Follow::Reader ask, Nothing reply) {
  const auto id = base::Digest::from(bytes_of(ask.getId()));
  Keeper keeper{text_of(ask.getKind()), id.value_or(base::Digest{}), text_of(ask.getPath()), {}};
  if (!id || keeper.kind.empty() || keeper.kind.size() > 16 || keeper.path.size() > 64)
    return reply.refuse(
        {Code::malformed, "invalid kind, id or path: expected 1 to 16 bytes, 32 bytes, and at most 64 bytes"});
  open_.when<messages::wire::Nothing>(
      std::move(reply), [this, keeper = std::move(keeper), ended = ask.getEnded()](auto waiting) mutable {
        const Address account = wallet::account_of(keeper.kind, keeper.id.view());
        if (keeper.path.empty() && ended && followed_.contains(account)) return sweep(account, std::move(waiting));
        // Credits of the chain's account may be in flight: it is followed forever.
        if (keeper.path.empty()) return waiting.done();
        keeper.on_chain = kept(account);
        if (const auto at = followed_.find(account); at != followed_.end() && at->second == keeper)
          return waiting.done();
        Bytes key{static_cast<std::uint8_t>(wallet::kChainBookFollowed)};
        base::append(key, account.view());
        Write one{.rows = {{key, encode(keeper)}}};
        one.done = [this, account, keeper = std::move(keeper),
                    reply = std::move(waiting)](const base::Outcome<void>& done) mutable {
          if (!done.ok()) return reply.refuse(done.error());
          in_book_[keeper.on_chain] = account;
          followed_.insert_or_assign(account, std::move(keeper));
          reply.done();
        };
        write(std::move(one));
      });
}

/// Sends the rest to the fund. A repeated call finds nothing left, or continues the same payment, because an account
/// has one number at a time.
void ChainBookActor::sweep(const Address& account, Nothing reply) {
  const auto asker = std::make_shared<Nothing>(std::move(reply));
  Bytes key{'a'};
  base::append(key, account.view());
  storage_.get(key, [this, account, asker, run = run_](const base::Outcome<std::optional<Bytes>>& row) {
    const auto known = row.ok() && row.value() ? KeptAccount::decode(*row.value()) : std::optional(KeptAccount());
    if (!row.ok() || !known)
      return asker->refuse(row.ok() ? Error{Code::corrupt, "the stored row of an account is corrupted"} : row.error());
    with_account(kept(account), [this, account, asker, run,
                                 number = wallet::next(known->done())](const base::Outcome<Seen>& seen) {
      if (!seen.ok()) return asker->refuse(seen.error());
      if (run != run_)
        return asker->refuse({Code::unavailable, "the accounts on the chain are being read again: try again"});
      const wallet::Amount rest = seen.value().balance;
      if (rest.units() < kSweptMin) return asker->done();
      const Address fund = wallet::account_of("fund", book_.view());
      want({.transfer = {book_, account, number, {{fund, rest}}, "unrequested"},
            .done = [this, account, asker, rest](const base::Outcome<Posted>& posted) {
              if (!posted.ok()) return asker->refuse(posted.error());
              settings_.log.info("unrequested money goes to the fund",
                                 {{"account", wallet::text(account)}, {"amount", rest.text()}});
              asker->done();
            }});
    });
  });
}

}  // namespace troupe::chain
