#pragma once
// The rules of a file, which is read again when it changes.
//
// Change  a call of rules() checks size, times and inode of the file, at most once per kRulesCheckEvery. A changed file
//         is read twice, so that a second change within the resolution of the file system's clock is not missed. A file
//         with an error is read at each check.
// Errors  a file that is missing or invalid changes nothing: the last valid rules apply. Each error is reported once.
// Advice  replace the file with rename(2). The valid beginning of a file that is being written applies for up to
//         kRulesCheckEvery.
// Safety  any thread. rules() reads the file with the lock held, so other callers wait for the disk.
#include <sys/stat.h>

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "apps/api/rules.hpp"

namespace troupe::apps::api {

inline constexpr std::chrono::seconds kRulesCheckEvery{1};

class RulesFile {
 public:
  /// Receives an error that names the file; called without the lock. Escape the message to print it.
  using Report = std::function<void(const base::Error&)>;

  /// Reads the file at `now`, which is monotonic. `commands` as in Rules::parse().
  /// Errors: `not_found`, `refused` (not readable), `malformed`; the message names the file.
  static base::Outcome<std::unique_ptr<RulesFile>> open(std::string path, std::vector<std::string> commands,
                                                        Report report, base::Instant now);

  RulesFile(const RulesFile&) = delete;
  RulesFile& operator=(const RulesFile&) = delete;

  /// Returns the last valid rules, never null.
  std::shared_ptr<const Rules> rules(base::Instant now);

 private:
  RulesFile(std::string path, std::vector<std::string> commands, Report report);

  /// Identifies the contents of a file without reading them; nullopt if there is no such file.
  using Mark = std::optional<std::array<std::int64_t, 7>>;
  Mark mark() const;
  base::Outcome<Rules> read() const;
  std::optional<base::Error> check();

  const std::string path_;
  const std::vector<std::string> commands_;
  const Report report_;
  std::mutex lock_;
  std::shared_ptr<const Rules> rules_;
  Mark seen_{};
  bool settled_ = false;  // the file was read again after `seen_` was first seen
  base::Instant next_;
  std::string reported_;  // the message of the last error; empty if the file is valid
};

}  // namespace troupe::apps::api
