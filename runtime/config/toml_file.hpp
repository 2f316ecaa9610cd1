#pragma once
// A TOML file as the settings that it names. Keeps toml++ behind one source file.
#include <string>
#include <vector>

#include "runtime/config/settings.hpp"

namespace troupe::config {

/// A value that a file gives to a known key.
struct FileValue {
  const Setting* setting;
  Value value;
  std::string where;  ///< "config.toml:3"
};

struct FileContents {
  std::vector<FileValue> values;  ///< right in type and bounds
  Problems problems;  ///< unknown keys, wrong types and bounds, or one error of syntax; at most kProblemsMax
};

/// Reads hostile text too: size and nesting are bounded before the parser sees it.
FileContents read_toml(const Table& table, const TextFile& file);

/// A value as TOML writes it behind the `=`, such as ["a", "b"]; nothing if it is not one of that kind. As careful.
std::optional<Value> read_toml_value(Kind kind, std::string_view text);

}  // namespace troupe::config
