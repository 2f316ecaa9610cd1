#pragma once
// Base64 (RFC 4648, section 4).
#include <optional>
#include <string_view>

#include "runtime/base/bytes.hpp"

namespace troupe::crypto {

/// Returns the bytes of a padded text, or nullopt if it has another character, such as a blank.
std::optional<base::Bytes> base64_decoded(std::string_view text);

}  // namespace troupe::crypto
