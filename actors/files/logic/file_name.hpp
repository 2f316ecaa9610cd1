#pragma once
// Names under which owners list their files. A name comes from outside and is later printed on terminals.
#include <cstdint>
#include <string_view>

#include "actors/files/api.hpp"
#include "runtime/base/result.hpp"

namespace troupe::files {

enum class NameError : std::uint8_t {
  too_long,    ///< more than kFileNameBytesMax bytes
  not_utf8,    ///< including overlong forms, surrogates and numbers above U+10FFFF (RFC 3629)
  control,     ///< C0, DEL, C1, line and paragraph separators, or marks that change the text direction (U+202A-E,
               ///< U+2066-9)
  not_a_name,  ///< ".", "..", or contains '/': a path
};

/// Returns the problem in words.
std::string_view explain(NameError error);

/// Returns whether `name` may be listed. An empty name is valid: a file from standard input has none.
base::Result<void, NameError> check_name(std::string_view name);

}  // namespace troupe::files
