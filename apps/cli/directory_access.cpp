#include "apps/cli/directory_access.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "apps/cli/shell_word.hpp"

namespace troupe::apps {
namespace {

/// Whether this user may use the directory as its owner does, or is denied for a reason other than `why`.
bool usable(const std::filesystem::path& path, int how, int why) {
  return ::faccessat(AT_FDCWD, path.c_str(), how, AT_EACCESS) == 0 || errno != why;
}

}  // namespace

std::string user_name(uid_t user) {
  std::array<char, 4'096> room{};  // for one line of passwd(5); the user of a longer line is shown by number
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(user, &entry, room.data(), room.size(), &found) == 0 && found != nullptr) return entry.pw_name;
  return "number " + std::to_string(user);
}

std::filesystem::path barring_directory(const std::string& path, int why) {
  std::error_code unknown;
  const auto whole = std::filesystem::absolute(path, unknown);
  std::filesystem::path at;
  for (const auto& part : whole) {
    const auto parent = at;
    at /= part;
    struct stat there {};
    if (::stat(at.c_str(), &there) != 0) return usable(parent, W_OK | X_OK, why) ? std::filesystem::path() : parent;
    if (!S_ISDIR(there.st_mode)) return {};  // not a problem of permissions
    if (!usable(at, X_OK, why)) return at;
  }
  return usable(at, R_OK | W_OK | X_OK, why) ? std::filesystem::path() : at;
}

std::optional<int> lock_holder(const std::string& path) {
  struct stat file {};
  if (::stat((path + '/' + kLockFile).c_str(), &file) != 0) return std::nullopt;
  std::array<char, 64> wanted{};  // as proc(5) has it
  std::snprintf(wanted.data(), wanted.size(), "%02x:%02x:%llu", ::major(file.st_dev), ::minor(file.st_dev),
                static_cast<unsigned long long>(file.st_ino));
  std::ifstream locks("/proc/locks");
  std::string number, type, sort, access, where, rest;
  int process = 0;
  while (locks >> number >> type >> sort >> access >> process >> where && std::getline(locks, rest))
    if (type == "FLOCK" && where == wanted.data()) return process;
  return std::nullopt;
}

std::string mode_text(mode_t mode) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "%04o", mode & 07777U);
  return text.data();
}

std::optional<Failure> kept_out(const std::string& path) {
  const auto at = barring_directory(path, EACCES);
  struct stat there {};
  if (at.empty() || ::stat(at.c_str(), &there) != 0) return std::nullopt;
  const std::string owner = user_name(there.st_uid);
  const bool own = there.st_uid == ::geteuid();
  return Failure{
      {base::Code::refused, "cannot use the data directory " + path + ": permission denied: " + at.string() +
                                " belongs to the user " + owner + ", its mode is " + mode_text(there.st_mode) +
                                ", and this is the user " + user_name(::geteuid())},
      "nothing was done",
      own ? "chmod u+rwx " + shell_word(at.string())
          : "run it as the user " + owner + ", or use --data with your own directory",
      Exit::failed};
}

}  // namespace troupe::apps
