#include "apps/host/node_log.hpp"

#include <filesystem>

#include "apps/host/domains.hpp"
#include "runtime/config/known.hpp"

namespace troupe::apps {
namespace {

base::Result<std::unique_ptr<observe::LogSink>, std::string> make_sink(const config::Settings& settings,
                                                                       const std::string& directory) {
  const std::string& to = settings.get(config::kLogTo);
  if (to == "journal") return observe::journal_sink();
  if (to != "file") return observe::stderr_sink();
  const auto path = std::filesystem::path(directory) / settings.get(config::kLogFile);  // an absolute path is kept
  std::error_code failed;
  std::filesystem::create_directories(path.parent_path(), failed);
  if (failed) return failed.message();
  return observe::file_sink(path, settings.get(config::kLogFileBytesMax).value, settings.get(config::kLogFilesMax));
}

}  // namespace

base::Result<std::unique_ptr<observe::Log>, Failure> make_log(const config::Settings& settings,
                                                              const std::string& directory,
                                                              std::function<base::WallTime()> wall) {
  auto sink = make_sink(settings, directory);
  if (!sink.ok())
    return Failure{
        {base::Code::internal, "cannot write logs to " + settings.get(config::kLogFile) + ": " + sink.error()},
        "nothing was started",
        "",
        Exit::failed};
  const auto format = settings.get(config::kLogFormat) == "json" ? observe::LogFormat::json : observe::LogFormat::text;
  auto log = std::make_unique<observe::Log>(std::move(sink).value(), format, std::move(wall), domain_logs());
  apply_levels(*log, settings);
  return log;
}

void apply_levels(observe::Log& log, const config::Settings& settings, const config::Pairs& before) {
  if (const auto level = observe::log_level(settings.get(config::kLogLevel))) log.set_level(*level);
  const auto& wanted = settings.get(config::kLogLevels);
  for (const auto& [domain, level] : before)
    if (!wanted.contains(domain)) log.set_level(domain, std::nullopt);
  for (const auto& [domain, level] : wanted) log.set_level(domain, observe::log_level(level));
}

void log_changes(observe::Health& health, observe::Log& log) {
  health.on_change([&log](const observe::HealthReason& reason) {
    if (reason.state == observe::HealthState::ok) return log.info("health", "is over", {{"source", reason.source}});
    const bool failing = reason.state == observe::HealthState::failing;
    log.write(failing ? observe::LogLevel::error : observe::LogLevel::warn, "health", std::string(name(reason.state)),
              {{"source", reason.source}, {"why", reason.text}});
  });
}

}  // namespace troupe::apps
