#include "actors/raft/logic/kv/machine.hpp"

#include <algorithm>

namespace troupe::raft::kv {
namespace {

void roll(std::uint64_t& hash, base::ByteView bytes) {
  for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 1'099'511'628'211ULL;
}
void roll(std::uint64_t& hash, std::uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) hash = (hash ^ (number >> shift & 0xff)) * 1'099'511'628'211ULL;
}

}  // namespace

std::uint64_t session_bytes(const std::string& request, const Answer& answer) {
  std::uint64_t out = 128 + 2 * request.size();
  for (const Value& value : answer.values) out += 16 + (value ? value->size() : 0);
  return out;
}

void Machine::at(Index index) {
  base::ensure(index > applied_, "commands are applied once, in the order of the log");
  applied_ = index;
}

Applied Machine::apply(Index index, base::ByteView bytes) {
  at(index);
  Applied out;
  const auto command = decode_command(bytes);
  if (!command) {
    out.answer = {.outcome = Outcome::malformed, .revision = revision_};
    return out;
  }
  time_ms_ = std::max(time_ms_, command->time_ms);
  expire_sessions();
  const std::string& request = command->request;
  if (!request.empty()) {
    if (const Session* known = sessions_.find(request)) {
      out.answer = known->answer;
      out.repeated = true;
      return out;
    }
    // The answer is not known yet. Its smallest possible size is checked, so one answer may exceed the limit.
    if (sessions_.rows().size() >= limits_.rows_max || session_bytes_ >= limits_.bytes_max) {
      out.answer = {.outcome = Outcome::sessions_full, .revision = revision_};
      return out;
    }
  }
  out.answer = std::visit([&](const auto& what) { return perform(what, request, out.changes); }, command->what);
  out.answer.revision = revision_;
  if (!request.empty()) keep(request, out.answer);
  if (out.answer.outcome == Outcome::done) {
    if (const auto* grant = std::get_if<GrantLease>(&command->what)) out.granted = grant->id;
    if (const auto* drop = std::get_if<DropLease>(&command->what)) out.dropped = drop->id;
    if (const auto* keep = std::get_if<KeepLeases>(&command->what)) out.kept = keep->ids;
  }
  for (const Changed& change : out.changes) note(change);
  return out;
}

const Condition* Machine::unmet(const Txn& txn) const {
  for (const Condition& condition : txn.conditions) {
    const Row* row = rows_.find(condition.key);
    bool holds = false;
    switch (condition.kind) {
      case Condition::Kind::absent: holds = row == nullptr; break;
      case Condition::Kind::equals: holds = row != nullptr && same(row->value, condition.value); break;
      case Condition::Kind::revision: holds = (row ? row->changed : Revision{}) == condition.revision;
    }
    if (!holds) return &condition;
  }
  return nullptr;
}

Answer Machine::perform(const Txn& txn, const std::string& request, std::vector<Changed>& changes) {
  Answer out;
  if (const Condition* unheld = unmet(txn)) {
    const Row* row = rows_.find(unheld->key);
    out.outcome = Outcome::conflict;
    out.values.push_back(row ? row->value : nullptr);
    return out;
  }
  for (const Operation& operation : txn.operations)
    if (operation.lease.value != 0 && !leases_.contains(operation.lease)) return {.outcome = Outcome::no_lease};
  if (answer_bytes(txn) > kAnswerBytesMax) return {.outcome = Outcome::answer_too_large};
  const Revision next{revision_.value + 1};
  for (const Operation& operation : txn.operations) {
    switch (operation.kind) {
      case Operation::Kind::get: {
        const Row* row = rows_.find(operation.key);
        out.values.push_back(row ? row->value : nullptr);
        break;
      }
      case Operation::Kind::put:
        put(operation, next);
        changes.push_back({next, operation.key, operation.value, rows_.find(operation.key)->created, request});
        break;
      case Operation::Kind::remove:
        if (remove(operation.key)) changes.push_back({next, operation.key, nullptr, {}, request});
        break;
    }
  }
  if (!changes.empty()) revision_ = next;
  return out;
}

/// Returns the size of the gets' results. Each get sees the effects of the operations before it.
std::uint64_t Machine::answer_bytes(const Txn& txn) const {
  std::map<std::string_view, std::size_t> written;
  std::uint64_t out = 0;
  for (const Operation& operation : txn.operations) {
    if (operation.kind == Operation::Kind::get) {
      const auto here = written.find(operation.key);
      const Row* row = rows_.find(operation.key);
      out += here != written.end() ? here->second : row ? row->value->size() : 0;
    } else {
      written[operation.key] = operation.value ? operation.value->size() : 0;
    }
  }
  return out;
}

void Machine::put(const Operation& operation, Revision revision) {
  const Row* known = rows_.find(operation.key);
  Row row{operation.value, known ? known->created : revision, revision, operation.lease};
  if (known && known->lease != row.lease) detach(operation.key, known->lease);
  if (row.lease.value != 0) leased_[row.lease].insert(operation.key);
  put_row(operation.key, std::move(row));
}

