#include "runtime/os/names_in_use.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

namespace troupe::os {
namespace {

bool is_below(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

}  // namespace

NamesInUse::NamesInUse(int root, std::string path) : root_(root), root_path_(std::move(path)) {
  struct stat status {};
  if (::fstat(root_, &status) == 0) root_place_ = {status.st_dev, status.st_ino};
}

NamesInUse::Id NamesInUse::add(std::string_view path, int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return 0;  // never checked
  const std::lock_guard hold(mutex_);
  names_.emplace(next_, Name{std::string(path), {status.st_dev, status.st_ino}});
  return next_++;
}

void NamesInUse::drop(Id id) {
  const std::lock_guard hold(mutex_);
  const auto name = names_.find(id);
  if (name == names_.end()) return;
  if (!lost_) check_name(name->second);
  names_.erase(name);
}

/// A device that does not respond is another fault, which is reported by the calls that need it.
bool NamesInUse::leads_to(int directory, const std::string& path, int flags, const Place& place) {
  struct stat status {};
  if (::fstatat(directory, path.c_str(), &status, flags) != 0)
    return errno != ENOENT && errno != ENOTDIR && errno != ELOOP && errno != ESTALE;
  return status.st_dev == place.device && status.st_ino == place.inode;
}

void NamesInUse::check_name(const Name& name) {
  if (!name.taken && !leads_to(root_, name.path, AT_SYMLINK_NOFOLLOW, name.place))
    remember(root_path_ + '/' + name.path);
}

void NamesInUse::remember(const std::string& path) {
  if (!lost_) lost_ = path;
  is_lost_ = true;
}

std::optional<std::string> NamesInUse::find_lost() {
  const std::lock_guard hold(mutex_);
  if (lost_) return lost_;
  // The root may be a link.
  if (!leads_to(AT_FDCWD, root_path_, 0, root_place_)) remember(root_path_);
  for (auto name = names_.begin(); name != names_.end() && !lost_; ++name) check_name(name->second);
  return lost_;
}

void NamesInUse::check(Id id, int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0 || status.st_nlink > 0) return;
  const std::lock_guard hold(mutex_);
  const auto name = names_.find(id);
  if (name != names_.end() && !name->second.taken) remember(root_path_ + '/' + name->second.path);
}

std::vector<NamesInUse::Taken> NamesInUse::take(std::string_view path) {
  const std::lock_guard hold(mutex_);
  std::vector<Taken> out;
  for (auto& [id, name] : names_) {
    if (name.taken || !is_below(name.path, path)) continue;
    name.taken = true;
    out.push_back({id, name.path});
  }
  return out;
}

void NamesInUse::put(const std::vector<Taken>& names, std::string_view from, std::string_view to) {
  const std::lock_guard hold(mutex_);
  for (const auto& [id, path] : names) {
    const auto name = names_.find(id);
    if (name == names_.end()) continue;  // closed in the meantime
    name->second.path = std::string(to) + path.substr(from.size());
    name->second.taken = false;
  }
}

}  // namespace troupe::os
