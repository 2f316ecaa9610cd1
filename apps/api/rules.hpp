#pragma once
// Compliance rules: demands on calls of some commands, such as a prefix of the name or a longest lifetime.
//
//     [[rule]]
//     name = "reports-only"
//     commands = ["file put"]
//     names = "reports/**"
//
// Rule    each rule that applies to the command must hold; the first rule that does not hold refuses the call. A demand
//         for a name, a purpose or a lifetime fails if the call does not give it.
// Source  ../shared/contracts/api.md: Rules
// Limits  kRulesBytesMax, kRulesMax, kRuleTextBytesMax; more than that is `malformed`.
// Safety  malicious text: size and nesting are limited before the parser sees it.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/api/glob.hpp"
#include "runtime/base/error.hpp"
#include "runtime/base/time.hpp"

namespace troupe::apps::api {

class Routes;

inline constexpr std::size_t kRulesBytesMax = 256 << 10;  // our choice: 1 KiB for each rule
inline constexpr std::size_t kRulesMax = 256;
inline constexpr std::size_t kRuleNameBytesMax = 64;
inline constexpr std::size_t kRuleTextBytesMax = 256;  // of a glob of names, and of a purpose

struct Rule {
  std::string name;                                    ///< 1 to kRuleNameBytesMax of a-z, 0-9 and -
  std::vector<std::string> commands;                   ///< "file put", "file *", or "*" for all
  std::optional<std::string> names{};                  ///< glob that each name must match (glob.hpp)
  std::vector<std::string> roles{};                    ///< the roles that may call; empty: any role
  std::optional<std::vector<std::string>> purposes{};  ///< the purposes; empty: any purpose that is not empty
  std::optional<base::Duration> ttl_max{};             ///< above zero

  friend bool operator==(const Rule&, const Rule&) = default;
};

/// What rules look at in a call.
struct RuledCall {
  std::string_view command;                   ///< "file put"
  std::vector<std::string> names{};           ///< the decoded first argument, the keys, or the name of the file
  std::string_view role{};                    ///< "viewer", "user", "operator" or "admin"
  std::optional<std::string_view> purpose{};  ///< the header `Purpose`
  std::optional<base::Duration> ttl{};        ///< nullopt: the call sets no lifetime, or an endless lifetime
};

struct Refusal {
  std::string rule;
  std::string why;  ///< names the rule, and repeats parts of the call: escape it to print it
};

class Rules {
 public:
  Rules() = default;

  /// Reads a file of rules. `commands` are the names of all commands to which a rule can apply.
  /// Errors: `malformed` with the line, the rule, and what is expected; also if there is no rule at all, because a file
  /// that is being written must not count as permission. The message repeats the text: escape it to print it.
  static base::Outcome<Rules> parse(std::string_view toml, const std::vector<std::string>& commands);

  /// Returns the first rule that does not hold, or nullopt.
  std::optional<Refusal> refusing(const RuledCall& call) const;

  /// Returns the rules in the order of the file.
  const std::vector<Rule>& list() const { return rules_; }

 private:
  std::vector<Rule> rules_;
};

/// Returns the names of the commands that have a route, for Rules::parse().
std::vector<std::string> ruled_commands(const Routes& routes);

/// Whether a rule for `pattern` applies to the command: "file *" stands for `file` and all commands below it.
bool is_command_of(std::string_view pattern, std::string_view command);

}  // namespace troupe::apps::api
