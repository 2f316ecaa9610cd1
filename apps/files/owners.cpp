// troupe file owners | release: for which nodes this node stores files.
#include "apps/cli/terminal.hpp"
#include "apps/files/file.hpp"

namespace troupe::apps {
namespace {

namespace wire = files::wire;

struct OwnerRow {
  base::NodeId owner;
  std::uint64_t contents, bytes, claims, last_seen;
};

Client::Outcome<std::vector<OwnerRow>> all_owners(Client& client) {
  std::vector<OwnerRow> out;
  for (bool more = true; more;) {
    auto answer = client.ask<wire::ListOwners, wire::HeldOwners>(files::kHolderPath, kFileAnswer,
                                                                 [&](wire::ListOwners::Builder question) {
                                                                   if (!out.empty())
                                                                     question.setBehind(data(out.back().owner.view()));
                                                                 });
    if (!answer.ok()) return answer.error();
    const auto page = answer.value().root();
    for (const auto row : page.getOwners()) {
      const auto id = base::NodeId::from({row.getOwner().begin(), row.getOwner().size()});
      const auto seen = static_cast<std::uint64_t>(std::max<std::int64_t>(row.getLastSeen(), 0));
      if (id) out.push_back({*id, row.getContents(), row.getBytes(), row.getClaims(), seen});
    }
    more = page.getMore() && page.getOwners().size() > 0;
  }
  return out;
}

}  // namespace

Ending file_owners(const Invocation& invocation, Console& console) {
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  const auto owners = all_owners(*client.value());
  if (!owners.ok()) return owners.error();
  if (invocation.globals.json) {
    JsonLine<output::wire::FileOwners> line;
    auto rows = line->initRows(static_cast<unsigned>(owners.value().size()));
    for (unsigned i = 0; i < rows.size(); ++i) {
      const OwnerRow& row = owners.value()[i];
      rows[i].setOwner(data(row.owner.view()));
      rows[i].setContents(row.contents);
      rows[i].setBytes(row.bytes);
      rows[i].setClaims(row.claims);
      rows[i].setLastSeen(row.last_seen);
    }
    write_json_line(console.out, capnp::toDynamic(rows.asReader()));
    return Exit::done;
  }
  TextTable table(
      {{"OWNER"}, {"CONTENTS", Align::right}, {"SIZE", Align::right}, {"CLAIMS", Align::right}, {"LAST SEEN"}});
  for (const OwnerRow& row : owners.value())
    table.add({row.owner.hex(), std::to_string(row.contents), bytes_for_people(row.bytes), std::to_string(row.claims),
               day_text(row.last_seen)});
  table.print(console.out);
  return Exit::done;
}

Ending file_release(const Invocation& invocation, Console& console) {
  const auto owner = base::NodeId::from_hex(*invocation.text("OWNER"));
  if (!owner) return usage_failure("invalid node id: expected 40 hexadecimal digits", "troupe file owners");
  return ask_and_print<wire::ReleaseOwner, wire::OwnerReleased>(
      invocation, console, files::kHolderPath, kFileAnswer,
      [&](wire::ReleaseOwner::Builder question) { question.setOwner(data(owner->view())); },
      [&](wire::OwnerReleased::Reader released) {
        JsonLine<output::wire::FileReleased> line;
        line->setOwner(data(owner->view()));
        line->setClaims(released.getClaims());
        line.print(console.out);
      },
      [](auto) {});
}

}  // namespace troupe::apps
