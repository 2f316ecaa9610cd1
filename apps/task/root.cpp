// The root of a task: what its program sees as /.
#include <fcntl.h>

#include <filesystem>

#include "apps/cli/file_source.hpp"
#include "apps/cli/shell_word.hpp"
#include "apps/files/file.hpp"
#include "apps/task/task.hpp"
#include "runtime/os/archive_reader.hpp"
#include "runtime/os/disk.hpp"
#include "runtime/os/folder_archive.hpp"

namespace troupe::apps::tasks {
namespace {

using base::Code;
using base::Error;

constexpr const char* kNothing = "nothing was submitted";

/// Returns why no node could unpack the archive, or nullopt if nodes can.
std::optional<Error> fault_of(const std::string& path) {
  os::Descriptor opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!opened.valid()) return system_error("cannot read " + path, errno);
  const auto file = os::file_of(std::move(opened));
  os::ArchiveReader reader(*file);
  for (;;) {
    auto entry = reader.next();
    if (!entry.ok()) return entry.error();
    if (!entry.value()) return std::nullopt;
  }
}

Client::Outcome<task::Cid> as_content(const Client::Outcome<files::Cid>& stored) {
  if (!stored.ok()) return stored.error();
  return *task::Cid::from(stored.value().view());
}

}  // namespace

Client::Outcome<task::Cid> store_root(Client& client, Console& console, const std::string& typed,
                                      const std::string& loader) {
  if (const auto cid = task::Cid::from_hex(typed)) return *cid;
  std::error_code unknown;
  if (std::filesystem::is_directory(typed, unknown)) {
    if (!loader.empty() && !os::has_file(typed, loader))
      return Failure{{Code::refused, "the program needs the interpreter or loader " + loader + ", but the root " +
                                         typed + " does not contain it"},
                     kNothing,
                     "cp -L --parents " + shell_word(loader) + ' ' + shell_word(typed)};
    return as_content(put_folder(client, console, typed));
  }
  if (auto why = fault_of(typed)) {
    if (why->code != Code::refused) return Failure{*why, kNothing};
    why->message = "the root " + typed + " cannot be unpacked: " + why->message;
    return Failure{*why, kNothing, "--root DIR, a folder that contains it; or tar -c -C DIR . >ANOTHER.tar"};
  }
  return as_content(put_file(client, console, typed));
}

}  // namespace troupe::apps::tasks
