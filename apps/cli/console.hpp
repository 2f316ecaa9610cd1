#pragma once
// A command's view of the process: streams, terminal, environment. Passed in, so that tests run commands as functions.
#include <istream>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

namespace troupe::apps {

struct Console {
  std::ostream& out;  ///< data
  std::ostream& err;  ///< talk
  std::istream& in;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  const char* const* environment = nullptr;  ///< as environ(7) has it; may be null
  bool (*reader_is_gone)() = nullptr;        ///< whether `out` has lost its reader; null: it is a file
};

/// Nothing if it is not set; an empty value is a value.
std::optional<std::string> variable(const Console& console, std::string_view name);

/// Colour for what goes to `out` or `err`: on a terminal, and not with NO_COLOR (set and not empty, no-color.org).
bool colour_on_out(const Console& console);
bool colour_on_err(const Console& console);

}  // namespace troupe::apps
