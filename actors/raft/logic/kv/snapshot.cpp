#include "actors/raft/logic/kv/snapshot.hpp"

#include "actors/raft/logic/kv/fields.hpp"

namespace troupe::raft::kv {
namespace {

constexpr std::uint8_t kWithoutEnds = 1, kSnapshotVersion = 2;
constexpr std::uint8_t kHead = 1, kLease = 2, kRow = 3, kSession = 4, kEnd = 5;

template <class... Numbers>
void append_all(base::Bytes& out, Numbers... numbers) {
  (base::append_number(out, static_cast<std::uint64_t>(numbers)), ...);
}

void append_answer(base::Bytes& out, const Answer& answer) {
  out.push_back(static_cast<std::uint8_t>(answer.outcome));
  append_all(out, answer.revision.value);
  base::append_number(out, static_cast<std::uint32_t>(answer.values.size()));
  for (const Value& value : answer.values) {
    out.push_back(value != nullptr);
    if (value) append_sized(out, *value);
  }
}

Answer take_answer(base::FieldReader& in) {
  Answer out;
  const auto outcome = in.number<std::uint8_t>();
  if (outcome > kOutcomeMax) in.fail();
  out.outcome = static_cast<Outcome>(outcome);
  out.revision.value = in.number<std::uint64_t>();
  const auto count = in.number<std::uint32_t>();
  if (count > kOperationsMax) in.fail();
  for (std::uint32_t left = in.ok() ? count : 0; left > 0 && in.ok(); --left) {
    const auto there = in.number<std::uint8_t>();
    if (there > 1) in.fail();
    out.values.push_back(there == 1 ? take_value(in) : nullptr);
  }
  return out;
}

}  // namespace

SnapshotWriter::SnapshotWriter(Machine& machine, const base::Mutations& mutations)
    : machine_(machine),
      index_(machine.applied_),
      leases_(machine.leases_),
      no_sessions_(mutations.on("raft.snapshot_without_sessions")) {
  machine.rows_.freeze();
  machine.sessions_.freeze();
  head_ = {kHead, leases_.empty() ? kWithoutEnds : kSnapshotVersion};
  append_all(head_, machine.applied_.value, machine.revision_.value, machine.oldest_.value, machine.hash_,
             machine.time_ms_, machine.limits_.kept_ms, machine.limits_.rows_max, machine.limits_.bytes_max);
}

SnapshotWriter::~SnapshotWriter() {
  machine_.rows_.thaw();
  machine_.sessions_.thaw();
}

std::optional<base::Bytes> SnapshotWriter::next(std::size_t bytes) {
  if (part_ == Part::done) return std::nullopt;
  base::Bytes out;
  while (out.size() < bytes && write(out)) {
  }
  return out;
}

/// Writes one record. Returns false after the last.
bool SnapshotWriter::write(base::Bytes& out) {
  if (part_ == Part::head) {
    base::append(out, head_);
    part_ = Part::leases;
    return true;
  }
  if (part_ == Part::leases) {
    const auto lease = lease_ ? leases_.upper_bound(*lease_) : leases_.begin();
    if (lease != leases_.end()) {
      lease_ = lease->first;
      out.push_back(kLease);
      append_all(out, lease->first.value, lease->second.ttl_ms, lease->second.end_ms);
      return true;
    }
    part_ = Part::rows;
  }
  if (part_ == Part::rows) {
    if (const auto row = machine_.rows_.read()) {
      out.push_back(kRow);
      append_sized(out, row->first);
      append_sized(out, *row->second.value);
      append_all(out, row->second.created.value, row->second.changed.value, row->second.lease.value);
      ++rows_;
      return true;
    }
    part_ = no_sessions_ ? Part::end : Part::sessions;
  }
  if (part_ == Part::sessions) {
    if (const auto session = machine_.sessions_.read()) {
      out.push_back(kSession);
      append_sized(out, session->first);
      append_all(out, session->second.time_ms);
      append_answer(out, session->second.answer);
      ++sessions_;
      return true;
    }
    part_ = Part::end;
  }
  if (part_ == Part::done) return false;
  part_ = Part::done;
  out.push_back(kEnd);
  append_all(out, leases_.size(), rows_, sessions_);
  return true;
}

base::Result<void, SnapshotError> SnapshotReader::feed(base::ByteView chunk) {
  base::FieldReader in(chunk);
  while (!broken_ && !in.ended())
    if (last_ == kEnd || !record(in)) broken_ = true;
  if (!broken_) return {};
  return wrong_.value_or(SnapshotError::malformed);
}

bool SnapshotReader::record(base::FieldReader& in) {
  const auto kind = in.number<std::uint8_t>();
  if (kind < last_ || (kind == kHead) != (last_ == 0)) return false;
  last_ = kind;
  switch (kind) {
    case kHead: return head(in);
    case kLease: return lease(in);
    case kRow: return row(in);
    case kSession: return session(in);
    case kEnd: {
      const auto leases = in.number<std::uint64_t>(), rows = in.number<std::uint64_t>();
      const auto sessions = in.number<std::uint64_t>();
      const bool all = leases == machine_.leases_.size() && rows == rows_ && sessions == sessions_;
      if (!all) wrong_ = SnapshotError::counts;
      return in.ok() && all;
    }
    default: return false;
  }
}

bool SnapshotReader::head(base::FieldReader& in) {
  version_ = in.number<std::uint8_t>();
  if (version_ < kWithoutEnds || version_ > kSnapshotVersion) return false;
  machine_.applied_.value = in.number<std::uint64_t>();
  machine_.revision_.value = in.number<std::uint64_t>();
  machine_.oldest_.value = in.number<std::uint64_t>();
  machine_.hash_ = in.number<std::uint64_t>();
  machine_.time_ms_ = static_cast<std::int64_t>(in.number<std::uint64_t>());
  for (std::uint64_t* limit : {&machine_.limits_.kept_ms, &machine_.limits_.rows_max, &machine_.limits_.bytes_max})
    *limit = in.number<std::uint64_t>();
  return in.ok() && machine_.time_ms_ >= 0 && machine_.oldest_ <= machine_.revision_ &&
         machine_.applied_.value <= kNumberMax && machine_.revision_.value <= kNumberMax;
}

bool SnapshotReader::lease(base::FieldReader& in) {
  const LeaseId id{in.number<std::uint64_t>()};
  const auto ttl = in.number<std::uint64_t>();
  const auto end = version_ == kWithoutEnds ? 0 : in.number<std::uint64_t>();
  const auto& known = machine_.leases_;
  if (!in.ok() || id.value == 0 || ttl == 0 || end > kNumberMax || known.size() >= kLeasesMax) return false;
  if (!known.empty() && id <= known.rbegin()->first) return false;
  machine_.leases_.emplace_hint(machine_.leases_.end(), id, Lease{ttl, static_cast<std::int64_t>(end)});
  return true;
}

bool SnapshotReader::row(base::FieldReader& in) {
  std::string key = take_key(in);
  Row row{.value = take_value(in), .created = {}, .changed = {}};
  row.created.value = in.number<std::uint64_t>();
  row.changed.value = in.number<std::uint64_t>();
  row.lease.value = in.number<std::uint64_t>();
  if (!in.ok() || key <= key_ || row.created > row.changed || row.changed > machine_.revision_) return false;
  if (row.lease.value != 0) {
    if (!machine_.leases_.contains(row.lease)) return false;
    machine_.leased_[row.lease].insert(key);
  }
  machine_.put_row(key, std::move(row));
  key_ = std::move(key);
  ++rows_;
  return true;
}

bool SnapshotReader::session(base::FieldReader& in) {
  std::string request = take_text(in, kRequestBytesMax);
  Session session{.time_ms = static_cast<std::int64_t>(in.number<std::uint64_t>()), .answer = {}};
  session.answer = take_answer(in);
  if (!in.ok() || request <= request_ || session.time_ms < 0 || session.time_ms > machine_.time_ms_) return false;
  machine_.session_bytes_ += session_bytes(request, session.answer);
  machine_.by_age_.emplace(session.time_ms, request);
  machine_.sessions_.put(request, std::move(session));
  request_ = std::move(request);
  ++sessions_;
  return true;
}

base::Result<Machine, SnapshotError> SnapshotReader::finish() && {
  if (broken_) return wrong_.value_or(SnapshotError::malformed);
  if (last_ != kEnd) return SnapshotError::unfinished;
  return std::move(machine_);
}

}  // namespace troupe::raft::kv
