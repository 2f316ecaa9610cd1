#pragma once
// Reads the texts of the settings' sources.
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/error.hpp"
#include "runtime/config/settings.hpp"

namespace troupe::config {

/// Reads a file of at most kFileBytesMax. Blocks.
/// Errors: `not_found`, `malformed` (too long, or not a regular file), `refused` (not readable).
base::Outcome<TextFile> read_text_file(const std::string& path);

/// Returns the variables of `environment` (as in environ(7)) whose name starts with TROUPE_.
std::vector<std::pair<std::string, std::string>> troupe_variables(const char* const* environment);

}  // namespace troupe::config
