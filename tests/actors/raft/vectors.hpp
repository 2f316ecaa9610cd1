#pragma once
// Data-driven cases in the form of etcd-io/raft: a command, `----`, its output. Its published ones lie in
// ../shared/vectors/etcd-raft, our own in scripts.
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "tests/actors/raft/world.hpp"
#include "tests/support.hpp"

namespace troupe::raft_test {

using namespace raft;

struct Case {
  std::string where;                                          ///< file and line
  std::string command;                                        ///< the first word
  std::map<std::string, std::vector<std::string>> options{};  ///< key=value or key=(a,b)
  std::vector<std::string> input{};                           ///< lines behind the command
  std::vector<std::string> output{};                          ///< lines that are not empty
};

inline std::vector<std::string> words_of(const std::string& text) {
  static const std::regex word(R"([^\s,()]+)");
  return {std::sregex_token_iterator(text.begin(), text.end(), word), {}};
}

/// The cases of a file.
inline std::vector<Case> cases_in(const std::filesystem::path& at) {
  static const std::regex option(R"((\w+)=(\([^)]*\)|\S+))");
  const std::string file = at.filename().string();
  std::ifstream in(at);
  std::vector<Case> out;
  enum { between, input, output } where = between;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (where == between && (line.empty() || line[0] == '#')) continue;
    if (where == between) {
      out.push_back({file + ":" + std::to_string(number), words_of(line).front()});
      for (auto each = std::sregex_iterator(line.begin(), line.end(), option); each != std::sregex_iterator(); ++each)
        out.back().options[(*each)[1]] = words_of((*each)[2]);
      where = input;
    } else if (line == "----") {
      where = output;
    } else if (where == input) {
      out.back().input.push_back(line);
    } else if (line.empty()) {
      where = between;
    } else {
      out.back().output.push_back(line);
    }
  }
  REQUIRE(!out.empty());
  return out;
}

/// Those of a published file; nothing, with a message, where the folder is absent.
inline std::optional<std::vector<Case>> published(const std::string& file) {
  const std::filesystem::path at = std::filesystem::path(TROUPE_VECTORS) / "etcd-raft" / file;
  if (std::filesystem::exists(at)) return cases_in(at);
  test::skip("no ../shared/vectors beside the project");
  return std::nullopt;
}

}  // namespace troupe::raft_test
