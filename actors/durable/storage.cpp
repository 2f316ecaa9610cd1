#include "actors/durable/api.hpp"
#include "actors/raft/api.hpp"
#include "messages/codec.hpp"
#include "messages/common.capnp.h"
#include "messages/raft.capnp.h"
#include "messages/store.capnp.h"

namespace troupe::durable {
namespace {

using base::Bytes;
using base::Code;
using base::Error;
using messages::wire::Nothing;

constexpr std::string_view kStorePath = "/store";
constexpr std::chrono::seconds kReadDue{10};
constexpr std::chrono::seconds kCommitDue{60};        // our choice: after a time-out the outcome is unknown
constexpr std::uint32_t kGroupDueMs = 20'000;         // below kCommitDue, because the group's own response says more
constexpr std::uint32_t kRangeBytesMax = 512 * 1024;  // our choice
constexpr std::uint32_t kEachRows = 512;              // our choice

Error held_by_another() {
  return {Code::conflict, "another node holds the seat, or another commit has changed the actor: nothing was done"};
}

void set_equals(raft::wire::Condition::Builder out, const Bytes& key, const std::optional<Bytes>& value) {
  out.setKey(data_of(key));
  if (value) out.setEquals(data_of(*value));
  else out.setAbsent();
}

}  // namespace

Error read_again() { return {Code::dropped, "the rows are being read again"}; }

Error not_committed(const base::Outcome<void>& done, const char* reread) {
  if (done.ok()) return {Code::unknown_outcome, reread};
  if (done.error().code == Code::conflict) return {Code::unavailable, done.error().message};
  return done.error();
}

void append_ordered(Bytes& key, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<std::uint8_t>(number >> shift));
}

std::uint64_t ordered_at(base::ByteView key, std::size_t at) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < 8; ++i) out = out << 8 | key[at + i];
  return out;
}

Storage::Storage(runtime::Actor& owner, Place place, std::string kind, std::uint64_t term)
    : Part(owner), place_(std::move(place)), kind_(std::move(kind)), term_(term) {
  base::ensure(place_.kind == Place::Kind::self || in_group(), "durable rows are in this node's store or in a group");
}

std::size_t Storage::Commit::bytes() const {
  std::size_t out = 0;
  for (const auto& [key, value] : rows) out += key.size() + (value ? value->size() : 0) + 32;
  return out;
}

Bytes Storage::full(const Bytes& key) const {
  Bytes out;
  if (in_group()) {
    base::append(out, base::as_bytes(raft::kActorKeys));
    base::append(out, base::as_bytes(kind_));
    out.push_back('/');
  }
  base::append(out, key);
  return out;
}

runtime::Handle Storage::where() const {
  return node().find(in_group() ? raft::path_of(place_.group) : std::string(kStorePath));
}

void Storage::take(Then<void> done) {
  if (!in_group()) return done({});
  const Bytes fence = full({'f'});
  ask<raft::wire::GetKey, raft::wire::GotKey>(
      where(), now() + kReadDue, [&](raft::wire::GetKey::Builder out) { out.setKey(data_of(fence)); },
      [this, fence, done = std::move(done)](runtime::Answer<raft::wire::GotKey> got) mutable {
        if (!got.ok()) return done(got.error());
        std::optional<Bytes> before;
        if (const auto value = bytes_of(got.value().getValue()); got.value().getFound())
          before.emplace(value.begin(), value.end());
        if (before && (before->size() != 8 || ordered_at(*before, 0) > term_)) return done(held_by_another());
        Bytes mine;
        append_ordered(mine, term_);
        if (before == mine) return done({});
        ask<raft::wire::Execute, raft::wire::Executed>(
            where(), now() + kCommitDue,
            [&](raft::wire::Execute::Builder out) {
              out.setDueMs(kGroupDueMs);
              auto txn = out.initWhat().initTxn();
              set_equals(txn.initConditions(1)[0], fence, before);
              auto put = txn.initOperations(1)[0];
              put.setKey(data_of(fence));
              put.setPut(data_of(mine));
            },
            [done = std::move(done)](runtime::Answer<raft::wire::Executed> answer) mutable {
              if (!answer.ok()) return done(answer.error());
              if (answer.value().getOutcome() != raft::wire::Outcome::DONE) return done(held_by_another());
              done({});
            });
      });
}

void Storage::get(const Bytes& key, Then<std::optional<Bytes>> done) {
  if (in_group())
    return ask<raft::wire::GetKey, raft::wire::GotKey>(
        where(), now() + kReadDue,
        [&](raft::wire::GetKey::Builder out) {
          const Bytes whole = full(key);
          out.setKey(data_of(whole));
        },
        [this, done = std::move(done)](runtime::Answer<raft::wire::GotKey> got) mutable {
          if (!got.ok()) return done(got.error());
          const auto value = bytes_of(got.value().getValue());
          revision_ = got.value().getFound() ? got.value().getRevision() : 0;
          if (!got.value().getFound()) return done(std::optional<Bytes>());
          done(std::optional(Bytes(value.begin(), value.end())));
        });
  ask<store::wire::Get, store::wire::Found>(
      where(), now() + kReadDue,
      [&](store::wire::Get::Builder out) {
        out.setKeyspace(kind_);
        out.setKey(data_of(key));
      },
      [done = std::move(done)](runtime::Answer<store::wire::Found> found) mutable {
        if (!found.ok() && found.error().code == Code::not_found) return done(std::optional<Bytes>());
        if (!found.ok()) return done(found.error());
        const auto value = bytes_of(found.value().getValue());
        done(std::optional(Bytes(value.begin(), value.end())));
      });
}

