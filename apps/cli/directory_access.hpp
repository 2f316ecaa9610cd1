#pragma once
// What commands know about a data directory: its lock, its socket, and why this user may be denied.
#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

#include "apps/cli/failure.hpp"

namespace troupe::apps {

inline constexpr const char* kLockFile = "LOCK";
inline constexpr const char* kControlSocket = "control.sock";  // the socket through which commands reach their node

/// Returns the process that holds the lock of the directory, if this machine shows it.
std::optional<int> lock_holder(const std::string& path);

/// Returns the failure to report if the directory, or a parent directory, belongs to another user or denies this user.
std::optional<Failure> kept_out(const std::string& path);

/// Returns the permissions of a file as chmod(1) takes them: "0644".
std::string mode_text(mode_t mode);

/// Returns the name of a user, or "number N" if it has none.
std::string user_name(uid_t user);

/// Returns the first directory on the path to `path`, including `path`, that denies this user for the reason `why`
/// (EACCES, EROFS); empty if none does.
std::filesystem::path barring_directory(const std::string& path, int why);

}  // namespace troupe::apps
