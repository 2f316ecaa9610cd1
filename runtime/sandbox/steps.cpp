#include "runtime/sandbox/steps.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>

#include "runtime/base/result.hpp"
#include "runtime/sandbox/hosts.hpp"

namespace troupe::sandbox {
namespace {

using Kind = Step::Kind;
namespace fs = std::filesystem;

// The sandbox provides these, whatever the root has with that name. A host's /sys and /run would show its devices and
// sockets.
constexpr std::string_view kOurs[] = {"proc", "dev", "tmp", "task", "sys", "run"};
constexpr const char* kDevices[] = {"null", "zero", "full", "random", "urandom"};
constexpr std::string_view kDisk = "task";  // the writable file system
constexpr std::string_view kEtc = "etc";    // the folder with the name resolution files
// For the top folder, and /etc if it is shown entry by entry: each entry is a mount.
constexpr std::size_t kRootEntriesMax = 4'096;

bool is_ours(std::string_view name) { return std::ranges::find(kOurs, name) != std::end(kOurs); }

/// Returns the parts of an absolute path; empty if the path is relative or contains "." or "..".
std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> out;
  if (!path.starts_with('/') || path.find('\0') != std::string::npos) return {};
  for (const auto& part : fs::path(path).relative_path()) {
    if (part.empty()) continue;  // a slash at the end
    if (part == "." || part == "..") return {};
    out.push_back(part.string());
  }
  return out;
}

class Builder {
 public:
  explicit Builder(const Spec& spec) : spec_(spec) {}

  base::Result<std::vector<Step>, std::string> build() {
    for (const std::string_view name : kOurs)
      if (name != "sys") add(Kind::folder, "", std::string(name));
    if (spec_.root)
      if (const auto wrong = add_root(*spec_.root); !wrong.empty()) return wrong;
    if (const auto wrong = add_binds(Where::elsewhere); !wrong.empty()) return wrong;
    if (takes_etc_apart())
      if (const auto wrong = add_etc(); !wrong.empty()) return wrong;
    if (takes_etc_apart()) add_names();
    add(Kind::process, "", "proc");
    add_devices();
    add_disk();
    if (const auto wrong = add_binds(Where::on_disk); !wrong.empty()) return wrong;
    add(Kind::seal, "", ".");
    return std::move(steps_);
  }

  base::Result<std::vector<Step>, std::string> build_disk() {
    if (const auto wrong = add_binds(Where::on_disk); !wrong.empty()) return wrong;
    return std::move(steps_);
  }

 private:
  enum class Where { on_disk, elsewhere };

  void add(Kind kind, std::string from, std::string to) { steps_.push_back({kind, std::move(from), std::move(to)}); }

  // Entry by entry: the root of the host is not writable, and may lack the sandbox's mount points.
  std::string add_root(const std::string& root) {
    std::error_code failed;
    if (!fs::path(root).is_absolute()) return "the root " + root + " is not an absolute path";
    fs::directory_iterator at(root, failed);
    for (; !failed && at != fs::directory_iterator(); at.increment(failed)) {
      const std::string name = at->path().filename().string();
      if (is_ours(name) || (name == kEtc && takes_etc_apart())) continue;
      if (++entries_ > kRootEntriesMax) return too_many(root);
      show(at->path(), name);
    }
    return failed ? "the root " + root + " cannot be read: " + failed.message() : "";
  }

  void show(const fs::path& from, const std::string& to) {
    std::error_code unknown;
    const auto type = fs::symlink_status(from, unknown).type();
    if (type == fs::file_type::symlink) {
      const auto target = fs::read_symlink(from, unknown);
      if (!unknown) add(Kind::link, target.string(), to);
    } else if (type == fs::file_type::directory || type == fs::file_type::regular) {
      add(type == fs::file_type::directory ? Kind::folder : Kind::file, "", to);
      add(Kind::bind, from.string(), to);
    }  // devices, sockets and pipes of the host are not shown inside
  }

  /// With hosts, the sandbox provides the name resolution files.
  bool takes_etc_apart() const { return !spec_.hosts.empty(); }

  // Adds the root's /etc entry by entry, except the name resolution files if the sandbox provides them.
  std::string add_etc() {
    add(Kind::folder, "", std::string(kEtc));
    const fs::path etc = spec_.root ? fs::path(*spec_.root) / kEtc : fs::path();
    std::error_code failed;
    if (!spec_.root || fs::symlink_status(etc, failed).type() != fs::file_type::directory) return "";
    fs::directory_iterator at(etc, failed);
    for (; !failed && at != fs::directory_iterator(); at.increment(failed)) {
      const std::string name = at->path().filename().string();
      const bool of_names = name == "hosts" || name == "nsswitch.conf" || name == "resolv.conf";
      if (of_names) continue;
      if (++entries_ > kRootEntriesMax) return too_many(*spec_.root);
      show(at->path(), std::string(kEtc) + '/' + name);
    }
    return failed ? "the folder " + etc.string() + " cannot be read: " + failed.message() : "";
  }

