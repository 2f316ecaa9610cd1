#include "apps/sim/mutant_worlds.hpp"

#include <charconv>
#include <optional>
#include <sstream>

#include "apps/sim/scenario_source.hpp"

namespace troupe::apps {
namespace {

constexpr const char* kAbout =
    "# The worlds in which each planted bug was seen, and the invariants that saw it. `troupe sim mutants DOMAIN\n"
    "# --record FILE` replaces the worlds that no longer show their bug.\n";

std::vector<std::string> split(const std::string& words) {
  std::vector<std::string> out;
  std::istringstream in(words);
  for (std::string word; std::getline(in, word, ',');) out.push_back(word);
  return out;
}

/// Returns nullopt if the line is malformed.
std::optional<MutantWorlds> read_line(const std::string& line) {
  std::istringstream in(line);
  std::string seeds, by, night, more;
  MutantWorlds out;
  in >> out.mutant >> seeds >> by >> night;
  if (in >> more || (!night.empty() && night != "night")) return std::nullopt;
  out.night = !night.empty();
  out.by = split(by);
  for (const std::string& word : split(seeds)) {
    std::uint64_t seed = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), seed);
    if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
    out.seeds.push_back(seed);
  }
  if (out.seeds.empty() || out.by.empty()) return std::nullopt;
  return out;
}

}  // namespace

base::Result<std::vector<MutantWorlds>, Failure> read_mutant_worlds(const std::string& path) {
  const auto text = read_scenario_text(path);
  if (!text.ok()) return text.error();
  std::vector<MutantWorlds> out;
  std::istringstream in(text.value());
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    auto one = read_line(line);
    if (!one) return usage_failure(path + ": expected \"MUTANT SEEDS INVARIANTS [night]\", got: " + line, "");
    out.push_back(*std::move(one));
  }
  return out;
}

std::string mutant_worlds_line(const MutantWorlds& one) {
  std::ostringstream out;
  out << one.mutant << ' ';
  for (std::size_t i = 0; i < one.seeds.size(); ++i) out << (i == 0 ? "" : ",") << one.seeds[i];
  out << ' ';
  for (std::size_t i = 0; i < one.by.size(); ++i) out << (i == 0 ? "" : ",") << one.by[i];
  out << (one.night ? " night\n" : "\n");
  return out.str();
}

std::string mutant_worlds_text(const std::vector<MutantWorlds>& all) {
  std::string out = kAbout;
  for (const MutantWorlds& one : all) out += mutant_worlds_line(one);
  return out;
}

}  // namespace troupe::apps
