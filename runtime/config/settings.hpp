#pragma once
// The values of all settings, each with its origin: a TOML file < the environment < the command line.
//
//     auto loaded = Settings::load(table, sources);
//     if (loaded.ok()) loaded.value().get(config::kNetFrameBytesMax).value;
//
// Limits  kFileBytesMax of TOML, kProblemsMax problems reported at once.
// Owner   A value: copy it. Reads no file and no environment; the caller passes their text (source.hpp).
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.hpp"
#include "runtime/config/setting.hpp"

namespace troupe::config {

inline constexpr std::size_t kFileBytesMax = 1 << 20;  // our choice: a hundred times the largest sensible file
inline constexpr std::size_t kProblemsMax = 50;        // a file of garbage must not flood a terminal

inline constexpr std::size_t kProblemBytesMax =
    1'024;  // names and values in a problem are cut to fit, if the file's name is short

/// A mistake in the configuration. It quotes the file unescaped: the code that prints it escapes it.
struct Problem {
  std::string where;  ///< "troupe.toml:12", "TROUPE_NET__LINKS_MAX", "--set net.links_max"
  std::string what;
  std::string instead{};  ///< a suggestion, in TOML syntax; empty: none

  std::string text() const { return where + ": " + what; }
  friend bool operator==(const Problem&, const Problem&) = default;
};
using Problems = std::vector<Problem>;

struct TextFile {
  std::string name;  ///< as shown in problems and origins
  std::string text;
};

/// `--set key=value`, or an option such as `--listen` that stands for a key.
struct FlagValue {
  std::string flag;  ///< "--set net.links_max", "--listen": as shown in problems and origins
  std::string key;
  std::string text;
};

struct Sources {
  std::optional<TextFile> file;
  /// Names and values of variables. Names that do not start with TROUPE_ are ignored, and so are TROUPE_DATA and
  /// TROUPE_PASSPHRASE_FILE, which are not settings.
  std::vector<std::pair<std::string, std::string>> environment;
  /// A later value replaces an earlier value; the values of a list accumulate.
  std::vector<FlagValue> flags;
};

class Settings {
 public:
  /// Errors: all problems, in the order of the sources.
  static base::Result<Settings, Problems> load(const Table& table, const Sources& sources);

  /// It is a broken invariant if the key's setting is not in the table.
  template <class T>
  const T& get(const Key<T>& key) const {
    return std::get<T>(entry(key.key).value);
  }

  /// "default", "config.toml:3", "TROUPE_NET__LINKS_MAX", "--listen".
  const std::string& origin(std::string_view key) const { return entry(key).origin; }
  const Value& value(std::string_view key) const { return entry(key).value; }
  const Table& table() const { return table_; }

  /// Returns all values as a TOML file that loads to the same values. With `with_origin`, each value is followed by its
  /// origin.
  std::string render_toml(bool with_origin) const;

  /// Applies the new sources and returns the changed keys, all of them reloadable. Errors: the problems of the sources,
  /// or a problem for each changed setting that needs a restart; then nothing changed.
  base::Result<std::vector<std::string>, Problems> reload(const Sources& sources);

 private:
  struct Entry {
    Value value;
    std::string origin;
  };
  struct Loader;

  explicit Settings(const Table& table);
  const Entry& entry(std::string_view key) const;

  Table table_;
  std::map<std::string, Entry, std::less<>> entries_;  // one for each setting of the table
};

/// Returns the problems of a file, as if only it and the defaults existed.
Problems check(const Table& table, const TextFile& file);

}  // namespace troupe::config