  std::string too_many(const std::string& root) const {
    return "the folder " + root + (takes_etc_apart() ? " and its etc together have" : " has") + " more than " +
           std::to_string(kRootEntriesMax) + " entries, too many for the root of a sandbox: move them into subfolders";
  }

  void add_names() {
    add(Kind::text, names_file(spec_.hosts), std::string(kEtc) + "/hosts");
    add(Kind::text, "hosts: files\n", std::string(kEtc) + "/nsswitch.conf");
  }

  std::string add_binds(Where where) {
    for (const Bind& bind : spec_.binds) {
      const auto parts = parts_of(bind.to);
      if (parts.empty())
        return '"' + bind.to + "\" is not a valid path inside: expected an absolute path without \"..\"";
      if (parts.front() != kDisk && is_ours(parts.front()))
        return '"' + bind.to + "\" cannot be the place of a file of the host: inputs must be below /task";
      if ((parts.front() == kDisk) != (where == Where::on_disk)) continue;
      std::error_code failed;
      const auto type = fs::status(bind.from, failed).type();
      if (type != fs::file_type::directory && type != fs::file_type::regular)
        return bind.from + (failed ? " cannot be shown inside: " + failed.message()
                                   : std::string(" cannot be shown inside: it is neither a file nor a folder"));
      std::string to;
      for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
        to += (i > 0 ? "/" : "") + parts[i];
        if ((i == 0 && parts.front() == kDisk) || !folders_.insert(to).second) continue;
        add(Kind::folder, "", to);
        if (parts.front() == kDisk) add(Kind::give, "", to);
      }
      to += (to.empty() ? "" : "/") + parts.back();
      add(type == fs::file_type::directory ? Kind::folder : Kind::file, "", to);
      add(Kind::bind, bind.from, to);
    }
    return "";
  }

  void add_devices() {
    for (const std::string name : kDevices) {
      add(Kind::file, "", "dev/" + name);
      add(Kind::device, "/dev/" + name, "dev/" + name);
    }
    add(Kind::link, "/proc/self/fd", "dev/fd");
    add(Kind::link, "/proc/self/fd/0", "dev/stdin");
    add(Kind::link, "/proc/self/fd/1", "dev/stdout");
    add(Kind::link, "/proc/self/fd/2", "dev/stderr");
    add(Kind::link, "/tmp", "dev/shm");  // shared memory counts against the same limit
  }

  // One file system, so that one limit applies to both folders.
  void add_disk() {
    const auto inodes = std::uint64_t{spec_.limits.files} + kOwnInodes;
    add(Kind::disk,
        "mode=0755,size=" + std::to_string(spec_.limits.disk_bytes) + ",nr_inodes=" + std::to_string(inodes), "task");
    add(Kind::folder, "", "task/tmp");
    add(Kind::give_all, "", "task/tmp");
    add(Kind::folder, "", "task/task");
    add(Kind::give, "", "task/task");
    add(Kind::shift, "task/tmp", "tmp");
    add(Kind::shift, "task/task", "task");
  }

  static constexpr std::uint64_t kOwnInodes = 3;  // the root of the file system and the two folders

  const Spec& spec_;
  std::size_t entries_ = 0;        // of the root, that are mounts
  std::set<std::string> folders_;  // that lead to a bind
  std::vector<Step> steps_;
};

}  // namespace

base::Result<std::vector<Step>, std::string> steps_of(const Spec& spec) { return Builder(spec).build(); }
base::Result<std::vector<Step>, std::string> disk_steps_of(const Spec& spec) { return Builder(spec).build_disk(); }

bool on_disk(const Bind& bind) {
  const auto parts = parts_of(bind.to);
  return !parts.empty() && parts.front() == kDisk;
}

std::string text(const Step& step) {
  const std::string to = step.to == "." ? "/" : '/' + step.to;
  switch (step.kind) {
    case Kind::folder: return "to make the folder " + to;
    case Kind::file: return "to make the file " + to;
    case Kind::text: return "to write the file " + to;
    case Kind::link: return "to make the link " + to;
    case Kind::bind:
    case Kind::device: return "to show " + step.from + " as " + to;
    case Kind::process: return "to mount /proc";
    case Kind::disk: return "to mount the disk of the sandbox";
    case Kind::shift: return "to mount " + to;
    case Kind::give_all:
    case Kind::give: return "to give the folder " + to + " to the program";
    case Kind::seal: return "to make " + to + " read-only";
  }
  return to;
}

}  // namespace troupe::sandbox
