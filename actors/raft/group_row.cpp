#include "actors/raft/group_row.hpp"

#include "runtime/base/fields.hpp"

namespace troupe::raft {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kMember = 1, kFounder = 2;

}  // namespace

base::Bytes encode(const GroupRow& row) {
  base::Bytes out;
  out.push_back(kVersion);
  out.push_back(static_cast<std::uint8_t>((row.member ? kMember : 0) | (row.founding ? kFounder : 0)));
  base::append_number(out, row.incarnation);
  base::append_number(out, row.epoch.value);
  if (row.founding) base::append(out, encode(*row.founding));
  return out;
}

std::optional<GroupRow> decode_group_row(base::ByteView bytes) {
  base::FieldReader in(bytes);
  if (in.number<std::uint8_t>() != kVersion) return std::nullopt;
  const auto flags = in.number<std::uint8_t>();
  GroupRow out;
  out.member = flags & kMember;
  out.incarnation = in.number<std::uint64_t>();
  out.epoch = Epoch{in.number<std::uint64_t>()};
  if (!in.ok() || flags > (kMember | kFounder) || out.incarnation == 0) return std::nullopt;
  if (flags & kFounder) {
    auto configuration = decode_configuration(in.rest());
    if (!configuration) return std::nullopt;
    out.founding = std::move(*configuration);
  }
  if (!in.ended()) return std::nullopt;
  return out;
}

}  // namespace troupe::raft
