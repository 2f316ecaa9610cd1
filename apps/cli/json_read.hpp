#pragma once
// Reads JSON (RFC 8259) back that a command has written: the whole of a text, as a tree.
//
// Limits  kJsonDepthMax values within each other; the caller bounds the size of the text.
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
  std::string text{};  ///< of a text; of a number its characters, of a truth "true" or "false"
  std::vector<JsonValue> items{};
  std::vector<std::pair<std::string, JsonValue>> fields{};

  /// The first field of that name; null if there is none.
  const JsonValue* find(std::string_view name) const;
};

/// Nothing unless the text is one value with nothing but blanks around it.
std::optional<JsonValue> read_json(std::string_view text);

}  // namespace troupe::apps
