#pragma once
// A pattern of actor paths, such as /peer/** or /files/*/put?.
//
//   *   any run of characters within one part of the path        **  as a whole part: any number of parts, also none
//   ?   one character, never a slash                              \   before * ? [ ] { } \ : that character itself
//
// So /peer/** is /peer and all below it, /** every actor, /**/store each actor called store, and / the root.
// Brackets and braces mean something to other globs; here they are refused, not taken for themselves.
//
// Source  the meaning of ** is gitignore's, but for its end, which holds for the folder itself too.
// Limits  kGlobBytesMax. A match takes at most bytes of the glob times bytes of the path steps: nothing is tried twice.
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.hpp"
#include "runtime/observe/logic/mistake.hpp"

namespace troupe::observe {

inline constexpr std::size_t kGlobBytesMax = 512;  // our choice: twice the longest path

class Glob {
 public:
  /// Errors: what is no glob; its place is one within `pattern`.
  static base::Result<Glob, Mistake> parse(std::string_view pattern);

  /// Whether the whole path is one of those meant. Nothing that does not begin with a slash is.
  bool matches(std::string_view path) const;

 private:
  explicit Glob(std::vector<std::string> parts) : parts_(std::move(parts)) {}

  std::vector<std::string> parts_;  // as written, with the escapes; of / there is none
};

}  // namespace troupe::observe
