#pragma once
// A text among fixed-size fields: its length (2, little-endian), then its bytes.
#include <string>
#include <string_view>

#include "runtime/base/fields.hpp"

namespace troupe::task {

inline void append_text(base::Bytes& out, std::string_view text) {
  base::append_number(out, static_cast<std::uint16_t>(text.size()));
  base::append(out, base::as_bytes(text));
}

/// Reads a text. A length over `most` makes the reader fail.
inline std::string read_text(base::FieldReader& from, std::size_t most = UINT16_MAX) {
  const std::size_t size = from.number<std::uint16_t>();
  if (size > most) from.fail();
  return std::string(base::as_text(from.take(from.ok() ? size : 0)));
}

}  // namespace troupe::task
