#include "runtime/observe/logic/regex.hpp"

#include <re2/re2.h>

#include <string>

#include "runtime/base/text.hpp"

namespace troupe::observe {
namespace {

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

constexpr std::size_t kReasonMax = 120;  // RE2 repeats the pattern in its reason

}  // namespace

base::Result<Regex, Mistake> Regex::parse(std::string_view pattern) {
  if (pattern.empty()) return Mistake{0, "the regular expression is empty and would match everything"};
  if (pattern.size() > kRegexBytesMax)
    return Mistake{kRegexBytesMax, "a regular expression has at most " + std::to_string(kRegexBytesMax) + " bytes"};
  RE2::Options options;
  options.set_max_mem(kRegexMemoryMax);
  options.set_never_capture(true);
  options.set_log_errors(false);
  auto compiled = std::make_shared<const RE2>(piece(pattern), options);
  if (!compiled->ok()) {
    // RE2 names a part of the pattern as the cause; for an unclosed ( it names the whole pattern.
    const std::size_t place = pattern.find(compiled->error_arg());
    return Mistake{place == std::string_view::npos ? 0 : place,
                   "not a regular expression: " + base::shortened(compiled->error(), kReasonMax)};
  }
  if (compiled->ProgramSize() > static_cast<int>(kRegexStepsMax))
    return Mistake{0, "the regular expression is too large; use fewer repetitions or classes"};
  return Regex(std::move(compiled));
}

bool Regex::found_in(std::string_view text) const {
  return RE2::PartialMatch(piece(text.substr(0, kMatchedBytesMax)), *compiled_);
}

}  // namespace troupe::observe
