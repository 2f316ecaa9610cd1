#pragma once
// Reads one table of a scenario's TOML field by field: checks types and ranges, and refuses unknown fields.
//
// Only the first wrong line is reported: a person who fixes it runs the command again anyway. toml++ sorts a table by
// key, so the first wrong line in the file is not the first that is read.
#include <toml++/toml.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/time.hpp"

namespace troupe::apps {

/// The wrong line that is nearest to the beginning.
class FirstProblem {
 public:
  /// Whether note() would change anything: a garbage file has a million wrong lines, most of whose texts are never
  /// needed.
  bool takes(std::size_t line) const { return none() || line < line_; }
  void note(std::size_t line, std::string what);
  bool none() const { return what_.empty(); }
  /// Returns "line 12: …".
  std::string text() const { return "line " + std::to_string(line_) + ": " + what_; }

 private:
  std::size_t line_ = 0;
  std::string what_;
};

/// Returns a name or value of the file in quotes, shortened.
std::string shown(std::string_view text);
/// Returns ` is not known; did you mean "…"?`, with a suggestion if there is a similar name.
std::string did_you_mean(std::string_view typed, const std::vector<std::string_view>& known);
std::size_t line_of(const toml::node& node);

enum class Need : std::uint8_t { must, may };

/// Reads fields. A function returns nullopt if there is no such field, or if it is invalid; the fault is recorded.
class Fields {
 public:
  /// `what` names the table in errors: "fault \"cut\"". The other two parameters outlive the object.
  Fields(FirstProblem& problem, const toml::table& table, std::string what)
      : problem_(problem), table_(table), what_(std::move(what)) {}

  void name(std::string what) { what_ = std::move(what); }
  std::size_t line(std::string_view key) const;

  /// Returns a field of any type; `wanted` describes the field if it is missing.
  const toml::node* find(std::string_view key, Need need, std::string_view wanted);
  std::optional<std::int64_t> number(std::string_view key, Need need, std::int64_t min, std::int64_t max);
  std::optional<base::Duration> span(std::string_view key, Need need, base::Duration max);
  std::optional<bool> flag(std::string_view key, Need need);
  std::optional<std::string> text(std::string_view key, Need need, std::string_view wanted);
  std::optional<std::vector<std::string>> texts(std::string_view key, Need need, std::string_view wanted);
  /// Reads "n1" to "n<nodes>" as 0 to nodes - 1.
  std::optional<std::uint16_t> node(std::string_view key, Need need, std::uint16_t nodes);
  std::optional<std::uint16_t> node(const std::string& key, const std::string& text, std::uint16_t nodes);

  /// Records the fault "nodes must be …" or "nodes: …".
  void wrong(std::string_view key, const std::string& how) { say(key, std::string(key) + how); }
  void say(std::string_view key, std::string problem) { problem_.note(line(key), std::move(problem)); }
  /// Records a fault if there is a field that was not read.
  void refuse_others();

 private:
  std::string not_known(std::string_view key) const;

  FirstProblem& problem_;
  const toml::table& table_;
  std::string what_;
  std::vector<std::string_view> known_;  // keys that were read; literals, or names on specs
};

}  // namespace troupe::apps
