#pragma once
// What commands know of a data directory: its lock, its socket, and what keeps this user out of it.
#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

#include "apps/cli/failure.hpp"

namespace troupe::apps {

inline constexpr const char* kLockFile = "LOCK";
inline constexpr const char* kControlSocket = "control.sock";  // through which commands reach their node

/// The process that holds the lock of the directory, as far as this machine tells.
std::optional<int> lock_holder(const std::string& path);

/// The failure to report if the directory, or one on the way to it, belongs to another user or denies this one.
std::optional<Failure> kept_out(const std::string& path);

/// The permissions of a file as chmod(1) takes them: "0644".
std::string mode_text(mode_t mode);

/// The name of a user, or "number N" if it has none.
std::string user_name(uid_t user);

/// The first directory on the way to `path` that keeps this user out for the reason `why` (EACCES, EROFS), `path`
/// itself included; empty if none does.
std::filesystem::path barring_directory(const std::string& path, int why);

}  // namespace troupe::apps
