#pragma once
// Names under which owners list their files. A name comes from outside and is printed on terminals later.
#include <cstdint>
#include <string_view>

#include "actors/files/api.hpp"
#include "runtime/base/result.hpp"

namespace troupe::files {

enum class NameError : std::uint8_t {
  too_long,    ///< more than kFileNameBytesMax bytes
  not_utf8,    ///< overlong forms, surrogates and numbers above U+10FFFF included (RFC 3629)
  control,     ///< C0, DEL, C1, line and paragraph separators, or marks that turn the direction of text (U+202A-E,
               ///< U+2066-9)
  not_a_name,  ///< ".", "..", or something with '/': a path
};

/// For people: what is wrong with it.
std::string_view explain(NameError error);

/// Whether `name` may be listed. The empty name is fine: a file from standard input has none.
base::Result<void, NameError> check_name(std::string_view name);

}  // namespace troupe::files
