// troupe kv get | kv ls
#include "apps/cli/terminal.hpp"
#include "apps/kv/kv.hpp"
#include "messages/output/raft.capnp.h"

namespace troupe::apps {

using namespace kv_command;

Ending kv_get(const Invocation& invocation, Console& console) {
  const auto key = key_of(invocation, *invocation.text("KEY"));
  if (!key.ok()) return key.error();
  auto way = way_of(invocation, console);
  if (!way.ok()) return way.error();
  auto got = get(way.value(), key.value(), invocation.has("--stale"), invocation.number("--rev").value_or(0));
  if (!got.ok()) return got.error();
  const auto row = got.value().root();
  if (invocation.globals.json) {
    JsonLine<output::wire::KvGot> line;
    line->setKey(*invocation.text("KEY"));
    write_value(*line, row.getValue());
    line->setRev(row.getRevision());
    line->setCreated(row.getCreated());
    line.print(console.out);
    return Exit::done;
  }
  const std::string value(reinterpret_cast<const char*>(row.getValue().begin()), row.getValue().size());
  print_raw(console, value);
  return Exit::done;
}

Ending kv_list(const Invocation& invocation, Console& console) {
  const auto prefix = key_of(invocation, invocation.text("PREFIX").value_or(""), true);
  if (!prefix.ok()) return prefix.error();
  const auto first = key_of(invocation, invocation.text("--from").value_or(""), true);
  if (!first.ok()) return first.error();
  const std::uint64_t limit = invocation.number("--limit").value_or(UINT64_MAX);
  auto way = way_of(invocation, console);
  if (!way.ok()) return way.error();
  std::uint64_t keys = 0, revision = 0;
  bool more = true;
  for (std::string from = first.value(); more && keys < limit;) {
    auto answer = way.value().client->ask<wire::RangeKeys, wire::KeyRows>(
        way.value().path, way.value().timeout + std::chrono::seconds(1), [&](wire::RangeKeys::Builder out) {
          out.setPrefix(data_of(base::as_bytes(prefix.value())));
          out.setFrom(data_of(base::as_bytes(from)));
          out.setLimit(static_cast<std::uint32_t>(std::min<std::uint64_t>(limit - keys, 1'000)));
          out.setStale(invocation.has("--stale"));
          out.setDueMs(static_cast<std::uint32_t>(base::milliseconds(way.value().timeout)));
        });
    if (!answer.ok()) return raft_command::explained(answer.error(), way.value().group);
    const auto page = answer.value().root();
    for (const auto row : page.getRows()) {
      const std::string key(reinterpret_cast<const char*>(row.getKey().begin()), row.getKey().size());
      if (invocation.globals.json) {
        JsonLine<output::wire::KvRow> line;
        write_key(*line, row.getKey());
        write_value(*line, row.getValue());
        line->setRev(row.getRevision());
        line->setCreated(row.getCreated());
        if (row.getTtlMs() > 0) line->getTtlMs().setValue(row.getTtlMs());
        line.print(console.out);
      } else {
        console.out << base::printable(key) << '\n';
      }
      from = key + '\0';
      ++keys;
    }
    more = page.getMore() && page.getRows().size() > 0;
    revision = page.getRevision();
  }
  if (invocation.globals.json) {
    JsonLine<output::wire::KvSummary> line;
    line->setSummary(true);
    line->setKeys(keys);
    line->setRev(revision);
    line->setMore(more);
    line.print(console.out);
  }
  return Exit::done;
}

}  // namespace troupe::apps
