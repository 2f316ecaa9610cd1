#include "runtime/store/rows.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "messages/codec.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/store/batch.hpp"

namespace troupe::store {
namespace {

using base::Code;
using base::Error;
using Committed = runtime::Answer<messages::wire::Nothing>;

std::size_t size_of(const Row& row) { return kRowOverhead + row.key.size() + row.value.size(); }
std::size_t size_of(const SharedRow& row) { return kRowOverhead + row.key.size() + row.value->size(); }
std::size_t size_of(const base::Bytes& key) { return kRowOverhead + key.size(); }

/// The remaining capacity of a commit.
struct Room {
  std::size_t bytes;
  std::size_t rows = kSaveRows;
  bool used = false;  // false: it accepts a row of any size

  /// Returns the leading items that fit.
  template <class Item>
  std::span<const Item> take(std::span<const Item> items) {
    std::size_t count = 0;
    while (count < std::min(items.size(), rows) && (!used || size_of(items[count]) <= bytes)) {
      used = true;
      bytes -= std::min(bytes, size_of(items[count++]));
    }
    rows -= count;
    return items.first(count);
  }
};

void tell_all(std::vector<Rows::Done>& all, const base::Outcome<void>& how) {
  for (Rows::Done& one : std::exchange(all, {})) one(how);
}

}  // namespace

// -- read ------------------------------------------------------------------------------------------------------------

void Rows::load(Take take, Done loaded) {
  base::ensure(!reading(), "rows are read once at a time");
  take_ = std::move(take);
  loaded_ = std::move(loaded);
  perform(loading_.begin(setup_.first));
}

void Rows::perform(RowLoading::Step step) {
  switch (step) {
    case RowLoading::Step::ask: return read_slice();
    case RowLoading::Step::wait: {
      load_at_ = loading_.retry_at();
      return arm();
    }
    case RowLoading::Step::end:
      if (loading_.complete()) return loaded_({});
      return loaded_(refusal());
  }
}

void Rows::read_slice() {
  if (!on_disk()) {
    settled();
    return perform(loading_.took({}));
  }
  scan(loading_.from(), kLoadRows, kLoadBytes, [this](const base::Outcome<Page>& page) {
    if (page.ok()) return took(page.value());
    const auto step = loading_.failed(page.error().code, now());
    unread_ = page.error();
    show();
    settled();
    perform(step);
  });
}

void Rows::took(const Page& page) {
  RowChange useless;
  for (const auto row : page.rows)
    if (take_(bytes_of(row.getKey()), bytes_of(row.getValue())) == Use::erase)
      useless.erase.emplace_back(row.getKey().begin(), row.getKey().end());
  erase(std::move(useless), [this, next = page.next](const base::Outcome<void>&) {
    const auto step = loading_.took(next);
    if (step == RowLoading::Step::end) {
      unread_.reset();
      show();
      settled();
    }
    perform(step);
  });
}

void Rows::settled() {
  settled_ = true;
  if (when_settled_) std::exchange(when_settled_, {})();
}

void Rows::when_settled(base::Callback<void()> settled) {
  when_settled_ = std::move(settled);
  if (settled_) this->settled();
}

Error Rows::refusal() const {
  if (!unread_) return {Code::unavailable, "this node is still reading " + setup_.what, kRetryMin};
  const std::string text = setup_.what + " cannot be read: " + unread_->message;
  if (lasting(unread_->code)) return {unread_->code, text, {}};
  return {Code::unavailable, text, kRetryMin};
}

// -- save now --------------------------------------------------------------------------------------------------------

struct Rows::Saving {
  std::shared_ptr<const RowChange> change;
  Done done;
  Doubt doubt;
  std::uint64_t leave = 0;
  std::size_t shared = 0;  // that are saved
  std::size_t saved = 0;
  std::size_t erased = 0;

