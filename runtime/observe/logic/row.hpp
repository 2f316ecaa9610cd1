#pragma once
// One actor as a row of a list, and the names of the columns.
//
// `troupe inspect --once --json` has the same names; a filter and a sort order use them too.
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::observe {

/// The code that fills a row says how long the row's string views are valid.
struct ActorRow {
  std::string_view path;
  std::string_view kind;
  std::string_view state;
  std::uint64_t mailbox = 0;                 ///< messages waiting
  std::chrono::milliseconds oldest{0};       ///< age of the oldest waiting message; 0 if none waits
  std::uint64_t handled = 0;                 ///< messages, since the actor began
  std::uint64_t per_second_thousandths = 0;  ///< messages per second
  std::uint64_t busy_thousandths = 0;        ///< part of the time in handlers, 0 to 1,000
  std::chrono::microseconds p99{0};          ///< 99th percentile of the time to handle a message
  std::uint64_t restarts = 0;
  std::string_view last_error;  ///< empty if there was none
  std::uint64_t asking = 0;     ///< its own requests that wait for a response
};

enum class FieldKind : std::uint8_t { text, number, share, milliseconds, microseconds };

struct Field {
  std::string_view name;
  FieldKind kind;
  std::string_view (*text)(const ActorRow&);  ///< for a text field, otherwise null
  std::uint64_t (*thousandths)(
      const ActorRow&);  ///< for all other fields, in thousandths of the field's unit, otherwise null
};

/// Returns all fields in the order of the columns.
std::span<const Field> fields();

/// Returns the field of that name, or null. The printed headings of a list are names too, also in small letters, and so
/// is "rate".
const Field* find_field(std::string_view name);

/// Returns the name of each field, in the order of the columns.
std::vector<std::string> field_list();

/// Returns "path, kind, …", for a message.
std::string field_names();

/// Returns the field whose name is nearest to a mistyped name.
std::string_view nearest_field(std::string_view name);

}  // namespace troupe::observe
