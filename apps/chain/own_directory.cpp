#include "apps/chain/own_directory.hpp"

#include "apps/cli/file_target.hpp"
#include "apps/host/data_directory.hpp"
#include "apps/host/settings.hpp"
#include "runtime/os/disk.hpp"

namespace troupe::apps::chains {

using base::Code;

base::Result<void, Failure> write_file(const std::string& path, base::ByteView bytes) {
  auto target = FileTarget::open(path);
  if (!target.ok()) return target.error();
  FileTarget::WaitForRoom at_once = [](int) -> base::Result<void, Failure> { return {}; };
  if (const auto written = target.value().write(bytes, at_once); !written.ok()) return written.error();
  return target.value().commit();
}

Failure cannot_use_directory(const std::string& path, const base::Error& why) {
  return {{why.code, "cannot use the data directory " + path + ": " + why.message}, "nothing was done", "", {}};
}

base::Result<std::string, Failure> directory_of(const Invocation& invocation, const Console& console) {
  if (invocation.globals.node)
    return usage_failure("this command works on a local data directory: leave --node out", "--data DIR");
  return data_directory(invocation.globals, console);
}

base::Result<std::unique_ptr<ports::Disk>, Failure> open_here(const std::string& path) {
  auto disk = os::open_own_disk(path);
  if (disk.ok()) return std::move(disk).value();
  return cannot_use_directory(path, {Code::refused, std::string(ports::name(disk.error()))});
}

}  // namespace troupe::apps::chains
