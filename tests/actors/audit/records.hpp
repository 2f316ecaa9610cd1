#pragma once
// Records for the tests of the audit trail.
#include <string>
#include <string_view>
#include <vector>

#include "actors/audit/logic/head.hpp"

namespace troupe::audit {

/// Returns a record that differs from the records with other numbers.
inline Record record_of(std::uint64_t number) {
  return {.unix_ms = 1'700'000'000'000 + number,
          .key = number % 2 == 0 ? "token" : "00000000000000aa",
          .address = "127.0.0.1:40000",
          .command = "kv put",
          .name = "name " + std::to_string(number),
          .purpose = "",
          .status = 200,
          .rule = ""};
}

/// The lines of the first `count` records, and the head of the trail that has them.
struct Lines {
  explicit Lines(std::uint64_t count) {
    for (std::uint64_t i = 1; i <= count; ++i) {
      lines.push_back(encode(record_of(i), head.last));
      marks.push_back(head.last);
    }
  }
  std::vector<std::string> lines;
  std::vector<Mark> marks;
  Head head;
};

inline std::optional<std::uint64_t> first_bad(const Head& head, const std::vector<std::string>& lines) {
  Verifier verifier(head);
  for (const std::string& line : lines) verifier.take(line);
  return verifier.bad();
}

}  // namespace troupe::audit
