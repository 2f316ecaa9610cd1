#pragma once
// A record of the audit trail: a line of JSON with the hash of the record before it.
//
// Line    {"seq":1,"time":1700000000000,"key":"token","address":"127.0.0.1:40000","command":"kv put","name":"a",
//         "purpose":"","status":200,"rule":"","prev":"HASH","hash":"HASH"}, without spaces or line breaks. Hashes are
//         SHA-256 in hexadecimal.
// Hash    of the bytes of the line before `,"hash":`. The first record follows a hash of 32 zero bytes.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/ids.hpp"

namespace troupe::audit {

inline constexpr std::size_t kPartBytesMax = 512;  // our choice: a longer text is shortened
inline constexpr std::size_t kLineBytesMax = 20u << 10;
static_assert(6 * 6 * kPartBytesMax + 512 <= kLineBytesMax);  // six texts of characters such as \u000a, and the rest

struct Record {
  std::uint64_t unix_ms = 0;
  std::string key, address, command, name, purpose;
  std::uint16_t status = 0;
  std::string rule;
};

/// A record's place in the chain.
struct Mark {
  std::uint64_t seq = 0;
  base::Digest hash{};

  friend bool operator==(const Mark&, const Mark&) = default;
};

/// A line that was written by encode(), and not changed since.
struct Line {
  Mark mark;
  base::Digest prev{};
  std::uint64_t unix_ms = 0;
  std::string_view key;
};

/// Returns the line of the record that follows `last`, and sets `last` to its place.
std::string encode(const Record& record, Mark& last);
/// Returns nullopt if the line does not have the format, or its hash does not match its content.
std::optional<Line> parse_line(std::string_view text);

}  // namespace troupe::audit
