// troupe file view
#include <map>

#include "actors/dht/api.hpp"
#include "actors/dht/codec.hpp"
#include "actors/files/wire.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/files/file.hpp"
#include "messages/contact.hpp"
#include "messages/dht.capnp.h"
#include "runtime/base/text.hpp"
#include "runtime/crypto/identity.hpp"

namespace troupe::apps {
namespace {

namespace wire = files::wire;

constexpr std::uint16_t kAnnouncedMax = 20;  // our choice: `dht providers` has more

struct Content {
  files::ContentKey key;
  std::uint64_t offset = 0;
  std::vector<base::NodeId> holders{};
  bool is_chunk() const { return key.kind == files::ContentKind::chunk; }
};

struct HolderSum {
  std::uint32_t chunks = 0;
  std::uint64_t bytes = 0;
  bool manifest = false;
};

struct View {
  files::Cid cid;
  std::optional<FileRow> row{};  // if the node lists the file
  std::vector<Content> contents{};
  std::map<base::NodeId, HolderSum> nodes{};
  std::string not_announced{};            // why those are not known
  std::vector<base::NodeId> announced{};  // of a file that is not listed: the holders of its manifest

  std::uint64_t bytes = 0;
  std::uint32_t chunks = 0;

  Client::Outcome<void> take(wire::ViewItem::Reader item) {
    if (item.isRow()) row = FileRow::read(item.getRow());
    if (!item.isContent()) return {};
    const auto key = files::read_content(item.getContent().getContent());
    if (!key.ok()) return Failure{key.error(), {}, {}, Exit::failed};
    Content content{key.value(), item.getContent().getOffset(), files::read_nodes(item.getContent().getHolders())};
    bytes += content.key.bytes;
    chunks += content.is_chunk() ? 1u : 0u;
    for (const auto& node : content.holders) {
      HolderSum& held = nodes[node];
      held.bytes += content.key.bytes;
      held.chunks += content.is_chunk() ? 1u : 0u;
      held.manifest |= !content.is_chunk();
    }
    contents.push_back(std::move(content));
    return {};
  }
};

Client::Outcome<View> view_of(Client& client, const files::Cid& cid) {
  View view{cid};
  const auto seen = client.subscribe<wire::ViewFile, wire::ViewItem>(
      files::kPath, kFileIdle, [&](wire::ViewFile::Builder question) { question.setCid(data(cid.view())); },
      [&](wire::ViewItem::Reader item) { return view.take(item); });
  if (!seen.ok()) return seen.error();
  return view;
}

/// Asks the DHT which nodes store the manifest.
Client::Outcome<void> find_announced(Client& client, View& view) {
  const auto awaited = client.waits_for("the DHT, which knows the nodes that store the file");
  return client.subscribe<dht::wire::FindProviders, dht::wire::FoundProviders>(
      dht::kPath, kFileIdle,
      [&](dht::wire::FindProviders::Builder question) {
        question.setCid(data(view.cid.view()));
        question.setProvidersMax(kAnnouncedMax);
      },
      [&](dht::wire::FoundProviders::Reader found) -> Client::Outcome<void> {
        for (const auto one : found.getProviders()) {
          const base::Contact contact = messages::read_contact(one);
          view.announced.push_back(crypto::node_id(contact.key, contact.nonce));
        }
        if (const auto why = dht::unheard_error(found.getSearch()); found.getLast() && why && view.announced.empty())
          view.not_announced = why->message;
        return {};
      });
}

void print_json(std::ostream& out, const View& view) {
  JsonLine<output::wire::FileView> line;
  auto& root = *line;
  root.setCid(data(view.cid.view()));
  if (view.row) {
    if (!view.row->name.empty()) root.setName(view.row->name);
    root.getReplicas().setValue(view.row->replicas);
    root.getLive().setValue(view.row->live);
    root.setPinned(view.row->pinned);
    if (view.row->expires) root.getExpires().setValue(*view.row->expires);
  }
  root.setListed(view.row.has_value());
  root.setBytes(view.bytes);
  root.setChunks(view.chunks);
  auto nodes = root.initNodes(static_cast<unsigned>(view.nodes.size()));
  unsigned at = 0;
  for (const auto& [node, held] : view.nodes) {
    auto row = nodes[at++];
    row.setNode(data(node.view()));
    row.setChunks(held.chunks);
    row.setBytes(held.bytes);
    row.setManifest(held.manifest);
  }
  auto contents = root.initContents(static_cast<unsigned>(view.contents.size()));
  at = 0;
  for (const Content& content : view.contents) {
    auto row = contents[at++];
    row.setKind(content.is_chunk() ? output::wire::ContentKind::CHUNK : output::wire::ContentKind::MANIFEST);
    row.setId(data(content.key.id.view()));
    row.setOffset(content.offset);
    row.setBytes(content.key.bytes);
    auto holders = row.initHolders(static_cast<unsigned>(content.holders.size()));
    for (unsigned i = 0; i < holders.size(); ++i) holders.set(i, data(content.holders[i].view()));
  }
  auto announced = root.initAnnounced(static_cast<unsigned>(view.announced.size()));
  for (unsigned i = 0; i < announced.size(); ++i) announced.set(i, data(view.announced[i].view()));
  line.print(out);
}

void print_chunks(std::ostream& out, const View& view) {
  TextTable table({{"CHUNK"}, {"FROM", Align::right}, {"BYTES", Align::right}, {"COPIES", Align::right}});
  for (const Content& content : view.contents)
    if (content.is_chunk())
      table.add({content.key.id.hex(), std::to_string(content.offset), std::to_string(content.key.bytes),
                 std::to_string(content.holders.size())});
  out << '\n';
  table.print(out);
}

void print_text(std::ostream& out, const View& view, bool each_chunk) {
  const auto line = [&](const char* title, const std::string& value) {
    out << title << base::printable(value) << '\n';
  };
  line("cid      ", view.cid.hex());
  if (view.row && !view.row->name.empty()) line("name     ", view.row->name);
  line("bytes    ", std::to_string(view.bytes));
  line("chunks   ", std::to_string(view.chunks));
  if (view.row) {
    line("copies   ", view.row->copies());
    line("pinned   ", view.row->pinned ? "yes" : "no");
  } else {
    line("copies   ", "not known: this node does not list the file, because it was put at another node");
    for (const base::NodeId& node : view.announced) line("holder   ", node.hex() + ", as it announces in the DHT");
    if (!view.not_announced.empty()) line("holder   ", "not known: " + base::printable(view.not_announced));
    else if (view.announced.empty()) line("holder   ", "no node announces in the DHT that it stores the file");
  }
  if (!view.nodes.empty()) {
    TextTable table({{"NODE"}, {"CHUNKS", Align::right}, {"SIZE", Align::right}, {"MANIFEST"}});
    for (const auto& [node, held] : view.nodes)
      table.add({node.hex(), std::to_string(held.chunks), bytes_for_people(held.bytes), held.manifest ? "yes" : "no"});
    out << '\n';
    table.print(out);
  }
  if (each_chunk) print_chunks(out, view);
}

}  // namespace

Client::Outcome<bool> has_holder(Client& client, const files::Cid& cid) {
  const auto view = view_of(client, cid);
  if (!view.ok()) {
    // No node has it, or the nodes that may have it did not respond: no storage node was found.
    const base::Code code = view.error().error.code;
    if (code == base::Code::not_found || code == base::Code::unavailable || code == base::Code::timeout) return false;
    return view.error();
  }
  // A file that the node does not list was read from a storage node; for a listed file it knows the storage nodes.
  return !view.value().row || !view.value().nodes.empty();
}

Ending file_view(const Invocation& invocation, Console& console) {
  const auto cid = cid_of(invocation);
  if (!cid.ok()) return cid.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto view = view_of(*client.value(), cid.value());
  if (!view.ok()) return view.error();
  if (!view.value().row)
    if (const auto asked = find_announced(*client.value(), view.value()); !asked.ok()) {
      if (asked.error().exit) return asked.error();  // interrupted
      view.value().not_announced = asked.error().error.message;
    }
  if (invocation.globals.json) print_json(console.out, view.value());
  else print_text(console.out, view.value(), invocation.has("--chunks"));
  return Exit::done;
}

}  // namespace troupe::apps
