#pragma once
// Finds the command that an HTTP request calls. The routes come from the table of commands.
//
// Paths   /v1/ + the words of the command + optionally its first argument: /v1/kv/get/orders%2F17. Short paths stand for
//         the same commands.
// Source  ../shared/contracts/api.md
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "apps/cli/command.hpp"

namespace troupe::apps::api {

/// A path below /v1/, and its command.
struct RouteRow {
  std::string method;              ///< "GET", "POST" or "PUT"
  std::vector<std::string> words;  ///< the segments of the path; "*" stands for the first argument
  const Command* command = nullptr;
  std::map<std::string, std::string> renamed{};  ///< fields whose names differ, by their names in the request
};

/// What a request calls.
struct Called {
  const RouteRow* row = nullptr;
  std::optional<std::string> subject{};  ///< the first argument, decoded, if the path has it
};
struct NoRoute {};
struct BadPath {
  std::string why;
};
struct WrongMethod {
  std::string allowed;  ///< "GET" or "GET, POST"
};
using Lookup = std::variant<Called, NoRoute, BadPath, WrongMethod>;

class Routes {
 public:
  /// Keeps pointers into `table`.
  explicit Routes(const Commands& table);

  /// `path` is the target of a request up to the query, percent-encoded. HEAD is looked up as GET.
  Lookup find(std::string_view method, std::string_view path) const;
  const std::vector<RouteRow>& rows() const { return rows_; }

 private:
  std::vector<RouteRow> rows_;  // more fixed words first
};

/// Returns the first argument of a command that is a value, or null.
const Positional* subject_of(const Command& command);
/// Returns the name under which a request gives an option: "max_price".
std::string field_name(const Option& option);
/// Returns the names under which a request gives an argument.
std::vector<std::string> field_names(const Positional& positional);
/// Returns the path of a route: "/v1/kv/get/{key}".
std::string path_of(const RouteRow& row);
/// Returns whether a request can give it: it is a value, an input or lines.
bool is_field(Field field);

/// Decodes %XX once; with `form`, also + as a space. Returns nullopt for a broken escape, %00 and invalid UTF-8.
std::optional<std::string> percent_decoded(std::string_view text, bool form);

}  // namespace troupe::apps::api