  bool begun() const { return shared + saved + erased > 0; }
  bool whole() const {
    return shared == change->shared.size() && saved == change->save.size() && erased == change->erase.size();
  }
};

void Rows::write_row(wire::Change::Builder out, const base::Bytes& key, const base::Bytes* value) const {
  out.setKeyspace(setup_.keyspace);
  out.setKey(data_of(key));
  if (value != nullptr) out.getValue().setPut(data_of(*value));
  else out.getValue().setErase();
}

void Rows::save(std::shared_ptr<const RowChange> change, Done done, Fill fill, Whose whose) {
  if (!on_disk() || (change->empty() && !fill)) return done({});
  const std::uint64_t leave = whose == Whose::own ? 0 : whose == Whose::strangers ? setup_.leave : setup_.leave_kept;
  save_next(std::make_shared<Saving>(Saving{std::move(change), std::move(done), setup_.doubt, leave}), std::move(fill));
}

/// Erases useless rows. A row that cannot be erased stays until the next start; that is no reason to end the owner.
void Rows::erase(RowChange useless, Done done) {
  if (!on_disk() || useless.empty()) return done({});
  auto change = std::make_shared<const RowChange>(std::move(useless));
  save_next(std::make_shared<Saving>(Saving{std::move(change), std::move(done), Doubt::told}), {});
}

void Rows::save_next(std::shared_ptr<Saving> saving, Fill fill) {
  // A commit without blobs may use nearly its whole limit.
  const std::size_t most = fill ? kSaveBytes : kSaveBytes * 15 / 8;
  const RowChange& change = *saving->change;
  Room room{most};
  const auto shared = room.take(std::span(change.shared).subspan(saving->shared));
  const bool all_shared = saving->shared + shared.size() == change.shared.size();
  const auto puts = room.take(std::span(change.save).subspan(saving->saved, all_shared ? std::dynamic_extent : 0));
  const bool all_put = all_shared && saving->saved + puts.size() == change.save.size();
  room.rows = kSaveRows;
  const auto keys = room.take(std::span(change.erase).subspan(saving->erased, all_put ? std::dynamic_extent : 0));
  const std::size_t rows = shared.size() + puts.size() + keys.size();
  ask<wire::Commit, messages::wire::Nothing>(
      store(), now() + kSaveDue,
      [&](wire::Commit::Builder out) {
        auto to = out.initRows(static_cast<unsigned>(rows));
        unsigned i = 0;
        for (const SharedRow& row : shared) write_row(to[i++], row.key, row.value.get());
        for (const Row& row : puts) write_row(to[i++], row.key, &row.value);
        for (const base::Bytes& key : keys) write_row(to[i++], key, nullptr);
        if (rows > keys.size()) out.setLeave(saving->leave);
        if (fill) fill(out);
      },
      [this, saving, shared = shared.size(), saved = puts.size(), erased = keys.size()](const Committed& answer) {
        if (!answer.ok()) return not_saved(*saving, !saving->begun(), answer.error());
        saving->shared += shared;
        saving->saved += saved;
        saving->erased += erased;
        if (saving->whole()) saving->done({});
        else save_next(saving, {});
      },
      most - room.bytes);  // kRowOverhead is more than a message's overhead per row
}

void Rows::not_saved(Saving& saving, bool first, const Error& why) {
  if (first && nothing_done(why.code)) return saving.done(why);
  const std::string doubt = "it is unknown whether a change of " + setup_.what + " is saved";
  if (saving.doubt == Doubt::ends_owner) throw base::StateUnknown(doubt);
  saving.done(Error{Code::unknown_outcome, doubt + ": " + why.message, why.retry_after});
}

void Rows::save_row(const base::Bytes& key, RowChange change, Done done, Whose whose) {
  if (change.empty()) {
    const auto under_way = changing_.find(key);
    if (under_way == changing_.end()) return done({});
    return under_way->second.waiting.push_back(std::move(done));
  }
  ++changing_[key].saves;
  save(
      std::make_shared<const RowChange>(std::move(change)),
      [this, key, done = std::move(done)](const base::Outcome<void>& saved) mutable {
        const auto at = changing_.find(key);
        std::vector<Done> waiting;
        const bool last = --at->second.saves == 0;
        if (!saved.ok() || last) waiting = std::exchange(at->second.waiting, {});
        if (last) changing_.erase(at);
        done(saved);
        tell_all(waiting, saved);
      },
      {}, whose);
}

// -- many -----------------------------------------------------------------------------------------------------------

struct Rows::Getting {
  std::vector<base::Bytes> keys;
  std::size_t asked = 0;
  FoundSome found;
  Done done;
};

void Rows::get_all(std::vector<base::Bytes> keys, FoundSome found, Done done) {
  get_next(std::make_shared<Getting>(Getting{std::move(keys), 0, std::move(found), std::move(done)}));
}

void Rows::get_next(std::shared_ptr<Getting> getting) {
  const auto keys = std::span(getting->keys).subspan(getting->asked);
  if (keys.empty()) return getting->done({});
  ask<wire::GetRows, wire::FoundRows>(
      store(), now() + kReadDue,
      [&](wire::GetRows::Builder out) {
        out.setKeyspace(setup_.keyspace);
        auto list = out.initKeys(static_cast<unsigned>(std::min(keys.size(), kGetRowsMax)));
        for (unsigned i = 0; i < list.size(); ++i) list.set(i, data_of(keys[i]));
      },
      [this, getting, most = keys.size()](runtime::Answer<wire::FoundRows> answer) {
        if (!answer.ok()) return getting->done(answer.error());
        std::vector<Value> values;
        for (const auto row : answer.value().getRows())
          values.push_back(row.isValue() ? Value(bytes_of(row.getValue())) : std::nullopt);
        if (values.empty() || values.size() > most)
          return getting->done(Error{Code::internal, "the store returned a different number of rows"});
        getting->asked += values.size();
        // The next rows are read while these are used.
        const bool more = values.size() < most;
        if (more) get_next(getting);
        getting->found(values);
        if (!more) getting->done({});
      });
}

// -- write behind ----------------------------------------------------------------------------------------------------

void Rows::write(RowChange change, Done erased) {
  const bool values_first = behind_.under_way() && !behind_.erases_now();
  RowChange erasures;
  if (erased && values_first) erasures.erase = change.erase;
  if (on_disk()) behind_.add(std::move(change));
  // The store takes commits in the order in which they are sent, so the values in flight cannot come back.
  if (erased && values_first) save(std::move(erasures), std::move(erased));
  else if (erased) to_erase_.push_back(std::move(erased));
  write_next();
}

void Rows::write_next() {
  if (const auto* const rows = behind_.next()) {
    if (behind_.erases_now()) std::ranges::move(std::exchange(to_erase_, {}), std::back_inserter(erasing_));
    commit(*rows, [this](const Committed& answer) { written(answer); });
  }
  if (behind_.erases()) return;
  tell_all(to_erase_, {});
  tell_all(erasing_, {});
}

template <class F>
void Rows::commit(const WriteBehind::Changes& changes, F then) {
  ask<wire::Commit, messages::wire::Nothing>(
      store(), now() + kSaveDue,
      [&](wire::Commit::Builder out) {
        auto rows = out.initRows(static_cast<unsigned>(changes.size()));
        unsigned i = 0;
        for (const auto& [key, value] : changes) write_row(rows[i++], key, value ? &*value : nullptr);
      },
      std::move(then));
}

void Rows::written(const Committed& answer) {
  if (answer.ok()) {
    // A full device still accepts erasures, so they do not show that values can be saved.
    const bool saves = !behind_.erases_now();
    behind_.done();
    if (saves || behind_.idle()) {
      write_retry_.succeeded();
      unsaved_.reset();
    }
    if (unread_ && !reading() && !lasting(unread_->code)) unread_.reset();  // its owner has continued without them
  } else {
    ++writes_failed_;
    if (setup_.waited != nullptr) world().mutations.sometimes(setup_.waited);
    if (behind_.erases_now()) tell_all(erasing_, answer.error());
    behind_.failed();
    unsaved_ = answer.error();
    write_at_ = std::min(write_at_, now() + write_retry_.next());
    arm();
  }
  show();
  write_next();
}

void Rows::stop() {
  if (behind_.under_way()) behind_.failed();  // its response will not arrive; writing twice is harmless
  behind_.again();
  while (const auto* const rows = behind_.next()) {
    commit(*rows, [](const Committed&) {});
    behind_.done();
  }
}

// -- both ------------------------------------------------------------------------------------------------------------

void Rows::again() {
  const auto due = [this](base::Instant& at) { return at <= now() && (at = base::Instant::max(), true); };
  if (due(load_at_)) read_slice();
  if (due(write_at_)) {
    behind_.again();
    write_next();
  }
  arm();
}

void Rows::arm() {
  const base::Instant next = std::min(load_at_, write_at_);
  if (next < base::Instant::max()) wait_(*this, std::max<base::Duration>(next - now(), base::Duration::zero()));
}

void Rows::show() {
  const bool well = !unread_ && !unsaved_;
  if (setup_.health == nullptr || (well && !shown_)) return;
  shown_ = !well;
  if (well) return setup_.health->clear(setup_.source);
  if (unread_) return setup_.health->raise(setup_.source, setup_.unread_is, refusal().message);
  setup_.health->raise(setup_.source, observe::HealthState::degraded,
                       setup_.what + " cannot be saved: " + unsaved_->message);
}

void Rows::check() const {
  base::ensure(behind_.under_way() || behind_.waiting() == 0 || write_at_ < base::Instant::max(),
               "rows wait for a commit in flight, or for their turn");
}

}  // namespace troupe::store
