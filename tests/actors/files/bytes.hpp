#pragma once
// Bytes for tests, and short names for ids.
#include <cstdint>

#include "actors/files/api.hpp"
#include "runtime/base/bytes.hpp"
#include "runtime/base/mutations.hpp"
#include "runtime/base/time.hpp"

namespace troupe::files {

inline constexpr base::WallTime kToday{std::chrono::seconds{1'700'000'000}};

/// Byte i is i * 131 + (i >> 8) * 7 + (i >> 16), modulo 256: every leaf and chunk differs. The golden vectors are over
/// these.
inline base::Bytes pattern(std::size_t size) {
  base::Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(i * 131 + (i >> 8) * 7 + (i >> 16));
  return out;
}

/// The id with these first bytes, the rest zero.
inline base::NodeId node(std::uint8_t first, std::uint8_t second = 0) {
  base::NodeId out;
  out.bytes[0] = first;
  out.bytes[1] = second;
  return out;
}
inline ContentKey content(std::uint8_t first, std::uint32_t bytes = 1000) {
  ContentKey out{ContentKind::chunk, {}, bytes};
  out.id.bytes[0] = first;
  return out;
}
inline Cid cid(std::uint8_t first) {
  Cid out;
  out.bytes[0] = first;
  return out;
}
inline PutId put_id(std::uint8_t first) {
  PutId out;
  out.bytes[0] = first;
  return out;
}

/// Turns on one planted bug.
class Planted final : public base::Mutations {
 public:
  explicit Planted(std::string_view name) : name_(name) {}
  bool on(std::string_view name) const override { return name == name_; }

 private:
  std::string_view name_;
};

}  // namespace troupe::files
