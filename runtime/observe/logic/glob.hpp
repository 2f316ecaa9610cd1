#pragma once
// A pattern of actor paths, such as /peer/** or /files/*/put?.
//
//   *   any characters within one part of the path               **  as a whole part: any number of parts, also none
//   ?   one character, never a slash                              \   before * ? [ ] { } \ : that character itself
//
// So /peer/** is /peer and all below it, /** is every actor, /**/store is every actor called store, and / is the root.
// Brackets and braces, which other glob languages use, are refused, not matched literally.
//
// Source  ** has gitignore's meaning, except that a final ** also matches the folder itself.
// Limits  kGlobBytesMax. A match takes at most as many steps as bytes of the glob times bytes of the path.
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
  /// Errors: `pattern` is not a glob; the position is within `pattern`.
  static base::Result<Glob, Mistake> parse(std::string_view pattern);

  /// Whether the glob matches the whole path. A path that does not begin with a slash never matches.
  bool matches(std::string_view path) const;

 private:
  explicit Glob(std::vector<std::string> parts) : parts_(std::move(parts)) {}

  std::vector<std::string> parts_;  // as written, with the escapes; no part for /
};

}  // namespace troupe::observe
