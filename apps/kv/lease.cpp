// troupe kv lease
#include "apps/kv/kv.hpp"
#include "messages/output/raft.capnp.h"
#include "runtime/config/forms.hpp"

namespace troupe::apps {
namespace {

using namespace kv_command;

void print(const Invocation& invocation, Console& console, std::uint64_t lease, std::uint64_t ttl_ms) {
  if (invocation.globals.json) {
    JsonLine<output::wire::KvLease> line;
    line->setLease(raft_command::hex_number(lease));
    line->setTtlMs(ttl_ms);
    line.print(console.out);
  } else if (ttl_ms > 0) {
    console.out << raft_command::hex_number(lease) << '\n';
  }
}

Ending grant(const Invocation& invocation, Console& console) {
  const auto ttl = config::parse_duration(*invocation.text("TIME|ID"));
  if (!ttl || *ttl < std::chrono::milliseconds(1))
    return usage_failure("a lease needs a time such as 30s or 5m", "troupe help kv lease");
  auto way = way_of(invocation, console);
  if (!way.ok()) return way.error();
  const auto ms = base::milliseconds(*ttl);
  auto done = execute(way.value(), {.request = invocation.text("--request").value_or(""),
                                    .what = kv::GrantLease{.id = {}, .ttl_ms = ms}});
  if (!done.ok()) return done.error();
  print(invocation, console, done.value().root().getLease(), ms);
  return Exit::done;
}

Ending keep(const Invocation& invocation, Console& console) {
  const auto lease = lease_of(*invocation.text("TIME|ID"));
  if (!lease.ok()) return lease.error();
  auto way = way_of(invocation, console);
  if (!way.ok()) return way.error();
  auto kept = way.value().client->ask<wire::KeepLease, wire::LeaseKept>(
      way.value().path, way.value().timeout + std::chrono::seconds(1), [&](wire::KeepLease::Builder out) {
        out.setLease(lease.value().value);
        out.setDueMs(static_cast<std::uint32_t>(base::milliseconds(way.value().timeout)));
      });
  if (!kept.ok()) {
    Failure failure = kept.error();
    if (failure.error.code == base::Code::not_found && !failure.exit) failure.try_ = "troupe kv lease grant 60s";
    return failure;
  }
  print(invocation, console, lease.value().value, kept.value().root().getTtlMs());
  return Exit::done;
}

Ending drop(const Invocation& invocation, Console& console) {
  const auto lease = lease_of(*invocation.text("TIME|ID"));
  if (!lease.ok()) return lease.error();
  auto way = way_of(invocation, console);
  if (!way.ok()) return way.error();
  auto done = execute(way.value(), {.what = kv::DropLease{lease.value()}});
  if (!done.ok()) return done.error();
  print(invocation, console, lease.value().value, 0);
  return Exit::done;
}

}  // namespace

Ending kv_lease(const Invocation& invocation, Console& console) {
  const std::string what = *invocation.text("WHAT");
  if (what == "grant") return grant(invocation, console);
  return what == "keep" ? keep(invocation, console) : drop(invocation, console);
}

}  // namespace troupe::apps
