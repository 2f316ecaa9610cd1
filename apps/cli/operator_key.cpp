#include "apps/cli/operator_key.hpp"

#include <filesystem>

#include "runtime/os/chance.hpp"
#include "runtime/os/disk.hpp"

namespace troupe::apps {
namespace {

using base::Code;
using ports::DiskError;

constexpr const char* kKeyFile = "operator.key";

Failure cannot(const std::string& what, DiskError error) {
  return {
      {error == DiskError::no_space ? Code::no_space : Code::internal, what + ": " + std::string(ports::name(error))},
      "nothing was done",
      "",
      Exit::failed};
}

/// Returns nullopt if there is no file.
base::Result<std::optional<crypto::Identity>, Failure> read_key(ports::Disk& disk, const std::string& path) {
  using Found = std::optional<crypto::Identity>;
  const auto file = disk.open(kKeyFile, ports::OpenMode::read);
  if (!file.ok()) {
    if (file.error() == DiskError::not_found) return Found(std::nullopt);
    return cannot("cannot open " + path, file.error());
  }
  base::Bytes bytes(crypto::kIdentityFileBytes + 1);
  const auto read = file.value()->read(0, bytes);
  if (!read.ok()) return cannot("cannot read " + path, read.error());
  auto key = crypto::Identity::decode(base::ByteView(bytes).first(read.value()), 0);
  crypto::wipe(bytes);
  if (key.ok()) return Found(std::move(key).value());
  const bool newer = key.error() == crypto::IdentityError::version;
  return Failure{{newer ? Code::unsupported : Code::corrupt,
                  path + (newer ? " was written by a newer version of troupe" : " is not a complete key file")},
                 "nothing was done",
                 newer ? "" : "move it away, then: troupe operator key",
                 Exit::failed};
}

}  // namespace

base::Result<std::string, Failure> config_directory(const Console& console) {
  if (const auto xdg = variable(console, "XDG_CONFIG_HOME"); xdg && xdg->starts_with('/')) return *xdg + "/troupe";
  if (const auto home = variable(console, "HOME"); home && !home->empty()) return *home + "/.config/troupe";
  return usage_failure("no directory for the operator's key: set XDG_CONFIG_HOME or HOME",
                       "XDG_CONFIG_HOME=DIR troupe …");
}

base::Result<std::string, Failure> operator_key_path(const Console& console) {
  const auto directory = config_directory(console);
  if (!directory.ok()) return directory.error();
  return directory.value() + '/' + kKeyFile;
}

base::Result<crypto::Identity, Failure> load_operator_key(const Console& console) {
  const auto directory = config_directory(console);
  if (!directory.ok()) return directory.error();
  const std::string path = directory.value() + '/' + kKeyFile;
  const Failure absent{
      {Code::refused, "there is no operator key: " + path}, "nothing was done", "troupe operator key", Exit::refused};
  std::error_code ignored;
  if (!std::filesystem::is_directory(directory.value(), ignored)) return absent;
  auto disk = os::open_disk(directory.value());
  if (!disk.ok()) return cannot("cannot open " + directory.value(), disk.error());
  auto key = read_key(*disk.value(), path);
  if (!key.ok()) return key.error();
  if (!key.value()) return absent;
  return std::move(*key.value());
}

base::Result<crypto::Identity, Failure> load_or_make_operator_key(const Console& console) {
  const auto directory = config_directory(console);
  if (!directory.ok()) return directory.error();
  const std::string path = directory.value() + '/' + kKeyFile;
  auto disk = os::open_disk(directory.value());
  if (!disk.ok()) return cannot("cannot open " + directory.value(), disk.error());
  auto found = read_key(*disk.value(), path);
  if (!found.ok()) return found.error();
  if (found.value()) return std::move(*found.value());
  os::Chance chance;
  crypto::Identity made = crypto::Identity::make(chance, 0);
  base::Bytes bytes = made.encode();
  const auto written = ports::write_durably(*disk.value(), kKeyFile, bytes);
  crypto::wipe(bytes);
  if (!written.ok()) return cannot("cannot write " + path, written.error());
  return made;
}

}  // namespace troupe::apps
