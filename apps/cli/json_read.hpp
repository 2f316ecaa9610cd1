#pragma once
// Reads JSON (RFC 8259) that a command has written: a whole text, as a tree.
//
// Limits  values nest at most kJsonDepthMax deep; the caller limits the size of the text.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::apps {

inline constexpr std::size_t kJsonDepthMax = 16;

struct JsonValue {
  enum class Kind : std::uint8_t { null, truth, number, text, list, object };
  Kind kind = Kind::null;
  std::string text{};  ///< the text; for a number its characters, for a boolean "true" or "false"
  std::vector<JsonValue> items{};
  std::vector<std::pair<std::string, JsonValue>> fields{};

  /// Returns the first field of that name, or null if there is none.
  const JsonValue* find(std::string_view name) const;
};

/// Returns nullopt unless the text is one value, optionally with blanks around it, of at most `values_max` values in all.
std::optional<JsonValue> read_json(std::string_view text, std::size_t values_max = SIZE_MAX);

}  // namespace troupe::apps
