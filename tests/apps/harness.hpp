#pragma once
// Runs `troupe` as a function, and makes folders that go away.
#include <doctest/doctest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "apps/cli/run.hpp"
#include "apps/commands.hpp"

namespace troupe::apps {

struct Seen {
  Exit exit;
  std::string out;
  std::string err;
};

/// `environment` as "NAME=value".
inline Seen run_with(const Commands& table, const std::vector<std::string>& arguments,
                     const std::vector<std::string>& environment = {}) {
  std::ostringstream out, err;
  std::istringstream in;
  std::vector<const char*> pointers;
  for (const auto& entry : environment) pointers.push_back(entry.c_str());
  pointers.push_back(nullptr);
  Console console{out, err, in, false, false, pointers.data()};
  const Exit exit = run(table, arguments, console);
  return {exit, out.str(), err.str()};
}

inline Seen troupe_with(const std::vector<std::string>& arguments, const std::vector<std::string>& environment = {}) {
  return run_with(commands(), arguments, environment);
}

inline constexpr uid_t kNobody = 65'534;

/// Not root, for which no file and no directory is closed. Any other user stays what it is.
class AsNobody {
 public:
  AsNobody() {
    if (was_ == 0) REQUIRE(::seteuid(kNobody) == 0);
  }
  ~AsNobody() { static_cast<void>(::seteuid(was_)); }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;

 private:
  const uid_t was_ = ::geteuid();
};

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string path = (std::filesystem::temp_directory_path() / "troupe-apps-XXXXXX").string();
    REQUIRE(mkdtemp(path.data()) != nullptr);
    path_ = path;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string path() const { return path_.string(); }
  std::string write(const std::string& name, const std::string& text) const {
    const auto file = path_ / name;
    std::ofstream(file, std::ios::binary) << text;
    return file.string();
  }

 private:
  std::filesystem::path path_;
};

}  // namespace troupe::apps
