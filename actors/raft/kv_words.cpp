#include "actors/raft/kv_words.hpp"

namespace troupe::raft {
namespace {

using base::Code;
using base::Error;

Error malformed(const char* why) { return {Code::malformed, why}; }

base::Outcome<kv::Value> read_value(capnp::Data::Reader from) {
  if (from.size() > kv::kValueBytesMax) return malformed("the value is too large: at most 1 MiB");
  return std::make_shared<const base::Bytes>(from.begin(), from.end());
}

base::Outcome<kv::Txn> read_txn(wire::Execute::What::Txn::Reader from) {
  kv::Txn out;
  const auto conditions = from.getConditions();
  const auto operations = from.getOperations();
  if (conditions.size() + operations.size() > kv::kOperationsMax)
    return malformed("the transaction is too large: at most 1024 conditions and operations");
  for (const auto one : conditions) {
    auto key = read_key(one.getKey());
    if (!key) return malformed("a key has 1 to 1024 bytes");
    kv::Condition condition{.key = std::move(*key)};
    switch (one.which()) {
      case wire::Condition::ABSENT: break;
      case wire::Condition::EQUALS: {
        auto value = read_value(one.getEquals());
        if (!value.ok()) return value.error();
        condition.kind = kv::Condition::Kind::equals;
        condition.value = std::move(value).value();
        break;
      }
      case wire::Condition::REVISION:
        condition.kind = kv::Condition::Kind::revision;
        condition.revision = {one.getRevision()};
        break;
      default: return malformed("unknown kind of condition");
    }
    out.conditions.push_back(std::move(condition));
  }
  for (const auto one : operations) {
    auto key = read_key(one.getKey());
    if (!key) return malformed("a key has 1 to 1024 bytes");
    kv::Operation operation{.key = std::move(*key)};
    switch (one.which()) {
      case wire::Operation::GET: break;
      case wire::Operation::REMOVE: operation.kind = kv::Operation::Kind::remove; break;
      case wire::Operation::PUT: {
        auto value = read_value(one.getPut());
        if (!value.ok()) return value.error();
        operation.kind = kv::Operation::Kind::put;
        operation.value = std::move(value).value();
        operation.lease = {one.getLease()};
        break;
      }
      default: return malformed("unknown kind of operation");
    }
    out.operations.push_back(std::move(operation));
  }
  return out;
}

void write(wire::Execute::What::Txn::Builder out, const kv::Txn& txn) {
  auto conditions = out.initConditions(size32(txn.conditions));
  for (unsigned i = 0; i < conditions.size(); ++i) {
    const kv::Condition& from = txn.conditions[i];
    conditions[i].setKey(data_of(base::as_bytes(from.key)));
    if (from.kind == kv::Condition::Kind::equals) conditions[i].setEquals(data_of(*from.value));
    if (from.kind == kv::Condition::Kind::revision) conditions[i].setRevision(from.revision.value);
  }
  auto operations = out.initOperations(size32(txn.operations));
  for (unsigned i = 0; i < operations.size(); ++i) {
    const kv::Operation& from = txn.operations[i];
    operations[i].setKey(data_of(base::as_bytes(from.key)));
    if (from.kind == kv::Operation::Kind::remove) operations[i].setRemove();
    if (from.kind != kv::Operation::Kind::put) continue;
    operations[i].setPut(data_of(*from.value));
    operations[i].setLease(from.lease.value);
  }
}

}  // namespace

std::optional<std::string> read_key(capnp::Data::Reader from) {
  if (from.size() == 0 || from.size() > kv::kKeyBytesMax) return std::nullopt;
  return std::string(base::as_text(bytes_of(from)));
}

base::Outcome<kv::Command> read_command(wire::Execute::Reader from) {
  kv::Command out;
  if (from.getRequest().size() > kv::kRequestBytesMax) return malformed("the request id is too long: at most 64 bytes");
  out.request = text_of(from.getRequest());
  const auto what = from.getWhat();
  switch (what.which()) {
    case wire::Execute::What::TXN: {
      auto txn = read_txn(what.getTxn());
      if (!txn.ok()) return txn.error();
      out.what = std::move(txn).value();
      break;
    }
    case wire::Execute::What::GRANT_MS:
      if (what.getGrantMs() == 0) return malformed("the lease is too short: at least 1 ms");
      out.what = kv::GrantLease{.id = {}, .ttl_ms = what.getGrantMs()};
      break;
    case wire::Execute::What::DROP: out.what = kv::DropLease{{what.getDrop()}}; break;
    default: return malformed("unknown kind of command");
  }
  return out;
}

void write(wire::Execute::Builder out, const kv::Command& command) {
  out.setRequest(text_of(command.request));
  auto what = out.initWhat();
  if (const auto* txn = std::get_if<kv::Txn>(&command.what)) write(what.initTxn(), *txn);
  else if (const auto* grant = std::get_if<kv::GrantLease>(&command.what)) what.setGrantMs(grant->ttl_ms);
  else if (const auto* drop = std::get_if<kv::DropLease>(&command.what)) what.setDrop(drop->id.value);
}

}  // namespace troupe::raft
