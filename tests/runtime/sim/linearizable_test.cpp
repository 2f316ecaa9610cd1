#include "runtime/sim/linearizable.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <regex>
#include <sstream>

#include "runtime/base/random.hpp"
#include "tests/support.hpp"

namespace troupe::sim {
namespace {

namespace fs = std::filesystem;

KeyOperation op(Did did, std::string key = "k", Value value = {}, Value expected = {}) {
  return {.key = std::move(key), .did = did, .value = std::move(value), .expected = std::move(expected)};
}

/// The folder of published histories, which is no part of this project.
std::optional<fs::path> vectors(const char* folder) {
  const fs::path at = fs::path(TROUPE_VECTORS) / folder;
  if (fs::exists(at)) return at;
  test::skip("no ../shared/vectors beside the project");
  return std::nullopt;
}

std::ifstream opened(const fs::path& at) {
  std::ifstream in(at);
  REQUIRE(in);
  return in;
}

/// A log of Jepsen's test of etcd: one register, which begins as nil.
History jepsen_etcd(const fs::path& at) {
  static const std::regex line(R"(INFO\s+jepsen\.util - (\d+)\s+:(\w+)\s+:(\w+)\s+(.*?)\s*)");
  static const std::regex pair(R"(\[(\d+) (\d+)\])");
  History history;
  std::map<std::string, std::pair<History::Number, std::string>> open;
  std::ifstream in = opened(at);
  for (std::string text; std::getline(in, text);) {
    std::smatch part, values;
    if (!std::regex_match(text, part, line)) continue;
    const std::string process = part[1], type = part[2], what = part[3], value = part[4];
    if (type == "invoke") {
      KeyOperation operation = op(what == "read" ? Did::read : what == "write" ? Did::write : Did::replace);
      if (what == "write") operation.value = value;
      if (std::regex_match(value, values, pair)) {
        operation.expected = values[1];
        operation.value = values[2];
      }
      open[process] = {history.begin(operation), what};
      continue;
    }
    const auto [number, asked] = open.at(process);
    if (value == ":timed-out") history.lost(number);
    else if (asked == "read") history.answered_read(number, value == "nil" ? Value() : Value(value));
    else if (asked == "cas") history.answered_replace(number, type == "ok");
    else history.answered(number);
  }
  return history;
}

/// A history of a key-value store, where every key begins as the empty text.
History key_values(const fs::path& at) {
  static const std::regex line(R"re(\{:process (\d+), :type :(\w+), :f :(\w+), :key "(.*)", :value (nil|"(.*)")\})re");
  History history;
  std::map<std::string, History::Number> open;
  std::ifstream in = opened(at);
  for (std::string text; std::getline(in, text);) {
    std::smatch part;
    REQUIRE(std::regex_match(text, part, line));
    const std::string process = part[1], what = part[3], value = part[6];
    if (part[2] == "invoke") {
      const Did did = what == "get" ? Did::read : what == "put" ? Did::write : Did::append;
      open[process] = history.begin(op(did, part[4], did == Did::read ? Value() : Value(value)));
    } else if (what == "get") {
      history.answered_read(open.at(process), value);
    } else {
      history.answered(open.at(process));
    }
  }
  return history;
}

TEST_CASE("sim: the checker's verdicts on Jepsen's histories of etcd are the published ones") {
  const auto folder = vectors("jepsen-etcd");
  if (!folder) return;
  std::ifstream verdicts = opened(*folder / "verdicts.txt");
  std::string file, verdict;
  std::size_t files = 0;
  while (verdicts >> file >> verdict) {
    CAPTURE(file);
    const auto found = linearizable(jepsen_etcd(*folder / file).operations());
    CHECK(found.verdict == (verdict == "true" ? Verdict::holds : Verdict::broken));
    ++files;
  }
  CHECK(files == 20);
}

TEST_CASE("sim: the checker's verdicts on histories of keys and values are the published ones") {
  const auto folder = vectors("kv-histories");
  if (!folder) return;
  for (const char* name : {"c01-ok.txt", "c10-ok.txt", "c01-bad.txt", "c10-bad.txt"}) {
    CAPTURE(name);
    const auto found = linearizable(key_values(*folder / name).operations(), "");
    CHECK(found.verdict ==
          (std::string_view(name).find("ok") != std::string_view::npos ? Verdict::holds : Verdict::broken));
  }
}

TEST_CASE("sim: a read must see the last write that was answered before it began") {
  History history;
  history.answered(history.begin(op(Did::write, "k", "1")));
  history.answered(history.begin(op(Did::write, "k", "2")));
  const auto read = history.begin(op(Did::read));

  SUBCASE("the last one") {
    history.answered_read(read, "2");
    CHECK(linearizable(history.operations()).verdict == Verdict::holds);
  }
  SUBCASE("an older one is named as what cannot be explained") {
    history.answered_read(read, "1");
    const auto found = linearizable(history.operations());
    CHECK(found.verdict == Verdict::broken);
    CHECK(found.key == "k");
    REQUIRE(found.unexplained);
    CHECK(text(*found.unexplained) == "client 0 read k as \"1\"");
  }
  SUBCASE("a write under way may be seen or not, but not both ways") {
    history.begin(op(Did::write, "k", "3"));
    history.answered_read(read, "3");
    CHECK(linearizable(history.operations()).verdict == Verdict::holds);
    history.answered_read(history.begin(op(Did::read)), "2");
    CHECK(linearizable(history.operations()).verdict == Verdict::broken);
  }
  SUBCASE("a refused write is never seen") {
    history.answered_read(read, "2");
    history.refused(history.begin(op(Did::write, "k", "4")));
    history.answered_read(history.begin(op(Did::read)), "4");
    CHECK(linearizable(history.operations()).verdict == Verdict::broken);
  }
}

TEST_CASE("sim: the checker gives up at its limit, and says so") {
  History history;
  for (int i = 0; i < 12; ++i) history.begin(op(Did::append, "k", std::to_string(i)));
  history.answered_read(history.begin(op(Did::read)), "nobody wrote this");
  CHECK(linearizable(history.operations(), {}, 1000).verdict == Verdict::gave_up);
}

/// Tries every order, and every choice of lost operations that took effect.
bool explained(std::vector<KeyOperation> left, const Value& value) {
  const auto must = std::find_if(left.begin(), left.end(), [](const KeyOperation& o) { return o.fate == Fate::told; });
  if (must == left.end()) return true;
  for (std::size_t i = 0; i < left.size(); ++i) {
    const KeyOperation one = left[i];
    const bool too_early = std::any_of(left.begin(), left.end(), [&](const KeyOperation& other) {
      return other.fate == Fate::told && other.returned < one.called;
    });
    if (too_early) continue;
    const bool told = one.fate == Fate::told;
    Value after = value;
    if (one.did == Did::read && told && one.value != value) continue;
    if (one.did == Did::write) after = one.value;
    if (one.did == Did::erase) after.reset();
    if (one.did == Did::append) after = value.value_or("") + *one.value;
    if (one.did == Did::replace) {
      if (told && one.met != (value == one.expected)) continue;
      if (value == one.expected) after = one.value;
    }
    auto rest = left;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
    if (explained(std::move(rest), after)) return true;
  }
  return false;
}

TEST_CASE("sim: the checker agrees with one that tries every order, on random histories") {
  base::Random random(20);
  std::size_t broken = 0;
  for (int round = 0; round < 3'000; ++round) {
    History history;
    std::vector<History::Number> open;
    const auto close = [&] {
      const std::size_t at = random.below(open.size());
      const History::Number number = open[at];
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(at));
      const Did did = history.operations()[number].did;
      const auto letter = random.below(3);
      if (random.chance(1, 8)) history.lost(number);
      else if (did == Did::read) history.answered_read(number, letter == 2 ? Value() : std::to_string(letter));
      else if (did == Did::replace) history.answered_replace(number, random.chance(1, 2));
      else history.answered(number);
    };
    for (int i = 0; i < 6; ++i) {
      if (open.size() == 3) close();
      open.push_back(history.begin(op(static_cast<Did>(random.below(5)), "k", std::to_string(random.below(2)),
                                      std::to_string(random.below(2)))));
      if (random.chance(1, 3)) close();
    }
    while (!open.empty()) close();
    const bool holds = explained(history.operations(), {});
    broken += holds ? 0 : 1;
    CHECK((linearizable(history.operations()).verdict == Verdict::holds) == holds);
  }
  CHECK(broken > 500);
  CHECK(broken < 2'500);
}

}  // namespace
}  // namespace troupe::sim
