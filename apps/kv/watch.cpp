// troupe kv watch
#include "apps/kv/kv.hpp"
#include "messages/output/raft.capnp.h"

namespace troupe::apps {

using namespace kv_command;

namespace {

constexpr std::chrono::seconds kEndOfWatch{5};          // our choice: the member ends it, unless it is gone
constexpr std::uint64_t kSecondsMax = 40 * 24 * 3'600;  // limit of a request

}  // namespace

Ending kv_watch(const Invocation& invocation, Console& console) {
  const auto prefix = key_of(invocation, *invocation.text("PREFIX"), true);
  if (!prefix.ok()) return prefix.error();
  const std::uint64_t count = invocation.number("--count").value_or(UINT64_MAX);
  auto way = way_of(invocation, console);
  if (!way.ok()) return way.error();
  const auto seconds = invocation.number("--seconds");
  // An endless watch may be silent for long.
  const base::Duration idle = std::chrono::seconds(seconds.value_or(24 * 3'600)) + kEndOfWatch;
  std::uint64_t seen = 0;
  const Failure enough{.error = {base::Code::timeout, "enough"}, .exit = Exit::done};
  const auto ended = way.value().client->subscribe<wire::WatchKeys, wire::KeyChange>(
      way.value().path, idle,
      [&](wire::WatchKeys::Builder out) {
        out.setPrefix(data_of(base::as_bytes(prefix.value())));
        out.setRevision(invocation.number("--rev").value_or(0));
        if (seconds) out.setForMs(static_cast<std::uint32_t>(std::min<std::uint64_t>(*seconds, kSecondsMax) * 1'000));
      },
      [&](wire::KeyChange::Reader change) -> Client::Outcome<void> {
        if (invocation.globals.json) {
          JsonLine<output::wire::KvChange> line;
          line->setRev(change.getRevision());
          write_key(*line, change.getKey());
          if (!change.getRemoved()) write_value(*line, change.getValue());
          if (change.getRequest().size() > 0) line->setRequest(change.getRequest());
          line.print(console.out);
        } else {
          console.out << change.getRevision() << ' ' << shown(change.getKey()) << ' '
                      << (change.getRemoved() ? std::string("removed") : shown(change.getValue())) << '\n';
        }
        console.out.flush();
        if (++seen >= count) return enough;
        return {};
      });
  if (ended.ok()) return Exit::done;
  if (ended.error().exit == Exit::done) return Exit::done;
  if (seconds && ended.error().error.code == base::Code::timeout) return Exit::done;
  return raft_command::explained(ended.error(), way.value().group);
}

}  // namespace troupe::apps