void Machine::put_row(const std::string& key, Row row) {
  if (const Row* known = rows_.find(key)) count(key, *known, false);
  count(key, row, true);
  rows_.put(key, std::move(row));
}

bool Machine::erase_row(const std::string& key) {
  if (const Row* known = rows_.find(key)) count(key, *known, false);
  return rows_.erase(key);
}

void Machine::count(const std::string& key, const Row& row, bool there) {
  const std::uint64_t bytes = kRowBytes + key.size() + (row.value ? row.value->size() : 0);
  row_bytes_ += there ? bytes : -bytes;
  if (!key.starts_with(kActorKeys)) return;
  const std::string_view kind = std::string_view(key).substr(kActorKeys.size());
  auto at = kind_bytes_.find(kind.substr(0, kind.find('/')));
  if (at == kind_bytes_.end()) at = kind_bytes_.emplace(kind.substr(0, kind.find('/')), 0).first;
  at->second += there ? bytes : -bytes;
  if (at->second == 0) kind_bytes_.erase(at);
}

bool Machine::remove(const std::string& key) {
  const Row* known = rows_.find(key);
  if (!known) return false;
  detach(key, known->lease);
  return erase_row(key);
}

void Machine::detach(const std::string& key, LeaseId lease) {
  const auto keys = leased_.find(lease);
  if (keys == leased_.end()) return;
  keys->second.erase(key);
  if (keys->second.empty()) leased_.erase(keys);
}

Answer Machine::perform(const GrantLease& grant, const std::string&, std::vector<Changed>&) {
  if (leases_.contains(grant.id)) return {.outcome = Outcome::lease_exists};
  if (leases_.size() >= kLeasesMax) return {.outcome = Outcome::leases_full};
  leases_.emplace(grant.id, Lease{.ttl_ms = grant.ttl_ms});
  roll(hash_, grant.id.value);
  return {};
}

Answer Machine::perform(const DropLease& drop, const std::string& request, std::vector<Changed>& changes) {
  if (leases_.erase(drop.id) == 0) return {.outcome = Outcome::no_lease};
  roll(hash_, drop.id.value);
  const auto keys = leased_.find(drop.id);
  if (keys == leased_.end()) return {};
  revision_.value += 1;
  for (const std::string& key : keys->second) {
    erase_row(key);
    changes.push_back({revision_, key, nullptr, {}, request});
  }
  leased_.erase(keys);
  return {};
}

Answer Machine::perform(const Compact& compact, const std::string&, std::vector<Changed>&) {
  oldest_ = std::max(oldest_, std::min(compact.oldest, revision_));
  return {};
}

Answer Machine::perform(const LimitSessions& limits, const std::string&, std::vector<Changed>&) {
  limits_ = limits;
  return {};
}

/// The hash excludes it, because members of older versions cannot read this command and count on their own.
Answer Machine::perform(const KeepLeases& keep, const std::string&, std::vector<Changed>&) {
  Answer out{.outcome = Outcome::no_lease};
  for (const LeaseId id : keep.ids) {
    const auto found = leases_.find(id);
    if (found == leases_.end()) continue;
    found->second.end_ms = end_of(found->second, time_ms_);
    out.outcome = Outcome::done;
  }
  return out;
}

void Machine::note(const Changed& change) {
  roll(hash_, change.revision.value);
  roll(hash_, base::as_bytes(change.key));
  roll(hash_, change.value ? change.value->size() + 1 : 0);
  if (change.value) roll(hash_, *change.value);
}

void Machine::expire_sessions() {
  while (!by_age_.empty()) {
    const auto& [time, request] = *by_age_.begin();
    if (static_cast<std::uint64_t>(time_ms_ - time) < limits_.kept_ms) return;
    session_bytes_ -= session_bytes(request, sessions_.find(request)->answer);
    sessions_.erase(request);
    by_age_.erase(by_age_.begin());
  }
}

void Machine::keep(const std::string& request, const Answer& answer) {
  session_bytes_ += session_bytes(request, answer);
  by_age_.emplace(time_ms_, request);
  sessions_.put(request, {time_ms_, answer});
}

Page Machine::range(const std::string& prefix, const std::string& from, std::size_t limit,
                    std::size_t bytes_max) const {
  Page out;
  std::size_t bytes = 0;
  for (auto row = rows_.rows().lower_bound(std::max(prefix, from)); row != rows_.rows().end(); ++row) {
    if (!row->first.starts_with(prefix)) break;
    bytes += row->first.size() + row->second.value->size();
    if (out.rows.size() >= limit || (!out.rows.empty() && bytes > bytes_max)) {
      out.more = true;
      break;
    }
    out.rows.push_back(*row);
  }
  return out;
}

}  // namespace troupe::raft::kv
