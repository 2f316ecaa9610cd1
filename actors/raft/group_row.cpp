#include "actors/raft/group_row.hpp"

#include "runtime/base/fields.hpp"

namespace troupe::raft {
namespace {

constexpr std::uint8_t kRowVersion = 1;
constexpr std::uint8_t kMember = 1, kFounder = 2, kKnown = 4;

void append(base::Bytes& out, const Configuration& configuration) {
  const base::Bytes bytes = encode(configuration);
  base::append_number(out, static_cast<std::uint32_t>(bytes.size()));
  base::append(out, bytes);
}
std::optional<Configuration> take_configuration(base::FieldReader& in) {
  const auto size = in.number<std::uint32_t>();
  return size <= kConfigurationBytesMax ? decode_configuration(in.take(size)) : std::nullopt;
}

}  // namespace

base::Bytes encode(const GroupRow& row) {
  base::Bytes out;
  out.push_back(kRowVersion);
  out.push_back(
      static_cast<std::uint8_t>((row.member ? kMember : 0) | (row.founding ? kFounder : 0) | (row.known ? kKnown : 0)));
  base::append_number(out, row.incarnation);
  base::append_number(out, row.epoch.value);
  base::append_number(out, row.lost);
  if (row.founding) append(out, *row.founding);
  if (row.known) append(out, *row.known);
  return out;
}

std::optional<GroupRow> decode_group_row(base::ByteView bytes) {
  base::FieldReader in(bytes);
  if (in.number<std::uint8_t>() != kRowVersion) return std::nullopt;
  const auto flags = in.number<std::uint8_t>();
  GroupRow out;
  out.member = flags & kMember;
  out.incarnation = in.number<std::uint64_t>();
  out.epoch = Epoch{in.number<std::uint64_t>()};
  out.lost = in.number<std::uint64_t>();
  if (!in.ok() || flags > (kMember | kFounder | kKnown) || out.incarnation == 0) return std::nullopt;
  if (flags & kFounder && !(out.founding = take_configuration(in))) return std::nullopt;
  if (flags & kKnown && !(out.known = take_configuration(in))) return std::nullopt;
  if (!in.ended()) return std::nullopt;
  return out;
}

}  // namespace troupe::raft