void Storage::range(const Bytes& prefix, const Bytes& from, std::uint32_t rows_max, Then<Page> done) {
  if (in_group()) {
    const std::size_t skip = full({}).size();
    return ask<raft::wire::RangeKeys, raft::wire::KeyRows>(
        where(), now() + kReadDue,
        [&](raft::wire::RangeKeys::Builder out) {
          const Bytes whole = full(prefix), first = full(from);
          out.setPrefix(data_of(whole));
          out.setFrom(data_of(first));
          out.setLimit(rows_max);
        },
        [skip, done = std::move(done)](runtime::Answer<raft::wire::KeyRows> got) mutable {
          if (!got.ok()) return done(got.error());
          Page page;
          for (const auto row : got.value().getRows()) {
            const auto key = bytes_of(row.getKey()), value = bytes_of(row.getValue());
            if (key.size() < skip) return done(Error{Code::corrupt, "a key of the group is too short"});
            page.rows.push_back({Bytes(key.begin() + skip, key.end()), Bytes(value.begin(), value.end())});
          }
          if (got.value().getMore() && !page.rows.empty()) {
            page.next = page.rows.back().key;
            page.next->push_back(0);
          }
          done(std::move(page));
        });
  }
  ask<store::wire::Scan, store::wire::Slice>(
      where(), now() + kReadDue,
      [&](store::wire::Scan::Builder out) {
        out.setKeyspace(kind_);
        out.setPrefix(data_of(prefix));
        out.setFrom(data_of(from.empty() ? prefix : from));
        out.setRowsMax(rows_max);
        out.setBytesMax(kRangeBytesMax);
      },
      [done = std::move(done)](runtime::Answer<store::wire::Slice> slice) mutable {
        if (!slice.ok()) return done(slice.error());
        Page page;
        for (const auto row : slice.value().getRows()) {
          const auto key = bytes_of(row.getKey()), value = bytes_of(row.getValue());
          page.rows.push_back({Bytes(key.begin(), key.end()), Bytes(value.begin(), value.end())});
        }
        if (slice.value().getMore()) {
          const auto next = bytes_of(slice.value().getNext());
          page.next.emplace(next.begin(), next.end());
        }
        done(std::move(page));
      });
}

void Storage::each(const Bytes& prefix, const Bytes& from, Take take, Then<void> done) {
  range(prefix, from.empty() ? prefix : from, kEachRows,
        [this, prefix, take = std::move(take), done = std::move(done)](const base::Outcome<Page>& page) mutable {
          if (!page.ok()) return done(page.error());
          for (const Row& row : page.value().rows)
            if (const auto wrong = take(row)) return done(*wrong);
          if (!page.value().next) return done({});
          each(prefix, *page.value().next, std::move(take), std::move(done));
        });
}

void Storage::commit(Commit commit, Then<void> done) {
  if (in_group())
    return ask<raft::wire::Execute, raft::wire::Executed>(
        where(), now() + kCommitDue,
        [&](raft::wire::Execute::Builder out) {
          out.setDueMs(kGroupDueMs);
          auto txn = out.initWhat().initTxn();
          Bytes term;
          append_ordered(term, term_);
          if (!world().mutations.on("durable.old_term")) {
            auto conditions = txn.initConditions(2);
            set_equals(conditions[0], full({'f'}), term);
            if (commit.revision) {
              conditions[1].setKey(data_of(full(commit.head)));
              conditions[1].setRevision(*commit.revision);
            } else {
              set_equals(conditions[1], full(commit.head), commit.expected);
            }
          }
          auto operations = txn.initOperations(size32(commit.rows));
          unsigned i = 0;
          for (const auto& [key, value] : commit.rows) {
            auto one = operations[i++];
            const Bytes whole = full(key);
            one.setKey(data_of(whole));
            if (value) one.setPut(data_of(*value));
            else one.setRemove();
          }
        },
        [this, done = std::move(done)](runtime::Answer<raft::wire::Executed> answer) mutable {
          if (!answer.ok()) {
            const Code code = answer.error().code;
            const bool lost = code == Code::timeout || code == Code::dropped || code == Code::internal;
            return done(lost ? Error{Code::unknown_outcome, answer.error().message} : answer.error());
          }
          const auto outcome = answer.value().getOutcome();
          if (outcome == raft::wire::Outcome::DONE) {
            revision_ = answer.value().getRevision();
            return done({});
          }
          if (outcome == raft::wire::Outcome::CONFLICT) return done(held_by_another());
          done(Error{Code::overloaded, "the group accepts no commands of this size now"});
        });
  // Each kind has one writer, and its requests arrive in order: the head is what the writer knows.
  ask<store::wire::Commit, Nothing>(
      where(), now() + kCommitDue,
      [&](store::wire::Commit::Builder out) {
        auto rows = out.initRows(size32(commit.rows));
        unsigned i = 0;
        for (const auto& [key, value] : commit.rows) {
          auto row = rows[i++];
          row.setKeyspace(kind_);
          row.setKey(data_of(key));
          if (value) row.initValue().setPut(data_of(*value));
          else row.initValue().setErase();
        }
      },
      [done = std::move(done)](const runtime::Answer<Nothing>& answer) mutable {
        if (answer.ok()) return done({});
        const Code code = answer.error().code;
        const bool lost = code == Code::timeout || code == Code::dropped || code == Code::internal;
        done(lost ? Error{Code::unknown_outcome, answer.error().message} : answer.error());
      });
}

void Storage::confirm(Then<void> done) {
  if (!in_group()) return done({});
  get({'f'}, [this, done = std::move(done)](base::Outcome<std::optional<Bytes>> fence) mutable {
    if (!fence.ok()) return done(fence.error());
    const auto& value = fence.value();
    if (!value || value->size() != 8 || ordered_at(*value, 0) != term_) return done(held_by_another());
    done({});
  });
}

}  // namespace troupe::durable
