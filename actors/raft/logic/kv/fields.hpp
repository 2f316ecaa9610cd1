#pragma once
// Fields of variable length in commands, answers and snapshots: a length of 32 bits, then the bytes.
#include <optional>
#include <string>

#include "actors/raft/logic/kv/command.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::raft::kv {

inline void append_sized(base::Bytes& out, base::ByteView bytes) {
  base::append_number(out, static_cast<std::uint32_t>(bytes.size()));
  base::append(out, bytes);
}
inline void append_sized(base::Bytes& out, const std::string& text) { append_sized(out, base::as_bytes(text)); }

inline base::ByteView take_sized(base::FieldReader& in, std::size_t max) {
  const auto size = in.number<std::uint32_t>();
  if (size > max) in.fail();
  return in.ok() ? in.take(size) : base::ByteView{};
}
inline std::string take_text(base::FieldReader& in, std::size_t max) {
  return std::string(base::as_text(take_sized(in, max)));
}
inline std::string take_key(base::FieldReader& in) {
  std::string out = take_text(in, kKeyBytesMax);
  if (out.empty()) in.fail();
  return out;
}
inline Value take_value(base::FieldReader& in) {
  const base::ByteView bytes = take_sized(in, kValueBytesMax);
  return std::make_shared<const base::Bytes>(bytes.begin(), bytes.end());
}

}  // namespace troupe::raft::kv
