#include "runtime/config/settings.hpp"

#include <algorithm>
#include <set>

#include "runtime/base/text.hpp"
#include "runtime/config/toml_file.hpp"

namespace troupe::config {
namespace {

constexpr std::string_view kPrefix = "TROUPE_";
constexpr std::string_view kDataVariable = "TROUPE_DATA";                   // the data directory; not a setting
constexpr std::string_view kPassphraseVariable = "TROUPE_PASSPHRASE_FILE";  // for commands that open a keystore
constexpr std::string_view kDefault = "default";                            // the origin of values that no source sets
constexpr std::size_t kNameShownBytesMax = 80;

std::string section_of(std::string_view key) {
  const auto dot = key.rfind('.');
  return dot == std::string_view::npos ? std::string() : std::string(key.substr(0, dot));
}

std::string must_be(const Setting& setting, const std::string& wanted) {
  return std::string(setting.key) + " must be " + wanted;
}

}  // namespace

Settings::Settings(const Table& table) : table_(table) {
  for (const Setting& setting : table_.settings())
    entries_[std::string(setting.key)] = {parse(setting, setting.fallback).value(), std::string(kDefault)};
}

// Lays the sources over the defaults, the lowest priority first.
struct Settings::Loader {
  Settings& settings;
  Problems problems{};
  std::set<std::string> lists_of_flags{};  // lists that a flag has already replaced

  void problem(std::string where, std::string what, std::string instead = {}) {
    if (problems.size() < kProblemsMax) problems.push_back({std::move(where), std::move(what), std::move(instead)});
  }

  void take_file(const TextFile& file) {
    auto contents = read_toml(settings.table_, file);
    for (auto& found : contents.problems) problem(std::move(found.where), std::move(found.what));
    for (auto& found : contents.values)
      settings.entries_[std::string(found.setting->key)] = {std::move(found.value), std::move(found.where)};
  }

  void take_variable(const std::string& name, const std::string& text) {
    if (!name.starts_with(kPrefix) || name == kDataVariable || name == kPassphraseVariable) return;
    const Setting* setting = settings.table_.find_environment(name);
    const std::string shown = base::shortened(name, kNameShownBytesMax);
    if (!setting)
      return problem(shown, "unknown setting; did you mean " + settings.table_.nearest_environment(name) + "?");
    auto value = parse(*setting, text);
    if (!value.ok()) return problem(shown, must_be(*setting, value.error()));
    settings.entries_[std::string(setting->key)] = {std::move(value).value(), name};
  }

  void take_flag(const FlagValue& flag) {
    const std::string shown = base::shortened(flag.flag, kNameShownBytesMax);
    const Setting* setting = settings.table_.find(flag.key);
    if (!setting)
      return problem(shown, "unknown key; did you mean \"" + std::string(settings.table_.nearest(flag.key)) + "\"?");
    auto parsed = parse(*setting, flag.text);
    if (!parsed.ok()) return problem(shown, must_be(*setting, parsed.error()));
    Value value = std::move(parsed).value();
    Entry& entry = settings.entries_[flag.key];
    if (auto* items = std::get_if<Texts>(&value); items && !lists_of_flags.insert(flag.key).second) {
      const auto& earlier = std::get<Texts>(entry.value);
      items->insert(items->begin(), earlier.begin(), earlier.end());
      if (const auto wanted = fault(*setting, value)) return problem(shown, must_be(*setting, *wanted));
    }
    entry = {std::move(value), shown};
  }

  /// Each value is valid by itself; this checks the relations between values.
  void compare() {
    for (const Setting& setting : settings.table_.settings()) {
      if (setting.half_of.empty()) continue;
      const Entry& part = settings.entry(setting.key);
      const Entry& whole = settings.entry(setting.half_of);
      const auto span = std::get<base::Duration>(part.value), most = std::get<base::Duration>(whole.value) / 2;
      if (span <= most) continue;
      problem(part.origin == kDefault ? whole.origin : part.origin,
              must_be(setting, "at most half of " + std::string(setting.half_of) + ", which is " + toml(whole.value) +
                                   " (" + whole.origin + "), and is " + toml(part.value) + " (" + part.origin + ")"),
              std::string(setting.key) + " = " + toml(Value(most)) + ", or " + std::string(setting.half_of) + " = " +
                  toml(Value(2 * span)));
    }
  }
};

base::Result<Settings, Problems> Settings::load(const Table& table, const Sources& sources) {
  Settings settings(table);
  Loader loader{settings};
  if (sources.file) loader.take_file(*sources.file);
  for (const auto& [name, text] : sources.environment) loader.take_variable(name, text);
  for (const auto& flag : sources.flags) loader.take_flag(flag);
  if (loader.problems.empty()) loader.compare();
  if (!loader.problems.empty()) return std::move(loader.problems);
  return settings;
}

const Settings::Entry& Settings::entry(std::string_view key) const {
  const auto at = entries_.find(key);
  base::ensure(at != entries_.end(), "a setting that is read is in the table");
  return at->second;
}

std::string Settings::render_toml(bool with_origin) const {
  // Sections of a file follow its plain keys; within both, the order of the table stays.
  std::vector<std::string> sections{""};
  for (const Setting& setting : table_.settings()) {
    const std::string section = section_of(setting.key);
    if (std::find(sections.begin(), sections.end(), section) == sections.end()) sections.push_back(section);
  }
  std::string out;
  for (const std::string& section : sections) {
    if (!section.empty()) out += (out.empty() ? "[" : "\n[") + section + "]\n";
    for (const Setting& setting : table_.settings()) {
      if (section_of(setting.key) != section) continue;
      const auto name = setting.key.substr(section.empty() ? 0 : section.size() + 1);
      out += std::string(name) + " = " + toml(value(setting.key));
      if (with_origin) out += "  # " + base::printable(origin(setting.key));
      out += '\n';
    }
  }
  return out;
}

base::Result<std::vector<std::string>, Problems> Settings::reload(const Sources& sources) {
  auto loaded = load(table_, sources);
  if (!loaded.ok()) return loaded.error();
  std::vector<std::string> changed;
  Problems refused;
  for (const Setting& setting : table_.settings()) {
    const Entry& now = entry(setting.key);
    const Entry& wanted = loaded.value().entry(setting.key);
    if (now.value == wanted.value) continue;
    if (setting.when == When::reload) changed.emplace_back(setting.key);
    else
      refused.push_back({wanted.origin, std::string(setting.key) + " cannot change from " + toml(now.value) + " to " +
                                            toml(wanted.value) + " while the node runs; restart it"});
  }
  if (!refused.empty()) return refused;
  *this = std::move(loaded).value();
  return changed;
}

Problems check(const Table& table, const TextFile& file) {
  auto loaded = Settings::load(table, {.file = file, .environment = {}, .flags = {}});
  return loaded.ok() ? Problems() : std::move(loaded).error();
}

}  // namespace troupe::config
