#pragma once
// Fields that votes, proposals and guards have in common, as they are signed and stored.
//
// Option  one byte, 0 or 1, and behind a 1 the value; any other byte is malformed.
#include "actors/chain/logic/vote.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::chain::vote_fields {

inline void append(base::Bytes& out, const Place& place) {
  base::append_number(out, place.fork.value);
  base::append_number(out, place.height.value);
  base::append_number(out, place.round.value);
}
inline Place read_place(base::FieldReader& in) {
  Place place;
  place.fork.value = in.number<std::uint32_t>();
  place.height.value = in.number<std::uint64_t>();
  place.round.value = in.number<std::uint32_t>();
  return place;
}

inline bool read_flag(base::FieldReader& in) {
  const auto flag = in.number<std::uint8_t>();
  if (flag > 1) in.fail();
  return flag == 1;
}
template <class Value, class Append>
void append_option(base::Bytes& out, const std::optional<Value>& value, Append append_value) {
  base::append_number(out, std::uint8_t{value.has_value()});
  if (value) append_value(*value);
}
template <class Read>
auto read_option(base::FieldReader& in, Read read) {
  using Value = decltype(read());
  return read_flag(in) ? std::optional<Value>(read()) : std::nullopt;
}

inline void append(base::Bytes& out, const Choice& choice) {
  append_option(out, choice, [&](const BlockId& block) { base::append(out, block.view()); });
}
inline Choice read_choice(base::FieldReader& in) {
  return read_option(in, [&] { return in.fixed<BlockId>(); });
}

inline void append_time(base::Bytes& out, UnixMs time) {
  base::append_number(out, static_cast<std::uint64_t>(time.count()));
}
inline UnixMs read_time(base::FieldReader& in) {
  const auto value = in.number<std::uint64_t>();
  if (value > static_cast<std::uint64_t>(kTimeMax.count())) in.fail();
  return UnixMs(in.ok() ? static_cast<std::int64_t>(value) : 0);
}

inline Proposal read_proposal(base::FieldReader& in) {
  Proposal proposal;
  proposal.place = read_place(in);
  proposal.valid_round = read_option(in, [&] { return Round{in.number<std::uint32_t>()}; });
  proposal.block = in.fixed<BlockId>();
  proposal.time = read_time(in);
  return proposal;
}

}  // namespace troupe::chain::vote_fields
