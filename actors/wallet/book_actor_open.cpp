// Reads or makes the book.
#include "actors/wallet/book_actor.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"
#include "runtime/crypto/identity.hpp"

namespace troupe::wallet {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

constexpr std::chrono::milliseconds kReopen{500};  // our choice
constexpr const char* kHealthSource = "wallet.book";
constexpr std::string_view kLoaded = "aqo";

Bytes head_row(const Head& head, std::uint64_t commits) {
  Bytes out = rows::encode(head);
  base::append_number(out, commits);
  return out;
}

}  // namespace

BookActor::BookActor(Setup setup) : setup_(std::move(setup)), storage_(*this, setup_.place, "wallet", setup_.term) {}

AccountRow BookActor::account(const Address& address) const {
  const auto at = accounts_.find(address);
  return at == accounts_.end() ? AccountRow{} : at->second.row;
}

UnixMs BookActor::time() const { return unix_ms(wall()); }

/// Returns the owner. A group's owner has no key: the group's members issue.
Address BookActor::owner() const {
  if (setup_.place.kind == durable::Place::Kind::group)
    return account_of("group", crypto::sha256(base::as_bytes(setup_.place.group)).view());
  return address_of(setup_.settings.identity->public_key());
}

void BookActor::open() {
  ++run_;
  open_.closed();
  committing_ = false;
  accounts_.clear();
  proposals_ = {};
  places_ = base::SharePlaces<TransferId, Address>(setup_.settings.proposals_max);
  untold_.clear();
  told_.clear();
  storage_.take([this, run = run_](const base::Outcome<void>& taken) {
    if (run != run_) return;
    if (!taken.ok()) return reopen(taken.error());
    storage_.get(rows::genesis_key(), [this, run](const base::Outcome<std::optional<Bytes>>& row) {
      if (run != run_) return;
      if (!row.ok()) return reopen(row.error());
      if (row.value()) {
        const auto genesis = rows::decode_genesis(*row.value());
        if (!genesis) return reopen({Code::corrupt, "the first row of the book is corrupted"});
        return found(*genesis);
      }
      Genesis genesis{.owner = owner()};
      world().chance.fill(genesis.nonce);
      durable::Storage::Commit commit{.head = rows::head_key()};
      commit.rows[rows::genesis_key()] = rows::encode(genesis);
      commit.rows[rows::head_key()] = head_row(first_head(genesis), 0);
      storage_.commit(std::move(commit), [this, run, genesis](const base::Outcome<void>& made) {
        if (run != run_) return;
        if (!made.ok()) return reopen(made.error());
        setup_.settings.log.info("a book was made", {{"book", genesis.id().hex()}});
        found(genesis);
      });
    });
  });
}

void BookActor::found(Genesis genesis) {
  genesis_ = genesis;
  storage_.get(rows::head_key(), [this, run = run_](const base::Outcome<std::optional<Bytes>>& row) {
    if (run != run_) return;
    if (!row.ok()) return reopen(row.error());
    constexpr std::size_t kNumber = sizeof commits_;
    const auto head = row.value() && row.value()->size() > kNumber
                          ? rows::decode_head(base::ByteView(*row.value()).first(row.value()->size() - kNumber))
                          : std::nullopt;
    if (!head) return reopen({Code::corrupt, "the row with the end of the book's chain is missing or corrupted"});
    head_ = *head;
    head_row_ = row.value();
    commits_ = base::load<std::uint64_t>(*head_row_, head_row_->size() - kNumber);
    load(kLoaded[0], [this] { load(kLoaded[1], [this] { load(kLoaded[2], [this] { opened(); }); }); });
  });
}

void BookActor::load(char kind, base::Callback<void()> then) {
  storage_.each(
      rows::prefix(kind), {},
      [this, kind, run = run_](const durable::Storage::Row& row) -> std::optional<Error> {
        if (run != run_) return durable::read_again();
        if (!keep(kind, row)) return Error{Code::corrupt, "a row of the book is corrupted"};
        return std::nullopt;
      },
      [this, run = run_, then = std::move(then)](const base::Outcome<void>& done) mutable {
        if (run != run_) return;
        if (!done.ok()) return reopen(done.error());
        then();
      });
}

bool BookActor::keep(char kind, const durable::Storage::Row& row) {
  const base::ByteView key = base::ByteView(row.key).subspan(1);
  if (kind == 'a') {
    const auto address = Address::from(key);
    auto account = rows::decode_account(row.value);
    if (!address || !account) return false;
    accounts_.emplace(*address, std::move(*account));
  } else if (kind == 'q') {
    auto proposal = rows::decode_proposal(row.value);
    if (!proposal) return false;
    if (time() >= proposal->expires) {
      told_.push_back(row.key);
    } else {
      places_.hold(id_of(proposal->transfer), {.id = proposal->transfer.from});
      proposals_.put(std::move(*proposal));
    }
  } else {
    auto untold = rows::decode_untold(row.value);
    if (!untold) return false;
    note(row.key, std::move(*untold));
  }
  return true;
}

/// Clears the health reason, because the book is now kept elsewhere or the node stops.
void BookActor::stop() {
  if (setup_.settings.health != nullptr) setup_.settings.health->clear(kHealthSource);
}

void BookActor::opened() {
  if (setup_.settings.health != nullptr) setup_.settings.health->clear(kHealthSource);
  open_.opened();
  tell();
  pump();
}

/// Closes the book. A corrupted book stays closed until the node restarts, and refuses all requests
/// (WalletActor::refusal).
void BookActor::reopen(const Error& why) {
  ++run_;
  open_.closed();
  committing_ = false;
  if (why.code == Code::corrupt) {
    *setup_.damaged = why;
    open_.failed(why);
    for (Wanted& one : std::exchange(queue_, {})) end(one, why);
    setup_.settings.log.error("the book is corrupted", {{"why", std::string_view(why.message)}});
    if (setup_.settings.health != nullptr)
      setup_.settings.health->raise(kHealthSource, observe::HealthState::failing,
                                    "the book of accounts is corrupted: " + why.message);
    return;
  }
  setup_.settings.log.warn("reading the book again", {{"why", std::string_view(why.message)}});
  if (setup_.settings.health != nullptr)
    setup_.settings.health->raise(kHealthSource, observe::HealthState::degraded,
                                  "the book of accounts cannot be used: " + why.message);
  after<Reopen>(kReopen);
}

}  // namespace troupe::wallet
