#pragma once
// A command's view of the process: streams, terminal, environment. Passed in, so that tests run commands as functions.
#include <istream>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

namespace troupe::apps {

struct Console {
  std::ostream& out;  ///< results
  std::ostream& err;  ///< diagnostics
  std::istream& in;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  const char* const* environment = nullptr;  ///< as environ(7) has it; may be null
  bool (*reader_is_gone)() = nullptr;        ///< whether the reader of `out` is gone; null if `out` is a file
  bool dash_is_in = true;  ///< the value "-" stands for what `in` has; over HTTP it is a value like any other
};

/// Returns nullopt if the variable is not set; an empty value counts as set.
std::optional<std::string> variable(const Console& console, std::string_view name);

/// Whether output to `out` or `err` is coloured: on a terminal, unless NO_COLOR is set and not empty (no-color.org).
bool colour_on_out(const Console& console);
bool colour_on_err(const Console& console);

}  // namespace troupe::apps
