#pragma once
// The settings in a TOML file. Hides toml++ in one source file.
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
  std::vector<FileValue> values;  ///< of the right type and within bounds
  Problems problems;  ///< unknown keys, wrong types and bounds, or one error of syntax; at most kProblemsMax
};

/// Safe for hostile text: size and nesting are bounded before the parser sees it.
FileContents read_toml(const Table& table, const TextFile& file);

/// A value in TOML's syntax, such as ["a", "b"]; nothing if it is not a value of `kind`. Safe for hostile text.
std::optional<Value> read_toml_value(Kind kind, std::string_view text);

}  // namespace troupe::config
