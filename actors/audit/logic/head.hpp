#pragma once
// What the store knows of the trail, so that a change of its files is noticed.
#include "actors/audit/logic/record.hpp"
#include "runtime/base/bytes.hpp"

namespace troupe::audit {

struct Head {
  std::uint64_t first = 1;    ///< the oldest record that is kept; older files were removed
  base::Digest first_prev{};  ///< the hash of the record before it
  Mark last{};                ///< zero: there is no record yet

  base::Bytes encode() const;
  static std::optional<Head> decode(base::ByteView bytes);
  friend bool operator==(const Head&, const Head&) = default;
};

/// Follows the lines of a trail and finds the first that was changed or removed.
class Verifier {
 public:
  explicit Verifier(const Head& head) : head_(head), at_{head.first - 1, head.first_prev} {}

  /// Takes the next line, from the oldest on.
  void take(std::string_view line);
  /// Returns the number of the first bad record after the last line was taken; nullopt: the trail is complete.
  std::optional<std::uint64_t> bad() const;
  std::uint64_t records() const { return records_; }

 private:
  const Head head_;
  Mark at_;
  std::optional<std::uint64_t> bad_;
  std::uint64_t records_ = 0;
};

}  // namespace troupe::audit
