#include "apps/api/pattern.hpp"

#include <algorithm>

#include "runtime/base/text.hpp"

namespace troupe::apps::api {
namespace {

constexpr std::string_view kPatternRoot = "/v1/";
constexpr std::string_view kOpenEnd = "**";
constexpr std::size_t kShownPatternBytes = 80;

base::Error bad_pattern(std::string_view text, std::string_view why) {
  return {base::Code::malformed,
          "invalid pattern \"" + base::shortened(text, kShownPatternBytes) + "\": " + std::string(why)};
}

/// Returns nullopt for an invalid escape.
std::optional<Glob> segment_glob(std::string_view segment) {
  std::vector<std::string> literals;
  for (const std::string& part : split_at_stars(segment)) {
    auto decoded = percent_decoded(part, false);
    if (!decoded) return std::nullopt;
    literals.push_back(std::move(*decoded));
  }
  return Glob(std::move(literals));
}

/// Whether the command has a route of these words that ends with the subject.
bool has_subject_below(const Routes& routes, const RouteRow& row) {
  return std::ranges::any_of(routes.rows(), [&](const RouteRow& other) {
    return other.command == row.command && other.words.size() == row.words.size() + 1 && other.words.back() == "*" &&
           std::equal(row.words.begin(), row.words.end(), other.words.begin());
  });
}

}  // namespace

base::Outcome<Pattern> Pattern::parse(std::string_view text) {
  if (text.size() > kPatternBytesMax)
    return bad_pattern(
        text, "expected at most " + std::to_string(kPatternBytesMax) + " bytes, got " + std::to_string(text.size()));
  if (!text.starts_with(kPatternRoot)) return bad_pattern(text, "expected a path that begins with /v1/");
  if (text.find_first_of("?#") != std::string_view::npos)
    return bad_pattern(text, "expected a path without a query; write %3F for ? and %23 for #");
  Pattern out;
  out.text_ = text;
  std::size_t segments = 1;
  for (std::string_view left = text.substr(kPatternRoot.size());; ++segments) {
    if (segments == kPatternSegmentsMax)
      return bad_pattern(text, "expected at most " + std::to_string(kPatternSegmentsMax) + " segments");
    const std::size_t end = left.find('/');
    const std::string_view segment = left.substr(0, end);
    const bool is_last = end == std::string_view::npos;
    if (segment == kOpenEnd && !is_last) return bad_pattern(text, "expected ** only as the last segment");
    if (segment == kOpenEnd) {
      out.open_ = true;
      return out;
    }
    auto glob = segment_glob(segment);
    if (!glob) return bad_pattern(text, "it has an invalid escape, a NUL, or bytes that are not UTF-8");
    if (const std::string* name = glob->literal(); name && (name->empty() || *name == "." || *name == ".."))
      return bad_pattern(text, "it has an empty segment or a dot segment");
    out.segments_.push_back(std::move(*glob));
    if (is_last) return out;
    left.remove_prefix(end + 1);
  }
}

bool Pattern::matches(std::span<const std::string> segments) const {
  if (segments.size() < segments_.size() || (segments.size() > segments_.size() && !open_)) return false;
  return std::equal(segments_.begin(), segments_.end(), segments.begin(),
                    [](const Glob& glob, const std::string& segment) { return glob.matches(segment); });
}

bool matches_call(const Pattern& pattern, const Routes& routes, const Command& command,
                  const std::optional<std::string>& subject) {
  return std::ranges::any_of(routes.rows(), [&](const RouteRow& row) {
    if (row.command->name != command.name) return false;
    std::vector<std::string> path = row.words;
    const auto place = std::ranges::find(path, "*");
    if (place != path.end()) {
      if (!subject) return false;
      *place = *subject;
    } else if (subject && has_subject_below(routes, row)) {
      return false;
    }
    return pattern.matches(path);
  });
}

}  // namespace troupe::apps::api
