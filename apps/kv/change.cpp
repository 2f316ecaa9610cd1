// troupe kv put | kv del | kv cas | kv txn
#include "apps/kv/kv.hpp"
#include "messages/output/raft.capnp.h"
#include "runtime/config/forms.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::apps {
namespace {

using namespace kv_command;

base::Result<std::string, Failure> request_of(const Invocation& invocation) {
  std::string request = invocation.text("--request").value_or("");
  if (request.size() > kv::kRequestBytesMax || !base::is_utf8(request))
    return usage_failure("invalid request id: expected at most 64 bytes of UTF-8", "");
  return request;
}

void print(const Invocation& invocation, Console& console, wire::Executed::Reader done, bool gets) {
  if (!invocation.globals.json) {
    if (!gets) return;
    for (const auto value : done.getValues()) {
      const auto bytes = value.isValue() ? value.getValue() : capnp::Data::Reader();
      console.out << base::printable(std::string(reinterpret_cast<const char*>(bytes.begin()), bytes.size())) << '\n';
    }
    return;
  }
  JsonLine<output::wire::KvChanged> line;
  line->setRev(done.getRevision());
  line->setRepeated(done.getRepeated());
  if (gets) {
    auto values = line->initValues(done.getValues().size());
    for (unsigned i = 0; i < values.size(); ++i)
      if (done.getValues()[i].isValue()) write_value(values[i], done.getValues()[i].getValue());
  }
  line.print(console.out);
}

}  // namespace

Ending kv_put(const Invocation& invocation, Console& console) {
  const auto key = key_of(invocation, *invocation.text("KEY"));
  if (!key.ok()) return key.error();
  const auto request = request_of(invocation);
  if (!request.ok()) return request.error();
  const auto value = value_of(console, *invocation.text("VALUE"));
  if (!value.ok()) return value.error();
  kv::LeaseId lease;
  if (const auto typed = invocation.text("--lease")) {
    const auto named = lease_of(*typed);
    if (!named.ok()) return named.error();
    lease = named.value();
  }
  std::optional<base::Duration> ttl;
  if (const auto typed = invocation.text("--ttl")) {
    ttl = config::parse_duration(*typed);
    if (!ttl || *ttl < std::chrono::milliseconds(1) || lease.value != 0)
      return usage_failure("--ttl needs a time such as 30s or 5m, and excludes --lease", "troupe help kv put");
  }
  auto way = way_of(invocation, console);
  if (!way.ok()) return way.error();
  if (ttl) {
    // The key's own lease: with a request id, a retry finds the same lease.
    kv::Command grant{.request = request.value().empty()
                                     ? ""
                                     : "ttl:" + crypto::sha256(base::as_bytes(request.value())).hex().substr(0, 48),
                      .what = kv::GrantLease{.id = {}, .ttl_ms = base::milliseconds(*ttl)}};
    auto granted = execute(way.value(), grant);
    if (!granted.ok()) return granted.error();
    lease = {granted.value().root().getLease()};
  }
  kv::Txn txn;
  txn.operations.push_back(
      {.kind = kv::Operation::Kind::put, .key = key.value(), .value = value.value(), .lease = lease});
  auto done = execute(way.value(), {.request = request.value(), .what = std::move(txn)});
  if (!done.ok()) return done.error();
  print(invocation, console, done.value().root(), false);
  return Exit::done;
}

Ending kv_del(const Invocation& invocation, Console& console) {
  const auto key = key_of(invocation, *invocation.text("KEY"));
  if (!key.ok()) return key.error();
  const auto request = request_of(invocation);
  if (!request.ok()) return request.error();
  auto way = way_of(invocation, console);
  if (!way.ok()) return way.error();
  kv::Txn txn;
  txn.operations.push_back({.kind = kv::Operation::Kind::get, .key = key.value()});
  txn.operations.push_back({.kind = kv::Operation::Kind::remove, .key = key.value()});
  auto done = execute(way.value(), {.request = request.value(), .what = std::move(txn)});
  if (!done.ok()) return done.error();
  const auto answer = done.value().root();
  if (invocation.globals.json) {
    JsonLine<output::wire::KvChanged> line;
    line->setRev(answer.getRevision());
    line->setRepeated(answer.getRepeated());
    line->setDeleted(answer.getValues().size() > 0 && answer.getValues()[0].isValue());
    line.print(console.out);
  }
  return Exit::done;
}

