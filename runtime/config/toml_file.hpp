#pragma once
// Reads the settings in a TOML file. Hides toml++ in one source file.
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
  Problems problems;              ///< unknown keys, wrong types and bounds, or one syntax error; at most kProblemsMax
};

/// Safe for malicious text: its size and nesting are limited before the parser sees it.
FileContents read_toml(const Table& table, const TextFile& file);

/// Reads a value in TOML syntax, such as ["a", "b"]; returns nullopt unless it is a value of `kind`. Safe for malicious
/// text.
std::optional<Value> read_toml_value(Kind kind, std::string_view text);

}  // namespace troupe::config
