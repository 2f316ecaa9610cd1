#include "actors/raft/logic/kv/command.hpp"

#include <algorithm>

#include "actors/raft/logic/kv/fields.hpp"

namespace troupe::raft::kv {
namespace {

constexpr std::uint8_t kCommandVersion = 1;

struct WriteCommand {
  base::Bytes& out;

  void operator()(const Txn& txn) const {
    base::append_number(out, static_cast<std::uint32_t>(txn.conditions.size()));
    for (const Condition& condition : txn.conditions) {
      out.push_back(static_cast<std::uint8_t>(condition.kind));
      append_sized(out, condition.key);
      if (condition.kind == Condition::Kind::equals) append_sized(out, *condition.value);
      if (condition.kind == Condition::Kind::revision) base::append_number(out, condition.revision.value);
    }
    base::append_number(out, static_cast<std::uint32_t>(txn.operations.size()));
    for (const Operation& operation : txn.operations) {
      out.push_back(static_cast<std::uint8_t>(operation.kind));
      append_sized(out, operation.key);
      if (operation.kind != Operation::Kind::put) continue;
      append_sized(out, *operation.value);
      base::append_number(out, operation.lease.value);
    }
  }
  void operator()(const GrantLease& grant) const {
    base::append_number(out, grant.id.value);
    base::append_number(out, grant.ttl_ms);
  }
  void operator()(const DropLease& drop) const { base::append_number(out, drop.id.value); }
  void operator()(const Compact& compact) const { base::append_number(out, compact.oldest.value); }
  void operator()(const LimitSessions& limits) const {
    for (const std::uint64_t number : {limits.kept_ms, limits.rows_max, limits.bytes_max})
      base::append_number(out, number);
  }
  void operator()(const KeepLeases& keep) const {
    base::append_number(out, static_cast<std::uint32_t>(keep.ids.size()));
    for (const LeaseId id : keep.ids) base::append_number(out, id.value);
  }
};

std::uint32_t take_count(base::FieldReader& in) {
  const auto count = in.number<std::uint32_t>();
  if (count > kOperationsMax) in.fail();
  return in.ok() ? count : 0;
}

/// Reads a kind from 0 to `max`.
template <class Kind>
Kind take_kind(base::FieldReader& in, Kind max) {
  const auto kind = in.number<std::uint8_t>();
  if (kind > static_cast<std::uint8_t>(max)) in.fail();
  return static_cast<Kind>(kind);
}

Txn take_txn(base::FieldReader& in) {
  Txn out;
  for (std::uint32_t left = take_count(in); left > 0 && in.ok(); --left) {
    Condition condition{.key = {}, .kind = take_kind(in, Condition::Kind::revision)};
    condition.key = take_key(in);
    if (condition.kind == Condition::Kind::equals) condition.value = take_value(in);
    if (condition.kind == Condition::Kind::revision) condition.revision.value = in.number<std::uint64_t>();
    out.conditions.push_back(std::move(condition));
  }
  for (std::uint32_t left = take_count(in); left > 0 && in.ok(); --left) {
    Operation operation{.kind = take_kind(in, Operation::Kind::get)};
    operation.key = take_key(in);
    if (operation.kind == Operation::Kind::put) {
      operation.value = take_value(in);
      operation.lease.value = in.number<std::uint64_t>();
    }
    out.operations.push_back(std::move(operation));
  }
  return out;
}

LimitSessions take_limits(base::FieldReader& in) {
  LimitSessions out;
  for (std::uint64_t* number : {&out.kept_ms, &out.rows_max, &out.bytes_max}) *number = in.number<std::uint64_t>();
  return out;
}

KeepLeases take_kept(base::FieldReader& in) {
  KeepLeases out;
  for (std::uint32_t left = take_count(in); left > 0 && in.ok(); --left)
    out.ids.push_back({in.number<std::uint64_t>()});
  return out;
}

}  // namespace

bool frees(const Command& command) {
  if (std::holds_alternative<GrantLease>(command.what)) return false;
  const auto* const txn = std::get_if<Txn>(&command.what);
  return !txn ||
         std::ranges::none_of(txn->operations, [](const Operation& one) { return one.kind == Operation::Kind::put; });
}

base::Bytes encode(const Command& command) {
  base::Bytes out{kCommandVersion, static_cast<std::uint8_t>(command.what.index())};
  base::append_number(out, static_cast<std::uint64_t>(command.time_ms));
  append_sized(out, command.request);
  std::visit(WriteCommand{out}, command.what);
  return out;
}

std::optional<Command> decode_command(base::ByteView bytes) {
  if (bytes.size() > kCommandBytesMax) return std::nullopt;
  base::FieldReader in(bytes);
  if (in.number<std::uint8_t>() != kCommandVersion) return std::nullopt;
  const auto what = in.number<std::uint8_t>();
  Command out;
  const auto time = in.number<std::uint64_t>();
  out.time_ms = static_cast<std::int64_t>(time);
  out.request = take_text(in, kRequestBytesMax);
  switch (what) {
    case 0: out.what = take_txn(in); break;
    case 1: {
      GrantLease grant{.id = {in.number<std::uint64_t>()}};
      grant.ttl_ms = in.number<std::uint64_t>();
      if (grant.id.value == 0 || grant.ttl_ms == 0) in.fail();
      out.what = grant;
      break;
    }
    case 2: out.what = DropLease{{in.number<std::uint64_t>()}}; break;
    case 3: out.what = Compact{{in.number<std::uint64_t>()}}; break;
    case 4: out.what = take_limits(in); break;
    case 5: out.what = take_kept(in); break;
    default: in.fail();
  }
  if (!in.ended() || out.time_ms < 0) return std::nullopt;
  return out;
}

}  // namespace troupe::raft::kv
