#include "apps/host/settings.hpp"

#include "apps/cli/directory_access.hpp"
#include "apps/cli/shell_word.hpp"
#include "apps/host/domains.hpp"
#include "runtime/base/text.hpp"
#include "runtime/config/known.hpp"
#include "runtime/config/source.hpp"

namespace troupe::apps {
namespace {

Failure cannot_read(const std::string& path, const base::Error& error) {
  return {{error.code, path + ": " + error.message}, "nothing was done", "troupe help config", Exit::usage};
}

base::Result<std::optional<config::TextFile>, Failure> read_file(const Invocation& invocation, const Console& console) {
  using Found = std::optional<config::TextFile>;
  const auto named = invocation.text("--config");
  std::string directory, path;
  if (named) {
    path = *named;
  } else {
    auto found = data_directory(invocation.globals, console);
    if (!found.ok()) return found.error();
    directory = std::move(found).value();
    path = directory + "/config.toml";
  }
  auto file = config::read_text_file(path);
  if (file.ok()) return Found(std::move(file).value());
  if (!named && file.error().code == base::Code::not_found) return Found(std::nullopt);
  if (!named && file.error().code == base::Code::refused)
    if (const auto out = kept_out(directory)) return *out;
  return cannot_read(path, file.error());
}

}  // namespace

std::vector<Option> setting_options() {
  return {{.name = "--config", .value = "FILE", .help = "configuration file to read instead of DIR/config.toml"},
          {.name = "--set",
           .value = "key=value",
           .help = "setting that overrides file and environment; a list is a,b or [\"a\", \"b\"]",
           .repeatable = true}};
}

base::Result<config::Sources, Failure> setting_sources(const Invocation& invocation, const Console& console,
                                                       std::vector<config::FlagValue> flags) {
  config::Sources sources;
  auto file = read_file(invocation, console);
  if (!file.ok()) return file.error();
  sources.file = std::move(file).value();
  sources.environment = config::troupe_variables(console.environment);
  for (const std::string& pair : invocation.all("--set")) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos)
      return usage_failure("--set needs key=value, got \"" + base::shortened(pair, 80) + '"', "troupe config show");
    const std::string key = pair.substr(0, equals);
    sources.flags.push_back({"--set " + key, key, pair.substr(equals + 1)});
  }
  for (auto& flag : flags) sources.flags.push_back(std::move(flag));
  return sources;
}

base::Result<config::Settings, Failure> load_settings(const Invocation& invocation, const Console& console,
                                                      std::vector<config::FlagValue> flags) {
  const auto sources = setting_sources(invocation, console, std::move(flags));
  if (!sources.ok()) return sources.error();
  auto loaded = config::Settings::load(settings_table(), sources.value());
  if (loaded.ok()) return std::move(loaded).value();
  const auto& problems = loaded.error();
  std::string what = problems.front().text();
  if (problems.size() > 1) what += " (and " + std::to_string(problems.size() - 1) + " more)";
  std::string next = problems.front().instead;
  const auto& file = sources.value().file;
  const bool in_file = file && problems.front().where.starts_with(file->name + ':');
  if (in_file && (problems.size() > 1 || next.empty())) next = "troupe config check " + shell_word(file->name);
  if (next.empty()) next = "troupe help config show";
  return Failure{{base::Code::malformed, std::move(what)}, "nothing was done", std::move(next), Exit::usage};
}

}  // namespace troupe::apps
