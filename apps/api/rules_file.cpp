#include "apps/api/rules_file.hpp"

#include "runtime/config/source.hpp"

namespace troupe::apps::api {

base::Outcome<std::unique_ptr<RulesFile>> RulesFile::open(std::string path, std::vector<std::string> commands,
                                                          Report report, base::Instant now) {
  std::unique_ptr<RulesFile> out(new RulesFile(std::move(path), std::move(commands), std::move(report)));
  out->next_ = now + kRulesCheckEvery;
  if (const auto error = out->check()) return *error;
  return out;
}

RulesFile::RulesFile(std::string path, std::vector<std::string> commands, Report report)
    : path_(std::move(path)),
      commands_(std::move(commands)),
      report_(std::move(report)),
      rules_(std::make_shared<const Rules>()) {}

std::shared_ptr<const Rules> RulesFile::rules(base::Instant now) {
  std::unique_lock held(lock_);
  if (now < next_) return rules_;
  next_ = now + kRulesCheckEvery;
  const auto error = check();
  const auto out = rules_;
  held.unlock();
  if (error && report_) report_(*error);
  return out;
}

/// Reads the file if it may have changed. Returns an error that was not yet reported.
std::optional<base::Error> RulesFile::check() {
  const Mark now = mark();  // before the file is read, so that a later change differs from it
  if (now == seen_ && settled_ && reported_.empty()) return std::nullopt;
  settled_ = now == seen_;
  seen_ = now;
  auto rules = read();
  if (rules.ok()) {
    reported_.clear();
    rules_ = std::make_shared<const Rules>(std::move(rules).value());
    return std::nullopt;
  }
  if (reported_ == rules.error().message) return std::nullopt;
  reported_ = rules.error().message;
  return rules.error();
}

RulesFile::Mark RulesFile::mark() const {
  struct stat file {};
  if (::stat(path_.c_str(), &file) != 0) return std::nullopt;
  return std::array<std::int64_t, 7>{static_cast<std::int64_t>(file.st_dev),
                                     static_cast<std::int64_t>(file.st_ino),
                                     file.st_size,
                                     file.st_mtim.tv_sec,
                                     file.st_mtim.tv_nsec,
                                     file.st_ctim.tv_sec,
                                     file.st_ctim.tv_nsec};
}

base::Outcome<Rules> RulesFile::read() const {
  const auto wrong = [&](const base::Error& error) {
    return base::Error{error.code, "cannot use the rules in " + path_ + ": " + error.message};
  };
  const auto file = config::read_text_file(path_);
  if (!file.ok()) return wrong(file.error());
  auto rules = Rules::parse(file.value().text, commands_);
  if (!rules.ok()) return wrong(rules.error());
  return rules;
}

}  // namespace troupe::apps::api
