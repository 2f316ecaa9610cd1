// troupe file ls
#include "apps/cli/terminal.hpp"
#include "apps/files/file.hpp"
#include "apps/files/group.hpp"

namespace troupe::apps {
namespace {

namespace wire = files::wire;

void print_json(std::ostream& out, const std::vector<FileRow>& files) {
  JsonLine<output::wire::Files> line;
  auto rows = line->initRows(static_cast<unsigned>(files.size()));
  for (unsigned i = 0; i < rows.size(); ++i) files[i].write(rows[i]);
  write_json_line(out, capnp::toDynamic(rows.asReader()));
}

void print_text(std::ostream& out, const std::vector<FileRow>& files) {
  TextTable table({{"CID"},
                   {"NAME"},
                   {"SIZE", Align::right},
                   {"CHUNKS", Align::right},
                   {"COPIES", Align::right},
                   {"KEPT UNTIL"},
                   {"PINNED"}});
  for (const FileRow& file : files)
    table.add({file.cid.hex(), file.name.empty() ? "-" : file.name, bytes_for_people(file.bytes),
               std::to_string(file.chunks), file.copies(), file.copies_end ? day_text(*file.copies_end) : "-",
               file.pinned ? "yes" : "no"});
  table.print(out);
}

}  // namespace

Ending file_list(const Invocation& invocation, Console& console) {
  if (invocation.has("--group")) return file_group::list(invocation, console);
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  std::vector<FileRow> files;
  const auto listed = client.value()->subscribe<wire::ListFiles, wire::FileRow>(
      files::kPath, kFileIdle, [](wire::ListFiles::Builder) {},
      [&](wire::FileRow::Reader row) -> Client::Outcome<void> {
        files.push_back(FileRow::read(row));
        return {};
      });
  if (!listed.ok()) return listed.error();
  if (invocation.globals.json) print_json(console.out, files);
  else print_text(console.out, files);
  return Exit::done;
}

}  // namespace troupe::apps
