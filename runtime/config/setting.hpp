#pragma once
// A setting: its name, type, default, bounds and meaning; and a table of them.
//
// A key carries its type, so a misspelt name or a wrong type does not compile: `settings.get(config::kNetLinksMax)`.
// A domain declares its settings next to its code and the caller composes the table; nothing registers itself.
#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"

namespace troupe::config {

inline constexpr std::uint64_t kKiB = 1'024;
inline constexpr std::uint64_t kMiB = 1'024 * kKiB;
inline constexpr std::uint64_t kTiB = 1'024 * 1'024 * kMiB;

struct ByteCount {
  std::uint64_t value = 0;
  friend auto operator<=>(const ByteCount&, const ByteCount&) = default;
};
using Texts = std::vector<std::string>;
using Pairs = std::map<std::string, std::string>;

/// The order of Kind equals the order of Value's alternatives.
enum class Kind : std::uint8_t {
  flag,      ///< true or false
  count,     ///< a whole number
  duration,  ///< "250ms", "60s", "5m", "2h", "1d"
  bytes,     ///< "4 MiB" or a number of bytes
  text,      ///< one line of UTF-8
  texts,     ///< a list of such lines; on one line "a,b", or as TOML ["a", "b"]
  pairs,     ///< a section of names and texts; on one line "a=b,c=d", or as TOML { a = "b", c = "d" }
};
using Value = std::variant<bool, std::uint64_t, base::Duration, ByteCount, std::string, Texts, Pairs>;

enum class When : std::uint8_t {
  start,   ///< a change takes effect at the next start
  reload,  ///< a running node applies it
};

/// Checks a text, each text of a list, or each value of a pair. Returns nullopt if it is valid, otherwise what is
/// expected.
using Check = std::optional<std::string> (*)(const std::string& text);

struct Setting {
  std::string_view key;  ///< "net.links_max"
  Kind kind = Kind::flag;
  std::string_view fallback;  ///< the default, as typed after `--set key=`
  /// Bounds, both inclusive: of the number, the nanoseconds, the bytes, a text's length in bytes, or the number of
  /// texts or pairs. The lower bound is above zero unless the setting says what zero means.
  std::uint64_t min = 0;
  std::uint64_t max = 0;
  When when = When::start;
  std::string_view doc;  ///< one line
  Check check = nullptr;
  std::span<const std::string_view> choices{};       ///< if not empty, the only allowed texts
  std::span<const std::string_view> name_choices{};  ///< if not empty, the only allowed names of pairs
  std::string_view half_of{};  ///< for a duration: at most half of the duration with this key; empty: no rule
};

template <class T>
struct Key : Setting {};

/// Longest text of a list or pair, in bytes: a host name (255) with id and port.
inline constexpr std::uint64_t kItemBytesMax = 512;

constexpr std::uint64_t nanoseconds(base::Duration span) { return static_cast<std::uint64_t>(span.count()); }

constexpr Key<bool> flag(std::string_view key, std::string_view fallback, When when, std::string_view doc) {
  return {{key, Kind::flag, fallback, 0, 1, when, doc, nullptr}};
}
constexpr Key<std::uint64_t> count(std::string_view key, std::string_view fallback, std::uint64_t min,
                                   std::uint64_t max, When when, std::string_view doc) {
  return {{key, Kind::count, fallback, min, max, when, doc, nullptr}};
}
constexpr Key<base::Duration> duration(std::string_view key, std::string_view fallback, base::Duration min,
                                       base::Duration max, When when, std::string_view doc) {
  return {{key, Kind::duration, fallback, nanoseconds(min), nanoseconds(max), when, doc, nullptr}};
}
/// Returns `setting` with the rule that its value is at most half of the setting `whole`.
constexpr Key<base::Duration> half_of(std::string_view whole, Key<base::Duration> setting) {
  setting.half_of = whole;
  return setting;
}
constexpr Key<ByteCount> bytes(std::string_view key, std::string_view fallback, std::uint64_t min, std::uint64_t max,
                               When when, std::string_view doc) {
  return {{key, Kind::bytes, fallback, min, max, when, doc, nullptr}};
}
/// `length_max` in bytes; an empty text is allowed and means "not set".
constexpr Key<std::string> text(std::string_view key, std::string_view fallback, std::uint64_t length_max, When when,
                                std::string_view doc, Check check = nullptr) {
  return {{key, Kind::text, fallback, 0, length_max, when, doc, check}};
}
constexpr Key<Texts> texts(std::string_view key, std::uint64_t items_max, When when, std::string_view doc,
                           Check check = nullptr) {
  return {{key, Kind::texts, "", 0, items_max, when, doc, check}};
}
/// The texts are among `choices`, which outlive the key.
constexpr Key<std::string> choice(std::string_view key, std::string_view fallback,
                                  std::span<const std::string_view> choices, When when, std::string_view doc) {
  return {{key, Kind::text, fallback, 0, kItemBytesMax, when, doc, nullptr, choices}};
}
/// The texts are among `choices`, which outlive the key.
constexpr Key<Pairs> pairs(std::string_view key, std::uint64_t items_max, std::span<const std::string_view> choices,
                           When when, std::string_view doc) {
  return {{key, Kind::pairs, "", 0, items_max, when, doc, nullptr, choices}};
}

/// Returns what is wrong with `value` for this setting (bounds, characters, its own check), or nullopt.
std::optional<std::string> fault(const Setting& setting, const Value& value);

/// Reads one line of text from the environment or `--set`. The error says what was expected.
base::Result<Value, std::string> parse(const Setting& setting, std::string_view text);

/// Returns the value as TOML, on one line (pairs as an inline table).
std::string toml(const Value& value);

/// "net.links_max" -> "TROUPE_NET__LINKS_MAX".
std::string environment_name(std::string_view key);

/// All settings of a program, in the order in which they are shown.
class Table {
 public:
  /// It is a broken invariant if two settings have the same key, or a default violates its own bounds.
  explicit Table(std::vector<std::span<const Setting>> parts);

  /// Limits the names in the pairs of the setting `key`.
  void limit_names(std::string_view key, std::vector<std::string_view> names);

  const std::vector<Setting>& settings() const { return settings_; }
  const Setting* find(std::string_view key) const;
  const Setting* find_environment(std::string_view name) const;
  /// Returns whether some key is in the section `prefix` ("net").
  bool is_section(std::string_view prefix) const;
  /// Returns the known key that is nearest by edit distance.
  std::string_view nearest(std::string_view key) const;
  std::string nearest_environment(std::string_view name) const;

 private:
  std::vector<Setting> settings_;
  std::shared_ptr<const std::vector<std::string_view>> names_;  // of limit_names()
  std::map<std::string, std::size_t, std::less<>> by_key_;
  std::map<std::string, std::size_t, std::less<>> by_environment_;
};

}  // namespace troupe::config