Ending kv_cas(const Invocation& invocation, Console& console) {
  const auto key = key_of(invocation, *invocation.text("KEY"));
  if (!key.ok()) return key.error();
  const auto request = request_of(invocation);
  if (!request.ok()) return request.error();
  const auto& values = invocation.all("OLD NEW");
  const bool absent = invocation.has("--absent");
  if (values.size() != (absent ? 1u : 2u))
    return usage_failure(absent ? "with --absent give only the new value" : "give the old and the new value",
                         "troupe help kv cas");
  kv::Txn txn;
  kv::Condition condition{.key = key.value()};
  if (!absent) {
    condition.kind = kv::Condition::Kind::equals;
    condition.value = value_of(values.front());
  }
  const auto value = value_of(console, values.back());
  if (!value.ok()) return value.error();
  txn.conditions.push_back(std::move(condition));
  txn.operations.push_back({.kind = kv::Operation::Kind::put, .key = key.value(), .value = value.value()});
  auto way = way_of(invocation, console);
  if (!way.ok()) return way.error();
  auto done = execute(way.value(), {.request = request.value(), .what = std::move(txn)});
  if (!done.ok()) return done.error();
  print(invocation, console, done.value().root(), false);
  return Exit::done;
}

Ending kv_txn(const Invocation& invocation, Console& console) {
  const auto request = request_of(invocation);
  if (!request.ok()) return request.error();
  kv::Txn txn;
  LineReader lines(console.in, kStandardInput, kLineBytesMax);
  while (true) {
    const auto line = lines.next();
    if (!line.ok()) return line.error();
    if (!line.value()) break;
    const auto wrong = [&](const std::string& why) {
      return usage_failure("line " + std::to_string(lines.number()) + ": " + why, "troupe help kv txn");
    };
    if (lines.cut()) return wrong("it is too long");
    const auto words = words_of(*line.value());
    if (!words) return wrong("a word in quotation marks is not a JSON string");
    if (words->empty()) continue;
    if (txn.conditions.size() + txn.operations.size() >= kv::kOperationsMax)
      return wrong("a transaction has at most 1,024 lines");
    const auto& is = *words;
    const auto key =
        is.size() > 1 ? key_of(invocation, is[1]) : base::Result<std::string, Failure>(wrong("a key is missing"));
    if (!key.ok()) return wrong(key.error().error.message);
    if (is[0] == "if" && is.size() == 3 && is[2] == "absent") txn.conditions.push_back({.key = key.value()});
    else if (is[0] == "if" && is.size() == 4 && is[2] == "=")
      txn.conditions.push_back({.key = key.value(), .kind = kv::Condition::Kind::equals, .value = value_of(is[3])});
    else if (is[0] == "put" && is.size() == 3 && is[2].size() <= kv::kValueBytesMax)
      txn.operations.push_back({.kind = kv::Operation::Kind::put, .key = key.value(), .value = value_of(is[2])});
    else if (is[0] == "del" && is.size() == 2)
      txn.operations.push_back({.kind = kv::Operation::Kind::remove, .key = key.value()});
    else if (is[0] == "get" && is.size() == 2)
      txn.operations.push_back({.kind = kv::Operation::Kind::get, .key = key.value()});
    else return wrong("expected if KEY = VALUE, if KEY absent, put KEY VALUE, del KEY or get KEY");
  }
  if (txn.operations.empty() && txn.conditions.empty())
    return usage_failure("a transaction needs at least one line", "troupe help kv txn");
  auto way = way_of(invocation, console);
  if (!way.ok()) return way.error();
  auto done = execute(way.value(), {.request = request.value(), .what = std::move(txn)});
  if (!done.ok()) return done.error();
  print(invocation, console, done.value().root(), true);
  return Exit::done;
}

}  // namespace troupe::apps
