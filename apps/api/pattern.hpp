#pragma once
// Patterns of paths, for the scopes of keys and for grants: /v1/kv/**, /v1/kv/get/orders%2F*, /v1/files/*.
//
// Syntax  a path is split at `/`, then each segment is percent-decoded once. In a segment `*` stands for any bytes,
//         also for a decoded `/`; %2A is a star. `**` as the last segment stands for any number of segments, also none.
// Calls   a pattern matches a call, not the text of a request. All spellings of a call are the same call: short paths,
//         escapes, and a first argument in the query or the body.
// Limits  kPatternBytesMax, kPatternSegmentsMax
// Source  ../shared/contracts/api.md: Keys
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/api/glob.hpp"
#include "apps/api/routes.hpp"
#include "runtime/base/error.hpp"

namespace troupe::apps::api {

inline constexpr std::size_t kPatternBytesMax = 256;    // our choice: longer than the path of any sensible scope
inline constexpr std::size_t kPatternSegmentsMax = 16;  // with `v1`; the longest route has 5

class Pattern {
 public:
  /// Errors: `malformed` if the text does not begin with /v1/, has an empty segment or a dot segment, `**` before the
  /// last segment, a query, an invalid escape, or exceeds a limit. The message repeats the text: escape it to print it.
  static base::Outcome<Pattern> parse(std::string_view text);

  /// Whether the pattern matches the decoded segments of a path below /v1/.
  bool matches(std::span<const std::string> segments) const;

  const std::string& text() const { return text_; }
  friend bool operator==(const Pattern&, const Pattern&) = default;

 private:
  std::string text_;
  std::vector<Glob> segments_;  // below /v1/, without `**`
  bool open_ = false;           // ends with `**`
};

/// Whether the pattern matches the call of `command` with the decoded first argument `subject`, in whichever way the
/// request gave it. It matches if it matches the path of any route of the command:
/// - a route with a place for the subject, which the subject fills;
/// - a route without a place, if the call has no subject, or if no route of the command is longer by this place.
/// So `/v1/kv/get` does not match a call that gives the key in the query, but `/v1/nodes/reputation`, whose body names
/// the node, matches the calls for all nodes.
bool matches_call(const Pattern& pattern, const Routes& routes, const Command& command,
                  const std::optional<std::string>& subject);

}  // namespace troupe::apps::api
