// troupe file put | rm | pin | unpin | ls --group G: the catalogue of files that a group keeps.
#include "apps/files/group.hpp"

#include "actors/catalogue/api.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/files/file.hpp"

namespace troupe::apps::file_group {
namespace {

namespace wire = raft::wire;
namespace kv = raft::kv;
using catalogue::Entry;

constexpr int kTries = 16;  // our choice: each is a conflict with another client

struct Row {
  Entry entry;
  std::set<base::NodeId> members;
};

/// All rows of the catalogue whose keys begin with `prefix`.
Client::Outcome<void> each(kv_command::Way& way, const std::string& prefix,
                           const std::function<void(std::string_view, base::ByteView)>& row) {
  std::string from;
  while (true) {
    auto page = way.client->ask<wire::RangeKeys, wire::KeyRows>(
        way.path, way.timeout + std::chrono::seconds(1), [&](wire::RangeKeys::Builder out) {
          out.setPrefix(data_of(base::as_bytes(prefix)));
          out.setFrom(data_of(base::as_bytes(from)));
          out.setDueMs(static_cast<std::uint32_t>(base::milliseconds(way.timeout)));
        });
    if (!page.ok()) return raft_command::explained(page.error(), way.group);
    const auto rows = page.value().root().getRows();
    for (const auto one : rows) row(base::as_text(bytes_of(one.getKey())), bytes_of(one.getValue()));
    if (!page.value().root().getMore() || rows.size() == 0) return {};
    from = std::string(base::as_text(bytes_of(rows[rows.size() - 1].getKey()))) + '\0';
  }
}

kv::Operation put(const std::string& key, const base::Bytes& value) {
  return {.kind = kv::Operation::Kind::put, .key = key, .value = std::make_shared<const base::Bytes>(value)};
}

Client::Outcome<void> done(base::Result<Kept<wire::Executed>, Failure> executed) {
  if (!executed.ok()) return executed.error();
  return {};
}

}  // namespace

Failure unknown(const kv_command::Way& way) {
  return {.error = {base::Code::not_found, "the group " + way.group + " has no such file in its catalogue"},
          .outcome = "nothing was changed",
          .try_ = "troupe file ls --group " + way.group};
}

Client::Outcome<void> add(kv_command::Way& way, const files::Cid& cid, const std::string& name, std::uint64_t bytes) {
  const Entry entry{.name = name, .bytes = bytes};
  return done(kv_command::execute(
      way, {.what = kv::Txn{.operations = {put(catalogue::entry_key(cid), catalogue::encode(entry))}}}));
}

Client::Outcome<bool> remove(kv_command::Way& way, const files::Cid& cid) {
  const auto before = kv_command::get(way, catalogue::entry_key(cid), false, 0);
  if (!before.ok() && before.error().exit == Exit::not_found) return false;
  if (!before.ok()) return before.error();
  const kv::Operation gone{.kind = kv::Operation::Kind::remove, .key = catalogue::entry_key(cid)};
  const auto removed = done(kv_command::execute(way, {.what = kv::Txn{.operations = {gone}}}));
  if (!removed.ok()) return removed.error();
  return true;
}

Client::Outcome<void> pin(kv_command::Way& way, const files::Cid& cid, bool pinned) {
  const std::string key = catalogue::entry_key(cid);
  for (int tries = 0;; ++tries) {
    auto before = kv_command::get(way, key, false, 0);
    if (!before.ok() && before.error().exit == Exit::not_found) return unknown(way);
    if (!before.ok()) return before.error();
    const auto value = bytes_of(before.value().root().getValue());
    auto entry = catalogue::decode_entry(value);
    if (!entry) return Failure{.error = {base::Code::corrupt, "the entry of that file cannot be read"}};
    if (entry->pinned == pinned) return {};
    entry->pinned = pinned;
    const kv::Condition same{
        .key = key, .kind = kv::Condition::Kind::revision, .revision = {before.value().root().getRevision()}};
    const auto changed = done(kv_command::execute(
        way, {.what = kv::Txn{.conditions = {same}, .operations = {put(key, catalogue::encode(*entry))}}}));
    if (changed.ok() || changed.error().error.code != base::Code::conflict || tries == kTries) return changed;
  }
}

Ending list(const Invocation& invocation, Console& console) {
  auto way = kv_command::way_of(invocation, console);
  if (!way.ok()) return way.error();
  auto status = way.value().client->ask<wire::GetGroup, wire::GroupStatus>(way.value().path, way.value().timeout,
                                                                           [](wire::GetGroup::Builder) {});
  if (!status.ok()) return raft_command::explained(status.error(), way.value().group);
  std::set<base::NodeId> members;
  for (const auto member : status.value().root().getMembers())
    if (const auto id = base::NodeId::from(bytes_of(member.getMember().getNode()))) members.insert(*id);
  std::map<files::Cid, Row> rows;
  const auto entries = each(way.value(), catalogue::entry_prefix(), [&](std::string_view key, base::ByteView value) {
    const auto cid = catalogue::read_entry_key(key);
    const auto entry = catalogue::decode_entry(value);
    if (cid && entry) rows[*cid].entry = *entry;
  });
  if (!entries.ok()) return entries.error();
  const auto holds = each(way.value(), catalogue::held_prefix(), [&](std::string_view key, base::ByteView) {
    const auto held = catalogue::read_held_key(key);
    if (!held || !members.contains(held->node)) return;
    if (const auto row = rows.find(held->cid); row != rows.end()) row->second.members.insert(held->node);
  });
  if (!holds.ok()) return holds.error();
  JsonLine<output::wire::GroupFiles> line;
  auto out = line->initRows(static_cast<unsigned>(rows.size()));
  TextTable table({{"CID"}, {"NAME"}, {"SIZE", Align::right}, {"MEMBERS", Align::right}, {"PINNED"}});
  unsigned i = 0;
  for (const auto& [cid, row] : rows) {
    auto one = out[i++];
    one.setCid(data(cid.view()));
    if (!row.entry.name.empty()) one.setName(row.entry.name);
    one.setBytes(row.entry.bytes);
    one.setPinned(row.entry.pinned);
    auto have = one.initMembers(static_cast<unsigned>(row.members.size()));
    unsigned j = 0;
    for (const auto& member : row.members) have.set(j++, data(member.view()));
    auto lack = one.initMissing(static_cast<unsigned>(members.size() - row.members.size()));
    j = 0;
    for (const auto& member : members)
      if (!row.members.contains(member)) lack.set(j++, data(member.view()));
    table.add({cid.hex(), row.entry.name.empty() ? "-" : row.entry.name, bytes_for_people(row.entry.bytes),
               std::to_string(row.members.size()) + " of " + std::to_string(members.size()),
               row.entry.pinned ? "yes" : "no"});
  }
  if (invocation.globals.json) write_json_line(console.out, capnp::toDynamic(line->asReader().getRows()));
  else table.print(console.out);
  return Exit::done;
}

}  // namespace troupe::apps::file_group
