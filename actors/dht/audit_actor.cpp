#include "actors/dht/audit_actor.hpp"

#include <algorithm>

#include "actors/dht/api.hpp"
#include "actors/dht/wire.hpp"
#include "messages/common.capnp.h"
#include "runtime/base/ensure.hpp"

namespace troupe::dht {
namespace {

using base::Code;
using base::Error;

/// Returns the space of a row, given only its key.
AuditSpace space_of_key(std::string_view keyspace, base::ByteView key) {
  return judge(keyspace, key, {}, {}, {}).space;
}

void write(wire::RowSummary::Builder out, const RowSummary& row) {
  out.setSpace(std::string(name(row.space)));
  out.setWhat(static_cast<std::uint8_t>(row.what));
  out.setKey(data_of(row.key));
  out.setSequence(row.sequence);
  out.setName(data_of(row.name));
  out.setWhose(data_of(row.whose));
  out.setBytes(row.value_bytes);
  if (row.expires)
    out.setExpires(static_cast<std::uint64_t>(std::max<std::int64_t>(base::unix_seconds(*row.expires), 0)));
}

}  // namespace

void AuditActor::receive(runtime::Handlers& on) {
  on.stream<wire::CheckHeld, wire::AuditItem>([this](auto, auto sink) { begin(std::move(sink), Effect::check); });
  on.stream<wire::CleanHeld, wire::AuditItem>([this](auto, auto sink) { begin(std::move(sink), Effect::clean); });
  on.stream<wire::ListRows, wire::AuditItem>(
      [this](auto request, auto sink) { begin(std::move(sink), Effect::list, text_of(request.getSpace())); });
  on.timer<Step>([this] { step(); });
  on.describe<wire::AuditState>([this](wire::AuditState::Builder state) {
    state.setRunning(run_ != nullptr);
    state.setRows(run_ ? run_->audit.rows() : rows_read_);
    state.setAudits(runs_);
  });
}

void AuditActor::start() { node().publish<wire::CheckHeld, wire::CleanHeld, wire::ListRows>(kAuditPath, self()); }

void AuditActor::check() const {
  if (run_) base::ensure(run_->items.size() <= 2 * kAuditItemsMax, "the items that wait for a reader are limited");
}

void AuditActor::begin(runtime::Sink<wire::AuditItem> sink, Effect effect, std::string space) {
  if (run_)
    return sink.fail(
        {Code::overloaded, "another check, clean or list is reading this node's rows", std::chrono::seconds(5)});
  if (effect == Effect::list && settings_->values == Values::in_memory)
    return sink.fail(
        {Code::unavailable, "this node stores records only in memory (dht.store), so it has no rows to list"});
  run_ = std::make_unique<Run>(std::move(sink), effect, terms());
  run_->space = std::move(space);
  ++runs_;
  run_->told_at = now();
  run_->sink.on_cancel([this] {
    run_->cancelled = true;
    after<Step>(base::Duration::zero());
  });
  run_->sink.on_ready([this] { after<Step>(base::Duration::zero()); });
  if (settings_->values == Values::in_memory) run_->keyspace = std::size(kAuditedKeyspaces);
  after<Step>(base::Duration::zero());
}

/// Takes the next step; there is one at a time.
void AuditActor::step() {
  if (!run_) return;
  if (run_->cancelled) return run_.reset();
  show();
  if (run_->waits || run_->items.size() > kAuditItemsMax) return;
  if (run_->keyspace == std::size(kAuditedKeyspaces)) return end();
  if (!run_->drop.empty()) return drop();
  if (!run_->doubtful.empty()) return look_again();
  if (run_->from) return read_slice();
  list_index();
}

void AuditActor::next_keyspace() {
  ++run_->keyspace;
  run_->from = base::Bytes();
  run_->read.clear();
  run_->listed = 0;
  run_->after.clear();
  if (run_->keyspace == std::size(kAuditedKeyspaces) && run_->effect != Effect::list)
    for (const Audit::Excess& one : run_->audit.over_limits())
      trouble({.key = one.whose, .judged = {.space = one.space}}, RowState::over_limit);
  after<Step>(base::Duration::zero());
}

template <class Take>
auto AuditActor::then(Take answered) {
  run_->waits = true;
  return [this, run = runs_, answered = std::move(answered)](auto&& answer) mutable {
    if (!run_ || run != runs_) return;
    run_->waits = false;
    if (run_->cancelled) return run_.reset();
    if (answer.ok()) answered(answer);
    else fail(answer.error());
    if (run_) after<Step>(base::Duration::zero());
  };
}

template <class Q, class A, class Fill, class Take>
void AuditActor::ask_then(const runtime::Handle& whom, Fill&& fill, Take answered) {
  ask<Q, A>(whom, now() + kAuditDue, std::forward<Fill>(fill), then(std::move(answered)));
}

// -- rows ------------------------------------------------------------------------------------------------------------

store::Rows AuditActor::rows_of(std::size_t keyspace) {
  return {*this, {.store = settings_->store, .keyspace = std::string(kAuditedKeyspaces[keyspace])}};
}

void AuditActor::read_slice() {
  rows().scan(*run_->from, kAuditRows, kAuditBytes, then([this](const base::Outcome<store::Rows::Page>& page) {
    run_->from = page.value().next;
    if (run_->effect == Effect::list) list(page.value());
    else take(page.value());
  }));
}

void AuditActor::take(const store::Rows::Page& page) {
  std::vector<AuditedRow> sound;
  for (const auto one : page.rows) {
    const auto key = bytes_of(one.getKey()), value = bytes_of(one.getValue());
    AuditedRow row{{key.begin(), key.end()}, judge(keyspace(), key, value, wall(), terms()), key.size() + value.size()};
    if (const auto item = indexed() ? std::nullopt : Republish::read_row_key(key))
      row.sequence = sequence_in(*item, value);
    run_->audit.read(row.judged, key, row.bytes);
    run_->read.push_back(row.key);
    if (row.judged.state == RowState::sound) sound.push_back(std::move(row));
    else if (is_trouble(row.judged.state)) trouble(row, row.judged.state);
    else if (run_->effect == Effect::clean) run_->drop.push_back(std::move(row));
  }
  if (indexed() && !sound.empty()) compare(std::move(sound));
}

void AuditActor::list(const store::Rows::Page& page) {
  for (const auto one : page.rows) {
    const auto key = bytes_of(one.getKey()), value = bytes_of(one.getValue());
    const JudgedRow judged = judge(keyspace(), key, value, wall(), terms());
    auto summary = summary_of(keyspace(), key, value, settings_->held.hold);
    if (judged.state != RowState::sound || !summary) continue;
    if (!run_->space.empty() && run_->space != name(summary->space)) continue;
    run_->audit.listed(judged.space, summary->value_bytes);
    run_->items.push_back({summary->space, {}, RowState::sound, std::move(summary)});
  }
}

void AuditActor::compare(std::vector<AuditedRow> rows) {
  const auto fill = [&](wire::FindIndexed::Builder question) {
    question.setKeyspace(keyspace());
    auto keys = question.initKeys(size32(rows));
    for (unsigned i = 0; i < keys.size(); ++i) keys.set(i, data_of(rows[i].key));
  };
  ask_then<wire::FindIndexed, wire::Indexed>(
      node().find(kPath), fill, [this, rows](runtime::Answer<wire::Indexed>& answer) {
        const auto known = answer.value().getRows();
        for (unsigned i = 0; i < std::min<std::size_t>(known.size(), rows.size()); ++i) {
          const bool agrees = known[i].getPresent() && Tag::from(bytes_of(known[i].getTag())) == rows[i].judged.tag;
          if (!agrees) run_->doubtful.push_back(rows[i]);
        }
      });
}

// -- the index -------------------------------------------------------------------------------------------------------

void AuditActor::list_index() {
  if (!indexed() || run_->effect == Effect::list) return next_keyspace();
  const bool records = kAuditedKeyspaces[run_->keyspace] == kRecordRows;
  if (run_->listed == 0) run_->listed = records ? 1 : kProviderNumber;
  if (run_->listed > (records ? std::size(kSpaces) : kProviderNumber)) return next_keyspace();
  ask_then<wire::ListIndexed, wire::IndexedKeys>(
      node().find(kPath),
      [&](wire::ListIndexed::Builder question) {
        question.setWhat(run_->listed);
        question.setAfter(data_of(run_->after));
      },
      [this](runtime::Answer<wire::IndexedKeys>& answer) {
        const auto keys = answer.value().getKeys();
        if (keys.size() == 0) {
          ++run_->listed;
          run_->after.clear();
          return;
        }
        for (const auto one : keys) {
          const base::Bytes key(one.begin(), one.end());
          run_->after = key;
          if (!std::ranges::binary_search(run_->read, key))
            run_->doubtful.push_back({key, {.space = space_of_key(keyspace(), key)}, 0});
        }
      });
}

/// Reads the row first and its index entry second. So a change between the two appears as in progress, or is resolved
/// by the next read.
void AuditActor::look_again() {
  const base::Bytes key = run_->doubtful.front().key;
  rows().get(key, then([this, key](const base::Outcome<std::optional<base::ByteView>>& answer) {
               AuditedRow row{key, {.space = space_of_key(keyspace(), key)}, 0};
               if (const auto value = answer.value()) {
                 row.judged = judge(keyspace(), key, *value, wall(), terms());
                 row.bytes = key.size() + value->size();
               }
               look_again(row);
             }));
}

void AuditActor::look_again(const AuditedRow& row) {
  const auto fill = [&](wire::FindIndexed::Builder question) {
    question.setKeyspace(keyspace());
    question.initKeys(1).set(0, data_of(row.key));
  };
  ask_then<wire::FindIndexed, wire::Indexed>(
      node().find(kPath), fill, [this, row](runtime::Answer<wire::Indexed>& answer) {
        if (answer.value().getRows().size() != 1) return fail({Code::internal, "expected one index entry for one row"});
        const auto known = answer.value().getRows()[0];
        const bool there = row.bytes > 0;
        const bool same_tag = Tag::from(bytes_of(known.getTag())) == row.judged.tag;
        const bool agrees = there == known.getPresent() && (!there || same_tag);
        const bool over = row.judged.state == RowState::expired;  // may be swept at any moment
        if (!agrees && !over && !known.getChanging() && ++run_->looks < kLooks) return;
        if (!agrees && !over && !known.getChanging()) {
          if (there && is_trouble(row.judged.state)) trouble(row, row.judged.state);
          else trouble(row, !there ? RowState::missing : known.getPresent() ? RowState::differs : RowState::unindexed);
        }
        run_->looks = 0;
        run_->doubtful.pop_front();
      });
}

// -- results ---------------------------------------------------------------------------------------------------------

void AuditActor::trouble(const AuditedRow& row, RowState state) {
  run_->audit.trouble(row.judged.space);
  if (run_->items.size() < 2 * kAuditItemsMax) run_->items.push_back({row.judged.space, row.key, state});
  if (run_->effect == Effect::clean && state != RowState::over_limit) run_->drop.push_back(row);
}

/// Drops rows with their index entries: otherwise nodes would read missing rows, or republish them.
void AuditActor::drop() {
  // Rows that share one reason.
  const bool expired = run_->drop.front().judged.state == RowState::expired;
  const auto others = std::stable_partition(run_->drop.begin(), run_->drop.end(), [&](const AuditedRow& row) {
    return (row.judged.state == RowState::expired) == expired;
  });
  const std::vector<AuditedRow> rows(run_->drop.begin(), others);
  run_->drop.erase(run_->drop.begin(), others);
  ask_then<wire::DropRows, wire::RowsDropped>(
      node().find(indexed() ? kPath : kRepublishPath),
      [&](wire::DropRows::Builder request) {
        request.setKeyspace(keyspace());
        auto keys = request.initKeys(size32(rows));
        for (unsigned i = 0; i < keys.size(); ++i) keys.set(i, data_of(rows[i].key));
        request.setExpired(expired);
        auto sequences = request.initSequences(size32(rows));
        for (unsigned i = 0; i < sequences.size(); ++i) sequences.set(i, rows[i].sequence);
      },
      [this, rows](runtime::Answer<wire::RowsDropped>& answer) {
        const auto dropped = answer.value().getDropped();
        for (unsigned i = 0; i < std::min<std::size_t>(dropped.size(), rows.size()); ++i)
          if (dropped[i] && rows[i].bytes > 0) run_->audit.removed(rows[i].judged.space, rows[i].bytes);
      });
}

void AuditActor::show() {
  while (!run_->items.empty() && run_->sink.ready()) {
    const Item item = std::move(run_->items.front());
    run_->items.pop_front();
    run_->sink.push([&](wire::AuditItem::Builder out) {
      if (item.summary) return write(out.initRow(), *item.summary);
      auto trouble = out.initTrouble();
      trouble.setSpace(std::string(name(item.space)));
      trouble.setRow(data_of(item.row));
      trouble.setWhat(std::string(text_of(item.state)));
    });
  }
  if (now() - run_->told_at < kAuditTellPeriod || !run_->sink.ready()) return;
  run_->told_at = now();
  run_->sink.push([this](wire::AuditItem::Builder out) { out.setProgress(run_->audit.rows()); });
}

void AuditActor::end() {
  if (!run_->items.empty() || !run_->sink.ready()) return;  // on_ready() will call again
  for (std::size_t i = 0; i < kAuditSpaces; ++i) {
    const AuditSums& sums = run_->audit.sums(static_cast<AuditSpace>(i));
    if (sums.troubles + sums.removed > 0)
      settings_->log.warn(
          "rows were corrupt or removed",
          {{"space", name(static_cast<AuditSpace>(i))}, {"damaged", sums.troubles}, {"removed", sums.removed}});
  }
  run_->sink.push([this](wire::AuditItem::Builder out) {
    auto list = out.initSum(kAuditSpaces);
    for (unsigned i = 0; i < list.size(); ++i) {
      const auto space = static_cast<AuditSpace>(i);
      const AuditSums& sums = run_->audit.sums(space);
      list[i].setSpace(std::string(name(space)));
      list[i].setRows(sums.rows);
      list[i].setBytes(sums.bytes);
      list[i].setExpired(sums.expired);
      list[i].setTroubles(sums.troubles);
      list[i].setRemoved(sums.removed);
      list[i].setRemovedBytes(sums.removed_bytes);
    }
  });
  run_->sink.end();
  rows_read_ = run_->audit.rows();
  run_.reset();
}

void AuditActor::fail(const Error& why) {
  run_->sink.fail(why);
  rows_read_ = run_->audit.rows();
  run_.reset();
}

}  // namespace troupe::dht
